"""What of a run's log is shown on the console."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from fbinpaint_mm.engine.quiet_runner import QuietRunner, is_for_console

from .toy_run import toy_runner


def test_the_console_has_the_iterations_and_the_file_all_of_it(tmp_path, capsys):
    runner = toy_runner(tmp_path, max_iters=2, runner_type=QuietRunner)
    runner.train()
    runner.logger.info('a long table', extra={'file_only': True})
    runner.logger.warning('a warning')
    shown = capsys.readouterr().out
    written = next(Path(runner.log_dir).glob('*.log')).read_text()
    for text in ('System environment:', 'Hooks will be executed', 'a long table'):
        assert text in written
        assert text not in shown
    for text in ('Iter(train) [1/2]', 'Iter(train) [2/2]', 'WARNING - a warning'):
        assert text in written
        assert text in shown
    assert 'mmengine' not in shown
    assert '- mmengine - INFO - Iter(train) [1/2]' in written
    first, *_ = shown.splitlines()
    assert 'Iter(train) [1/2]' in first


def record(text, level=logging.INFO, **extra):
    made = logging.LogRecord('mmengine', level, __file__, 1, text, None, None)
    vars(made).update(extra)
    return made


@pytest.mark.parametrize(
    'text',
    [
        'Config:\nmodel = None',
        'paramwise_options -- segmentor.backbone.weight:lr=0.1',
        'initial.conv.weight is skipped since its requires_grad=False',
        'The prefix is not set in metric class SSIM.',
        '"HardDiskBackend" is the alias of "LocalBackend"',
    ],
)
def test_noise_is_known_by_its_text_unless_it_is_an_error(text):
    assert not is_for_console(record(text))
    assert not is_for_console(record(text, logging.WARNING))
    assert is_for_console(record(text, logging.ERROR))


@pytest.mark.parametrize(
    'text', ['Saving checkpoint at 5 iterations', 'Told to stop: Config:', 'resumed epoch: 0']
)
def test_other_messages_are_shown(text):
    assert is_for_console(record(text))
    assert not is_for_console(record(text, file_only=True))
