"""What ``MeanTeacherHook`` needs of a model."""

from __future__ import annotations

from typing import Protocol

from torch import nn

from fbinpaint_mm.engine.hooks.moving_average_teacher import MovingAverageTeacher


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
