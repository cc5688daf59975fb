from __future__ import annotations

import json

import pytest

from fbinpaint_mm.export import ExportSettings, UnrolledRounds
from fbinpaint_mm.export.metadata import describe


@pytest.fixture
def told(model, checkpoint):
    settings = ExportSettings(rounds=1, size=(16, 24), format='torchscript')
    return lambda *classes: describe(UnrolledRounds(model, 1), settings, classes, checkpoint)


def test_classes_without_names_are_numbered(told):
    assert json.loads(told('a', 'b', 'c', 'd', 'e')['classes']) == ['a', 'b', 'c', 'd', 'e']
    assert json.loads(told('only one')['classes']) == ['0', '1', '2', '3', '4']


def test_a_fixed_size_and_a_file_without_opset(told):
    found = told()
    assert (found['height'], found['width'], found['opset']) == ('16', '24', 'none')
    assert all(isinstance(value, str) for value in found.values())
