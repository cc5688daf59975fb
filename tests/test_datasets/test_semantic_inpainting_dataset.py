import os

import numpy as np
import pytest
from PIL import Image

from fbinpaint_mm.datasets import SemanticInpaintingDataset
from fbinpaint_mm.user_error import UserError

META = dict(classes=('a', 'b', 'c'), palette=[[0, 0, 0], [255, 0, 0], [0, 255, 0]])
PREFIX = dict(img_path='images/train', seg_map_path='annotations/train')


def build(root, **kwargs):
    options = dict(data_root=str(root), data_prefix=PREFIX, metainfo=META, check='full')
    # mmengine collects all garbage after serialising, which takes longer than these tests.
    return SemanticInpaintingDataset(**{**options, 'serialize_data': False, **kwargs})


def infos(dataset):
    return [dataset.get_data_info(i) for i in range(len(dataset))]


def labeled_stems(dataset):
    return {os.path.basename(s['gt_path'])[:-4] for s in infos(dataset) if s['is_labeled']}


def test_every_image_is_labeled_by_default(write_dataset):
    root = write_dataset()
    dataset = build(root)

    assert len(dataset) == 10
    assert dataset.labeled_indices == list(range(10))
    assert dataset.unlabeled_indices == []
    sample = dataset[3]
    assert sample['gt_path'] == str(root / 'images/train/3.png')
    assert sample['seg_map_path'] == str(root / 'annotations/train/3.png')
    assert sample['is_labeled'] is True
    assert sample['sample_idx'] == 3
    assert sample['num_classes'] == 3


def test_order_is_numeric(write_dataset):
    stems = [str(i) for i in range(12)]
    dataset = build(write_dataset(stems))
    assert [os.path.basename(s['gt_path'])[:-4] for s in infos(dataset)] == stems


def test_ratio_keeps_that_many_labels_and_hides_the_others(write_dataset):
    stems = [f'{i:02d}' for i in range(16)]
    dataset = build(write_dataset(stems), labeled_ratio='1/8')

    assert len(dataset) == 16
    assert len(dataset.labeled_indices) == 2
    hidden = [s for s in infos(dataset) if not s['is_labeled']]
    # The label files exist, but no path to them leaves the data set.
    assert all(s['seg_map_path'] is None for s in hidden)
    assert not any('annotations' in str(value) for s in hidden for value in s.values())


def test_unlabeled_images_need_no_label_file(write_dataset):
    stems = [f'{i:02d}' for i in range(16)]
    root = write_dataset(stems)
    kept = labeled_stems(build(root, labeled_ratio=0.25))
    for stem in set(stems) - kept:
        (root / f'annotations/train/{stem}.png').unlink()
    assert labeled_stems(build(root, labeled_ratio=0.25)) == kept


def test_smaller_splits_are_parts_of_larger_ones_and_the_seed_chooses(write_dataset):
    root = write_dataset([f'{i:02d}' for i in range(32)])
    eighth = labeled_stems(build(root, labeled_ratio='1/8', labeled_seed=3))
    quarter = labeled_stems(build(root, labeled_ratio='1/4', labeled_seed=3))
    assert len(eighth) == 4
    assert len(quarter) == 8
    assert eighth < quarter
    assert quarter != labeled_stems(build(root, labeled_ratio='1/4', labeled_seed=4))


def test_a_tiny_ratio_keeps_one_label(write_dataset):
    assert len(build(write_dataset(), labeled_ratio=0.001).labeled_indices) == 1


@pytest.mark.parametrize('ratio', [0, -0.5, 1.5, 'many', '1/0'])
def test_bad_ratio(write_dataset, ratio):
    with pytest.raises(UserError, match=r'labeled_ratio=.*expected a number in \(0, 1\]'):
        build(write_dataset(), labeled_ratio=ratio)


def test_labeled_only_leaves_the_others_out(write_dataset):
    stems = [f'{i:02d}' for i in range(16)]
    root = write_dataset(stems)
    kept = labeled_stems(build(root, labeled_ratio='1/4', labeled_seed=3))
    dataset = build(
        root,
        labeled_ratio='1/4',
        labeled_seed=3,
        labeled_only=True,
        unlabeled_prefix='images/train',
    )
    assert len(dataset) == len(dataset.labeled_indices) == 4
    assert labeled_stems(dataset) == kept


