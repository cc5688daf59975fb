"""What the comparisons in the README are made with: short trainings, and files of arguments."""

from __future__ import annotations

import pytest

from fbinpaint_mm.benchmark.command import read_entries
from tests.test_configs.shipped_configs import CONFIGS, differences, names, read

FOLDER = CONFIGS / 'comparisons'
DATA_SETS = dict(streets='camvid_64px', faces='celebahq_64px')
STARTS = dict(segmentor='segmentors/mobilenetv2', initial='inpaintors/initial')
ABLATIONS = (
    *('one_way', 'no_semantics', 'one_way_semantic_loss', 'no_semantic_loss'),
    *('no_recorrection', 'ours', 'labeled_only', 'ground_truth_map'),
)
ABLATIONS_OF_FEEDBACK = ('one_way', 'no_semantics', 'one_way_semantic_loss', 'ours')
ENTRIES = dict(
    streets=ABLATIONS,
    faces=ABLATIONS,
    feedback_streets=ABLATIONS_OF_FEEDBACK,
    feedback_faces=ABLATIONS_OF_FEEDBACK,
    mmagic_streets=('gl', 'deepfillv2', 'aot'),
    mmagic_faces=('gl', 'deepfillv2', 'aot'),
)


@pytest.fixture
def read_arguments(load_tool, repository, monkeypatch, tmp_path):
    """Arguments and entries of a file of arguments, and of what follows it."""
    monkeypatch.chdir(repository)
    tool = load_tool('benchmark')

    def parse(name, *more):
        file = FOLDER.relative_to(repository) / f'{name}.txt'
        args = tool.parse_args([f'@{file}', '--out', str(tmp_path), *more])
        return args, read_entries(args)

    return parse


def test_every_file_is_tested():
    assert {path.stem for path in FOLDER.glob('*.txt')} == set(ENTRIES)
    stages = (*STARTS, 'migan', 'maps', 'final')
    starts = {f'comparisons/{stage}_{data}' for stage in stages for data in DATA_SETS}
    assert set(names('comparisons')) == starts


def steps_of(config):
    """The transforms of training, by their type."""
    return {step.type: step for step in config.train_dataloader.dataset.pipeline}


@pytest.mark.parametrize('data', DATA_SETS)
@pytest.mark.parametrize('start', STARTS)
def test_a_start_is_another_schedule_of_a_config_that_is_tested(start, data):
    short = read(f'comparisons/{start}_{data}')
    base = read(f'{STARTS[start]}_{DATA_SETS[data]}')
    assert short.model == base.model
    assert short.val_dataloader == base.val_dataloader
    assert short.train_cfg.max_iters == dict(segmentor=1000, initial=1400)[start]
    assert short.param_scheduler[0].end == short.param_scheduler[1].begin
    assert list(steps_of(short)) == list(steps_of(base))
    assert short.train_dataloader.batch_size == dict(segmentor=8, initial=4)[start]
    unlabeled = ['images/unlabeled'] if (start, data) == ('initial', 'faces') else []
    assert short.train_dataloader.dataset.get('unlabeled_prefix', []) == unlabeled


@pytest.mark.parametrize(('data', 'base'), [('streets', 'camvid'), ('faces', 'celebahq')])
def test_round_0_at_full_size_is_a_short_training_without_an_adversary(data, base):
    short, full = read(f'comparisons/migan_{data}'), read(f'baselines/migan_{base}')
    assert set(differences(short.model, full.model)) == {'disc', 'losses.gan'}
    assert short.val_dataloader == full.val_dataloader
    assert short.train_cfg.max_iters == short.param_scheduler[-1].end == 1000


@pytest.mark.parametrize(('data', 'base'), [('streets', 'camvid'), ('faces', 'celebahq')])
def test_the_maps_stage_is_a_short_training_of_the_same_model(data, base):
    short, full = read(f'comparisons/maps_{data}'), read(f'maps/{base}')
    assert not differences(short.model, full.model)
    assert short.optim_wrapper == full.optim_wrapper
    assert steps_of(short) == steps_of(full)
    assert short.val_dataloader == full.val_dataloader
    assert short.train_cfg.max_iters == short.param_scheduler[-1].end == 1000
    assert {hook.ramp for hook in short.custom_hooks if 'ramp' in hook} == {300}
    unlabeled = ['images/unlabeled'] if data == 'faces' else []
    assert short.train_dataloader.dataset.unlabeled_prefix == unlabeled


@pytest.mark.parametrize(('data', 'base'), [('streets', 'camvid'), ('faces', 'celebahq')])
def test_the_trained_models_are_of_the_full_size_configs(data, base):
    short, full = read(f'comparisons/final_{data}'), read(f'fbinpaint_{base}')
    assert set(differences(short.model, full.model)) == {'disc', 'losses.gan'}
    assert short.optim_wrapper == full.optim_wrapper
    assert steps_of(short) == steps_of(full)
    assert short.val_dataloader == full.val_dataloader
    assert short.train_cfg.max_iters == short.param_scheduler[-1].end == 1500
    assert {hook.ramp for hook in short.custom_hooks if 'ramp' in hook} == {1}
    unlabeled = ['images/unlabeled'] if data == 'faces' else []
    assert short.train_dataloader.dataset.get('unlabeled_prefix', []) == unlabeled


def test_faces_are_hardly_enlarged_or_turned():
    steps = steps_of(read('comparisons/segmentor_faces'))
    assert steps['ResizeSample'].scale_range == (1.0, 1.03)
    assert steps['mmseg.RandomRotate'].degree == 4.0


@pytest.mark.parametrize(('name', 'expected'), ENTRIES.items())
def test_arguments_of_a_comparison_name_configs_and_settings_that_exist(
    read_arguments, name, expected
):
    args, entries = read_arguments(name)
    assert tuple(entry.name for entry in entries) == expected
    assert all(entry.is_trained for entry in entries)
    assert args.iterations > 0
    assert args.speed, 'nothing after the file could ask for it, as --equal seconds needs'
    assert args.reference in (None, *expected)
    unlabeled = ['images/unlabeled'] if 'faces' in name else []
    for entry in entries:
        assert entry.cfg.train_dataloader.batch_size == 4
        assert entry.cfg.train_dataloader.dataset.get('unlabeled_prefix', []) == unlabeled


def test_what_follows_a_file_comes_before_it(read_arguments):
    args, entries = read_arguments(
        *('faces', '--train', '5', '--seeds', '7', '--only', 'ours', 'one_way'),
        *('--cfg-options', 'train_dataloader.dataset.labeled_ratio=1/4'),
    )
    assert (args.iterations, args.seeds) == (5, [7])
    assert [entry.name for entry in entries] == ['one_way', 'ours']
    for entry in entries:
        assert entry.cfg.train_dataloader.dataset.labeled_ratio == '1/4'
        assert entry.cfg.train_dataloader.batch_size == 4, 'options of the file stay'
