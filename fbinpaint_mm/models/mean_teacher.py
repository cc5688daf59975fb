"""The teacher: a slow copy of the segmentor that sees intact images."""

from __future__ import annotations

import torch
from mmengine.model import BaseModule
from torch import Tensor, nn

from fbinpaint_mm.models.feedback import DecodeHeadLink, cosine_to_prototypes, cross_image_weight
from fbinpaint_mm.models.pseudo_labels import PseudoLabels
from fbinpaint_mm.models.segmentor import build_segmentor, last_decode_head, segment


class MeanTeacher(BaseModule):
    """Exponential moving average of a segmentor, and the pseudo labels it gives.

    It takes no gradient and stays in evaluation mode; ``MeanTeacherHook`` moves it.

    Args:
        segmentor: Config of the segmentor, the same as the student's.

    Attributes:
        trust: 0-d float32 buffer in [0, 1], factor of the losses that follow from its pseudo
            labels; ``MeanTeacherHook`` raises it while the teacher is still learning.
    """

    def __init__(self, segmentor: dict) -> None:
        super().__init__()
        self.segmentor = build_segmentor(segmentor).requires_grad_(False)
        self.register_buffer('trust', torch.ones(()))
        self.link = DecodeHeadLink(last_decode_head(self.segmentor), None)
        self.train(False)

    def train(self, mode: bool = True) -> MeanTeacher:
        """Stay in evaluation mode whatever the rest of the model does."""
        return super().train(False)

    @torch.no_grad()
    def copy_from(self, student: nn.Module) -> None:
        """Take over all parameters and buffers of ``student``, a segmentor like the teacher's."""
        self.segmentor.load_state_dict(student.state_dict())

    @torch.no_grad()
    def follow(self, student: nn.Module, momentum: float) -> None:
        """Move towards the student: ``momentum * own + (1 - momentum) * student``.

        Parameters and float buffers move; integer buffers are copied.

        Args:
            student: A segmentor of the same architecture.
            momentum: Share that is kept, in [0, 1].
        """
        own = self.segmentor.state_dict()
        for name, value in student.state_dict().items():
            if value.is_floating_point():
                own[name].lerp_(value.to(own[name]), 1 - momentum)
            else:
                own[name].copy_(value)

    @torch.no_grad()
    def forward(self, image: Tensor, prototypes: Tensor) -> PseudoLabels:
        """Pseudo labels of intact images and how far to trust them.

        Args:
            image: (N, 3, H, W) float, normalised as the segmentor expects it.
            prototypes: (K, C) float class prototypes; an all-zero row is a class not seen yet.

        Returns:
            The pseudo labels.
        """
        self.link.attach()
        probability, label = segment(self.segmentor, image).float().softmax(1).max(1)
        cosine = cosine_to_prototypes(self.link.features, prototypes)
        cosine = nn.functional.interpolate(cosine, label.shape[-2:], mode='bilinear')
        weight = cross_image_weight(cosine, label, prototypes.abs().sum(1) > 0)
        return PseudoLabels(label, weight, probability, self.trust)
