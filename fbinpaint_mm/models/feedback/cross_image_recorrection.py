"""Corrects a semantic map with features and label maps of other images."""

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

    :meth:`complete` mixes the map in the hole with the mean of retrieved label maps.

    Everything here runs in float32, also under autocast.

    Args:
        temperature: Divides the cosine; smaller means more influence. 0.1 makes a difference of 0.1
            in cosine worth one unit of logit.
        base_channels: Width of the gate.
        layout: Config of :class:`LayoutMemory`; ``None`` for prototypes alone.
        layout_weight: Share of that mean map in the mixture, in [0, 1]. It is not learned: the
            segmentor fits its labeled images already, so that a learned share goes to 0.

    Raises:
        UserError: If ``temperature`` is not positive, or ``layout_weight`` is outside [0, 1].
    """

    def __init__(
        self,
        temperature: float = 0.1,
        base_channels: int = 16,
        layout: dict | None = None,
        layout_weight: float = 0.5,
    ) -> None:
        super().__init__()
        if temperature <= 0:
            raise UserError(
                f'temperature of CrossImageRecorrection must be positive, got {temperature}'
            )
        if not 0 <= layout_weight <= 1:
            raise UserError(
                f'layout_weight of CrossImageRecorrection must be in [0, 1], got {layout_weight}'
            )
        self.temperature = temperature
        self.layout = None if layout is None else MODELS.build(layout)
        self.layout_weight = layout_weight
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
    ) -> tuple[Tensor, Tensor]:
        """Correct a map.

        Args:
            logits: (N, K, H, W) float logits of the segmentor at image size.
            features: (N, C, h, w) float pixel features of its decode head.
            prototypes: (K, C) float class prototypes; an all-zero row is a class not seen yet.
            mask: (N, 1, H, W) float, 1 in the hole.
            confidence: (N, 1, H, W) float inpainting confidence in [0, 1].

        Returns:
            Corrected logits (N, K, H, W) float32, and the cosine (N, K, h, w) float32 they were
            corrected with. As long as no class has been seen the logits come back unchanged.
        """
        with torch.autocast(logits.device.type, enabled=False):
            logits = logits.float()
            cosine = cosine_to_prototypes(features, prototypes)
            evidence = self._evidence(cosine, prototypes, logits.shape[-2:])
            planes = torch.cat([mask, confidence.float(), *_certainty(logits, evidence)], 1)
            return logits + torch.sigmoid(self.gate(planes)) * evidence, cosine

    def complete(self, logits: Tensor, mask: Tensor, image_keys: Tensor | None) -> Tensor:
        """Mix a map, in its hole, with the mean of retrieved label maps.

        ``(1 - w) * own + w * retrieved``, w the ``layout_weight`` where a retrieved map has a
        label, and 0 outside the hole. No gradient flows through the retrieved maps.

        Args:
            logits: (N, K, H, W) float logits at image size.
            mask: (N, 1, H, W) float, 1 in the hole.
            image_keys: (N,) int64, which images these are, see :class:`LayoutMemory`; ``None``:
                every stored map may be retrieved.

        Returns:
            (N, K, H, W) float32 logits, as they were outside the hole and where nothing is
            retrieved; ``logits`` themselves without a layout memory.
        """
        if self.layout is None:
            return logits
        with torch.autocast(logits.device.type, enabled=False):
            logits = logits.float()
            own = logits.softmax(1)
            likely = self.layout_weight * self.layout(own, mask, image_keys)
            known = likely.sum(1, keepdim=True)
            mixed = ((1 - known) * own + likely).clamp_min(1e-8).log()
            return torch.where((mask > 0.5) & (known > 0), mixed, logits)

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
