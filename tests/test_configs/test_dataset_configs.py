"""The data set configs on real data, as a Runner builds them."""

from __future__ import annotations

import pytest
import torch
from mmagic.structures import DataSample
from mmengine.config import Config
from mmengine.runner import Runner
from PIL import Image

from tests.test_configs.shipped_configs import CONFIGS

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


def build(name, part, **dataset):
    loader = Config.fromfile(CONFIGS / f'_base_/datasets/{name}.py')[f'{part}_dataloader']
    loader.num_workers = 0
    # mmengine collects garbage when it serializes, which takes a while.
    loader.dataset.update(check='headers', serialize_data=False, **dataset)
    return Runner.build_dataloader(loader, seed=0)


@pytest.fixture
def build_real(monkeypatch, shared_data):
    """The data loader of a data set that is beside this checkout."""

    def build_on_data(name, part, **dataset):
        variable, folder = ROOTS[name]
        monkeypatch.setenv(variable, str(shared_data(folder)))
        return build(name, part, **dataset)

    return build_on_data


@pytest.mark.parametrize(('name', 'part', 'size', 'labeled', 'total', 'num_classes'), CASES)
def test_batches(build_real, name, part, size, labeled, total, num_classes):
    loader = build_real(name, part)
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
    labels = [sample.is_labeled for sample in batch['data_samples']]
    assert labels == ([True] * 4 + [False] * 4 if part == 'train' else [True] * 8)


@pytest.mark.parametrize('part', ['train', 'val'])
def test_one_key_changes_the_size_and_another_the_classes(build_real, part):
    dataset = build_real('celebamask_hq', part, image_size=64, num_classes=15).dataset
    sample = dataset[dataset.labeled_indices[0]]
    assert sample['inputs'].shape == (3, 64, 64)
    label = sample['data_samples'].gt_seg
    assert label[label != 255].max() < 15


@pytest.fixture
def _fabricated_cityscapes(tmp_path, monkeypatch):
    for split in ('train', 'val', 'test'):
        for folder, end in (('leftImg8bit', '_leftImg8bit'), ('gtFine', '_gtFine_labelTrainIds')):
            path = tmp_path / folder / split / 'ulm' / f'ulm_000000_000019{end}.png'
            path.parent.mkdir(parents=True)
            Image.new('RGB' if folder == 'leftImg8bit' else 'L', (1024, 512)).save(path)
    monkeypatch.setenv('FBINPAINT_CITYSCAPES', str(tmp_path))


@pytest.mark.usefixtures('_fabricated_cityscapes')
def test_cityscapes_trains_on_crops_and_validates_on_whole_frames():
    train = build('cityscapes', 'train').dataset
    assert (train.labeled_indices, train.unlabeled_indices) == ([0], [1])
    assert train[0]['inputs'].shape == train[1]['inputs'].shape == (3, 256, 256)
    assert build('cityscapes', 'val').dataset[0]['inputs'].shape == (3, 256, 512)
