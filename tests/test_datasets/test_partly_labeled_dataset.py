"""What a data set does with files that are not whole."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from mmengine.dataset import BaseDataset
from mmengine.logging import MMLogger
from PIL import Image
from torch.utils.data import DataLoader

from fbinpaint_mm.datasets import (
    CorruptFileError,
    LoadSemanticMap,
    LoadWholeImage,
    ProceduralScenesDataset,
    SemanticInpaintingDataset,
)
from fbinpaint_mm.user_error import UserError

PIPELINE = [LoadWholeImage(key='gt'), LoadSemanticMap()]
UNLABELED = (5, 7, 9)
CORRUPT = (2, 3, 5)  # two labeled neighbors and an unlabeled one


@pytest.fixture
def root(write_dataset):
    """Ten images of which 2, 3 and 5 are cut off: two by their image, one by its label map."""
    labels = [str(i) for i in range(10) if i not in UNLABELED]
    root = write_dataset(labels=labels)
    for name in ('images/train/2.png', 'images/train/5.png', 'annotations/train/3.png'):
        path = root / name
        path.write_bytes(path.read_bytes()[:-30])
    (root / 'labeled.txt').write_text('\n'.join(labels))
    return root


def build(root, **settings):
    prefix = dict(img_path='images/train', seg_map_path='annotations/train')
    defaults = dict(
        data_prefix=prefix,
        metainfo=dict(classes=('a', 'b', 'c'), palette=[[0, 0, 0]] * 3),
        labeled_list='labeled.txt',
        pipeline=PIPELINE,
        check='off',
        on_corrupt='skip',
        max_corrupt=0.3,
        # mmengine collects all garbage after serializing, which takes longer than these tests.
        serialize_data=False,
    )
    return SemanticInpaintingDataset(data_root=str(root), **{**defaults, **settings})


@pytest.fixture
def log(monkeypatch, tmp_path):
    """Lines of the log file, which worker processes write too."""
    path = tmp_path / 'run.log'
    MMLogger.get_instance(f'corrupt_{tmp_path.name}', log_file=str(path), log_level=logging.INFO)

    def lines():
        return [line for line in path.read_text().splitlines() if 'Skipped' in line]

    return lines


def numbers(dataset):
    return [int(str(sample['gt_path']).rsplit('/', 1)[1][:-4]) for sample in dataset]


EXPECTED = [0, 1, 4, 4, 4, 7, 6, 7, 8, 9]


def test_the_next_intact_sample_of_the_same_kind_stands_in(root, log):
    dataset = build(root)
    assert numbers(dataset[i] for i in range(10)) == EXPECTED
    assert dataset.corrupt_indices == list(CORRUPT)
    lines = log()
    assert len(lines) == 3, 'each one is named once'
    for line, name, number in zip(
        lines,
        ('images/train/2.png', 'annotations/train/3.png', 'images/train/5.png'),
        (1, 2, 3),
        strict=True,
    ):
        assert name in line
        assert f'({number} of 10, 3 may be)' in line
    assert numbers(dataset[i] for i in range(10)) == EXPECTED
    assert len(log()) == 3


def test_stand_ins_do_not_depend_on_what_was_drawn_before(root):
    order = [3, 9, 5, 2, 0, 8, 7, 1, 6, 4]
    dataset = build(root)
    assert numbers(dataset[i] for i in order) == [EXPECTED[i] for i in order]


def test_the_last_ones_are_replaced_by_the_first(write_dataset):
    root = write_dataset()
    (root / 'images/train/9.png').write_bytes(b'')
    assert numbers([build(root, labeled_list=None)[9]]) == [0]


def test_worker_processes(root, log):
    dataset = build(root)
    loader = DataLoader(dataset, batch_size=1, num_workers=2, collate_fn=lambda batch: batch[0])
    for _ in range(2):
        assert numbers(loader) == EXPECTED
    assert dataset.corrupt_indices == list(CORRUPT), 'this process has not opened one of them'
    assert len(log()) == 3


def test_what_another_worker_has_found_meanwhile_is_not_named_again(root, log, monkeypatch):
    dataset, read = build(root), BaseDataset.prepare_data

    def read_slowly(self, idx):
        try:
            return read(self, idx)
        except CorruptFileError:
            self._corrupt[idx] = True  # by the other worker, in shared memory
            raise

    monkeypatch.setattr(BaseDataset, 'prepare_data', read_slowly)
    assert numbers([dataset[2]]) == [4]
    assert dataset.corrupt_indices == [2, 3]
    assert log() == []


def test_raise_is_the_default_and_names_the_file(root):
    dataset = build(root, on_corrupt='raise')
    assert numbers([dataset[0]]) == [0]
    with pytest.raises(CorruptFileError, match=r'images/train/2\.png'):
        dataset[2]
    with pytest.raises(CorruptFileError, match=r'annotations/train/3\.png'):
        dataset[3]
    loader = DataLoader(dataset, sampler=[5], num_workers=1, collate_fn=lambda batch: batch[0])
    with pytest.raises(CorruptFileError, match=r'images/train/5\.png'):
        next(iter(loader))


def test_testing_never_skips(root):
    dataset = build(root, test_mode=True)
    with pytest.raises(CorruptFileError, match=r'images/train/2\.png'):
        dataset[2]
    with pytest.raises(UserError, match='3 of 10 samples are unusable'):
        build(root, test_mode=True, check='full')


def test_too_many_stop_the_training(root):
    dataset = build(root, max_corrupt=0.2)
    assert numbers([dataset[2], dataset[3]]) == [4, 4]
    with pytest.raises(CorruptFileError) as error:
        dataset[5]
    assert '3 of 10 samples are corrupt; max_corrupt=0.2 allows 2' in str(error.value)
    assert 'images/train/5.png' in str(error.value)


def test_check_before_training_counts_and_names_them_too(root, log):
    dataset = build(root, check='full')
    assert dataset.corrupt_indices == list(CORRUPT)
    assert len(log()) == 3
    assert numbers(dataset[i] for i in range(10)) == EXPECTED
    with pytest.raises(CorruptFileError, match='3 of 10 samples are corrupt'):
        build(root, check='full', max_corrupt=0.29)


def test_check_of_headers_counts_too(root):
    """What it cannot see is found when it is read."""
    (root / 'images/train/0.png').unlink()
    pixels = np.random.default_rng(0).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    path = root / 'images/train/0.jpg'
    Image.fromarray(pixels).save(path)
    path.write_bytes(path.read_bytes()[:-10])
    (root / 'annotations/train/0.png').unlink()
    (root / 'labeled.txt').write_text('1\n2\n3\n4\n6\n8')
    dataset = build(root, check='headers', max_corrupt=0.4)
    assert dataset.corrupt_indices == list(CORRUPT)
    assert numbers([dataset[0]]) == [7]
    assert dataset.corrupt_indices == [0, *CORRUPT]


def test_wrong_samples_are_not_skipped(root):
    """A label map of another size is a mistake in the data set, not an accident of one file."""
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(root / 'annotations/train/1.png')
    with pytest.raises(UserError, match='1 of 10 samples are unusable') as error:
        build(root, check='full')
    assert '4x4' in str(error.value)
    with pytest.raises(UserError, match='4x4'):
        build(root)[1]


def test_nothing_left(write_dataset):
    root = write_dataset(stems=('0', '1'))
    for name in '01':
        (root / f'images/train/{name}.png').write_bytes(b'')
    with pytest.raises(CorruptFileError, match=r'no intact sample is left .* for sample 0'):
        build(root, labeled_list=None, max_corrupt=1.0)[0]


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(on_corrupt='ignore'), "on_corrupt='ignore': expected one of raise, skip"),
        (dict(max_corrupt=2), r'max_corrupt=2: expected a share in \[0, 1\]'),
    ],
)
def test_settings_are_checked(root, settings, message):
    with pytest.raises(UserError, match=message):
        build(root, **settings)


@pytest.mark.parametrize(
    ('metainfo', 'message'),
    [
        (dict(classes='water'), r"classes='water': expected a list of names; one class is written"),
        (dict(classes=('a', 'b', 'a')), "classes: 'a' occurs more than once"),
        (dict(classes=3), 'classes=3: expected a list of names'),
        (dict(classes=(1, 2)), r'classes=\(1, 2\): expected a list of names'),
        (dict(classes=('a', 'b'), palette=[(0, 0, 0)]), 'palette has 1 colors for 2 classes'),
    ],
)
@pytest.mark.parametrize('kind', [SemanticInpaintingDataset, ProceduralScenesDataset])
def test_names_of_classes_are_checked(kind, metainfo, message):
    """Also before any file is looked at, as tools do that need the names only."""
    with pytest.raises(UserError, match=message):
        kind(metainfo=metainfo, lazy_init=True)


@pytest.mark.parametrize('classes', [['water'], ('a', 'b')])
def test_a_palette_may_be_left_out(classes):
    dataset = SemanticInpaintingDataset(metainfo=dict(classes=classes), lazy_init=True)
    assert dataset.num_classes == len(classes)


def test_names_of_classes_may_be_in_a_file(tmp_path):
    (tmp_path / 'classes.txt').write_text('water\nland\n')
    metainfo = dict(classes=str(tmp_path / 'classes.txt'))
    dataset = SemanticInpaintingDataset(metainfo=metainfo, lazy_init=True)
    assert dataset.metainfo['classes'] == ['water', 'land']


@pytest.mark.parametrize('pairs', [(1, 2), [(1, 2, 3)], [('l', 'r')]])
def test_pairs_of_classes_are_checked(pairs):
    with pytest.raises(UserError, match=r'flip_pairs=.*: expected pairs of class ids, such as'):
        SemanticInpaintingDataset(flip_pairs=pairs, lazy_init=True)


@pytest.mark.parametrize('check', ['auto', 'full', 'headers'])
def test_a_link_whose_target_is_gone_is_named_or_passed_over(write_dataset, check):
    root = write_dataset('0123', labels=())
    (root / 'images/train/9.png').symlink_to('/gone/9.png')
    settings = dict(data_root=str(root), data_prefix=dict(img_path='images/train'), check=check)
    with pytest.raises(UserError, match=r"cannot read '.*9\.png' \(.*No such file"):
        SemanticInpaintingDataset(**settings)
    settings.update(on_corrupt='skip', max_corrupt=0.5)
    assert SemanticInpaintingDataset(**settings).corrupt_indices == [4]
    # Each file is read once, however many holes its image has.
    assert SemanticInpaintingDataset(**settings, holes_per_image=3).corrupt_indices == [12]


def test_every_image_comes_with_several_holes_in_a_row(root):
    dataset = build(root, holes_per_image=2)
    infos = [dataset.get_data_info(index) for index in (0, 1, 2, -1)]
    assert [(one['sample_idx'], one['hole_index']) for one in infos] == [
        *((0, 0), (0, 1), (1, 0), (9, 1))
    ]
    assert (len(dataset), len(list(dataset.labeled_indices))) == (20, 14)
    assert 'hole_index' not in build(root).get_data_info(0)
    with pytest.raises(UserError, match='holes_per_image=0: expected 1 or more'):
        build(root, holes_per_image=0)
