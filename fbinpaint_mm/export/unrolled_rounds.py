"""The whole loop as one network."""

from __future__ import annotations

from torch import Tensor

from fbinpaint_mm.export.exported_step import ExportedStep
from fbinpaint_mm.models import FeedbackRecorrectionInpaintor


class UnrolledRounds(ExportedStep):
    """All rounds, one after the other; see :class:`ExportedStep` for what goes in and out.

    Args:
        model: In evaluation mode.
        rounds: R >= 1, rounds after round 0. Cannot be changed in the exported file.

    Raises:
        ValueError: If ``rounds`` is below 1.
    """

    kind = 'unrolled'

    def __init__(self, model: FeedbackRecorrectionInpaintor, rounds: int) -> None:
        if rounds < 1:
            raise ValueError(
                f'unrolled export needs rounds >= 1, got {rounds}; for round 0 alone export one '
                'round per call and use its first file'
            )
        super().__init__(model)
        self.rounds = rounds

    def forward(self, image: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        """Inpaint: composite, map and confidence of round R."""
        result = self.loop(*self._masked(image, mask), self.rounds)[-1]
        semantic_map = result.semantics.probabilities if self.num_classes else None
        return self._results(result, semantic_map, image, mask)
