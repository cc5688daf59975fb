"""The seconds themselves depend on the machine and are not tested."""

import re
import sys

import numpy as np
import pytest

from fbinpaint_mm.benchmark.speed import startup
from fbinpaint_mm.benchmark.speed.startup import STAGES, stage_script, startup_table, time_stages


def test_stages_are_python_that_inpaints_twice(repository, monkeypatch, capsys):
    """In this process, where all that they import is there already."""
    config = repository / 'tests/test_benchmark/small_config.py'
    monkeypatch.setattr(sys, 'argv', ['-c', str(config), '', '32'])
    monkeypatch.setattr(sys, 'path', list(sys.path))
    exec(stage_script(), {})
    monkeypatch.delitem(sys.modules, 'compat')
    assert capsys.readouterr().out.count('stage ended: ') == len(STAGES)


def test_every_stage_is_timed_in_its_turn(monkeypatch):
    stages = {'first': 'import time', 'second': 'print("noise")\ntime.sleep(0.1)', 'third': ''}
    monkeypatch.setattr(startup, 'STAGES', stages)
    first, second, third = time_stages([])
    assert first > 0
    assert second >= 0.1 > third >= 0


def test_a_repeat_that_fails_says_why(monkeypatch):
    monkeypatch.setattr(startup, 'STAGES', {'torch': 'raise ImportError("no torch")'})
    with pytest.raises(
        ChildProcessError, match=r'^a repeat failed:\n.*\n.*\nImportError: no torch'
    ):
        time_stages([])


def test_the_reference_is_mmagic_and_mmseg():
    table = re.sub(' +', ' ', startup_table(np.array([[1, 2, 4, 1, 2, 1, 0.5]] * 2)))
    assert '| mmagic and mmseg | 4.00 | ×1.00 |' in table
    assert '| fbinpaint_mm | 1.00 | ×0.25 |' in table
    # The second image comes after the first result.
    assert '| command to first result | 11.00 | ×2.75 |' in table
