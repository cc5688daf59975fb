"""One model that a benchmark has to score."""

from __future__ import annotations

from dataclasses import dataclass

from fbinpaint_mm.benchmark.entry import Entry
from fbinpaint_mm.benchmark.results import RunResult
from fbinpaint_mm.benchmark.training.training import Training


@dataclass(frozen=True)
class PlannedRun:
    """An entry with one seed.

    Attributes:
        entry: The entry.
        fingerprint: Of all that its scores depend on.
        seed: ``None`` if the benchmark does not train it.
        training: How it is trained; ``None`` if it is not.
        saves_pictures: Whether its pictures are those of the entry: those of the first seed are.
        result: What an earlier call of the benchmark has found; ``None`` if it is still to do.
    """

    entry: Entry
    fingerprint: str
    seed: int | None = None
    training: Training | None = None
    saves_pictures: bool = True
    result: RunResult | None = None

    @property
    def part(self) -> str:
        """Its name in the store."""
        return 'scores' if self.seed is None else f'scores_seed_{self.seed}'

    @property
    def checkpoint(self) -> str | None:
        """File or address of the weights that are scored; ``None`` for a model without any."""
        return self.entry.checkpoint if self.training is None else str(self.training.checkpoint)
