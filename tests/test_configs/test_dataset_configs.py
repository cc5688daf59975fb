"""The data set configs on real data, as a Runner builds them."""

import pytest
import torch
from mmagic.structures import DataSample
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from PIL import Image

ROOTS = dict(
    celebamask_hq=('FBINPAINT_CELEBAMASK_HQ', 'data/celebamask_hq_mini'),
    camvid=('FBINPAINT_CAMVID', 'data/camvid'),
)
CASES = [
    ('celebamask_hq', 'train', (256, 256), 100, 800, 19),
    ('celebamask_hq', 'val', (256, 256), 100, 100, 19),
    ('camvid', 'train', (256, 256), 46, 367, 11),
    ('camvid', 'val', (288, 384), 101, 101, 11),
]


def load(repository, name):
    return Config.fromfile(repository / f'configs/_base_/datasets/{name}.py')


def build(cfg, part, **dataset):
    loader = cfg[f'{part}_dataloader']
    loader.num_workers = 0
    loader.dataset.update(check='headers', **dataset)
    with DefaultScope.overwrite_default_scope('mmagic'):
        return Runner.build_dataloader(loader, seed=0)


@pytest.fixture
def real(monkeypatch, shared_data, repository):
    def configure(name):
        variable, folder = ROOTS[name]
        monkeypatch.setenv(variable, str(shared_data(folder)))
        return load(repository, name)

    return configure


@pytest.mark.parametrize(('name', 'part', 'size', 'labeled', 'total', 'num_classes'), CASES)
def test_batches(real, name, part, size, labeled, total, num_classes):
    loader = build(real(name), part)
    assert len(loader.dataset) == total
    assert len(loader.dataset.labeled_indices) == labeled

    batch = next(iter(loader))
    samples = DataSample.stack(batch['data_samples'])
    number = len(batch['inputs'])
    assert all(x.shape == (3, *size) and x.dtype == torch.float32 for x in batch['inputs'])
    assert samples.gt_img.shape == (number, 3, *size)
    assert samples.gt_img.dtype == torch.uint8
    assert samples.mask.shape == samples.gt_seg.shape == (number, 1, *size)
    assert samples.gt_seg.dtype == torch.int64
    known = samples.gt_seg[samples.gt_seg != 255]
    assert 0 <= known.min() <= known.max() < num_classes
    for image, sample in zip(batch['inputs'], batch['data_samples'], strict=True):
        hole = sample.mask.bool().expand_as(image)
        assert (image[hole] == 127.5).all()
        assert torch.equal(image[~hole], sample.gt_img[~hole].float())
        assert 0.05 < sample.mask.float().mean() < 0.61
        assert sample.is_labeled == bool((sample.gt_seg != 255).any())


@pytest.mark.parametrize('name', ['celebamask_hq', 'camvid'])
def test_training_batches_are_half_labeled(real, name):
    batch = next(iter(build(real(name), 'train')))
    assert [s.is_labeled for s in batch['data_samples']] == [True] * 4 + [False] * 4


def test_validation_pairs_are_fixed(real):
    first, second = (build(real('camvid'), 'val').dataset[7] for _ in range(2))
    assert torch.equal(first['inputs'], second['inputs'])
    assert first['data_samples'].gt_path == second['data_samples'].gt_path


@pytest.mark.parametrize('part', ['train', 'val'])
def test_one_key_changes_the_size(real, part):
    sample = build(real('celebamask_hq'), part, image_size=64).dataset[0]
    assert sample['inputs'].shape == (3, 64, 64)


def test_fifteen_classes(real):
    dataset = build(real('celebamask_hq'), 'train', num_classes=15).dataset
    sample = dataset[dataset.labeled_indices[0]]
    label = sample['data_samples'].gt_seg
    assert label[label != 255].max() < 15


def test_roots_have_defaults_and_reach_child_configs(repository, monkeypatch, tmp_path):
    for name in ('CELEBAMASK_HQ', 'CITYSCAPES', 'CAMVID', 'WEIGHTS'):
        monkeypatch.delenv(f'FBINPAINT_{name}', raising=False)
    cfg = load(repository, 'cityscapes')
    assert cfg.train_dataloader.dataset.data_root == 'data/cityscapes'
    assert cfg.weights_root == ''
    monkeypatch.setenv('FBINPAINT_WEIGHTS', '/weights')
    assert load(repository, 'cityscapes').weights_root == '/weights'
    monkeypatch.setenv('FBINPAINT_CITYSCAPES', '/somewhere/else')
    child = tmp_path / 'child.py'
    base = repository / 'configs/_base_/datasets/cityscapes.py'
    child.write_text(f"_base_ = ['{base}']\nfolder = _base_.cityscapes_root + '/lists'\n")
    cfg = Config.fromfile(child)
    assert cfg.folder == '/somewhere/else/lists'
    assert cfg.val_dataloader.dataset.data_root == '/somewhere/else'


@pytest.fixture
def fabricated_cityscapes(tmp_path, monkeypatch):
    for split in ('train', 'val', 'test'):
        for folder, end in (('leftImg8bit', '_leftImg8bit'), ('gtFine', '_gtFine_labelTrainIds')):
            path = tmp_path / folder / split / 'ulm' / f'ulm_000000_000019{end}.png'
            path.parent.mkdir(parents=True)
            Image.new('RGB' if folder == 'leftImg8bit' else 'L', (1024, 512)).save(path)
    monkeypatch.setenv('FBINPAINT_CITYSCAPES', str(tmp_path))


@pytest.mark.usefixtures('fabricated_cityscapes')
def test_cityscapes_trains_on_crops_and_validates_on_whole_frames(repository):
    train = build(load(repository, 'cityscapes'), 'train').dataset
    assert (train.labeled_indices, train.unlabeled_indices) == ([0], [1])
    assert train[0]['inputs'].shape == train[1]['inputs'].shape == (3, 256, 256)
    val = build(load(repository, 'cityscapes'), 'val').dataset
    assert val[0]['inputs'].shape == (3, 256, 512)
