import numpy as np
import pytest
from PIL import Image

from fbinpaint_mm.datasets import CelebAMaskHQInpaintingDataset

PREFIX = dict(img_path='images/train', seg_map_path='annotations/train')


def build(root, **kwargs):
    return CelebAMaskHQInpaintingDataset(
        data_root=str(root), data_prefix=PREFIX, serialize_data=False, **kwargs
    )


def test_nineteen_classes(write_dataset):
    dataset = build(write_dataset())
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
    names = build(write_dataset()).metainfo['classes']
    dataset = build(write_dataset(), num_classes=15)
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
    build(root, num_classes=15)
    Image.fromarray(np.full((8, 12), 19, np.uint8)).save(root / 'annotations/train/3.png')
    with pytest.raises(ValueError, match=r'class id 19 .* 0 to 18'):
        build(root, num_classes=15)


def test_other_numbers_of_classes(write_dataset):
    with pytest.raises(ValueError, match='num_classes=18: expected 19, or 15'):
        build(write_dataset(), num_classes=18)


def test_missing_labels_point_to_the_tool(write_dataset):
    with pytest.raises(FileNotFoundError, match=r'run tools/prepare_celebamask_hq\.py'):
        build(write_dataset(labels=['1']))


def test_real_faces(shared_data):
    root = shared_data('data/celebamask_hq_mini')
    dataset = build(root, labeled_ratio='1/8', unlabeled_prefix='images/unlabeled', check='off')
    assert len(dataset) == 800 + 1146
    assert len(dataset.labeled_indices) == 100
