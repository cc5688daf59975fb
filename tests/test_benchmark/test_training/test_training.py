import hashlib
import json
from pathlib import Path

import pytest
from mmengine.config import Config

from fbinpaint_mm.benchmark import child_process
from fbinpaint_mm.benchmark.training.training import Training, describe_starts

# Stands in for tools/train.py: notes how it was called, and does two iterations at a time.
TOOL = """
import json, pathlib, re, sys
config, flag, folder, resume = sys.argv[1:]
assert (flag, resume) == ('--work-dir', '--resume')
folder = pathlib.Path(folder)
total = int(re.search(r'max_iters=(\\d+)', pathlib.Path(config).read_text()).group(1))
progress = folder / 'progress.json'
done = json.loads(progress.read_text())['iteration'] if progress.is_file() else 0
done = min(done + 2, total)
written = folder / 'progress.new'  # moved at once, like the real one: it is read meanwhile
written.write_text(json.dumps(dict(iteration=done, seconds=done / 4)))
written.replace(progress)
with open(folder / 'calls.txt', 'a') as file:
    file.write(f'{done}\\n')
(folder / f'iter_{done}.pth').touch()
if done < total:
    raise OSError('power cut')
"""


@pytest.fixture
def make(tmp_path, monkeypatch):
    monkeypatch.setattr(child_process, 'POLL', 0.02)
    tool = tmp_path / 'train.py'
    tool.write_text(TOOL)

    def build(iterations, device='cpu', **options):
        cfg = Config(dict(train_cfg=dict(max_iters=iterations), **options))
        return Training(cfg, tmp_path / 'ours' / 'seed_0', tool, device)

    return build


def test_a_training_is_a_process_of_its_own(make):
    training, seen = make(2), []
    assert training.run(seen.append) == dict(iterations=2, seconds=0.5)
    assert seen[-1] == 2
    assert training.checkpoint == training.folder / 'iter_2.pth'
    assert training.is_finished
    assert training.folder.name.startswith('seed_0_')


def test_an_interrupted_training_goes_on_and_a_finished_one_is_not_repeated(make):
    training = make(4)
    with pytest.raises(RuntimeError, match=r'^OSError: power cut \(log: .*log\.txt\)$'):
        training.run()
    assert not training.is_finished
    again = make(4)
    assert again.run() == dict(iterations=4, seconds=1.0)
    assert make(4).run() == dict(iterations=4, seconds=1.0)
    assert (again.folder / 'calls.txt').read_text() == '2\n4\n'


def test_a_checkpoint_that_was_not_written_to_its_end_does_not_count(make):
    training = make(2)
    training.folder.mkdir(parents=True)
    training.checkpoint.touch()
    (training.folder / 'progress.json').write_text(json.dumps(dict(iteration=1, seconds=1.0)))
    assert not training.is_finished


def test_trainings_with_other_settings_do_not_meet(make):
    trainings = (make(2), make(4), make(2, randomness=dict(seed=1)), make(2, device='cuda'))
    folders = {training.folder for training in trainings}
    assert len(folders) == 4
    assert make(2).folder == make(2, work_dir='elsewhere').folder
    assert all(isinstance(folder, Path) for folder in folders)


def test_the_weights_it_starts_from_are_told_by_path_and_hash(tmp_path):
    path = tmp_path / 'initial' / 'iter_5.pth'
    path.parent.mkdir()
    path.write_bytes(b'weights')
    cfg = Config(dict(model=dict(start_checkpoint=str(path), init_cfg=dict(checkpoint=str(path)))))
    digits = hashlib.sha256(b'weights').hexdigest()[:8]
    assert describe_starts(cfg) == [dict(checkpoint='initial/iter_5.pth', sha256=digits)]
