"""What begins a pipeline: images, label maps, and procedural scenes."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmagic.datasets.transforms import LoadImageFromFile
from PIL import Image

from fbinpaint_mm.datasets import CorruptFileError, LoadWholeImage
from fbinpaint_mm.datasets.transforms import LoadProceduralScene, LoadSemanticMap
from fbinpaint_mm.user_error import UserError

GT = np.zeros((4, 6, 3), np.uint8)


def _write(path: Path, array: np.ndarray) -> str:
    assert cv2.imwrite(str(path), array)
    return str(path)


def test_reads_ids(tmp_path: Path) -> None:
    ids = np.arange(24, dtype=np.uint8).reshape(4, 6)
    path = _write(tmp_path / 'map.png', ids)

    gt_seg = LoadSemanticMap()(dict(gt=GT, seg_map_path=path))['gt_seg']

    assert gt_seg.shape == (4, 6, 1)
    assert gt_seg.dtype == np.uint8
    assert np.array_equal(gt_seg[..., 0], ids)


def test_palette_map_gives_its_indices(tmp_path: Path) -> None:
    image = Image.fromarray(np.full((4, 6), 2, np.uint8))
    image.putpalette([0, 0, 0, 10, 20, 30, 200, 100, 50])
    image.save(tmp_path / 'palette.png')

    gt_seg = LoadSemanticMap()(dict(gt=GT, seg_map_path=str(tmp_path / 'palette.png')))['gt_seg']

    assert (gt_seg == 2).all()


def test_unlabeled_image_is_unknown_everywhere() -> None:
    gt_seg = LoadSemanticMap()(dict(gt=GT, seg_map_path=None, num_classes=3))['gt_seg']

    assert gt_seg.shape == (4, 6, 1)
    assert (gt_seg == 255).all()


def test_label_map_exchanges_ids_at_once(tmp_path: Path) -> None:
    ids = np.array([[0, 1, 2, 255, 1, 0]] * 4, np.uint8)
    path = _write(tmp_path / 'map.png', ids)
    results = dict(gt=GT, seg_map_path=path, label_map={0: 1, 1: 0, 2: 255}, num_classes=2)

    gt_seg = LoadSemanticMap()(results)['gt_seg']

    assert gt_seg[0, :, 0].tolist() == [1, 0, 255, 255, 0, 1]


def test_id_out_of_range_names_file_and_id(tmp_path: Path) -> None:
    path = _write(tmp_path / 'bad.png', np.full((4, 6), 7, np.uint8))

    with pytest.raises(UserError, match=r"bad\.png': class id 7 in 24 pixels; expected ids 0"):
        LoadSemanticMap()(dict(gt=GT, seg_map_path=path, num_classes=5))


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"gone\.png' does not exist"):
        LoadSemanticMap()(dict(gt=GT, seg_map_path=str(tmp_path / 'gone.png')))


@pytest.mark.parametrize(
    ('content', 'problem'), [(b'not an image', 'it is no image'), (b'', 'the file is empty')]
)
def test_unreadable_file_is_named(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / 'broken.png'
    path.write_bytes(content)

    with pytest.raises(CorruptFileError, match=rf"cannot read '.*broken\.png' \({problem}"):
        LoadSemanticMap()(dict(gt=GT, seg_map_path=str(path)))


@pytest.mark.parametrize(
    ('array', 'mode'),
    [(GT, 'RGB'), (GT[..., 0].astype(np.uint16), 'I;16')],
    ids=['color', '16 bit'],
)
def test_other_kinds_of_images_are_refused(tmp_path: Path, array: np.ndarray, mode: str) -> None:
    path = _write(tmp_path / 'other.png', array)

    with pytest.raises(UserError, match=rf"other\.png' is stored as '{mode}'; expected one 8-bit"):
        LoadSemanticMap()(dict(gt=GT, seg_map_path=path))


def test_other_size_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / 'small.png', np.zeros((2, 3), np.uint8))

    with pytest.raises(UserError, match=r"small\.png' is 2x3 .* image is 4x6"):
        LoadSemanticMap()(dict(gt=GT, seg_map_path=path))


@pytest.fixture(params=['.jpg', '.png', '.bmp'])
def path(request, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    path = tmp_path / f'image{request.param}'
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize('settings', [{}, dict(channel_order='rgb', save_original_img=True)])
def test_loads_what_mmagic_loads(path, settings):
    ours, theirs = (
        loader(key='gt', **settings)(dict(gt_path=str(path)))
        for loader in (LoadWholeImage, LoadImageFromFile)
    )
    assert ours.keys() == theirs.keys()
    for key, value in theirs.items():
        np.testing.assert_array_equal(ours[key], value)


@pytest.mark.parametrize('orientation', range(1, 9))
@pytest.mark.parametrize(
    'settings',
    [
        {},
        dict(channel_order='rgb'),
        dict(color_type='grayscale'),
        dict(imdecode_backend='pillow'),
        dict(imdecode_backend='pillow', channel_order='rgb'),
    ],
)
def test_loads_photographs_upright_as_mmagic_does(path, settings, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    Image.open(path).save(path, **({} if path.suffix == '.bmp' else dict(exif=exif)))
    sample = dict(gt_path=str(path))
    ours = LoadWholeImage(key='gt', **settings)(sample.copy())['gt']
    np.testing.assert_array_equal(ours, LoadImageFromFile(key='gt', **settings)(sample)['gt'])
    assert ours.flags.c_contiguous


@pytest.mark.parametrize('use_cache', [False, True])
def test_cache_holds_only_what_it_is_asked_to(path, use_cache):
    loader = LoadWholeImage(key='gt', use_cache=use_cache)
    first = loader(dict(gt_path=str(path)))['gt']
    assert list(loader.cache) == ([str(path)] if use_cache else [])
    path.unlink()
    if use_cache:
        np.testing.assert_array_equal(loader(dict(gt_path=str(path)))['gt'], first)
    else:
        with pytest.raises(FileNotFoundError, match=re.escape(str(path))):
            loader(dict(gt_path=str(path)))


def test_truncated_image_is_named(path):
    path.write_bytes(path.read_bytes()[:150])
    with pytest.raises(CorruptFileError, match=rf'Image {re.escape(str(path))} cannot be read \('):
        LoadWholeImage(key='gt')(dict(gt_path=str(path)))


def test_image_that_only_pillow_reads_is_named(path, monkeypatch):
    monkeypatch.setattr('mmagic.datasets.transforms.loading.mmcv.imfrombytes', lambda **_: None)
    loader = LoadWholeImage(key='gt')
    with pytest.raises(CorruptFileError, match='cannot be decoded by OpenCV'):
        loader(dict(gt_path=str(path)))
    assert not loader.cache


def test_labeled_scene() -> None:
    results = LoadProceduralScene(image_size=(48, 64))(dict(scene_seed=5, is_labeled=True))

    assert results['gt'].shape == (48, 64, 3)
    assert results['gt'].dtype == np.uint8
    assert results['gt_seg'].shape == (48, 64, 1)
    assert results['gt_seg'].max() < 10
    assert results['gt_channel_order'] == 'bgr'
    assert results['ori_gt_shape'] == (48, 64, 3)


def test_unlabeled_scene_has_the_same_image_and_no_label() -> None:
    load = LoadProceduralScene()
    sample = dict(scene_seed=5, image_size=(64, 64))
    labeled = load(dict(sample, is_labeled=True))
    unlabeled = load(dict(sample, is_labeled=False))

    assert np.array_equal(labeled['gt'], unlabeled['gt'])
    assert (unlabeled['gt_seg'] == 255).all()


def test_changes_in_place_do_not_reach_the_cache() -> None:
    load = LoadProceduralScene(image_size=48)
    first = load(dict(scene_seed=5, is_labeled=True))
    expected = first['gt'].copy(), first['gt_seg'].copy()
    first['gt'][:] = 0
    first['gt_seg'][:] = 0

    second = load(dict(scene_seed=5, is_labeled=True))

    assert np.array_equal(second['gt'], expected[0])
    assert np.array_equal(second['gt_seg'], expected[1])


def test_missing_or_tiny_size_is_refused() -> None:
    with pytest.raises(UserError, match='needs image_size'):
        LoadProceduralScene()(dict(scene_seed=0, is_labeled=True))
    with pytest.raises(UserError, match='at least 16 pixels'):
        LoadProceduralScene(image_size=8)(dict(scene_seed=0, is_labeled=True))
