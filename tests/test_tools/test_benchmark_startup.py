"""The start-up benchmark; the seconds themselves depend on the machine and are not tested."""

import json
import re
import subprocess
import time

import pytest


@pytest.fixture
def tool(load_tool):
    return load_tool('benchmark_startup')


@pytest.fixture
def config(repository):
    return str(repository / 'configs/fbinpaint_demo.py')


@pytest.mark.parametrize(
    ('argv', 'message'),
    [
        (['missing.py'], "config file 'missing.py' does not exist"),
        (['{config}', 'missing.pth'], "checkpoint 'missing.pth' does not exist"),
        (['{config}', '--repeats', '0'], '--repeats must be at least 1, got 0'),
        (['{config}', '--size', '7'], '--size must be at least 8 pixels, got 7'),
    ],
)
def test_mistakes_are_found_at_once(tool, config, capsys, argv, message):
    with pytest.raises(SystemExit):
        tool.parse_args([text.format(config=config) for text in argv])
    assert message in capsys.readouterr().err


def test_every_stage_is_timed_in_its_turn(tool, config):
    began = time.time()
    args = tool.parse_args([config, '--size', '32', '--started', str(began)])
    times = tool.run_stages(args)
    assert len(times) == len(tool.STAGES)
    assert times == sorted(times)
    assert times[0] > 0
    assert times[-1] <= time.time() - began


def test_stages_are_durations_and_the_reference_is_mmagic_and_mmseg(tool, config, monkeypatch):
    def run(command, **options):
        output = f'noise\n{json.dumps([1, 3, 7, 8, 10, 11, 11.5])}\n'
        return subprocess.CompletedProcess(command, 0, output, '')

    monkeypatch.setattr(subprocess, 'run', run)
    durations = tool.measure(tool.parse_args([config]))
    assert durations == [1, 2, 4, 1, 2, 1, 0.5]
    report = re.sub(' +', ' ', tool.report([durations, durations]))
    assert '| mmagic and mmseg | 4.00 | ×1.00 |' in report
    assert '| fbinpaint_mm | 1.00 | ×0.25 |' in report
    # The second image comes after the first result.
    assert '| command to first result | 11.00 | ×2.75 |' in report


def test_a_repeat_that_fails_says_why(tool, config, monkeypatch):
    failed = subprocess.CompletedProcess([], 1, '', 'ImportError: no torch')
    monkeypatch.setattr(subprocess, 'run', lambda *a, **k: failed)
    with pytest.raises(RuntimeError, match='a repeat failed:\nImportError: no torch'):
        tool.measure(tool.parse_args([config]))
