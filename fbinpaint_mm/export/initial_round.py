"""Round 0 as a network of its own."""

from __future__ import annotations

from torch import Tensor

from fbinpaint_mm.export.exported_step import ExportedStep


class InitialRound(ExportedStep):
    """Round 0; see :class:`ExportedStep` for what goes in and out.

    Its outputs are the state that :class:`NextRound` continues from. The map is all 0, as none has
    been made yet; with one-way guidance it is the map of the initial result, which guides all
    rounds and is made only once.

    Args:
        model: In evaluation mode.
    """

    kind = 'initial'

    def forward(self, image: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        """Inpaint: composite, map and confidence of round 0."""
        masked_img, hole = self._masked(image, mask)
        one_way = self.num_classes > 0 and self.loop.feedback is None
        # The exporters drop what only the second round's image would need.
        results = self.loop(masked_img, hole, rounds=1 if one_way else 0)
        if one_way:
            semantic_map = results[1].semantics.probabilities
        elif self.num_classes:
            semantic_map = hole.new_zeros(hole.shape[0], self.num_classes, *hole.shape[-2:])
        else:
            semantic_map = None
        return self._results(results[0], semantic_map, image, mask)
