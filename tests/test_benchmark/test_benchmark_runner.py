import json
import logging
import shutil
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from mmagic.registry import MODELS
from mmengine.config import Config

from fbinpaint_mm.benchmark import benchmark_runner, planning
from fbinpaint_mm.benchmark.benchmark_runner import measure_all
from fbinpaint_mm.benchmark.entry import Entry
from fbinpaint_mm.benchmark.workbench import Settings, Workbench
from fbinpaint_mm.user_error import UserError


@pytest.fixture
def checkpoint(cfg, tmp_path):
    path = tmp_path / 'iter_5.pth'
    torch.manual_seed(0)
    torch.save(dict(state_dict=MODELS.build(cfg.model).state_dict()), path)
    return str(path)


def classical(method):
    return Entry(
        method, method, cfg=Config(dict(model=dict(type='ClassicalInpaintor', method=method)))
    )


@pytest.fixture
def entries(cfg, checkpoint):
    return [classical('mean_color'), Entry('small', 'small.py', checkpoint, cfg)]


@pytest.fixture
def settings(tmp_path):
    return Settings(tmp_path, 'mean_color', 'cpu', max_images=2, speed=False, command=['x'])


@pytest.fixture
def run(cfg, caplog):
    caplog.set_level(logging.INFO)

    def start(entries, settings):
        caplog.clear()
        logger = logging.getLogger('test_benchmark_runner')
        return measure_all(Workbench(entries, cfg, 'small.py', settings, logger))

    return start


@pytest.fixture
def no_scoring(monkeypatch):
    def refuse(*args):
        raise AssertionError('nothing is left to score')

    monkeypatch.setattr(benchmark_runner, 'score_model', refuse)


def test_all_entries_are_scored_on_the_same_pairs(run, entries, settings, caplog):
    benchmark = run(entries, settings)
    assert benchmark.reference == 'mean_color'
    assert benchmark.environment['command'] == 'x'
    assert benchmark.protocol['PSNR']['unit'] == 'dB'
    assert [entry.name for entry in benchmark.entries] == ['mean_color', 'small']
    for entry in benchmark.entries:
        assert entry.error is None
        (result,) = entry.runs
        assert result.seed is None
        assert all(one.samples == benchmark.data.samples for one in result.series)
        pictures = sorted(
            path.name for path in (settings.out / 'images' / entry.name).glob('*.png')
        )
        assert pictures == [f'{name}.png' for name in benchmark.data.samples]
    assert benchmark.entries[1].runs[0].checkpoint == entries[1].checkpoint
    assert benchmark.entries[1].runs[0].find('PSNR', 1) is not None
    assert 'small: PSNR' in caplog.text


def test_classes_of_another_name_get_scores_of_images_alone(run, entries, settings, caplog, cfg):
    """As many as the data has, so that nothing else tells that its numbers mean other things."""
    other = deepcopy(cfg)
    other.test_dataloader.dataset.metainfo = dict(classes=[f'part {i}' for i in range(10)])
    benchmark = run([entries[1], replace(entries[1], name='other', cfg=other)], settings)
    same, foreign = ({one.metric for one in entry.runs[0].series} for entry in benchmark.entries)
    assert foreign == {'PSNR', 'MAE'}
    assert same == foreign | {'mIoU', 'mIoU_hole', 'aAcc_hole'}
    warnings = [one.getMessage() for one in caplog.records if one.levelname == 'WARNING']
    assert warnings == ['other: its classes are not those of the data; it gets no scores of maps']
    assert benchmark.other_classes == ['other']


def test_the_true_map_guides_an_entry_whose_own_config_says_so(run, entries, settings, cfg):
    told = deepcopy(cfg)
    told.test_dataloader.dataset.pipeline.insert(-1, dict(type='mmagic.DictateLabelMap'))
    told.test_dataloader = [told.test_dataloader]
    entries.append(Entry('told', 'told.py', entries[1].checkpoint, told))
    benchmark = run(entries, replace(settings, max_images=None))
    right = {
        entry.name: series.score()
        for entry in benchmark.entries
        for series in entry.runs[0].series
        if series.metric == 'mIoU_hole' and series.round is None
    }
    assert right['small'] < 50
    assert right['told'] == pytest.approx(100)


def test_a_map_of_other_classes_cannot_guide(run, entries, settings, cfg):
    told = deepcopy(cfg)
    told.test_dataloader.dataset.pipeline.insert(-1, dict(type='DictateLabelMap'))
    told.test_dataloader.dataset.metainfo = dict(classes=tuple('abcdefghij'))
    entries.append(Entry('told', 'told.py', entries[1].checkpoint, told))
    error = run(entries, settings).entries[-1].error
    assert error.startswith('told: the true map is to guide it (DictateLabelMap in told.py), but')


