"""Fixtures shared by the whole suite."""

from __future__ import annotations

import gc
import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

if 'PYTEST_XDIST_WORKER' in os.environ:
    # The workers share the cores: more threads would only wait for each other. torch reads it once.
    os.environ.setdefault('OMP_NUM_THREADS', '1')

import torch
from mmengine.config import Config

import fbinpaint_mm  # noqa: F401  (registers every component)
from fbinpaint_mm.apis import FeedbackInpainter

# mmengine collects garbage for every data set: a second each, if it had to visit all that the
# stack has imported.
gc.freeze()

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope='session', autouse=True)
def _no_waiting() -> Iterator[None]:
    """What takes seconds and decides nothing."""
    with pytest.MonkeyPatch.context() as patch:
        # mmengine formats the config for every checkpoint.
        patch.setattr('yapf.yapflib.yapf_api.FormatCode', lambda text, **_: (text, True))
        # In seconds, what a worker waits for when its loader is garbage-collected.
        patch.setattr('torch.utils.data._utils.MP_STATUS_CHECK_INTERVAL', 0.1)
        yield


@pytest.fixture(scope='session')
def repository() -> Path:
    """Root of the checkout that is being tested."""
    return REPOSITORY


@pytest.fixture(scope='session')
def small_config(repository) -> Config:
    """The small model, with a data set that names its five classes."""
    small = Config.fromfile(repository / 'tests/small_inpaintor.py')
    classes = ('sky', 'road', 'tree', 'car', 'wall')
    dataset = dict(type='SemanticInpaintingDataset', metainfo=dict(classes=classes))
    return Config(dict(model=small.model.to_dict(), test_dataloader=dict(dataset=dataset)))


@pytest.fixture(scope='session')
def inpainter(small_config) -> FeedbackInpainter:
    """The small model with random weights and prototypes: some start at zero, without effect."""
    inpainter = FeedbackInpainter(small_config, device='cpu')
    generator, loop = torch.Generator().manual_seed(5), inpainter.model.loop
    with torch.no_grad():
        for parameter in inpainter.model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.2)
        for network in (loop.initial, loop.guided):
            network.to_image.weight *= 0.02  # or all colors would be cut off at black or white
        loop.memory.prototypes.copy_(torch.randn(loop.memory.prototypes.shape, generator=generator))
    return inpainter


@pytest.fixture(scope='session')
def without_semantics(small_config) -> FeedbackInpainter:
    """The small model without a segmentor."""
    off = {f'model.generator.{part}': None for part in ('segmentor', 'feedback', 'recorrection')}
    return FeedbackInpainter(small_config, device='cpu', cfg_options=off)


@pytest.fixture(scope='session')
def shared_data() -> Callable[[str], Path]:
    """Folder of real data or weights beside the checkout; skips the test where it is absent."""

    def locate(name: str) -> Path:
        folder = REPOSITORY.parent / 'shared' / name
        if not folder.exists():
            pytest.skip(f'real data {name!r} is not beside this checkout')
        return folder

    return locate


@pytest.fixture
def make_picture() -> Callable[..., np.ndarray]:
    """Makes pictures of random values of any shape and integer type."""

    def make(shape: tuple[int, ...], dtype: str = 'uint8', seed: int = 0) -> np.ndarray:
        random = np.random.default_rng(seed)
        return random.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)

    return make


@pytest.fixture
def load_tool(repository, monkeypatch) -> Callable[[str], ModuleType]:
    """Imports ``tools/<name>.py`` as Python does when the tool is run."""
    monkeypatch.syspath_prepend(repository / 'tools')
    # Reading LOCAL_RANK from the command line must not leak into other tests.
    monkeypatch.setenv('LOCAL_RANK', '0')

    def load(name: str) -> ModuleType:
        path = repository / 'tools' / f'{name}.py'
        spec = importlib.util.spec_from_file_location(f'tool_{name}', path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        return module

    return load
