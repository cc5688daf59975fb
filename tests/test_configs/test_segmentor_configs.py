"""Configs that train a segmentor by itself, from folders to a checkpoint of mmseg."""

import json
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import torch
from mmagic.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from mmseg.models import SegDataPreProcessor
from PIL import Image

from fbinpaint_mm.models.segmentor import SegmentorInput

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
NAMES = sorted(path.stem for path in (CONFIGS / 'segmentors').glob('*.py'))
RUNS = count()


def load(name):
    return Config.fromfile(CONFIGS / f'segmentors/{name}.py')


def inpaintor_of(name):
    """The config whose segmentor it trains."""
    return Config.fromfile(CONFIGS / f'fbinpaint_{name.partition("_")[2]}.py')


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """16 training and 2 validation images of 96x72 with random labels, for every data set."""
    rng = np.random.default_rng(0)
    for split, number in (('train', 16), ('val', 2)):
        for kind, limit, shape in (('images', 256, (72, 96, 3)), ('annotations', 11, (72, 96))):
            folder = tmp_path / 'data' / kind / split
            folder.mkdir(parents=True)
            for index in range(number):
                pixels = rng.integers(0, limit, shape, dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f'{index}.png')
    for variable in ('CELEBAMASK_HQ', 'CAMVID'):
        monkeypatch.setenv(f'FBINPAINT_{variable}', str(tmp_path / 'data'))


@pytest.fixture
def make_runner(folders, tmp_path, monkeypatch, remove_downloads):
    """The Runner of one iteration of two images; nothing is downloaded."""
    # mmengine formats the config with yapf, which takes seconds.
    monkeypatch.setattr(Config, 'pretty_text', property(lambda self: repr(self.to_dict())))

    def make(cfg):
        remove_downloads(cfg.model)
        cfg.work_dir = str(tmp_path / 'run')
        cfg.experiment_name = cfg.visualizer.name = f'segmentor_{next(RUNS)}'
        cfg.train_cfg.update(max_iters=1, val_interval=1)
        cfg.train_dataloader.batch_size = 2
        for loader in (cfg.train_dataloader, cfg.val_dataloader):
            loader.update(num_workers=0, persistent_workers=False)
        return Runner.from_cfg(cfg)

    return make


@pytest.mark.parametrize('name', NAMES)
def test_trains_validates_and_writes_a_checkpoint_of_mmseg(name, make_runner, tmp_path):
    runner = make_runner(load(name))
    before = {key: value.clone() for key, value in runner.model.named_parameters()}
    runner.train()

    assert len(runner.train_dataloader.dataset) == 2, 'an eighth of 16 images'
    (best,) = (tmp_path / 'run').glob('best_mIoU_iter_1.pth')
    state = torch.load(best, weights_only=False)['state_dict']
    assert {key.partition('.')[0] for key in state} == {'backbone', 'decode_head'}
    for part in ('backbone.features.0.', 'decode_head.laterals.4.', 'decode_head.conv_seg.'):
        changed = [not torch.equal(state[k], v) for k, v in before.items() if k.startswith(part)]
        assert any(changed), part
    (log,) = (tmp_path / 'run').glob('*/vis_data/scalars.json')
    scores = [json.loads(line) for line in log.read_text().splitlines()]
    assert [0 <= line['mIoU'] < 20 for line in scores if 'mIoU' in line] == [True]


@pytest.mark.usefixtures('folders')
@pytest.mark.parametrize('name', NAMES)
def test_the_labelled_images_are_those_of_the_inpaintor(name):
    with DefaultScope.overwrite_default_scope('mmagic'):
        alone, mixed = (
            DATASETS.build(cfg.train_dataloader.dataset) for cfg in (load(name), inpaintor_of(name))
        )
    labeled = {mixed.get_data_info(index)['gt_path'] for index in mixed.labeled_indices}
    assert {alone.get_data_info(index)['gt_path'] for index in range(len(alone))} == labeled
    assert load(name).num_classes == inpaintor_of(name).num_classes
    assert len(alone.metainfo['classes']) == load(name).model.decode_head.num_classes


@pytest.mark.usefixtures('folders')
@pytest.mark.parametrize('name', NAMES)
@pytest.mark.parametrize('part', ['train', 'val'])
def test_images_have_the_size_of_the_inpaintor(name, part):
    with DefaultScope.overwrite_default_scope('mmagic'):
        alone, mixed = (
            DATASETS.build(cfg[f'{part}_dataloader'].dataset)[0]
            for cfg in (load(name), inpaintor_of(name))
        )
    size = mixed['inputs'].shape
    assert alone['inputs'].shape == size
    assert alone['inputs'].dtype == torch.uint8
    sample = alone['data_samples']
    assert sample.gt_sem_seg.data.shape == (1, *size[1:])
    assert sample.ori_shape == tuple(size[1:])
    if part == 'val':
        assert torch.equal(alone['inputs'], mixed['data_samples'].gt_img)
        assert torch.equal(sample.gt_sem_seg.data, mixed['data_samples'].gt_seg)


def test_it_sees_images_as_the_inpaintor_shows_them():
    cfg = load(NAMES[0]).model.data_preprocessor.to_dict()
    assert cfg.pop('type') == 'SegDataPreProcessor'
    image = torch.randint(0, 256, (3, 8, 8), dtype=torch.uint8)
    alone = SegDataPreProcessor(**cfg)(dict(inputs=[image], data_samples=[None]))['inputs']
    torch.testing.assert_close(alone, SegmentorInput()(image[None] / 127.5 - 1))


@pytest.mark.parametrize('name', NAMES)
def test_it_serves_an_inpaintor_with_feedback(name, remove_downloads, fabricate_batch):
    torch.manual_seed(0)
    cfg, alone = inpaintor_of(name), load(name)
    cfg.model.segmentor = alone.segmentor
    remove_downloads(cfg.model)
    with DefaultScope.overwrite_default_scope('mmagic'):
        model = MODELS.build(cfg.model)
        model.init_weights()
    assert [layer.out_channels for layer in model.loop.feedback.projections] == [
        16,
        24,
        32,
        96,
        320,
    ]
    data = model.data_preprocessor(fabricate_batch((32, 32), cfg.num_classes), True)
    losses = model.train()(**data, mode='loss')
    model.parse_losses(losses)[0].backward()
    for module in (model.loop.segmentor, model.loop.feedback.projections):
        for key, parameter in module.named_parameters():
            assert parameter.grad is not None, key
            assert torch.isfinite(parameter.grad).all(), key
    assert all(layer.bias.grad.any() for layer in model.loop.feedback.projections)


def test_the_start_comes_from_the_environment(monkeypatch):
    monkeypatch.delenv('FBINPAINT_SEGMENTOR', raising=False)
    assert load(NAMES[0]).segmentor_init is None
    monkeypatch.setenv('FBINPAINT_SEGMENTOR', '/faces.pth')
    assert load(NAMES[0]).segmentor_init == dict(type='Pretrained', checkpoint='/faces.pth')
