"""The teacher: a moving average of the segmentor on intact images, and its pseudo labels."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

import torch
from mmagic.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from fbinpaint_mm.models.feedback import (
    DecodeHeadLink,
    FeedbackSignal,
    InpaintingFeedback,
    cosine_to_prototypes,
    cross_image_weight,
)
from fbinpaint_mm.models.segmentor import (
    SegmentorInput,
    build_segmentor,
    last_decode_head,
    segment,
)


@dataclass
class PseudoLabels:
    """Soft pseudo labels of unlabeled images, and how far to trust them.

    Args:
        probabilities: (N, K, H, W) float32 in [0, 1], those of the teacher for each class.
        weight: (N, H, W) float32 in [0, 1], agreement of the features with those of the likeliest
            class in other images.
        trust: 0-d float32 in [0, 1], how far the teacher as a whole is trusted yet.
    """

    probabilities: Tensor
    weight: Tensor
    trust: Tensor

    @property
    def label(self) -> Tensor:
        """(N, H, W) int64, the likeliest class."""
        return self.probabilities.argmax(1)


@MODELS.register_module()
class MeanTeacher(BaseModule):
    """Exponential moving average of a segmentor with its feedback, and the pseudo labels it gives.

    It reads intact images, and so does its feedback: no hole, full confidence. So it is the same
    function as the student, which never works without feedback either. It takes no gradient
    and stays in evaluation mode; ``MeanTeacherHook`` moves it.

    Args:
        segmentor: Config of the segmentor, the same as the student's.
        to_segmentor: The student's, from images in [-1, 1] to input of the segmentor.
        feedback: The student's feedback, of which a copy is kept; ``None`` without feedback.

    Attributes:
        trust: 0-d float32 buffer in [0, 1], factor of the losses that follow from it;
            ``MeanTeacherHook`` raises it while the teacher is still learning.
    """

    trust: Tensor

    def __init__(
        self,
        segmentor: dict,
        to_segmentor: SegmentorInput,
        feedback: InpaintingFeedback | None = None,
    ) -> None:
        super().__init__()
        self.segmentor = build_segmentor(segmentor).requires_grad_(False)
        self.to_segmentor = to_segmentor
        self.feedback = None if feedback is None else deepcopy(feedback).requires_grad_(False)
        self.register_buffer('trust', torch.ones(()))
        self.link = DecodeHeadLink(last_decode_head(self.segmentor), self.feedback)
        self.train(False)

    def train(self, mode: bool = True) -> MeanTeacher:
        """Stay in evaluation mode whatever the rest of the model does."""
        return super().train(False)

    @torch.no_grad()
    def copy_from(self, student: nn.Module) -> None:
        """Take over all parameters and buffers of ``student``, see :func:`student_modules`."""
        self._modules_that_learn().load_state_dict(student.state_dict())

    @torch.no_grad()
    def follow(self, student: nn.Module, momentum: float) -> None:
        """Move towards the student: ``momentum * own + (1 - momentum) * student``.

        Parameters and float buffers move; integer buffers are copied.

        Args:
            student: See :func:`student_modules`.
            momentum: Share that is kept, in [0, 1].
        """
        own = self._modules_that_learn().state_dict()
        for name, value in student.state_dict().items():
            if value.is_floating_point():
                own[name].lerp_(value.to(own[name]), 1 - momentum)
            else:
                own[name].copy_(value)

    @torch.no_grad()
    def forward(self, image: Tensor, prototypes: Tensor, strength: Tensor) -> PseudoLabels:
        """Pseudo labels of intact images and how far to trust them.

        Args:
            image: (N, 3, H, W) float in [-1, 1], intact.
            prototypes: (K, C) float class prototypes; an all-zero row is a class not seen yet.
            strength: 0-d float in [0, 1], strength of the feedback.

        Returns:
            The pseudo labels.
        """
        self.link.attach()
        with self.link.sending(_signal_of_intact(image, len(prototypes), strength)):
            logits = segment(self.segmentor, self.to_segmentor(image))
        probabilities = logits.float().softmax(1)
        label = probabilities.argmax(1)
        cosine = cosine_to_prototypes(self.link.take_features(), prototypes)
        cosine = nn.functional.interpolate(cosine, label.shape[-2:], mode='bilinear')
        weight = cross_image_weight(cosine, label, prototypes.abs().sum(1) > 0)
        return PseudoLabels(probabilities, weight, self.trust)

    def features(self, image: Tensor) -> tuple[Tensor, ...]:
        """Feature maps of backbone and neck; gradients flow to the image.

        Args:
            image: (N, 3, H, W) float in [-1, 1].

        Returns:
            One (N, C_i, h_i, w_i) float tensor for each scale.
        """
        return self.segmentor.extract_feat(self.to_segmentor(image))

    def _modules_that_learn(self) -> nn.Module:
        return student_modules(self.segmentor, self.feedback)


def student_modules(segmentor: nn.Module, feedback: nn.Module | None) -> nn.Module:
    """What a teacher follows: the segmentor, together with its feedback if it has one."""
    if feedback is None:
        return segmentor
    return nn.ModuleDict(dict(segmentor=segmentor, feedback=feedback))


def _signal_of_intact(image: Tensor, num_classes: int, strength: Tensor) -> FeedbackSignal:
    mask = torch.zeros_like(image[:, :1])
    no_map = mask.expand(-1, num_classes, -1, -1)
    return FeedbackSignal(image, mask, torch.ones_like(mask), no_map, strength)
