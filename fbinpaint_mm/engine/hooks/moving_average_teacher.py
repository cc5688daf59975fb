"""What ``MeanTeacherHook`` needs of a teacher."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor, nn


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
