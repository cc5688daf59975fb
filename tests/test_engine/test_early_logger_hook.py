"""The first line of losses, and the last one."""

from __future__ import annotations

import re
from pathlib import Path

from .toy_run import toy_runner


def logged_iterations(runner):
    log = next(Path(runner.log_dir).glob('*.log')).read_text()
    return [int(step) for step in re.findall(r'Iter\(train\) \[ *(\d+)/', log)]


def test_early_and_last_iterations_are_logged_beside_every_nth(tmp_path):
    logger = dict(type='EarlyLoggerHook', interval=4)
    runner = toy_runner(tmp_path, max_iters=13, logger=logger)
    runner.train()
    assert logged_iterations(runner) == [4, 8, 10, 12, 13]


def test_a_resumed_run_has_an_early_line_of_its_own(tmp_path):
    toy_runner(tmp_path / 'first', max_iters=4).train()
    checkpoint = tmp_path / 'first/iter_4.pth'
    logger = dict(type='EarlyLoggerHook', interval=50)
    runner = toy_runner(tmp_path / 'second', max_iters=17, resume=checkpoint, logger=logger)
    runner.train()
    assert logged_iterations(runner) == [14, 17]
