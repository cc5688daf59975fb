"""What the first layer of our networks reads, in each slot of the loop."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from fbinpaint_mm.user_error import UserError

SEEN_BY_BOTH = 3 + 1  # channels of masked image and hole
SEEN_BY_GUIDED = 3 + 1  # channels of current image and confidence


def stem_channels(guided: bool) -> int:
    """Channels of what :func:`stem_input` makes."""
    return SEEN_BY_BOTH + (SEEN_BY_GUIDED if guided else 0)


def stem_input(
    seen_by_both: list[Tensor], guided: bool, current: Tensor | None, confidence: Tensor | None
) -> Tensor:
    """Stacks what a network reads.

    Args:
        seen_by_both: Masked image (N, 3, H, W) and hole (N, 1, H, W), float, in the network's own
            form and order.
        guided: Whether the network refines a current image.
        current: (N, 3, H, W) float composite of the previous round; needed when ``guided``.
        confidence: (N, 1, H, W) float confidence of ``current`` in [0, 1]; needed when ``guided``.

    Returns:
        (N, 4, H, W) float, or (N, 8, H, W) for a guided network.
    """
    if not guided:
        return torch.cat(seen_by_both, dim=1)
    assert current is not None, 'a guided network reads the current image'
    assert confidence is not None, 'a guided network reads the confidence'
    return torch.cat([*seen_by_both, current, confidence], dim=1)


def take_over_stem(state_dict: dict[str, Tensor], name: str) -> None:
    """Lets a guided network start from an initial one: what only it reads starts without effect.

    Args:
        state_dict: Changed in place, where the stem is that of an initial network.
        name: Of the stem's weight.
    """
    if name in state_dict and state_dict[name].shape[1] == SEEN_BY_BOTH:
        state_dict[name] = F.pad(state_dict[name], (0, 0, 0, 0, 0, SEEN_BY_GUIDED))


def check_size(image: Tensor, divisor: int) -> None:
    """Refuses images (N, C, H, W) whose sides are no multiples of a divisor.

    Raises:
        UserError: With the size that would do.
    """
    height, width = image.shape[-2:]
    if height % divisor or width % divisor:
        fits = tuple(-(-side // divisor) * divisor for side in (height, width))
        raise UserError(
            f'image size {height}x{width} (height x width) must be divisible by {divisor}; '
            f'pad it to {fits[0]}x{fits[1]}'
        )
