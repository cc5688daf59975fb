"""Pictures on disk."""

from __future__ import annotations

import pytest
from PIL import Image


@pytest.fixture
def touch(tmp_path):
    """Makes empty files below the test's folder."""

    def make(*names):
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return tmp_path

    return make


@pytest.fixture
def save_image(tmp_path, make_picture):
    """Writes a picture of noise, or the given pixels, below the test's folder."""

    def save(name, pixels=None, **options):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = make_picture((16, 24, 3)) if pixels is None else pixels
        Image.fromarray(pixels).save(path, **options)
        return path

    return save