def test_results_in_a_folder_are_scored_like_those_of_a_model(run, entries, settings, tmp_path):
    first = run(entries[:1], settings)
    results = tmp_path / 'results'
    shutil.copytree(settings.out / 'images/mean_color', results)
    folder = Entry('folder', f'{results}/', cfg=Config(dict(model=dict())))
    benchmark = run([folder], replace(settings, speed=True, reference='folder'))
    model, copy = (one.entries[0].runs[0].find('PSNR').items for one in (first, benchmark))
    np.testing.assert_allclose(copy, model, atol=0.02)  # rounded to 8 bits
    assert benchmark.entries[0].speed == {}
    (results / 'holes.csv').write_text('hole,sha256\n')
    with pytest.raises(UserError, match=r'holes\.csv: 2 of 2 images, or their holes'):
        run([entries[0], folder], settings)
    next(results.glob('*.png')).unlink()
    with pytest.raises(UserError, match=f'{results}: results do not fit the 2 images: 1 missing'):
        run([entries[0], folder], settings)


def test_what_is_finished_is_not_measured_again(run, entries, settings, caplog, monkeypatch):
    first = run(entries, settings)
    monkeypatch.setattr(benchmark_runner, 'build_model', None)
    second = run(entries, settings)
    assert 'mean_color: scores measured earlier, reused' in caplog.text
    stored = [
        [{**vars(entry), 'runs': [run.to_dict() for run in entry.runs]} for entry in one.entries]
        for one in (first, second)
    ]
    assert json.dumps(stored[0]) == json.dumps(stored[1])


@pytest.mark.usefixtures('no_scoring')
def test_a_failing_entry_does_not_stop_the_others(run, entries, settings, caplog):
    benchmark = run(entries, settings)
    assert [entry.error for entry in benchmark.entries] == [
        'AssertionError: nothing is left to score'
    ] * 2
    assert 'Traceback' in caplog.text
    assert not (settings.out / 'entries').exists()


def test_only_what_has_changed_is_measured_again(
    run, entries, settings, caplog, checkpoint, tmp_path, monkeypatch
):
    run(entries, settings)
    scored = []
    score = benchmark_runner.score_model
    monkeypatch.setattr(benchmark_runner, 'score_model', lambda *a: scored.append(1) or score(*a))
    other = tmp_path / 'other.pth'
    state = torch.load(checkpoint)['state_dict']
    torch.save(dict(state_dict={key: value * 0.5 for key, value in state.items()}), other)
    changed = [entries[0], replace(entries[1], checkpoint=str(other))]
    run(changed, settings)
    assert len(scored) == 1
    (settings.out / 'images/mean_color').rename(settings.out / 'images/moved')
    run(changed, settings)
    assert len(scored) == 2, 'pictures are missing'
    run(changed, replace(settings, max_images=3))
    assert len(scored) == 4, 'other images'
    assert len(run(entries[:1], replace(settings, max_images=3)).entries) == 1
    assert len(scored) == 4


def test_pictures_of_others_are_told_before_anything_is_measured(run, entries, settings):
    mine = settings.out / 'images/small/mine.png'
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b'mine')
    with pytest.raises(UserError, match=r'small/mine\.png: no benchmark made'):
        run(entries, settings)
    assert sorted(path.name for path in (settings.out / 'images').iterdir()) == ['small']
    assert mine.read_bytes() == b'mine'


def test_a_broken_result_is_measured_again(run, entries, settings, caplog):
    run(entries[:1], settings)
    (settings.out / 'entries/mean_color.json').write_text('{"scores": {')
    benchmark = run(entries[:1], settings)
    assert "'mean_color' is measured again" in caplog.text
    assert benchmark.entries[0].runs


def test_a_checkpoint_of_another_model_fails_alone(run, entries, settings, tmp_path):
    wrong = tmp_path / 'wrong.pth'
    torch.save(dict(state_dict={'generator.x': torch.zeros(1)}), wrong)
    benchmark = run([replace(entries[1], checkpoint=str(wrong)), entries[0]], settings)
    assert 'does not belong to this config' in benchmark.entries[0].error
    assert '\n' not in benchmark.entries[0].error
    assert benchmark.entries[0].runs == []
    assert benchmark.entries[1].error is None


def test_an_interruption_keeps_what_is_finished(run, entries, settings, monkeypatch):
    def interrupt(*args):
        raise KeyboardInterrupt

    run(entries[:1], settings)
    monkeypatch.setattr(benchmark_runner, 'score_model', interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(entries, settings)
    assert [path.name for path in (settings.out / 'entries').iterdir()] == ['mean_color.json']


class FakeTraining:
    """Trains by copying weights; fails for seed 2."""

    source = None
    calls = []
    done = 0

    def __init__(self, cfg, folder, device):
        self.cfg, self.folder, self.iterations = cfg, folder, cfg.train_cfg.max_iters
        self.fingerprint = f'{self.iterations} {cfg.randomness.seed}'
        self.checkpoint = folder / 'last.pth'

    def run(self, advance):
        self.calls.append((self.iterations, self.cfg.randomness.seed))
        if self.cfg.randomness.seed == 2:
            raise RuntimeError('out of memory')
        self.folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.source, self.checkpoint)
        advance(self.iterations)
        return dict(iterations=self.iterations, seconds=1.5)


