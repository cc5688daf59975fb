"""What the comparisons in the README are made with: short trainings, and files of arguments."""

from pathlib import Path

import pytest
from mmengine.config import Config

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
FOLDER = CONFIGS / 'comparisons'
DATA_SETS = dict(streets='camvid_64px', faces='celebahq_64px')
STARTS = dict(segmentor='segmentors/mobilenetv2', initial='inpaintors/initial')
ENTRIES = dict(
    streets=(
        *('one_way', 'no_semantics', 'one_way_semantic_loss', 'no_semantic_loss'),
        *('no_recorrection', 'ours', 'supervised_1of8', 'ground_truth_map'),
    ),
    faces=(
        *('one_way', 'no_semantics', 'one_way_semantic_loss', 'no_semantic_loss'),
        *('no_recorrection', 'no_layout', 'ours', 'supervised_1of8', 'ground_truth_map'),
    ),
    mmagic_streets=('gl', 'deepfillv2', 'aot'),
    mmagic_faces=('gl', 'deepfillv2', 'aot'),
)


@pytest.fixture
def read(load_tool, repository, monkeypatch, tmp_path):
    """Arguments and entries of a file of arguments, and of what follows it."""
    monkeypatch.chdir(repository)
    tool = load_tool('benchmark')

    def parse(name, *more):
        file = FOLDER.relative_to(repository) / f'{name}.txt'
        args = tool.parse_args([f'@{file}', '--out', str(tmp_path), *more])
        return args, tool.read_entries(args)

    return parse


def test_every_file_is_tested():
    assert {path.stem for path in FOLDER.glob('*.txt')} == set(ENTRIES)
    starts = {f'{start}_{data}' for start in STARTS for data in DATA_SETS}
    assert {path.stem for path in FOLDER.glob('*.py')} == starts


def steps_of(cfg):
    """The transforms of training, by their type."""
    return {step.type: step for step in cfg.train_dataloader.dataset.pipeline}


@pytest.mark.parametrize('data', DATA_SETS)
@pytest.mark.parametrize('start', STARTS)
def test_a_start_is_another_schedule_of_a_config_that_is_tested(start, data):
    short = Config.fromfile(FOLDER / f'{start}_{data}.py')
    base = Config.fromfile(CONFIGS / f'{STARTS[start]}_{DATA_SETS[data]}.py')
    assert short.model == base.model
    assert short.val_dataloader == base.val_dataloader
    assert short.train_cfg.max_iters == dict(segmentor=1000, initial=1400)[start]
    assert short.train_cfg.max_iters == short.param_scheduler[-1].end
    assert short.param_scheduler[0].end == short.param_scheduler[1].begin
    assert list(steps_of(short)) == list(steps_of(base))
    assert short.train_dataloader.batch_size == dict(segmentor=8, initial=4)[start]
    unlabeled = ['images/unlabeled'] if (start, data) == ('initial', 'faces') else []
    assert short.train_dataloader.dataset.get('unlabeled_prefix', []) == unlabeled


def test_faces_are_hardly_enlarged_or_turned():
    steps = steps_of(Config.fromfile(FOLDER / 'segmentor_faces.py'))
    assert steps['ResizeSample'].scale_range == (1.0, 1.03)
    assert steps['mmseg.RandomRotate'].degree == 4.0


@pytest.mark.parametrize(('name', 'names'), ENTRIES.items())
def test_arguments_of_a_comparison_name_configs_and_settings_that_exist(read, name, names):
    args, entries = read(name)
    assert tuple(entry.name for entry in entries) == names
    assert all(entry.is_trained for entry in entries)
    assert args.train > 0
    assert args.reference in (None, *names)
    unlabeled = ['images/unlabeled'] if 'faces' in name else []
    for entry in entries:
        assert entry.cfg.train_dataloader.batch_size == 4
        assert entry.cfg.train_dataloader.dataset.get('unlabeled_prefix', []) == unlabeled


def test_what_follows_a_file_comes_before_it(read):
    args, entries = read(
        *('faces', '--train', '5', '--seeds', '7', '--only', 'ours', 'one_way'),
        *('--cfg-options', 'train_dataloader.dataset.labeled_ratio=1/4'),
    )
    assert (args.train, args.seeds) == (5, [7])
    assert [entry.name for entry in entries] == ['one_way', 'ours']
    for entry in entries:
        assert entry.cfg.train_dataloader.dataset.labeled_ratio == '1/4'
        assert entry.cfg.train_dataloader.batch_size == 4, 'options of the file stay'
