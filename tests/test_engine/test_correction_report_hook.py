from __future__ import annotations

import logging
from types import SimpleNamespace

import numpy as np
import pytest
from mmagic.registry import HOOKS

from fbinpaint_mm.engine.hooks.correction_report_hook import CorrectionReportHook
from fbinpaint_mm.evaluation import CorrectionRate, HoleIoU


class Visualizer:
    """Notes the scalars it is given."""

    def __init__(self):
        self.scalars = []

    def add_scalars(self, scalars, step):
        self.scalars.append((scalars, step))


@pytest.fixture
def runner(caplog):
    caplog.set_level(logging.INFO, logger='correction')
    metric = CorrectionRate()
    metric.dataset_meta = {'classes': ('sky', 'road')}
    metric.class_counts = np.array([[[[3.0, 0], [4, 0]], [[1, 0], [6, 0]]]])
    loop = SimpleNamespace(evaluators=[SimpleNamespace(metrics=[HoleIoU(), metric])])
    return SimpleNamespace(
        val_loop=loop, iter=500, visualizer=Visualizer(), logger=logging.getLogger('correction')
    )


@pytest.mark.parametrize('multi', [True, False])
def test_logs_scalars_and_a_table(runner, caplog, multi):
    if not multi:
        runner.val_loop = SimpleNamespace(evaluator=runner.val_loop.evaluators[0])
    HOOKS.build({'type': 'CorrectionReportHook'}).after_val_epoch(runner)
    ((scalars, step),) = runner.visualizer.scalars
    assert step == 500
    assert scalars == {
        'correction/sky/round1/mended': 75.0,
        'correction/sky/round1/spoiled': pytest.approx(100 / 6),
    }
    assert 'iteration 500' in caplog.text
    assert '| sky         |     10 |                   40.0 → 20.0 |' in caplog.text


@pytest.mark.parametrize('what', ['no metric', 'no maps', 'no loop'])
def test_says_once_why_it_does_nothing(runner, caplog, what):
    reason = 'there are no maps' if what == 'no maps' else 'val_evaluator has no CorrectionRate'
    evaluator = runner.val_loop.evaluators[0]
    if what == 'no maps':
        evaluator.metrics[1].class_counts = None
    elif what == 'no metric':
        del evaluator.metrics[1]
    else:
        runner.val_loop = None
    hook = CorrectionReportHook()
    hook.after_val_epoch(runner)
    hook.after_val_epoch(runner)
    assert [record.message for record in caplog.records] == [
        f'CorrectionReportHook does nothing: {reason}'
    ]
    assert not runner.visualizer.scalars
