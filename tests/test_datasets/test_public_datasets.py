"""The public data sets, on small stand-ins and, where they are there, on real files."""

import numpy as np
import pytest
from mmseg.datasets import CityscapesDataset
from PIL import Image

from fbinpaint_mm.datasets import (
    CamVidInpaintingDataset,
    CelebAMaskHQInpaintingDataset,
    CityscapesInpaintingDataset,
)
from fbinpaint_mm.user_error import UserError

PREFIX = dict(img_path='images/train', seg_map_path='annotations/train')


def faces(root, **kwargs):
    return CelebAMaskHQInpaintingDataset(
        data_root=str(root), data_prefix=PREFIX, serialize_data=False, **kwargs
    )


def test_nineteen_classes(write_dataset):
    dataset = faces(write_dataset())
    classes = dataset.metainfo['classes']
    assert ' '.join(classes) == (
        'background skin nose eye_g l_eye r_eye l_brow r_brow l_ear r_ear mouth u_lip l_lip hair '
        'hat ear_r neck_l neck cloth'
    )
    assert len(dataset.metainfo['palette']) == 19
    assert dataset.get_data_info(0)['label_map'] is None
    pairs = [(classes[a], classes[b]) for a, b in dataset.get_data_info(0)['flip_pairs']]
    assert pairs == [('l_eye', 'r_eye'), ('l_brow', 'r_brow'), ('l_ear', 'r_ear')]


def test_fifteen_classes_map_every_id_to_its_merged_name(write_dataset):
    names = faces(write_dataset()).metainfo['classes']
    dataset = faces(write_dataset(), num_classes=15)
    merged = dataset.metainfo['classes']
    assert ' '.join(merged) == (
        'background skin nose eye_g eye brow ear mouth lip hair hat ear_r neck_l neck cloth'
    )
    assert len(dataset.metainfo['palette']) == 15
    sample = dataset.get_data_info(0)
    assert sample['num_classes'] == 15
    assert sample['flip_pairs'] == []
    mapped = {names[old]: merged[new] for old, new in sample['label_map'].items()}
    expected = {name: name for name in names}
    for new, old in dict(eye='eye', brow='brow', ear='ear').items():
        expected.update({f'l_{old}': new, f'r_{old}': new})
    expected.update(u_lip='lip', l_lip='lip')
    assert mapped == expected


def test_fifteen_classes_accept_files_with_nineteen_ids(write_dataset):
    root = write_dataset()
    Image.fromarray(np.full((8, 12), 18, np.uint8)).save(root / 'annotations/train/3.png')
    faces(root, num_classes=15)
    Image.fromarray(np.full((8, 12), 19, np.uint8)).save(root / 'annotations/train/3.png')
    with pytest.raises(UserError, match=r'class id 19 .* 0 to 18'):
        faces(root, num_classes=15)


def test_other_numbers_of_classes(write_dataset):
    with pytest.raises(UserError, match='num_classes=18: expected 19, or 15'):
        faces(write_dataset(), num_classes=18)


def test_missing_labels_point_to_the_tool(write_dataset):
    with pytest.raises(FileNotFoundError, match=r'run tools/prepare_celebamask_hq\.py'):
        faces(write_dataset(labels=['1']))


def test_real_faces(shared_data):
    root = shared_data('data/celebamask_hq_mini')
    dataset = faces(root, labeled_ratio='1/8', unlabeled_prefix='images/unlabeled', check='off')
    assert len(dataset) == 800 + 1146
    assert len(dataset.labeled_indices) == 100


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


def streets(root, **kwargs):
    return CityscapesInpaintingDataset(
        data_root=str(root),
        data_prefix=dict(img_path='leftImg8bit/train', seg_map_path='gtFine/train'),
        serialize_data=False,
        **kwargs,
    )


def test_train_is_labeled_and_test_is_unlabeled(cityscapes):
    dataset = streets(cityscapes, unlabeled_prefix='leftImg8bit/test')
    assert dataset.labeled_indices == [0, 1, 2]
    assert dataset.unlabeled_indices == [3, 4]
    sample = dataset.get_data_info(2)
    assert sample['gt_path'].endswith('train/ulm/ulm_000000_000019_leftImg8bit.png')
    assert sample['seg_map_path'].endswith('train/ulm/ulm_000000_000019_gtFine_labelTrainIds.png')


def test_classes_are_those_of_mmseg(cityscapes):
    meta = streets(cityscapes).metainfo
    assert meta['classes'] == CityscapesDataset.METAINFO['classes']
    assert meta['palette'] == CityscapesDataset.METAINFO['palette']


def test_missing_train_ids_point_to_the_tool(cityscapes):
    name = 'gtFine/train/ulm/ulm_000000_000019_gtFine_labelTrainIds.png'
    (cityscapes / name).unlink()
    with pytest.raises(FileNotFoundError, match=r'ulm_000000_000019.*tools/prepare_cityscapes\.py'):
        streets(cityscapes)


def test_classes_of_camvid():
    meta = CamVidInpaintingDataset.METAINFO
    assert len(meta['classes']) == len(meta['palette']) == 11
    assert len({tuple(color) for color in meta['palette']}) == 11


def test_real_camvid(shared_data):
    dataset = CamVidInpaintingDataset(
        data_root=str(shared_data('data/camvid')),
        data_prefix=dict(img_path='images/train', seg_map_path='annotations/train'),
        labeled_ratio='1/8',
        check='headers',
        serialize_data=False,
    )
    assert len(dataset) == 367
    assert len(dataset.labeled_indices) == 46
