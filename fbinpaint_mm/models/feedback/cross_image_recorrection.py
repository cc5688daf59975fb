"""Corrects a semantic map with features of other images."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmagic.registry import MODELS
from torch import Tensor, nn

from fbinpaint_mm.models.feedback.class_memory import cosine_to_prototypes
from fbinpaint_mm.user_error import UserError


@MODELS.register_module()
class CrossImageRecorrection(nn.Module):
    """Adds cross-image evidence to the logits of a segmentor, where it is needed.

    The evidence for class c at a pixel is the cosine between the pixel's feature and the prototype
    of c in *other, labeled* images, relative to the mean over the classes seen so far and divided
    by a temperature. A learned gate in (0, 1) decides pixel by pixel how much of it to add; the
    gate reads where the hole is, how far the inpainted pixel can be trusted, and how certain
    segmentor and evidence are.

    Everything here runs in float32, also under autocast.

    Args:
        temperature: Divides the cosine; smaller means more influence. 0.1 makes a difference of 0.1
            in cosine worth one unit of logit.
        base_channels: Width of the gate.

    Raises:
        UserError: If ``temperature`` is not positive.
    """

    def __init__(self, temperature: float = 0.1, base_channels: int = 16) -> None:
        super().__init__()
        if temperature <= 0:
            raise UserError(
                f'temperature of CrossImageRecorrection must be positive, got {temperature}'
            )
        self.temperature = temperature
        self.gate = nn.Sequential(
            nn.Conv2d(5, base_channels, 3, padding=1),
            nn.GELU(),
            nn.Conv2d(base_channels, 1, 1),
        )
        self.init_weights()

    def init_weights(self) -> None:
        """Zero the last layer: at first the gate is one half everywhere."""
        for parameter in self.gate[-1].parameters():
            nn.init.zeros_(parameter)

    def forward(
        self,
        logits: Tensor,
        features: Tensor,
        prototypes: Tensor,
        mask: Tensor,
        confidence: Tensor,
    ) -> Tensor:
        """Correct a map.

        Args:
            logits: (N, K, H, W) float logits of the segmentor at image size.
            features: (N, C, h, w) float pixel features of its decode head.
            prototypes: (K, C) float class prototypes; an all-zero row is a class not seen yet.
            mask: (N, 1, H, W) float, 1 in the hole.
            confidence: (N, 1, H, W) float inpainting confidence in [0, 1].

        Returns:
            (N, K, H, W) float32 corrected logits; unchanged as long as no class has been seen.
        """
        with torch.autocast(logits.device.type, enabled=False):
            logits = logits.float()
            cosine = cosine_to_prototypes(features, prototypes)
            evidence = self._evidence(cosine, prototypes, logits.shape[-2:])
            planes = torch.cat([mask, confidence.float(), *_certainty(logits, evidence)], 1)
            return logits + torch.sigmoid(self.gate(planes)) * evidence

    def _evidence(self, cosine: Tensor, prototypes: Tensor, size: Sequence[int]) -> Tensor:
        seen = (prototypes.abs().sum(1) > 0).float().view(1, -1, 1, 1)
        mean = (cosine * seen).sum(1, keepdim=True) / seen.sum().clamp_min(1)
        relative = (cosine - mean) * seen / self.temperature
        return F.interpolate(relative, size, mode='bilinear', align_corners=False)


def _certainty(logits: Tensor, evidence: Tensor) -> list[Tensor]:
    """Certainty of segmentor and evidence: three planes (N, 1, H, W) in [0, 1], detached.

    The largest probability and the normalized entropy of the segmentor, and the largest probability
    of the evidence.
    """
    own, others = logits.detach().softmax(1), evidence.detach().softmax(1)
    entropy = -(own * own.clamp_min(1e-8).log()).sum(1, keepdim=True)
    most = torch.log(torch.tensor(float(logits.shape[1]))).clamp_min(1e-8)
    return [own.amax(1, keepdim=True), entropy / most, others.amax(1, keepdim=True)]
