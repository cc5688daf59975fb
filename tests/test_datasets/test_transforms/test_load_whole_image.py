from __future__ import annotations

import re

import numpy as np
import pytest
from mmagic.datasets.transforms import LoadImageFromFile
from PIL import Image

from fbinpaint_mm.datasets import CorruptFileError, LoadWholeImage


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
