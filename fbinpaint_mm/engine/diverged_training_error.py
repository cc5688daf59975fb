"""The error that stops a training whose loss is no longer a number."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


class DivergedTrainingError(RuntimeError):
    """A loss or a gradient is not finite, or has exploded.

    Args:
        iteration: The iteration that was given up, counted from 0 as mmengine does.
        terms: What is wrong with each bad term, by its name: ``'nan'``, ``'inf'``, ...
        samples: Names of the samples of the batch.
        checkpoint: Written with the state before the iteration; ``None`` if there is none.
        remark: A sentence on that state.
    """

    def __init__(
        self,
        iteration: int,
        terms: dict[str, str],
        samples: Sequence[str],
        checkpoint: Path | None,
        remark: str,
    ) -> None:
        self.iteration = iteration
        self.terms = dict(terms)
        self.samples = tuple(samples)
        self.checkpoint = checkpoint
        bad = '; '.join(f'{name} {problem}' for name, problem in terms.items())
        super().__init__(
            f'Training stopped at iteration {iteration} (counted from 0): {bad}. '
            f'Samples: {", ".join(samples)}. {remark}'
        )

    @property
    def term(self) -> str:
        """Name of the first bad term."""
        return next(iter(self.terms))
