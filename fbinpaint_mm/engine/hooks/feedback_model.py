"""What ``FeedbackHook`` needs of a model."""

from __future__ import annotations

from typing import Protocol

from fbinpaint_mm.models.feedback.class_memory import CompletedBatch


class FeedbackModel(Protocol):
    """A model that ``FeedbackHook`` can drive: ours, or any other that has these members.

    Nothing has to be inherited. The model owns a segmentor of mmseg and an
    :class:`~fbinpaint_mm.models.InpaintingFeedback`, joined by a
    :class:`~fbinpaint_mm.models.DecodeHeadLink`, and computes all losses; the hook only tells it
    when, and how strongly, the feedback acts.

    Attributes:
        rounds: R >= 0, how often training segments, corrects and inpaints again. Read once before
            the run, when the hook was given none.
    """

    rounds: int

    def link_feedback(self) -> None:
        """Link the feedback to the decode head (``DecodeHeadLink.attach``).

        Called once before a run; a second call must change nothing.
        """

    def set_feedback(self, strength: float, rounds: int) -> None:
        """Take over the schedule of this iteration; called before each training iteration.

        Args:
            strength: Factor of feedback and recorrection, in [0, 1]. Keep it in a buffer, so that a
                checkpoint predicts as the training did.
            rounds: R >= 0 of this iteration.
        """

    def update_class_memory(self) -> CompletedBatch | None:
        """Let the class memory, and a layout memory, learn; called after each training iteration.

        Every rank calls it.

        Returns:
            What it learned from, of which the hook logs ``is_labeled`` and, unless it is
            ``None``, ``corrected_share``; ``None`` when there is nothing to log.
        """
