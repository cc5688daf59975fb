"""What all exported networks share: pixels as users have them."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from fbinpaint_mm.models import FeedbackRecorrectionInpaintor
from fbinpaint_mm.models.round import Round

HALF_RANGE = 127.5  # 0..255 is [-1, 1] times this plus this
PREVIOUS = 'previous_'  # prefix of inputs that are outputs of the round before


class ExportedStep(nn.Module):
    """A part of the model with a plain interface: tensors in, a tuple of tensors out.

    Everything that a user would have to know about the model is inside: channel order, value range,
    that the hole is emptied and that known pixels are copied. In all steps

    * ``image`` is (N, 3, H, W) float32 RGB in 0..255; what it holds in the hole is never read,
    * ``mask`` is (N, 1, H, W) float32, hole where it is above 0.5,
    * ``composite`` is (N, 3, H, W) float32 RGB in 0..255, not rounded; outside the hole it equals
      ``image`` bit for bit,
    * ``map`` is (N, K, H, W) float32 class probabilities; models without semantics have none,
    * ``confidence`` is (N, 1, H, W) float32 in [0, 1], 1 outside the hole.

    Args:
        model: In evaluation mode. Its weights are shared, not copied.

    Attributes:
        kind: Name of the step in file names and metadata.
        input_names: Names of the arguments of ``forward``.
        output_names: Names of its results.
    """

    kind: ClassVar[str]

    def __init__(self, model: FeedbackRecorrectionInpaintor) -> None:
        super().__init__()
        self.loop = model.loop
        self.is_bgr = model.data_preprocessor.output_channel_order != 'RGB'
        self.num_classes = self.loop.num_classes
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
