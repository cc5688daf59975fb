"""One round after round 0, as a network of its own."""

from __future__ import annotations

from torch import Tensor

from fbinpaint_mm.export.carried_map import CarriedMap
from fbinpaint_mm.export.exported_step import PREVIOUS, ExportedStep
from fbinpaint_mm.models import FeedbackRecorrectionInpaintor
from fbinpaint_mm.models.round import Round


class NextRound(ExportedStep):
    """One more round; see :class:`ExportedStep` for what goes in and out.

    The caller hands the outputs of the round before, or of :class:`InitialRound`, back as inputs,
    as often as it likes: output ``map`` as input ``previous_map``, and so on.

    Args:
        model: In evaluation mode.
    """

    kind = 'round'

    def __init__(self, model: FeedbackRecorrectionInpaintor) -> None:
        super().__init__(model)
        self.input_names += [PREVIOUS + name for name in self.output_names]

    def forward(
        self, image: Tensor, mask: Tensor, composite: Tensor, *state: Tensor
    ) -> tuple[Tensor, ...]:
        """Inpaint again.

        Args:
            image: As in every round.
            mask: As in every round.
            composite: Composite of the round before.
            *state: Map, unless the model has no semantics, and confidence of the round before.

        Returns:
            Composite, map and confidence of this round.
        """
        *maps, confidence = state
        masked_img, hole = self._masked(image, mask)
        current = self._to_model(composite)
        semantics = CarriedMap(maps[0]) if maps else None
        before = Round(current, current, 1 - confidence, confidence, semantics)
        result = self.loop.next_round(masked_img, hole, before)
        semantic_map = result.semantics.probabilities if maps else None
        return self._results(result, semantic_map, image, mask)
