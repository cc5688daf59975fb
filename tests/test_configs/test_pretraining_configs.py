"""Configs that train a segmentor, round 0 or maps alone, and those that start from them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from mmagic.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.runner import load_checkpoint
from mmseg.models import SegDataPreProcessor
from PIL import Image

from fbinpaint_mm.models.segmentor import SegmentorInput
from tests.test_configs.shipped_configs import (
    CONFIGS,
    differences,
    names,
    read,
    remove_downloads,
)

DATA = ('camvid_64px', 'celebahq_64px')
FULL_SIZE = ('camvid', 'celebahq', 'cityscapes')


def test_there_is_one_of_each_for_every_data_set():
    assert names('inpaintors') == [f'inpaintors/initial_{data}' for data in DATA]
    assert names('segmentors') == [f'segmentors/mobilenetv2_{data}' for data in DATA]
    assert names('maps') == [f'maps/{data}' for data in FULL_SIZE]


def read_whole(data, monkeypatch, **starts):
    """The config of a whole inpaintor that starts from these checkpoints."""
    for part, checkpoint in starts.items():
        monkeypatch.setenv(f'FBINPAINT_{part.upper()}', str(checkpoint))
    return Config.fromfile(CONFIGS / f'fbinpaint_{data}.py')


def build(config):
    """The model of a config as a Runner starts it, without downloads and without VGG."""
    generator = config.model.generator
    networks = [part for part in (generator.initial, generator.guided) if part is not None]
    starts = [network.get('init_cfg') for network in networks]
    remove_downloads(config.model)
    for network, start in zip(networks, starts, strict=True):
        network.init_cfg = start
    config.model.losses.perceptual = None
    model = MODELS.build(config.model)
    model.init_weights()
    if config.load_from is not None:
        load_checkpoint(model, config.load_from, map_location='cpu')
    return model


@pytest.mark.parametrize(
    ('start', 'data'),
    [
        ('inpaintors/initial_camvid_64px', 'camvid_64px'),
        ('inpaintors/initial_celebahq_64px', 'celebahq_64px'),
        ('baselines/migan_camvid', 'camvid'),
    ],
)
def test_a_whole_inpaintor_starts_from_round_0_which_a_network_of_its_own_keeps(
    start, data, monkeypatch, tmp_path
):
    path = tmp_path / 'initial.pth'
    trained = build(read(start)).state_dict()
    torch.save(dict(state_dict=trained), path)
    model = build(read_whole(data, monkeypatch, initial=path))
    taken = ['generator.confidence.', 'disc.']
    if model.loop.initial is not None:
        taken.append('generator.initial.')
        assert not any(parameter.requires_grad for parameter in model.loop.initial.parameters())
    for part in taken:
        own = {key: value for key, value in model.state_dict().items() if key.startswith(part)}
        assert own
        assert all(torch.equal(value, trained[key]) for key, value in own.items())
    guided = model.loop.guided.state_dict()
    decoder = {key: value for key, value in guided.items() if key.startswith('decoder.')}
    for key, value in decoder.items():  # of the same shape in both: they read no image
        assert torch.equal(value, trained[f'generator.initial.{key}']), key
    assert bool(decoder) == (data == 'camvid')
    assert all(parameter.requires_grad for parameter in model.loop.guided.parameters())
    check_rounds_start_as_round_0(model.loop.eval())


def check_rounds_start_as_round_0(loop):
    side = loop.valid_side(32)
    image, mask = torch.rand(2, 3, side, side) * 2 - 1, torch.zeros(2, 1, side, side)
    mask[:, :, 8:24, 4:20] = 1
    with torch.no_grad():
        first, *later = loop(image * (1 - mask), mask, 2)
    for result in later:
        torch.testing.assert_close(result.raw, first.raw, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('data', DATA)
def test_round_0_starts_from_nothing_itself(data, monkeypatch):
    """The variable stays set in the shell when one of another data set is trained next."""
    monkeypatch.setenv('FBINPAINT_INITIAL', '/no/such/initial.pth')
    config = Config.fromfile(CONFIGS / f'inpaintors/initial_{data}.py')
    assert config.load_from is config.model.generator.initial.init_cfg is None
    assert config.model.generator.freeze_initial is False
    for part in ('guided', 'segmentor', 'feedback', 'recorrection'):
        assert config.model.generator[part] is None
    assert config.model.train_cfg.rounds == config.model.test_cfg.rounds == 0


@pytest.mark.parametrize('data', ['camvid', 'camvid_64px'])
def test_starts_come_from_the_environment(data, monkeypatch):
    config = read_whole(data, monkeypatch)
    generator = config.model.generator
    assert config.load_from is generator.guided.init_cfg is None
    assert generator.segmentor.get('init_cfg') is None
    assert generator.freeze_initial is False
    starts = dict(segmentor='/map.pth', initial='/round_0.pth', migan='/migan.pth')
    config = read_whole(data, monkeypatch, **starts)
    generator = config.model.generator
    own = dict(type='Pretrained', checkpoint='/map.pth') if data == 'camvid_64px' else None
    assert generator.segmentor.get('init_cfg') == own, 'at full size it comes with round 0'
    start = dict(type='Pretrained', checkpoint='/round_0.pth', prefix='generator.initial')
    networks = filter(None, (generator.initial, generator.guided))
    assert [network.init_cfg for network in networks] == [start] * (1 + (data == 'camvid_64px'))
    assert config.load_from == '/round_0.pth'


def test_only_a_round_0_that_starts_from_its_checkpoint_learns_no_more(monkeypatch):
    """The variable stays set in the shell when a config with another round 0 is trained next."""
    monkeypatch.setenv('FBINPAINT_INITIAL', '/round_0.pth')
    frozen = set()
    for name in (*names(), *names('mix')):
        config = fresh(name)
        generator = config.model.generator
        starts = '/round_0.pth' in str(generator.initial or generator.guided)
        assert (config.load_from == '/round_0.pth') == starts, name
        assert not generator.freeze_initial or '/round_0.pth' in str(generator.initial), name
        frozen |= {name} if generator.freeze_initial else set()
    assert frozen == {f'fbinpaint_{data}' for data in DATA}


@pytest.mark.parametrize(
    ('data', 'rate', 'faster'), [('camvid', 2e-4, 15), ('camvid_64px', 1e-3, 5)]
)
def test_without_a_start_everything_learns_and_what_reads_the_map_faster(data, rate, faster):
    config = read(f'fbinpaint_{data}')
    model = build(config)
    groups = build_optim_wrapper(model, config.optim_wrapper)['generator'].optimizer.param_groups
    rates = {id(parameter): group['lr'] for group in groups for parameter in group['params']}
    assert all(parameter.requires_grad for parameter in model.generator.parameters())
    found = {name: rates[id(value)] for name, value in model.loop.guided.named_parameters()}
    reading = {name for name in found if 'embeddings' in name or 'modulation.' in name}
    assert {found[name] for name in reading} == {faster * rate}
    assert {found[name] for name in found.keys() - reading} == {rate}
    initial = model.loop.initial or model.loop.guided.encoder
    assert {rates[id(value)] for value in initial.parameters()} == {rate}
    backbone = {rates[id(value)] for value in model.loop.segmentor.backbone.parameters()}
    assert backbone == {0.3 * rate}


@pytest.fixture
def _folders(tmp_path, monkeypatch):
    """16 training and 2 validation images of 96x72 with random labels, for every data set."""
    rng = np.random.default_rng(0)
    layouts = (
        ('images', 256, (72, 96, 3), ''),
        ('annotations', 11, (72, 96), ''),
        ('leftImg8bit', 256, (72, 96, 3), '_leftImg8bit'),
        ('gtFine', 19, (72, 96), '_gtFine_labelTrainIds'),
    )
    for split, number in (('train', 16), ('val', 2), ('test', 1)):
        for kind, limit, shape, ending in layouts:
            folder = tmp_path / 'data' / kind / split
            folder.mkdir(parents=True)
            for index in range(number):
                pixels = rng.integers(0, limit, shape, dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f'{index}{ending}.png')
    for variable in ('CELEBAMASK_HQ', 'CAMVID', 'CITYSCAPES'):
        monkeypatch.setenv(f'FBINPAINT_{variable}', str(tmp_path / 'data'))


def fresh(name):
    """A config with the variables of the moment."""
    return Config.fromfile(CONFIGS / f'{name}.py')


@pytest.mark.usefixtures('_folders')
@pytest.mark.parametrize('data', DATA)
def test_a_segmentor_trains_validates_and_is_saved_as_one_of_mmseg(data, make_runner, tmp_path):
    runner = make_runner(fresh(f'segmentors/mobilenetv2_{data}'))
    before = {key: value.clone() for key, value in runner.model.named_parameters()}
    runner.train()

    assert len(runner.train_dataloader.dataset) == 2
    (best,) = (tmp_path / 'run').glob('best_mIoU_iter_1.pth')
    state = torch.load(best, weights_only=False)['state_dict']
    assert {key.partition('.')[0] for key in state} == {'backbone', 'decode_head'}
    coarsest = f'decode_head.laterals.{len(runner.model.decode_head.laterals) - 1}.'
    for part in ('backbone.features.0.', coarsest, 'decode_head.conv_seg.'):
        changed = [not torch.equal(state[k], v) for k, v in before.items() if k.startswith(part)]
        assert any(changed), part
    (log,) = (tmp_path / 'run').glob('*/vis_data/scalars.json')
    scores = [json.loads(line) for line in log.read_text().splitlines()]
    assert [0 <= line['val/mIoU'] < 20 for line in scores if 'val/mIoU' in line] == [True]


@pytest.mark.usefixtures('_folders')
@pytest.mark.parametrize('data', FULL_SIZE)
def test_a_whole_inpaintor_starts_from_all_that_made_maps(data, make_runner, monkeypatch, tmp_path):
    """A training on round 0, a step long; its checkpoint is what the next stage begins with."""
    first, run = tmp_path / 'round_0.pth', tmp_path / 'run'
    round_0 = build(fresh(f'baselines/migan_{data}')).state_dict()
    torch.save(dict(state_dict=round_0), first)
    monkeypatch.setenv('FBINPAINT_INITIAL', str(first))
    config = fresh(f'maps/{data}')
    for part in ('train', 'val'):
        config[f'{part}_dataloader'].dataset.image_size = 64
    runner = make_runner(config)
    runner.train()
    assert list(run.glob('best_aAcc_hole_iter_1.pth'))
    assert learned(runner) == {'segmentor', 'feedback', 'recorrection'}

    monkeypatch.setenv('FBINPAINT_INITIAL', str(run / 'iter_1.pth'))
    model = build(fresh(f'fbinpaint_{data}'))
    made = torch.load(run / 'iter_1.pth', weights_only=False)['state_dict']
    kept = [key for key in made if key.startswith(('generator.initial.', 'generator.confidence.'))]
    assert all(torch.equal(made[key], round_0[key]) for key in kept)
    whole = model.state_dict()
    taken = {key: value for key, value in made.items() if not key.startswith('generator.initial.')}
    assert [key for key, value in taken.items() if not torch.equal(value, whole[key])] == []
    assert parts_of(whole) - parts_of(made) == {'guided', 'disc'}
    assert parts_of(made) > {'segmentor', 'feedback', 'recorrection', 'memory', 'teacher'}
    check_rounds_start_as_round_0(model.loop.eval())


def test_images_of_a_user_take_the_maps_stage_too(tmp_path):
    copy = tmp_path / 'maps.py'
    text = (CONFIGS / 'maps/celebahq.py').read_text()
    text = text.replace('../fbinpaint_celebahq.py', 'fbinpaint_mm::fbinpaint_custom.py')
    copy.write_text(text.replace('../_base_', 'fbinpaint_mm::_base_'))
    config = Config.fromfile(copy)
    assert config.num_classes == 3
    shipped, base = read('maps/celebahq'), read('fbinpaint_celebahq')
    changed = differences(config.model, read('fbinpaint_custom').model)
    assert changed == differences(shipped.model, base.model)


def learned(runner):
    """The parts of the loop that the optimizer has moved."""
    moved = runner.optim_wrapper['generator'].optimizer.state
    return parts_of(name for name, one in runner.model.named_parameters() if one in moved)


def parts_of(names):
    """The parts of the loop, and those beside it, that weights belong to."""
    return {name.removeprefix('generator.').partition('.')[0] for name in names}


def build_dataset(config, part):
    # mmengine collects garbage when it serializes, which takes a while.
    return DATASETS.build(dict(config[f'{part}_dataloader'].dataset, serialize_data=False))


@pytest.mark.usefixtures('_folders')
@pytest.mark.parametrize('data', DATA)
def test_a_segmentor_sees_the_labeled_images_of_the_inpaintor_as_that_does(data):
    alone, whole = fresh(f'segmentors/mobilenetv2_{data}'), fresh(f'fbinpaint_{data}')
    assert dict(alone.segmentor, init_cfg=None) == whole.model.generator.segmentor
    train, mixed = (build_dataset(config, 'train') for config in (alone, whole))
    labeled = {mixed.get_data_info(index)['gt_path'] for index in mixed.labeled_indices}
    assert {train.get_data_info(index)['gt_path'] for index in range(len(train))} == labeled
    assert len(train.metainfo['classes']) == alone.model.decode_head.num_classes
    assert train[0]['inputs'].shape == mixed[0]['inputs'].shape

    val, mixed = (build_dataset(config, 'val')[0] for config in (alone, whole))
    sample = val['data_samples']
    assert sample.ori_shape == tuple(val['inputs'].shape[1:])
    assert torch.equal(val['inputs'], mixed['data_samples'].gt_img)
    assert torch.equal(sample.gt_sem_seg.data, mixed['data_samples'].gt_seg)


def test_a_segmentor_sees_images_as_the_inpaintor_shows_them():
    cfg = read(names('segmentors')[0]).model.data_preprocessor.to_dict()
    assert cfg.pop('type') == 'SegDataPreProcessor'
    image = torch.randint(0, 256, (3, 8, 8), dtype=torch.uint8)
    alone = SegDataPreProcessor(**cfg)(dict(inputs=[image], data_samples=[None]))['inputs']
    torch.testing.assert_close(alone, SegmentorInput()(image[None] / 127.5 - 1))
