import hashlib
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from mmengine.config import Config

from fbinpaint_mm.benchmark import training as module
from fbinpaint_mm.benchmark.training import (
    Training,
    TrainingClockHook,
    describe_starts,
    scale_training,
)


def train(config, work_dir, resume):
    """Stands in for ``run_training``: notes that it was called, and does two iterations."""
    assert resume == 'auto'
    folder, total = Path(work_dir), Config.fromfile(config).train_cfg.max_iters
    progress = folder / 'progress.json'
    done = json.loads(progress.read_text())['iteration'] if progress.is_file() else 0
    done = min(done + 2, total)
    progress.write_text(json.dumps(dict(iteration=done, seconds=done / 4)))
    with (folder / 'calls.txt').open('a') as file:
        file.write(f'{done}\n')
    (folder / f'iter_{done}.pth').touch()
    if done < total:
        raise OSError('power cut')


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Builds a training that runs in this process; ``test_fresh_process.py`` has the others."""

    def call(function, *, log, device, watch):
        assert (log.parent.parent, device) == (tmp_path / 'ours', 'cpu')
        function()
        watch()

    monkeypatch.setattr(module, 'call_in_process', call)
    monkeypatch.setattr(module, 'run_training', train)

    def build(iterations, device='cpu', **options):
        cfg = Config(dict(train_cfg=dict(max_iters=iterations), **options))
        return Training(cfg, tmp_path / 'ours' / 'seed_0', device)

    return build


def test_a_training_is_a_process_of_its_own(make):
    training, seen = make(2), []
    assert training.run(seen.append) == dict(iterations=2, seconds=0.5)
    assert seen == [2, 2], 'while it ran, and at the end'
    assert training.checkpoint == training.folder / 'iter_2.pth'
    assert training.is_finished
    assert training.folder.name.startswith('seed_0_')


def test_an_interrupted_training_goes_on_and_a_finished_one_is_not_repeated(make):
    training = make(4)
    with pytest.raises(OSError, match='power cut'):
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
    cfg = Config(dict(model=dict(init_cfg=dict(checkpoint=str(path)))))
    digits = hashlib.sha256(b'weights').hexdigest()[:8]
    assert describe_starts(cfg) == [dict(checkpoint='initial/iter_5.pth', sha256=digits)]


@pytest.fixture
def clock(monkeypatch):
    now = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(module, 'perf_counter', lambda: now.seconds)
    monkeypatch.setattr(module, 'process_time', lambda: now.seconds / 2)
    return now


@pytest.fixture
def runner(tmp_path):
    return SimpleNamespace(
        iter=0, max_iters=3, work_dir=str(tmp_path), model=SimpleNamespace(cur_iter=0)
    )


def progress(runner):
    with open(f'{runner.work_dir}/progress.json') as file:
        return json.load(file)


def test_progress_is_written_now_and_then_and_at_the_end(clock, runner):
    hook = TrainingClockHook(interval=5)
    clock.seconds += 50  # building the model does not count
    hook.before_train(runner)
    assert progress(runner) == dict(iteration=0, seconds=0.0, cpu_seconds=0.0)
    written = []
    for runner.iter, seconds in enumerate([2, 4, 1]):
        clock.seconds += seconds
        hook.after_train_iter(runner, runner.iter)
        written.append(progress(runner))
    assert written == [
        dict(iteration=0, seconds=0.0, cpu_seconds=0.0),
        dict(iteration=2, seconds=6.0, cpu_seconds=3.0),
        dict(iteration=3, seconds=7.0, cpu_seconds=3.5),
    ]


def test_a_resumed_training_goes_on_counting(clock, runner):
    first, checkpoint = TrainingClockHook(), {}
    first.before_train(runner)
    clock.seconds += 8
    first.before_save_checkpoint(runner, checkpoint)
    clock.seconds += 30  # lost: done after the checkpoint, and done again

    second = TrainingClockHook()
    second.after_load_checkpoint(runner, checkpoint)
    runner.iter = 2
    second.before_train(runner)
    clock.seconds += 3
    second.after_train_iter(runner, 2)
    assert progress(runner) == dict(iteration=3, seconds=11.0, cpu_seconds=5.5)
    assert runner.model.cur_iter == 2, 'phases of mmagic go on'


def test_weights_of_another_training_bring_no_seconds(runner, clock):
    hook = TrainingClockHook()
    hook.after_load_checkpoint(runner, dict(training_seconds=500.0))
    hook.before_train(runner)
    assert progress(runner) == dict(iteration=0, seconds=0.0, cpu_seconds=0.0)
    assert runner.model.cur_iter == 0


def test_what_an_older_checkpoint_did_not_count_stays_unknown(runner, clock):
    hook, runner.iter = TrainingClockHook(), 2
    hook.after_load_checkpoint(runner, dict(training_seconds=8.0))
    hook.before_train(runner)
    clock.seconds += 3
    hook.after_train_iter(runner, 2)
    assert progress(runner) == dict(iteration=3, seconds=11.0, cpu_seconds=None)


def test_a_scaled_training_has_its_length_seed_and_clock(cfg):
    before = cfg.to_dict()
    scaled = scale_training(cfg, 40, seed=3)
    assert scaled.train_cfg == dict(type='IterBasedTrainLoop', max_iters=40)
    assert scaled.param_scheduler[-1].end == 40
    assert scaled.custom_hooks[-1] == dict(type='TrainingClockHook')
    assert module.__name__ in scaled.custom_imports.imports
    assert scaled.randomness == dict(seed=3)
    assert cfg.to_dict() == before, 'the config itself stays'


def test_no_checkpoint_is_chosen_by_its_scores(cfg):
    scaled = scale_training(cfg, 40, seed=0)
    assert (scaled.val_dataloader, scaled.val_evaluator, scaled.val_cfg) == (None, None, None)
    assert scaled.default_hooks.checkpoint == dict(
        type='WholeCheckpointHook', by_epoch=False, interval=10, max_keep_ckpts=1
    )
    assert scaled.default_hooks.logger.interval == 1
