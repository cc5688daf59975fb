from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from fbinpaint_mm.datasets.transforms import LoadSemanticMap

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


def test_unlabelled_image_is_unknown_everywhere() -> None:
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

    with pytest.raises(ValueError, match=r'bad\.png holds id 7; expected 0\.\.4'):
        LoadSemanticMap()(dict(gt=GT, seg_map_path=path, num_classes=5))


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r'gone\.png does not exist'):
        LoadSemanticMap()(dict(gt=GT, seg_map_path=str(tmp_path / 'gone.png')))


def test_unreadable_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / 'broken.png'
    path.write_bytes(b'not an image')

    with pytest.raises(ValueError, match=r'broken\.png cannot be read'):
        LoadSemanticMap()(dict(gt=GT, seg_map_path=str(path)))


def test_empty_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / 'empty.png'
    path.touch()

    with pytest.raises(ValueError, match=r'empty\.png cannot be read'):
        LoadSemanticMap()(dict(gt=GT, seg_map_path=str(path)))


def test_colour_map_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / 'colour.png', np.zeros((4, 6, 3), np.uint8))

    with pytest.raises(ValueError, match=r'colour\.png has shape \(4, 6, 3\)'):
        LoadSemanticMap()(dict(gt=GT, seg_map_path=path))


def test_16_bit_map_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / 'deep.png', np.zeros((4, 6), np.uint16))

    with pytest.raises(ValueError, match=r'deep\.png has shape \(4, 6\) and type'):
        LoadSemanticMap()(dict(gt=GT, seg_map_path=path))


def test_other_size_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / 'small.png', np.zeros((2, 3), np.uint8))

    with pytest.raises(ValueError, match=r'small\.png is 2x3 .* image is 4x6'):
        LoadSemanticMap()(dict(gt=GT, seg_map_path=path))
