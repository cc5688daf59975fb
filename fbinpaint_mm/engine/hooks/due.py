"""When a hook that shows something of the training has its turn."""

from __future__ import annotations

from mmengine.runner import EpochBasedTrainLoop, Runner


def is_due(runner: Runner, interval: int | None) -> bool:
    """Whether the training iteration that runs now is one to show.

    Args:
        runner: The runner of the training, within an iteration.
        interval: Every ``interval``-th iteration; 0 for none; ``None`` for those that a validation
            follows, which suits short and long trainings.

    Returns:
        ``False`` too where there is no such iteration.
    """
    every = validation_interval(runner) if interval is None else interval
    return every > 0 and (runner.iter + 1) % every == 0


def validation_interval(runner: Runner) -> int:
    """Iterations between two validations, by the settings of the training loop."""
    loop = runner.train_loop
    by_epoch = isinstance(loop, EpochBasedTrainLoop)
    return loop.val_interval * (len(loop.dataloader) if by_epoch else 1)
