"""Keeps the teacher: an exponential moving average of the student."""

from __future__ import annotations

from typing import Protocol

from mmagic.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import Tensor, nn

from fbinpaint_mm.engine.hooks.utils import check_protocol, unwrapped_model
from fbinpaint_mm.user_error import UserError


class MovingAverageTeacher(Protocol):
    """A teacher that ``MeanTeacherHook`` can move: ours (``MeanTeacher``) or any other.

    Attributes:
        trust: 0-d float buffer in [0, 1] that the hook fills before each iteration; multiply with
            it every loss that follows from the teacher's pseudo labels.
    """

    trust: Tensor

    def copy_from(self, student: nn.Module) -> None:
        """Take over all parameters and buffers; called once before a run that is not resumed.

        Args:
            student: The model's ``student``.
        """

    def follow(self, student: nn.Module, momentum: float) -> None:
        """Move parameters and float buffers: ``momentum * own + (1 - momentum) * student``.

        Args:
            student: The model's ``student``.
            momentum: Share of the teacher that is kept, in [0, 1).
        """


class TaughtModel(Protocol):
    """A model with a student and a teacher, which ``MeanTeacherHook`` keeps.

    Nothing has to be inherited.

    Attributes:
        teacher: The moving average, or ``None``: the hook then does nothing.
        student: The module that the teacher follows, with the same names of parameters and buffers
            as the teacher's own copy.
    """

    teacher: MovingAverageTeacher | None
    student: nn.Module | None


@HOOKS.register_module()
class MeanTeacherHook(Hook):
    """Moves the teacher's parameters and float buffers towards the student's after each iteration.

    The momentum warms up as ``min(1 - 1 / (i + 1), momentum)``, i the update counted from 0 (as
    in U2PL and AugSeg): the teacher starts as the student and slows down. A model without a teacher
    is left alone, so the hook may stay in the config of a supervised run.

    What it needs of the (unwrapped) model is written down in
    :class:`~fbinpaint_mm.engine.hooks.TaughtModel` and
    :class:`~fbinpaint_mm.engine.hooks.MovingAverageTeacher`; any model that has it will do.

    Args:
        momentum: Share of the teacher that is kept at each iteration, in [0, 1).
        interval: Iterations between two updates; where gradients are accumulated, as many as the
            optimizer's ``accumulative_counts``.
        ramp: Iterations over which the trust in the teacher rises linearly to 1: its first pseudo
            labels are no better than chance.

    Raises:
        UserError: If ``momentum`` is outside [0, 1) or ``interval`` is below 1, or
            ``ramp`` is negative.
    """

    priority = 'NORMAL'

    def __init__(self, momentum: float = 0.99, interval: int = 1, ramp: int = 0) -> None:
        if not 0 <= momentum < 1:
            raise UserError(f'momentum of MeanTeacherHook must be in [0, 1), got {momentum}')
        if interval < 1:
            raise UserError(f'interval of MeanTeacherHook must be at least 1, got {interval}')
        if ramp < 0:
            raise UserError(f'ramp of MeanTeacherHook must not be negative, got {ramp}')
        self.momentum = momentum
        self.interval = interval
        self.ramp = ramp

    def before_train(self, runner: Runner) -> None:
        """Start the teacher as a copy of the student, unless the run was resumed.

        Raises:
            UserError: If the model is no ``TaughtModel``, or its teacher no
                ``MovingAverageTeacher``; names what is missing.
        """
        model = unwrapped_model(runner.model)
        check_protocol(TaughtModel, model, type(self).__name__)
        if model.teacher is not None:
            check_protocol(MovingAverageTeacher, model.teacher, type(self).__name__)
        if model.teacher is not None and runner.iter == 0:
            model.teacher.copy_from(model.student)

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Set the trust in the teacher."""
        teacher = unwrapped_model(runner.model).teacher
        if teacher is not None:
            teacher.trust.fill_(self.trust_at(runner.iter))

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Let the teacher follow the student."""
        model = unwrapped_model(runner.model)
        if model.teacher is not None and self.every_n_train_iters(runner, self.interval):
            model.teacher.follow(model.student, self.momentum_at(runner.iter // self.interval))

    def momentum_at(self, update: int) -> float:
        """Momentum at an update, counted from 0."""
        return min(1 - 1 / (update + 1), self.momentum)

    def trust_at(self, iteration: int) -> float:
        """Trust in [0, 1] at an iteration, counted from 0."""
        return min(1.0, (iteration + 1) / self.ramp) if self.ramp else 1.0