def test_labeled_only_needs_labels(write_dataset):
    message = 'labeled_only=True, but data_prefix has no seg_map_path.*set seg_map_path to the'
    with pytest.raises(UserError, match=message):
        build(write_dataset(), data_prefix=dict(img_path='images/train'), labeled_only=True)


def test_labeled_list(write_dataset):
    root = write_dataset(labels=['2', '5'])
    (root / 'labeled.txt').write_text('# mine\n5\n\n2\n')
    dataset = build(root, labeled_list='labeled.txt')
    assert labeled_stems(dataset) == {'2', '5'}
    assert dataset.labeled_indices == [2, 5]


def test_labeled_list_names_unknown_stems(write_dataset):
    root = write_dataset()
    (root / 'labeled.txt').write_text('5\n5.png\n')
    with pytest.raises(UserError, match=r"labeled_list=.*'5\.png'.*stems without suffix.*'0'"):
        build(root, labeled_list='labeled.txt')


def test_labeled_list_empty_missing_or_beside_a_ratio(write_dataset):
    root = write_dataset()
    (root / 'empty.txt').write_text('\n')
    with pytest.raises(UserError, match='lists no image'):
        build(root, labeled_list='empty.txt')
    with pytest.raises(FileNotFoundError, match=r'labeled_list=.*absent\.txt'):
        build(root, labeled_list='absent.txt')
    with pytest.raises(UserError, match='both set'):
        build(root, labeled_list='empty.txt', labeled_ratio=0.5)


def test_ann_file_selects_images(write_dataset):
    root = write_dataset()
    (root / 'use.txt').write_text('1\n7\n8\n')
    dataset = build(root, ann_file='use.txt')
    assert labeled_stems(dataset) == {'1', '7', '8'}


def test_further_unlabeled_folders_come_last(write_dataset):
    root = write_dataset()
    (root / 'more').mkdir()
    Image.new('RGB', (5, 5)).save(root / 'more/x.jpg')
    dataset = build(root, unlabeled_prefix='more')
    assert len(dataset) == 11
    assert dataset.unlabeled_indices == [10]
    assert dataset.get_data_info(10)['gt_path'] == str(root / 'more/x.jpg')
    with pytest.raises(FileNotFoundError, match='unlabeled_prefix: no folder'):
        build(root, unlabeled_prefix=['less'])


def test_without_label_folder_everything_is_unlabeled(write_dataset):
    for prefix in (dict(img_path='images/train'), dict(PREFIX, seg_map_path=None)):
        dataset = build(write_dataset(), data_prefix=prefix)
        assert dataset.labeled_indices == []
        assert len(dataset.unlabeled_indices) == 10


@pytest.mark.parametrize('serialize', [True, False])
def test_indices_keep_the_split(write_dataset, serialize):
    root = write_dataset([f'{i:02d}' for i in range(16)])
    full = build(root, labeled_ratio=0.5, serialize_data=serialize)
    first = build(root, labeled_ratio=0.5, indices=6, serialize_data=serialize)
    assert len(first) == 6
    assert first.labeled_indices == [i for i in full.labeled_indices if i < 6]
    assert full.get_subset([1, 3]).labeled_indices == [
        i for i, j in enumerate((1, 3)) if j in full.labeled_indices
    ]


def test_subfolders_and_suffixes(tmp_path):
    for name in ('images/train/a/1_rgb.png', 'annotations/train/a/1_ids.png'):
        (tmp_path / name).parent.mkdir(parents=True)
        Image.new('RGB' if 'rgb' in name else 'L', (4, 4)).save(tmp_path / name)
    dataset = build(tmp_path, img_suffix='_rgb.png', seg_map_suffix='_ids.png')
    assert dataset.get_data_info(0)['seg_map_path'].endswith('train/a/1_ids.png')


def test_missing_folders(write_dataset):
    root = write_dataset()
    with pytest.raises(FileNotFoundError, match=r'data_prefix\.img_path: no folder .*nowhere'):
        build(root, data_prefix=dict(PREFIX, img_path='nowhere'))
    with pytest.raises(FileNotFoundError, match=r'data_prefix\.seg_map_path: no folder .*nowhere'):
        build(root, data_prefix=dict(PREFIX, seg_map_path='nowhere'))


