"""The networks that are exported: tensors in, tensors out, pixels as users have them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fbinpaint_mm.models import FeedbackRecorrectionInpaintor
from fbinpaint_mm.models.round import Round, Semantics
from fbinpaint_mm.user_error import UserError

HALF_RANGE = 127.5  # 0..255 is [-1, 1] times this plus this
PREVIOUS = 'previous_'  # prefix of inputs that are outputs of the round before
CONVENTIONS = {
    'image': 'float32 (N,3,H,W) RGB 0..255; the hole is never read',
    'mask': 'float32 (N,1,H,W), hole where above 0.5',
    'composite': 'float32 (N,3,H,W) RGB 0..255, equals image outside the hole',
    'map': 'float32 (N,K,H,W) class probabilities',
    'confidence': 'float32 (N,1,H,W) in 0..1, 1 outside the hole',
}


class ExportError(UserError):
    """A network cannot be exported, its file does not run, or gives something else than PyTorch."""


class ExportedStep(nn.Module):
    """A part of the model with a plain interface: tensors in, a tuple of tensors out.

    Everything that a user would have to know about the model is inside: channel order, value range,
    that the hole is emptied and that known pixels are copied. Inputs and outputs of all steps are
    as ``CONVENTIONS`` says, by name. ``composite`` is not rounded, and equals ``image`` bit for bit
    outside the hole; models without semantics have no ``map``.

    Args:
        model: In evaluation mode. Its weights are shared, not copied.

    Attributes:
        kind: ``'unrolled'``, ``'initial'`` or ``'round'``, for the metadata.
        file_part: What the step adds to the name of its file.
        input_names: Names of the arguments of ``forward``.
        output_names: Names of its results.
    """

    kind: str

    def __init__(self, model: FeedbackRecorrectionInpaintor) -> None:
        super().__init__()
        self.loop = model.loop
        self.is_bgr = model.data_preprocessor.output_channel_order != 'RGB'
        count = model.loop.num_classes
        assert isinstance(count, int), 'torch knows attributes of modules as tensors and modules'
        self.num_classes = count
        self.file_part = self.kind
        self.input_names = ['image', 'mask']
        self.output_names = ['composite', *(['map'] if self.num_classes else []), 'confidence']

    def _to_model(self, image: Tensor) -> Tensor:
        """RGB in 0..255 -> the model's channels in [-1, 1]."""
        image = (image - HALF_RANGE) / HALF_RANGE
        return image.flip(1) if self.is_bgr else image

    def _masked(self, image: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The model's input: (N, 3, H, W) masked image, (N, 1, H, W) mask of 0 and 1."""
        mask = (mask > 0.5).to(image.dtype)
        return self._to_model(image) * (1 - mask), mask

    def _results(
        self, result: Round, semantic_map: Tensor | None, image: Tensor, mask: Tensor
    ) -> tuple[Tensor, ...]:
        """The outputs, in the order of ``output_names``."""
        composite = result.composite.flip(1) if self.is_bgr else result.composite
        # Copied once more: value ranges there and back would cost the last bit of known pixels.
        composite = (composite * HALF_RANGE + HALF_RANGE).where(mask > 0.5, image)
        maps = [] if semantic_map is None else [semantic_map]
        return (composite, *maps, result.confidence)


class UnrolledRounds(ExportedStep):
    """All rounds in one network.

    Args:
        model: In evaluation mode.
        rounds: R >= 1, rounds after round 0. Cannot be changed in the exported file.
    """

    kind = 'unrolled'

    def __init__(self, model: FeedbackRecorrectionInpaintor, rounds: int) -> None:
        super().__init__(model)
        self.rounds = rounds
        self.file_part = f'rounds{rounds}'

    def forward(self, image: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        """Inpaint: composite, map and confidence of round R."""
        result = self.loop(*self._masked(image, mask), self.rounds)[-1]
        return self._results(result, _probabilities(result), image, mask)


class InitialRound(ExportedStep):
    """Round 0.

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
        semantic_map = _probabilities(results[-1])
        if self.num_classes and semantic_map is None:
            semantic_map = hole.new_zeros(hole.shape[0], self.num_classes, *hole.shape[-2:])
        return self._results(results[0], semantic_map, image, mask)


class NextRound(ExportedStep):
    """One round after round 0.

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
        current = self._to_model(composite)
        semantics = CarriedMap(maps[0]) if maps else None
        before = Round(current, current, 1 - confidence, confidence, semantics)
        result = self.loop.next_round(*self._masked(image, mask), before)
        return self._results(result, _probabilities(result), image, mask)


class CarriedMap(Semantics):
    """The map of the round before, given as probabilities by a caller that runs the rounds itself.

    Args:
        probabilities: (N, K, H, W) float class probabilities; all 0 before the first map.
    """

    def __init__(self, probabilities: Tensor) -> None:
        logits = probabilities.clamp_min(torch.finfo(probabilities.dtype).tiny).log()
        super().__init__(logits, logits, logits[:, :0])
        self._given = probabilities

    @property
    def probabilities(self) -> Tensor:
        """(N, K, H, W) float, as given: a softmax would make a uniform map of all zeros."""
        return self._given


def _probabilities(result: Round) -> Tensor | None:
    return None if result.semantics is None else result.semantics.probabilities
