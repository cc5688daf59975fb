"""Fixtures shared by the whole suite."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import fbinpaint_mm  # noqa: F401  (registers every component)

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope='session')
def repository() -> Path:
    """Root of the checkout that is being tested."""
    return REPOSITORY


@pytest.fixture(scope='session')
def shared_data() -> Callable[[str], Path]:
    """Folder of real data or weights beside the checkout; skips the test where it is absent."""

    def locate(name: str) -> Path:
        folder = REPOSITORY.parent / 'shared' / name
        if not folder.exists():
            pytest.skip(f'real data {name!r} is not beside this checkout')
        return folder

    return locate
