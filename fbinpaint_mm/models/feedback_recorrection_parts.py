"""The networks of the loop: how they are built, checked and started."""

from __future__ import annotations

import logging
import math
from typing import Any

import torch
from mmagic.registry import MODELS
from mmengine.logging import print_log
from mmengine.model import BaseModule
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.segmentors import EncoderDecoder
from torch import Tensor

from fbinpaint_mm.config_checks import is_number
from fbinpaint_mm.models.feedback import (
    ClassMemory,
    CompletedBatch,
    CrossImageRecorrection,
    DecodeHeadLink,
    InpaintingFeedback,
)
from fbinpaint_mm.models.networks import build_inpainting_network
from fbinpaint_mm.models.pretrained_start import (
    check_network_checkpoint,
    check_segmentor_checkpoint,
    pretrained_starts,
)
from fbinpaint_mm.models.round_checkpointing import RoundCheckpointing
from fbinpaint_mm.models.segmentor import (
    SegmentorInput,
    build_segmentor,
    decode_head_config,
    last_decode_head,
    size_divisor_of,
)
from fbinpaint_mm.user_error import UserError


class FeedbackRecorrectionParts(BaseModule):
    """What :class:`FeedbackRecorrectionLoop` runs, without the order in which it runs.

    Args: see :class:`FeedbackRecorrectionLoop`.

    Attributes:
        strength: 0-d float32 buffer in [0, 1], factor of feedback and recorrection.
        num_classes: K, classes of the maps; 0 without a segmentor.
        link: Between decode head and loop; it exists, as ``to_segmentor``, with a segmentor only.
    """

    strength: Tensor
    segmentor: EncoderDecoder | None
    feedback: InpaintingFeedback | None
    recorrection: CrossImageRecorrection | None
    memory: ClassMemory | None
    link: DecodeHeadLink
    num_classes: int

    def __init__(
        self,
        initial: dict | None,
        guided: dict | None,
        segmentor: dict | None = None,
        feedback: dict | None = None,
        recorrection: dict | None = None,
        memory: dict | None = None,
        confidence: dict | None = None,
        freeze_initial: bool = False,
        map_side: int | None = None,
        channel_order: str = 'BGR',
        map_temperature: float = 1.0,
        merge_sigma: float | None = None,
        checkpoint_rounds: bool = False,
    ) -> None:
        super().__init__()
        _check_slots(segmentor, feedback, recorrection)
        _check_first(initial, guided, freeze_initial)
        if not _is_positive(map_temperature):
            raise UserError(f'test_cfg.map_temperature must be positive, got {map_temperature}')
        if merge_sigma is not None and not _is_positive(merge_sigma):
            raise UserError(f'test_cfg.merge_sigma must be positive or None, got {merge_sigma}')
        if map_side is not None and not _is_positive(map_side):
            raise UserError(f'map_side must be positive or None, got {map_side}')
        self.freeze_initial, self.map_side = freeze_initial, map_side
        self.map_temperature = map_temperature
        self.merge_sigma = merge_sigma
        self.register_buffer('strength', torch.ones(()))
        self.confidence = MODELS.build(confidence or dict(type='InpaintingConfidence'))
        self.segmentor = None if segmentor is None else build_segmentor(segmentor)
        self.feedback = self.recorrection = self.memory = None
        if segmentor is not None:
            self.to_segmentor = SegmentorInput(channel_order=channel_order)
            self._build_semantics(decode_head_config(segmentor), feedback, recorrection, memory)
        self.num_classes = 0 if self.segmentor is None else self.decode_head.num_classes
        self.initial = self.guided = None
        if initial is not None:
            self.initial = build_inpainting_network(initial, None, 'initial')
        if guided is not None:
            self.guided = build_inpainting_network(guided, self.num_classes or None, 'guided')
        if self.initial is not None and freeze_initial:
            self.initial.requires_grad_(False)
            # Without guided images it gets no gradient, for which distributed training would wait.
            self.confidence.requires_grad_(guided is not None)
        self.checkpointing = RoundCheckpointing(self) if checkpoint_rounds else None

    def _build_semantics(
        self,
        head_config: dict,
        feedback: dict | None,
        recorrection: dict | None,
        memory: dict | None,
    ) -> None:
        head = self.decode_head
        sizes = dict(num_classes=head.num_classes, channels=head.channels)
        self.memory = MODELS.build(dict(type='ClassMemory') | sizes | dict(memory or {}))
        if feedback is not None:
            # Not those of the head itself, which adds them up where it concatenates maps.
            channels = head_config['in_channels']
            defaults = dict(num_classes=head.num_classes, in_channels=channels)
            self.feedback = MODELS.build(defaults | dict(feedback))
        if recorrection is not None:
            self.recorrection = MODELS.build(recorrection)
        self.link = DecodeHeadLink(head, self.feedback)

    @property
    def decode_head(self) -> BaseDecodeHead:
        """The decode head that makes the map: the last one of a cascade."""
        return last_decode_head(self.segmentor)

    @property
    def prototypes(self) -> Tensor:
        """(K, C) float class prototypes; without a segmentor there are none to ask for."""
        assert self.memory is not None, 'a model without segmentor has no class prototypes'
        return self.memory.prototypes

    @property
    def size_divisor(self) -> int:
        """Sides of images must be multiples of it, for both networks and the segmentor."""
        parts = [getattr(net, 'size_divisor', 1) for net in (self.initial, self.guided)]
        return math.lcm(*parts, 1 if self.segmentor is None else size_divisor_of(self.segmentor))

    def valid_side(self, side: int) -> int:
        """The smallest side of an image, in pixels and at least ``side``, that all parts take."""
        networks = (self.initial, self.guided)
        least = max(side, *(getattr(network, 'minimum_size', 1) for network in networks))
        return -(-least // self.size_divisor) * self.size_divisor

    def link_feedback(self) -> None:
        """Link the feedback to the decode head, if there is one and it is not linked yet."""
        if self.segmentor is not None:
            self.link.attach()

    def update_memory(self, batch: CompletedBatch) -> None:
        """Move the class memory towards a batch's labeled part."""
        assert self.memory is not None, 'a model without segmentor has no class memory'
        labeled = batch.is_labeled
        self.memory.update(
            batch.features[labeled], batch.labels[labeled], postpone=not batch.is_whole
        )

    def train(self, mode: bool = True) -> FeedbackRecorrectionParts:
        """As torch's; a frozen initial network stays in evaluation mode, for its statistics."""
        super().train(mode)
        if self.initial is not None and self.freeze_initial:
            self.initial.eval()
        return self

    def init_weights(self) -> None:
        """Initialize all parts, from checkpoints if so configured.

        Raises:
            FileNotFoundError: If there is no such checkpoint.
            UserError: If one does not fit.
        """
        if self.segmentor is not None:
            check_segmentor_checkpoint(self.segmentor)
        for network in (self.initial, self.guided):
            check_network_checkpoint(network)
        if self.freeze_initial and not any(pretrained_starts(self.initial)):
            print_log(
                'freeze_initial=True, but model.generator.initial.init_cfg names no checkpoint: '
                'its weights stay random unless one is loaded (in our configs: FBINPAINT_INITIAL)',
                'current',
                logging.WARNING,
            )
        super().init_weights()


def _is_positive(value: Any) -> bool:
    return is_number(value) and 0 < value < math.inf


def _check_first(initial: dict | None, guided: dict | None, freeze_initial: bool) -> None:
    if initial is None and (guided is None or freeze_initial):
        raise UserError(
            'initial=None lets the guided network make round 0 too: it needs a guided network, and '
            f'freeze_initial=False; found {"no" if guided is None else "a"} guided network, '
            f'freeze_initial={freeze_initial}'
        )


def _check_slots(segmentor: dict | None, feedback: dict | None, recorrection: dict | None) -> None:
    if segmentor is None and (feedback or recorrection):
        raise UserError(
            'feedback and recorrection need a segmentor: give one, or set all three to None, '
            'and with them the teacher and the losses of maps'
        )
