"""What of a run's log is shown on the console."""

from __future__ import annotations

import errno
import io
import logging
from pathlib import Path

import pytest
import torch

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


def test_what_does_not_fit_is_told_in_one_line_and_named_in_the_file(tmp_path, capsys):
    runner = toy_runner(tmp_path, max_iters=1, runner_type=QuietRunner)
    weights = runner.model.state_dict()
    torch.save(dict(state_dict=weights), tmp_path / 'same.pth')
    torch.save(dict(state_dict=weights | {'disc.bias': torch.ones(2)}), tmp_path / 'other.pth')
    runner.load_checkpoint(str(tmp_path / 'same.pth'))
    assert 'fits' not in capsys.readouterr().out
    runner.load_checkpoint(str(tmp_path / 'other.pth'))
    shown = capsys.readouterr().out
    assert f'WARNING - {tmp_path / "other.pth"} does not fit in part; the log file' in shown
    assert 'size mismatch' not in shown
    assert 'size mismatch for disc.bias' in next(Path(runner.log_dir).glob('*.log')).read_text()


def test_a_log_on_a_full_disk_is_told_once_and_a_mistake_in_it_as_ever(tmp_path, capsys):
    class Full(io.StringIO):
        def write(self, text):
            raise OSError(errno.ENOSPC, 'No space left on device')

    logger = toy_runner(tmp_path, max_iters=1, runner_type=QuietRunner).logger
    (handler,) = [one for one in logger.handlers if isinstance(one, logging.FileHandler)]
    written = handler.setStream(Full())
    logger.info('first')
    logger.info('second')
    name = handler.baseFilename
    assert capsys.readouterr().err == f"The log '{name}' is cut off: No space left on device\n"
    handler.setStream(written)
    handler.handle(logging.LogRecord('', logging.INFO, __file__, 1, '%d', ('no number',), None))
    assert '--- Logging error ---' in capsys.readouterr().err


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
