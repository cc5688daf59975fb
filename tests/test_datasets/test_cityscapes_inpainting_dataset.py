import numpy as np
import pytest
from mmseg.datasets import CityscapesDataset
from PIL import Image

from fbinpaint_mm.datasets import CityscapesInpaintingDataset


@pytest.fixture
def cityscapes(tmp_path):
    for split, city, number in (('train', 'aachen', 2), ('train', 'ulm', 1), ('test', 'bonn', 2)):
        images = tmp_path / 'leftImg8bit' / split / city
        labels = tmp_path / 'gtFine' / split / city
        images.mkdir(parents=True)
        labels.mkdir(parents=True)
        for i in range(number):
            stem = f'{city}_{i:06d}_000019'
            Image.new('RGB', (16, 8)).save(images / f'{stem}_leftImg8bit.png')
            if split == 'train':
                label = np.full((8, 16), 18, np.uint8)
                Image.fromarray(label).save(labels / f'{stem}_gtFine_labelTrainIds.png')
    return tmp_path


def build(root, **kwargs):
    return CityscapesInpaintingDataset(
        data_root=str(root),
        data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train'),
        serialize_data=False,
        **kwargs,
    )


def test_train_is_labeled_and_test_is_unlabeled(cityscapes):
    dataset = build(cityscapes, unlabeled_prefix='leftImg8bit/test')
    assert dataset.labeled_indices == [0, 1, 2]
    assert dataset.unlabeled_indices == [3, 4]
    sample = dataset.get_data_info(2)
    assert sample['gt_path'].endswith('train/ulm/ulm_000000_000019_leftImg8bit.png')
    assert sample['seg_map_path'].endswith('train/ulm/ulm_000000_000019_gtFine_labelTrainIds.png')


def test_classes_are_those_of_mmseg(cityscapes):
    meta = build(cityscapes).metainfo
    assert meta['classes'] == CityscapesDataset.METAINFO['classes']
    assert meta['palette'] == CityscapesDataset.METAINFO['palette']


def test_missing_train_ids_point_to_the_tool(cityscapes):
    name = 'gtFine/train/ulm/ulm_000000_000019_gtFine_labelTrainIds.png'
    (cityscapes / name).unlink()
    with pytest.raises(FileNotFoundError, match=r'ulm_000000_000019.*tools/prepare_cityscapes\.py'):
        build(cityscapes)


def test_label_ids_instead_of_train_ids_are_refused(cityscapes):
    name = 'gtFine/train/ulm/ulm_000000_000019_gtFine_labelTrainIds.png'
    Image.fromarray(np.full((8, 16), 26, np.uint8)).save(cityscapes / name)
    with pytest.raises(ValueError, match=r'class id 26 .* 0 to 18'):
        build(cityscapes)
