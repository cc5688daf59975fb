import logging
from copy import deepcopy
from dataclasses import replace

import pytest
from mmengine.config import Config

from fbinpaint_mm.benchmark.entry import Entry
from fbinpaint_mm.benchmark.planning import budget_of, plan_iterations, plan_runs, speed_of
from fbinpaint_mm.benchmark.speed.measure_speed import SpeedMeter
from fbinpaint_mm.benchmark.workbench import Settings, Workbench

ENTRIES = [
    Entry('ours', 'ours.py'),
    Entry('slow', 'slow.py'),
    Entry('telea', 'telea'),
    Entry('old', 'ours.py', 'old.pth'),
    Entry('fast', 'fast.py'),
]
SPEEDS = {
    'ours': dict(
        training_seconds_per_iteration=0.2,
        training_cpu_seconds_per_iteration=0.4,
        training_flops_per_iteration=3e9,
    ),
    'slow': dict(
        training_seconds_per_iteration=60.0,
        training_cpu_seconds_per_iteration=0.8,
        training_flops_per_iteration=6e9,
    ),
    'fast': dict(
        training_seconds_per_iteration=0.13,
        training_cpu_seconds_per_iteration=0.1,
        training_flops_per_iteration=1e9,
    ),
    'old': {},
    'telea': {},
}


@pytest.fixture
def bench(cfg, tmp_path):
    settings = Settings(tmp_path, 'a', 'cpu', iterations=10, seeds=(4, 5))
    entries = [Entry('a', 'small.py', cfg=cfg), Entry('b', 'small.py', cfg=cfg)]
    logger = logging.getLogger('test_planning')
    bench = Workbench(entries, cfg, 'small.py', settings, logger)
    bench.pairs.survey(bench.pictures)
    return bench


@pytest.fixture
def measured(monkeypatch):
    """Batches that a speed was asked for; without any code that measures one."""
    batches = []

    def speed(meter, entry, batch):
        batches.append(batch)
        if len(batches) > 1:
            raise ChildProcessError('no memory\nat all')
        return dict(parameters=5)

    monkeypatch.setattr(SpeedMeter, 'speed', speed)
    return batches


def test_speed_is_that_of_one_image(bench, measured, caplog):
    assert speed_of(bench, bench.entries[0]) == dict(parameters=5)
    assert [len(batch['inputs']) for batch in measured] == [1]
    assert speed_of(bench, bench.entries[0]) == {}
    assert 'a: speed not measured: no memory at all' in caplog.text
    assert bench.errors == {}
    bench.settings = replace(bench.settings, speed=False)
    assert speed_of(bench, bench.entries[0]) == {}
    assert len(measured) == 2


def test_the_speed_of_a_model_of_other_classes_needs_no_labels(bench, measured, cfg):
    other = deepcopy(cfg)
    other.test_dataloader.dataset.metainfo = dict(classes=['face'])
    for entry, has_labels in ((bench.entries[0], True), (Entry('b', 'b.py', cfg=other), False)):
        measured.clear()
        bench.entries = [entry]
        bench.compare_classes()
        assert speed_of(bench, entry) == dict(parameters=5)
        assert ('gt_seg' in measured[0]['data_samples'][0]) == has_labels


def test_speed_is_that_of_a_model_which_the_true_map_guides(bench, measured, cfg):
    guided = deepcopy(cfg)
    guided.test_dataloader.dataset.pipeline.insert(-1, dict(type='DictateLabelMap'))
    for config, is_guided in ((cfg, False), (guided, True)):
        measured.clear()
        assert speed_of(bench, Entry('a', 'a.py', cfg=config)) == dict(parameters=5)
        assert ('dictated_seg' in measured[0]['data_samples'][0]) == is_guided


def test_results_in_a_folder_have_no_speed(bench, measured, tmp_path):
    assert speed_of(bench, Entry('folder', f'{tmp_path}/')) == {}
    assert measured == []


def test_each_seed_is_a_run(bench):
    plans = plan_runs(bench, {})
    assert [(run.seed, run.part, run.saves_pictures) for run in plans['b']] == [
        (4, 'scores_seed_4', True),
        (5, 'scores_seed_5', False),
    ]
    first = plans['b'][0]
    assert first.training.iterations == 10
    assert first.training.folder.parent == bench.settings.out / 'training/b'
    assert first.checkpoint == str(first.training.folder / 'iter_10.pth')
    marks = {run.fingerprint for runs in plans.values() for run in runs}
    assert len(marks) == 2, 'a and b are the same model, their seeds are not'


def test_a_new_onnx_file_of_the_same_name_is_scored_anew(bench, tmp_path):
    path = tmp_path / 'a.onnx'
    bench.entries = [Entry('a', str(path))]
    marks = []
    for content in ('old', 'old', 'new'):
        path.write_text(content)
        marks += [run.fingerprint for run in plan_runs(bench, {})['a']]
    assert marks[0] == marks[1] != marks[2]


def test_an_entry_that_cannot_be_planned_has_no_runs(bench):
    cfg = Config(dict(bench.entries[1].cfg.to_dict(), train_cfg=dict(max_epochs=3)))
    bench.entries = [bench.entries[0], Entry('b', 'small.py', cfg=cfg)]
    plans = plan_runs(bench, {})
    assert (len(plans['a']), plans['b']) == (2, [])
    assert bench.errors['b'].startswith('the config has no train_cfg.max_iters')


@pytest.mark.parametrize(
    ('equal', 'reference', 'expected'),
    [
        ('iterations', 'ours', dict(ours=100, slow=100, fast=100)),
        ('seconds', 'ours', dict(ours=100, slow=1, fast=154)),
        ('cpu_seconds', 'ours', dict(ours=100, slow=50, fast=400)),
        ('flops', 'ours', dict(ours=100, slow=50, fast=300)),
        ('flops', 'fast', dict(ours=33, slow=17, fast=100)),
        ('flops', 'telea', dict(ours=100, slow=50, fast=300)),
        ('flops', 'old', dict(ours=100, slow=50, fast=300)),
    ],
)
def test_all_spend_what_the_reference_spends(equal, reference, expected):
    assert plan_iterations(ENTRIES, reference, 100, equal, SPEEDS) == expected


@pytest.mark.parametrize(
    ('device', 'equal', 'expected'),
    [
        ('cpu', 'seconds', 'cpu_seconds'),
        ('cuda', 'seconds', 'seconds'),
        ('cpu', 'flops', 'flops'),
    ],
)
def test_seconds_of_a_processor_are_those_of_the_training_alone(tmp_path, device, equal, expected):
    assert budget_of(Settings(tmp_path, 'ours', device, equal=equal)) == expected


def test_an_entry_whose_cost_is_unknown_has_no_budget():
    speeds = {**SPEEDS, 'slow': dict(parameters=5)}
    assert plan_iterations(ENTRIES, 'ours', 100, 'seconds', speeds) == dict(ours=100, fast=154)
    assert plan_iterations(ENTRIES, 'slow', 100, 'seconds', speeds) == {}
    assert plan_iterations(ENTRIES, 'slow', 100, 'iterations', {})['slow'] == 100