@pytest.fixture
def fake_training(monkeypatch, checkpoint):
    monkeypatch.setattr(FakeTraining, 'source', checkpoint)
    monkeypatch.setattr(FakeTraining, 'calls', [])
    monkeypatch.setattr(planning, 'Training', FakeTraining)
    return FakeTraining


@pytest.fixture
def speeds(monkeypatch):
    numbers = {
        'small': dict(training_cpu_seconds_per_iteration=2.0, training_flops_per_iteration=10.0),
        'twice': dict(training_cpu_seconds_per_iteration=1.0),
    }
    monkeypatch.setattr(
        benchmark_runner, 'speed_of', lambda bench, entry: numbers.get(entry.name, {})
    )


@pytest.mark.usefixtures('speeds')
def test_entries_are_trained_for_each_seed_with_equal_budgets(run, cfg, settings, fake_training):
    entries = [Entry(name, 'small.py', cfg=cfg) for name in ('small', 'twice')]
    entries.append(classical('mean_color'))
    settings = replace(settings, iterations=3, equal='seconds', seeds=(0, 1), reference='small')
    benchmark = run(entries, settings)
    assert fake_training.calls == [(3, 0), (3, 1), (6, 0), (6, 1)]
    small, twice, mean = benchmark.entries
    assert [(one.seed, one.training) for one in small.runs] == [
        (seed, dict(iterations=3, seconds=1.5, flops=30.0)) for seed in (0, 1)
    ]
    assert twice.runs[1].training == dict(iterations=6, seconds=1.5)
    assert small.runs[0].checkpoint == str(settings.out / 'training/small/seed_0/last.pth')
    assert (mean.runs[0].seed, mean.runs[0].training) == (None, {})
    run(entries, settings)
    assert len(fake_training.calls) == 4


@pytest.mark.usefixtures('speeds', 'fake_training')
def test_what_is_trained_says_what_it_started_from(run, cfg, settings, monkeypatch):
    monkeypatch.setattr(benchmark_runner, 'describe_starts', lambda cfg: ['a file'])
    entries = [Entry('small', 'small.py', cfg=cfg), classical('mean_color')]
    benchmark = run(entries, replace(settings, iterations=3, reference='small'))
    assert [entry.starts for entry in benchmark.entries] == [['a file'], []]


def test_a_checkpoint_that_cannot_be_read_is_told_once(run, cfg, settings, caplog):
    path = settings.out / 'evil.pth'
    torch.save(dict(state_dict={}, meta=print), path)
    settings = replace(settings, speed=True, reference='evil')
    (entry,) = run([Entry('evil', 'small.py', str(path), cfg)], settings).entries
    assert entry.error.startswith(f"checkpoint '{path}' calls 'print'")
    assert caplog.text.count("'print'") == 1
    assert 'Traceback' not in caplog.text


@pytest.mark.usefixtures('speeds')
def test_seeds_before_one_that_fails_are_kept(run, cfg, settings, fake_training, caplog):
    entries = [Entry('small', 'small.py', cfg=cfg)]
    settings = replace(settings, iterations=3, seeds=(0, 2, 1), reference='small')
    (entry,) = run(entries, settings).entries
    assert entry.error == 'RuntimeError: out of memory'
    assert 'Traceback' in caplog.text, 'it is no mistake of the user'
    assert [one.seed for one in entry.runs] == [0]
    run(entries, settings)
    assert fake_training.calls == [(3, 0), (3, 2), (3, 2)], 'only what failed is tried again'


@pytest.mark.usefixtures('speeds', 'fake_training')
def test_an_entry_without_a_measured_cost_says_what_to_do(run, cfg, settings):
    entries = [Entry(name, 'small.py', cfg=cfg) for name in ('small', 'twice')]
    settings = replace(settings, iterations=3, equal='flops', reference='small')
    small, twice = run(entries, settings).entries
    assert small.error is None
    assert 'training_flops_per_iteration was not measured' in twice.error
    assert '--equal iterations' in twice.error


def test_a_mistyped_column_is_found_before_anything_is_scored(run, entries, settings, no_scoring):
    with pytest.raises(UserError, match="--columns 'PSNRR' is not a column; there are seeds, "):
        run(entries, replace(settings, columns=['PSNR', 'PSNRR']))


def test_results_say_what_entries_were_trained_with(run, entries, settings):
    classical, small = run(entries, settings).entries
    assert (classical.trained, small.trained) == ({}, dict(images=4, labeled=4))
