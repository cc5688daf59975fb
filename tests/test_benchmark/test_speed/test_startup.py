"""The seconds themselves depend on the machine and are not tested."""

import re
import sys

import numpy as np
import pytest

from fbinpaint_mm.benchmark.speed.startup import STAGES, run_stages, stage_script, startup_table


def test_stages_are_python_that_inpaints_twice(repository, monkeypatch, capsys):
    """In this process, where all that they import is there already."""
    config = repository / 'tests/test_benchmark/small_config.py'
    monkeypatch.setattr(sys, 'argv', ['-c', str(config), '', '32'])
    monkeypatch.setattr(sys, 'path', list(sys.path))
    exec(stage_script(STAGES), {})
    assert capsys.readouterr().out.count('stage ended: ') == len(STAGES)


def test_every_stage_is_timed_in_its_turn():
    stages = {'first': 'import sys, time', 'second': 'print("noise")\ntime.sleep(0.1)', 'third': ''}
    (first, modules), (second, _), (third, last_modules) = run_stages(stages, [])
    assert 0 < first <= second - 0.1 < third
    assert 0 < modules == last_modules


def test_a_repeat_that_fails_says_why():
    with pytest.raises(
        ChildProcessError, match=r'^a repeat failed:\n.*\n.*\nImportError: no torch'
    ):
        run_stages({'torch': 'raise ImportError("no torch")'}, [])


def test_the_reference_is_torch_alone():
    reference = np.array([[[1, 50], [3, 1000]]] * 2)
    ours = np.array([[[1, 50], [5, 3000], [6, 3100], [8, 3110], [8.5, 3110]]] * 2)
    table = re.sub(' +', ' ', startup_table(reference, ours))
    assert '| import torch | 2.00 | ×1.00 | 1000 |' in table
    assert '| import fbinpaint_mm | 4.00 | ×2.00 | 3000 |' in table
    # The second image comes after the first result.
    assert '| second image | 0.50 | ×0.25 | 3110 |' in table
    assert '| command to first image | 8.00 | ×4.00 | 3110 |' in table
