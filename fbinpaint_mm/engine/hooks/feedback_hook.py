"""Sends inpainting output back to the decode head, and keeps the class memory."""

from __future__ import annotations

from typing import Protocol

from mmagic.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner

from fbinpaint_mm.engine.hooks.utils import check_protocol, unwrapped_model
from fbinpaint_mm.models.feedback.class_memory import CompletedBatch
from fbinpaint_mm.user_error import UserError


class FeedbackModel(Protocol):
    """A model that ``FeedbackHook`` can drive: ours, or any other that has these members.

    Nothing has to be inherited. The model owns a segmentor of mmseg and an
    :class:`~fbinpaint_mm.models.InpaintingFeedback`, joined by a
    :class:`~fbinpaint_mm.models.DecodeHeadLink`, and computes all losses; the hook only tells it
    when, and how strongly, the feedback acts.

    Attributes:
        rounds: R >= 0, how often training segments, corrects and inpaints again. Read once before
            the run.
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
        """Let the class memory learn; called after each training iteration.

        Every rank calls it.

        Returns:
            What it learned from, of which the hook logs ``is_labeled`` and, unless it is
            ``None``, ``corrected_share``; ``None`` when there is nothing to log.
        """


@HOOKS.register_module()
class FeedbackHook(Hook):
    """Links the feedback to the decode head, and decides when and how strongly it acts.

    The hook only schedules; every computation and every backward pass stay in the model, so that
    mixed precision and distributed training work. What it needs of the (unwrapped) model is written
    down in :class:`~fbinpaint_mm.engine.hooks.FeedbackModel`; any model that has it will do.

    All that it does follows from the iteration number and from buffers of the model: a resumed run
    continues as if never interrupted.

    Args:
        start: First iteration with feedback; before it the strength is 0.
        ramp: Iterations over which the strength rises linearly from 0 to 1, from ``start`` on.
        cycle_rounds: Whether iterations take turns with 1, 2, ... R rounds. ``None``: where only
            the last round of a step learns, so that every round has its turn: by the attribute
            ``only_last_learns`` of the model, and not of a model without one.

    Attributes:
        rounds: R of the model; ``None`` before the run.
        period: Iterations after which the number of rounds repeats; known once the run began.

    Raises:
        UserError: If ``start`` or ``ramp`` is negative.
    """

    priority = 'NORMAL'

    def __init__(self, start: int = 0, ramp: int = 0, cycle_rounds: bool | None = None) -> None:
        if start < 0 or ramp < 0:
            raise UserError(f'start and ramp must not be negative, got start={start}, ramp={ramp}')
        self.start = start
        self.ramp = ramp
        self.rounds: int | None = None
        self.cycle_rounds = cycle_rounds
        self.period = 1

    def before_run(self, runner: Runner) -> None:
        """Link the feedback.

        Raises:
            UserError: If the model is no ``FeedbackModel``; names what it lacks.
        """
        model: FeedbackModel = unwrapped_model(runner.model)
        check_protocol(FeedbackModel, model, type(self).__name__)
        model.link_feedback()
        if self.rounds is None:
            self.rounds = model.rounds  # of the config: set_feedback will change it
        if self.cycle_rounds is None:
            self.cycle_rounds = getattr(model, 'only_last_learns', False)
        self.period = max(1, self.rounds) if self.cycle_rounds else 1

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Set strength and number of rounds of this iteration."""
        model: FeedbackModel = unwrapped_model(runner.model)
        assert self.rounds is not None, 'before_run was not called'
        cycles = self.cycle_rounds and self.rounds > 0
        rounds = 1 + runner.iter % self.period if cycles else self.rounds
        model.set_feedback(self.strength_at(runner.iter), rounds)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Let the class memory learn from the completed batch, and log what the feedback did."""
        batch = unwrapped_model(runner.model).update_class_memory()
        scalars = {'feedback/strength': self.strength_at(runner.iter)}
        if batch is not None:
            scalars['feedback/labeled'] = float(batch.is_labeled.sum())
            if batch.corrected_share is not None:
                scalars['feedback/corrected_share'] = float(batch.corrected_share)
        for name, value in scalars.items():
            runner.message_hub.update_scalar(f'train/{name}', value)

    def strength_at(self, iteration: int) -> float:
        """Strength in [0, 1] at an iteration, counted from 0."""
        if iteration < self.start:
            return 0.0
        if self.ramp == 0:
            return 1.0
        return min(1.0, (iteration - self.start + 1) / self.ramp)
