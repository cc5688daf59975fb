"""What our two encoder-decoders for inpainting have in common."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from torch import Tensor

from fbinpaint_mm.user_error import UserError

SEEN_BY_BOTH = 3 + 1  # channels of masked image and hole
SEEN_BY_GUIDED = 3 + 1  # channels of current image and confidence


class InpaintingEncoderDecoder(BaseModule):
    """A network for both slots of the loop.

    As ``initial`` it reads the masked image and the hole; as ``guided`` also the current image and
    its confidence, and a map if it has classes. It may start from the weights of an initial one:
    what only the guided one reads then starts without effect. The loop encodes once for all rounds.

    Args:
        num_classes: K, channels of the semantic map; 0 for no semantics.
        guided: Whether the network refines a current image (slot ``guided``) or starts from nothing
            (slot ``initial``).
        init_cfg: mmengine initialization, e.g. ``dict(type='Pretrained', checkpoint=...)``.

    Attributes:
        size_divisor: Image sides must be multiples of it, in pixels.
        stem_weight: Name of the weight of the first convolution.
        semantic_prefix: First part of the names of weights that a network without a map lacks.
    """

    speaks_feedback_interface = True
    size_divisor: int
    stem_weight: str
    semantic_prefix: str

    def __init__(self, num_classes: int, guided: bool, init_cfg: dict | None) -> None:
        super().__init__(init_cfg=init_cfg)
        self.num_classes, self.guided = num_classes, guided

    def forward(
        self,
        masked_img: Tensor,
        mask: Tensor,
        current: Tensor | None = None,
        semantic_map: Tensor | None = None,
        confidence: Tensor | None = None,
    ) -> Tensor:
        """Inpaint.

        Args:
            masked_img: (N, 3, H, W) float in [-1, 1], 0 in the hole; H and W divisible by
                ``size_divisor``. Channels in the order of the weights.
            mask: (N, 1, H, W) float, 1 in the hole.
            current: (N, 3, H, W) float composite of the previous round; needed when ``guided``.
            semantic_map: (N, K, H, W) float class probabilities; needed when ``num_classes > 0``.
            confidence: (N, 1, H, W) float confidence of ``current`` in [0, 1]; needed when
                ``guided``.

        Returns:
            (N, 3, H, W) float raw image, nominally in [-1, 1] and not clamped.

        Raises:
            UserError: If a side is not divisible by ``size_divisor``.
        """
        return self.decode(self.encode(masked_img, mask, current, confidence), semantic_map)

    @abstractmethod
    def encode(
        self,
        masked_img: Tensor,
        mask: Tensor,
        current: Tensor | None = None,
        confidence: Tensor | None = None,
    ) -> list[Tensor]:
        """Features of all but the map, which alone changes between rounds; see ``forward``."""

    @abstractmethod
    def decode(self, features: list[Tensor], semantic_map: Tensor | None = None) -> Tensor:
        """The raw image, of what :meth:`encode` gave, left as it is, and a map; see ``forward``."""

    @property
    def stem_channels(self) -> int:
        """Channels of what :meth:`stem_input` gives."""
        return SEEN_BY_BOTH + (SEEN_BY_GUIDED if self.guided else 0)

    def stem_input(
        self, seen_by_both: list[Tensor], current: Tensor | None, confidence: Tensor | None
    ) -> Tensor:
        """Stacks what the network reads.

        Args:
            seen_by_both: Masked image (N, 3, H, W) and hole (N, 1, H, W), float, in the network's
                own form and order.
            current: As in ``forward``.
            confidence: As in ``forward``.

        Returns:
            (N, ``stem_channels``, H, W) float.

        Raises:
            UserError: If a side is not divisible by ``size_divisor``.
        """
        _check_size(seen_by_both[0], self.size_divisor)
        if not self.guided:
            return torch.cat(seen_by_both, dim=1)
        assert current is not None, 'a guided network reads the current image'
        assert confidence is not None, 'a guided network reads the confidence'
        return torch.cat([*seen_by_both, current, confidence], dim=1)

    def _load_from_state_dict(
        self, state_dict: dict[str, Tensor], prefix: str, *args: Any, **kwargs: Any
    ) -> None:
        """Take over the stem of an initial network: what only the guided one reads starts at 0."""
        stem = state_dict.get(prefix + self.stem_weight)
        if self.guided and stem is not None and stem.shape[1] == SEEN_BY_BOTH:
            padding = (0, 0, 0, 0, 0, SEEN_BY_GUIDED)
            state_dict[prefix + self.stem_weight] = F.pad(stem, padding)
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)


def _check_size(image: Tensor, divisor: int) -> None:
    height, width = image.shape[-2:]
    if height % divisor or width % divisor:
        fits = tuple(-(-side // divisor) * divisor for side in (height, width))
        raise UserError(
            f'image size {height}x{width} (height x width) must be divisible by {divisor}; '
            f'pad it to {fits[0]}x{fits[1]}'
        )
