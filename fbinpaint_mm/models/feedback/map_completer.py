"""What a hole hides, guessed from the rest of the map: a small U-Net in label space."""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from mmagic.registry import MODELS
from torch import Tensor, nn

from fbinpaint_mm.user_error import UserError

STRIDE = 4  # of the cells, in pixels: that of the finest feature map of most decode heads
HALVINGS = 4  # of the cells: 16 cells are seen at once, and their surroundings
GROUPS = 8  # of channels that are normalized together


@MODELS.register_module()
class MapCompleter(nn.Module):
    """Guesses a semantic map inside the hole from its visible part, as other images taught it.

    A decode head reads in the hole what an inpainting network has painted there, flaws included.
    This U-Net reads the visible part of the map alone and learns from label maps, and from the
    teacher's maps of unlabeled images, how classes are arranged. Its errors are of another kind,
    so that the two are better together than either.

    Args:
        num_classes: K, number of classes.
        base_channels: Width at the finer three of its five scales, a multiple of 8; twice that at
            the others.
        share: Weight of its logarithms in the map of the hole, in [0, 1]; the head's have the rest.

    Raises:
        UserError: If ``base_channels`` is no multiple of 8 above 0, or ``share`` is outside [0, 1].
    """

    def __init__(self, num_classes: int, base_channels: int = 48, share: float = 0.5) -> None:
        super().__init__()
        if base_channels < 1 or base_channels % GROUPS or not 0 <= share <= 1:
            raise UserError(
                f'MapCompleter needs base_channels that are a multiple of {GROUPS} above 0 and a '
                f'share in [0, 1], got {dict(base_channels=base_channels, share=share)}'
            )
        self.share = share
        widths = [base_channels * (2 if i > HALVINGS // 2 else 1) for i in range(HALVINGS + 1)]
        steps = list(pairwise(widths))
        self.first = nn.Conv2d(num_classes + 1, widths[0], 3, padding=1)
        self.down = nn.ModuleList(_Block(fine, coarse, stride=2) for fine, coarse in steps)
        self.lateral = nn.ModuleList(nn.Conv2d(coarse, fine, 1) for fine, coarse in steps)
        self.up = nn.ModuleList(_Block(fine, fine) for fine, _ in steps)
        self.last = nn.Conv2d(widths[0], num_classes, 3, padding=1)
        nn.init.zeros_(self.last.weight)  # hardly any class is likelier than another at first

    def forward(self, logits: Tensor, mask: Tensor) -> Tensor:
        """Guess the map from its visible part.

        Args:
            logits: (N, K, H, W) float logits of the map at image size; no gradient flows to them.
            mask: (N, 1, H, W) float, 1 in the hole.

        Returns:
            (N, K, H, W) float32 logits of the guess.
        """
        visible = logits.detach().softmax(1) * (1 - mask)
        guess = self._guess(torch.cat([_cells(visible), _cells(mask)], 1)).float()
        return F.interpolate(guess, mask.shape[-2:], mode='bilinear', align_corners=False)

    def merge(self, logits: Tensor, guess: Tensor, mask: Tensor, strength: Tensor) -> Tensor:
        """The map with the guess in its hole: the weighted mean of their logarithms.

        The mean of logits is that of logarithms plus one number per pixel, the same for all
        classes, which no softmax sees.

        Args:
            logits: (N, K, H, W) float32 logits of the map.
            guess: (N, K, H, W) float32, from :meth:`forward`.
            mask: (N, 1, H, W) float, 1 in the hole.
            strength: 0-d float in [0, 1], factor of ``share``.

        Returns:
            (N, K, H, W) float32 logits, unchanged outside the hole.
        """
        return torch.where(mask > 0.5, torch.lerp(logits, guess, self.share * strength), logits)

    def _guess(self, planes: Tensor) -> Tensor:
        """(N, K, h, w) logits of every cell."""
        code, skipped = F.gelu(self.first(planes)), []
        for down in self.down:
            skipped.append(code)
            code = down(code)
        for i in reversed(range(HALVINGS)):
            fine = skipped[i]
            coarse = F.interpolate(self.lateral[i](code), fine.shape[-2:], mode='nearest')
            code = self.up[i](coarse + fine)
        return self.last(code)


def _cells(planes: Tensor) -> Tensor:
    """(N, C, h, w) means of cells; those at the lower and right edges may be cut off."""
    return F.avg_pool2d(planes, STRIDE, ceil_mode=True, count_include_pad=False)


class _Block(nn.Module):
    """Two convolutions, the second one residual."""

    def __init__(self, in_channels: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(in_channels, channels, 3, stride, padding=1),
            nn.GroupNorm(GROUPS, channels),
            nn.GELU(),
        )
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.GELU())

    def forward(self, code: Tensor) -> Tensor:
        code = self.first(code)
        return code + self.second(code)
