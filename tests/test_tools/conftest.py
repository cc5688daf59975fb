"""Loads the command-line tools as modules, under names that do not clash with the stdlib's."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from types import ModuleType

import pytest


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