def test_empty_dataset(tmp_path):
    (tmp_path / 'images/train').mkdir(parents=True)
    with pytest.raises(UserError, match=r'holds no file that ends in \.jpg'):
        build(tmp_path)


def test_image_without_promised_label(write_dataset):
    root = write_dataset(labels=list('01234567'))
    with pytest.raises(FileNotFoundError, match=r"2 of 10 .*'8' needs .*8\.png.*labeled_list"):
        build(root)


def test_empty_labeled_set(write_dataset):
    root = write_dataset()
    labeled = build(root, labeled_ratio=0.1).labeled_indices[0]
    others = [i for i in range(10) if i != labeled]
    with pytest.raises(UserError, match=r'none of the 9 samples is labeled.*raise labeled_ratio'):
        build(root, labeled_ratio=0.1, indices=others)


def test_labels_without_class_names(write_dataset):
    with pytest.raises(UserError, match='metainfo has no classes'):
        build(write_dataset(), metainfo=None)


def test_label_id_out_of_range_names_file_and_id(write_dataset):
    root = write_dataset()
    label = np.full((8, 12), 255, np.uint8)
    Image.fromarray(label).save(root / 'annotations/train/4.png')
    build(root)  # 255 is unknown, and allowed
    label[2, 5] = 77
    Image.fromarray(label).save(root / 'annotations/train/4.png')
    with pytest.raises(UserError, match=r'train/4\.png.*class id 77 in 1 pixels.*0 to 2'):
        build(root)
    # A sample of the label maps is decoded even where only headers are read.
    with pytest.raises(UserError, match='class id 77'):
        build(root, check='headers')
    build(root, check='off')


def test_label_map_widens_the_range_of_the_files(write_dataset):
    root = write_dataset()
    Image.fromarray(np.full((8, 12), 4, np.uint8)).save(root / 'annotations/train/4.png')
    dataset = build(root, label_map={0: 0, 1: 1, 2: 2, 3: 2, 4: 255})
    assert dataset.get_data_info(0)['label_map'] == {0: 0, 1: 1, 2: 2, 3: 2, 4: 255}


def test_broken_images_are_named(write_dataset):
    root = write_dataset()
    path = root / 'images/train/6.png'
    path.write_bytes(path.read_bytes()[:60])
    (root / 'images/train/7.png').write_text('not an image')
    with pytest.raises(UserError, match='2 of 10 samples are unusable') as error:
        build(root)
    assert 'train/6.png' in str(error.value)
    assert 'train/7.png' in str(error.value)
    assert 'replace the file' in str(error.value)


def test_label_of_another_size(write_dataset):
    root = write_dataset()
    Image.new('L', (6, 4)).save(root / 'annotations/train/1.png')
    for check in ('full', 'headers'):
        with pytest.raises(UserError, match=r'1\.png.* is 6x4 but its image .* is 12x8'):
            build(root, check=check)


@pytest.mark.parametrize('mode', ['RGB', 'I;16'])
def test_label_that_is_no_8_bit_grayscale(write_dataset, mode):
    root = write_dataset()
    Image.new(mode, (12, 8)).save(root / 'annotations/train/1.png')
    with pytest.raises(UserError, match=r'1\.png.*expected one 8-bit channel'):
        build(root)


def test_unknown_check(write_dataset):
    with pytest.raises(UserError, match="check='some': expected one of auto, full"):
        build(write_dataset(), check='some')


def test_two_images_with_one_stem(write_dataset):
    root = write_dataset()
    Image.new('RGB', (12, 8)).save(root / 'images/train/3.jpg')
    with pytest.raises(UserError, match='share one stem'):
        build(root)


def test_only_the_first_process_reads_the_files(write_dataset, monkeypatch):
    root = write_dataset()
    (root / 'images/train/7.png').write_text('not an image')
    module = 'fbinpaint_mm.datasets.semantic_inpainting_dataset.is_main_process'
    monkeypatch.setattr(module, lambda: False)
    assert len(build(root)) == 10


def test_image_size_reaches_the_samples(write_dataset):
    root = write_dataset()
    assert build(root, image_size=64).get_data_info(0)['image_size'] == (64, 64)
    assert build(root, image_size=[32, 64]).get_data_info(0)['image_size'] == (32, 64)
    assert 'image_size' not in build(root).get_data_info(0)
