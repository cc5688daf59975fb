"""The loop: inpaint, segment what was inpainted, correct the map across images, inpaint again."""

from __future__ import annotations

import logging
import math
from dataclasses import replace

import torch
from mmagic.registry import MODELS
from mmengine.logging import print_log
from mmengine.model import BaseModule
from torch import Tensor, nn

from fbinpaint_mm import compat
from fbinpaint_mm.models.dictated_map import dictate
from fbinpaint_mm.models.feedback import (
    DecodeHeadLink,
    FeedbackSignal,
    LayoutMemory,
    confidence_from_scale,
)
from fbinpaint_mm.models.label_mixing import mix_labels
from fbinpaint_mm.models.network_checkpoint import check_network_checkpoint
from fbinpaint_mm.models.networks import build_inpainting_network
from fbinpaint_mm.models.pretrained_start import pretrained_starts
from fbinpaint_mm.models.round import Round
from fbinpaint_mm.models.round_checkpointing import RoundCheckpointing, run_plainly
from fbinpaint_mm.models.segmentor import (
    build_segmentor,
    decode_head_config,
    last_decode_head,
    segment,
    size_divisor_of,
)
from fbinpaint_mm.models.segmentor_checkpoint import check_segmentor_checkpoint
from fbinpaint_mm.models.segmentor_input import SegmentorInput
from fbinpaint_mm.models.semantics import Semantics

REFINED = ('current', 'initial')


@MODELS.register_module()
class FeedbackRecorrectionLoop(BaseModule):
    """Initial inpainter, segmentor with feedback, recorrection and guided inpainter, run in rounds.

    Round 0 is the initial inpainter alone. Round r segments the composite of round r - 1, while the
    decode head receives the state of the inpainting, corrects the map with the class memory, and
    inpaints again under the corrected map. Rounds are detached from
    each other by default: each is trained by its own losses, so round 0 is what it would be without
    the loop, and memory does not grow with a graph through all rounds.

    A map may be dictated, in part or whole: by a user, or from the ground truth, which gives the
    upper bound of what semantics can do for the image.

    All that takes gradients from one backward pass lives in this one module, so that a distributed
    wrapper sees one forward pass for each backward pass.

    Args:
        initial: Config of the network of round 0: any mmagic encoder-decoder or ours.
        guided: Config of the network of rounds 1..R: likewise; ``None`` for round 0 alone.
        segmentor: Config of any mmseg ``EncoderDecoder`` with a ``BaseDecodeHead``; ``None`` for no
            semantics. Its auxiliary heads are left out: every round's map is supervised directly.
        feedback: Config of :class:`InpaintingFeedback` (classes and channels are filled in);
            ``None`` for one-way guidance: the initial result is segmented once and nothing comes
            back.
        recorrection: Config of :class:`CrossImageRecorrection` (the classes of its layout memory
            are filled in); ``None`` leaves the segmentor's map as it is.
        memory: Config of :class:`ClassMemory` (classes and channels are filled in).
        confidence: Config of :class:`InpaintingConfidence`.
        channel_order: Channel order of the images, ``'BGR'`` (mmagic's default) or ``'RGB'``.
        detach_rounds: Whether gradients stop between rounds.
        map_temperature: Divides the logits of the maps that guide, except in training. Below 1 the
            guided network commits itself to the likeliest class; with a network trained by label
            mixing that lowered LPIPS and PSNR both, in one trial.
        checkpoint_rounds: Whether the backward pass computes each round again, see
            :class:`RoundCheckpointing`.
        freeze_initial: Whether the initial network learns no more: round 0 then has no graph and
            no losses.
        refine: What the guided network refines in every round. ``'current'``: the result of the
            round before. ``'initial'``: always that of round 0, so that rounds differ by their maps
            alone, and no round builds on the flaws of another.

    Raises:
        ValueError: If feedback or recorrection is asked for without a segmentor, or a segmentor
            without a guided network, ``map_temperature`` is not positive, ``refine`` is unknown, or
            rounds with spectral norm should be computed again.
        TypeError: If the feedback cannot be linked to the segmentor.
    """

    def __init__(
        self,
        initial: dict,
        guided: dict | None,
        segmentor: dict | None = None,
        feedback: dict | None = None,
        recorrection: dict | None = None,
        memory: dict | None = None,
        confidence: dict | None = None,
        channel_order: str = 'BGR',
        detach_rounds: bool = True,
        map_temperature: float = 1.0,
        checkpoint_rounds: bool = False,
        freeze_initial: bool = False,
        refine: str = 'current',
    ) -> None:
        super().__init__()
        if refine not in REFINED:
            raise ValueError(f'refine must be one of {REFINED}, got {refine!r}')
        if map_temperature <= 0:
            raise ValueError(f'test_cfg.map_temperature must be positive, got {map_temperature}')
        if segmentor is None and (feedback or recorrection):
            raise ValueError(
                'feedback and recorrection need a segmentor: give one, or set all three to None, '
                'and loss_semantic with them'
            )
        if guided is None and segmentor is not None:
            raise ValueError(
                'guided=None has no rounds, and no use for a segmentor: set it to None'
            )
        self.detach_rounds = detach_rounds
        self.freeze_initial = freeze_initial
        self.refine = refine
        self.map_temperature = map_temperature
        self.register_buffer('strength', torch.ones(()))
        self.confidence = MODELS.build(confidence or dict(type='InpaintingConfidence'))
        self.segmentor = None if segmentor is None else build_segmentor(segmentor)
        self.feedback = self.recorrection = self.memory = self.link = None
        if self.segmentor is not None:
            self._build_semantics(segmentor, feedback, recorrection, memory, channel_order)
        self.num_classes = 0 if self.segmentor is None else self.decode_head.num_classes
        self.initial = build_inpainting_network(initial, None, 'initial')
        self.guided = None
        if guided is not None:
            self.guided = build_inpainting_network(guided, self.num_classes or None, 'guided')
        if freeze_initial:
            self.initial.requires_grad_(False)
        self._run_part = RoundCheckpointing(self) if checkpoint_rounds else run_plainly

    @property
    def decode_head(self) -> nn.Module:
        """The decode head that makes the map: the last one of a cascade."""
        return last_decode_head(self.segmentor)

    @property
    def layout_memory(self) -> LayoutMemory | None:
        """Where classes lie in other images; ``None`` if nothing asks it."""
        return getattr(self.recorrection, 'layout', None)

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

    def train(self, mode: bool = True) -> FeedbackRecorrectionLoop:
        """As torch's; a frozen initial network stays in evaluation mode, for its statistics."""
        super().train(mode)
        if self.freeze_initial:
            self.initial.eval()
        return self

    def init_weights(self) -> None:
        """Initialise all parts, from checkpoints if so configured.

        Raises:
            FileNotFoundError: If there is no such checkpoint.
            ValueError: If one does not fit.
        """
        if self.segmentor is not None:
            check_segmentor_checkpoint(self.segmentor)
        for network in (self.initial, self.guided):
            check_network_checkpoint(network)
        if self.freeze_initial and not any(pretrained_starts(self.initial)):
            print_log(
                'freeze_initial=True, but model.initial.init_cfg names no checkpoint: its weights '
                'stay random unless one is loaded',
                'current',
                logging.WARNING,
            )
        super().init_weights()

    def forward(
        self,
        masked_img: Tensor,
        mask: Tensor,
        rounds: int,
        dictated_map: Tensor | None = None,
        label_map: Tensor | None = None,
        only_last_learns: bool = False,
        tolerance: float | None = None,
        image_keys: Tensor | None = None,
    ) -> list[Round]:
        """Run the loop.

        Args:
            masked_img: (N, 3, H, W) float in [-1, 1], 0 in the hole.
            mask: (N, 1, H, W) float, 1 in the hole.
            rounds: R >= 0, how often to segment, correct and inpaint again.
            dictated_map: (N, 1, H, W) int64 class ids that every round's map takes over, 255 where
                the map is the model's own; ``None``: it is everywhere.
            label_map: (N, 1, H, W) int64 class ids, 255 where unknown, that are mixed into the map
                which guides the last round (:func:`mix_labels`). Not into earlier ones: an image
                painted with the labels in view would show them to the next segmentation.
            only_last_learns: Whether rounds 1..R-1 only lead to round R, without a graph (but for
                the map of one-way guidance, which is made only once).
            tolerance: Stop before a round whose map has another class than the round before in less
                than this share, in [0, 1], of the hole's pixels, in every image of the batch;
                ``None``: never. Round 1 always runs, and without semantics all rounds do.
            image_keys: (N,) int64, which images these are, see :class:`LayoutMemory`; ``None``:
                every map that it stores is asked.

        Returns:
            The R + 1 rounds, round 0 first; fewer when they stopped early.

        Raises:
            ValueError: If a map is dictated to a model without semantics, there is no guided
                network for the rounds, or ``tolerance`` is out of range.
        """
        if dictated_map is not None and self.segmentor is None:
            raise ValueError('a map is dictated, but the model has no segmentor and reads no map')
        if tolerance is not None and not 0 <= tolerance <= 1:
            raise ValueError(f'tolerance must be a share in [0, 1], got {tolerance}')
        self.link_feedback()
        if rounds and self.guided is None:
            raise ValueError(f'rounds={rounds}, but the model has no guided network: use rounds=0')
        results = [self._run_part(self._first_round, masked_img, mask)]
        for number in range(1, rounds + 1):
            is_last = number == rounds
            learns = is_last or not only_last_learns
            if learns and (only_last_learns or self.freeze_initial):
                compat.forget_casts_without_graph()
            semantics = self._run_part(
                self._guiding_map, results[-1], mask, dictated_map, image_keys, learns
            )
            if tolerance is not None and _changed_share(results[-1], semantics, mask) < tolerance:
                break
            labels = label_map if is_last else None
            results.append(
                self._run_part(
                    self._inpaint_again,
                    masked_img,
                    mask,
                    results[0] if self.refine == 'initial' else results[-1],
                    semantics,
                    labels,
                    learns,
                )
            )
        return results

    def link_feedback(self) -> None:
        """Link the feedback to the decode head, if there is one and it is not linked yet."""
        if self.link is not None:
            self.link.attach()

    def next_round(self, masked_img: Tensor, mask: Tensor, before: Round) -> Round:
        """One more round, for callers that run the rounds themselves, such as exported models.

        Args:
            masked_img: (N, 3, H, W) float in [-1, 1], 0 in the hole.
            mask: (N, 1, H, W) float, 1 in the hole.
            before: The round before. Its composite, confidence and semantics are read; with one-way
                guidance its semantics, if there are any, are taken over. Round 0 is computed once
                more where it is what the guided network refines.

        Returns:
            What :meth:`forward` would append to its rounds.
        """
        self.link_feedback()
        semantics = self._guiding_map(before, mask, None, None, True)
        if self.refine == 'initial':
            before = self._first_round(masked_img, mask)
        return self._inpaint_again(masked_img, mask, before, semantics, None, True)

    def _first_round(self, masked_img: Tensor, mask: Tensor) -> Round:
        learns = not self.freeze_initial
        with torch.set_grad_enabled(torch.is_grad_enabled() and learns):
            return self._finish(self.initial(masked_img, mask), masked_img, mask, None, learns)

    def _guiding_map(
        self,
        before: Round,
        mask: Tensor,
        dictated_map: Tensor | None,
        image_keys: Tensor | None,
        learns: bool,
    ) -> Semantics | None:
        """The map of a round; of one-way guidance it learns always, since it is made only once."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and (learns or self.feedback is None)):
            semantics = self._segment(before, mask, image_keys)
        if dictated_map is None:
            return semantics
        return replace(semantics, logits=dictate(semantics.logits, dictated_map))

    def _segment(self, before: Round, mask: Tensor, image_keys: Tensor | None) -> Semantics | None:
        if self.segmentor is None:
            return None
        if self.feedback is None and before.semantics is not None:
            return before.semantics
        current = self._between_rounds(before.composite)
        with self.link.sending(self._signal(before, current, mask)):
            raw_logits = segment(self.segmentor, self.to_segmentor(current)).float()
        features, self.link.features = self.link.features, None  # or the graph would live on
        corrected = self._recorrect(raw_logits, features, mask, before.confidence)
        completed = self._complete(corrected, mask, image_keys)
        return Semantics(completed, raw_logits, features, corrected)

    def _recorrect(
        self, raw_logits: Tensor, features: Tensor, mask: Tensor, confidence: Tensor
    ) -> Tensor:
        if self.recorrection is None:
            return raw_logits
        corrected, _ = self.recorrection(
            raw_logits, features, self.memory.prototypes, mask, confidence.detach()
        )
        return torch.lerp(raw_logits, corrected, self.strength)

    def _complete(self, corrected: Tensor, mask: Tensor, image_keys: Tensor | None) -> Tensor:
        if self.layout_memory is None:
            return corrected
        completed = self.recorrection.complete(corrected, mask, image_keys)
        return torch.lerp(corrected, completed, self.strength)

    def _inpaint_again(
        self,
        masked_img: Tensor,
        mask: Tensor,
        refined: Round,
        semantics: Semantics | None,
        label_map: Tensor | None,
        learns: bool,
    ) -> Round:
        with torch.set_grad_enabled(torch.is_grad_enabled() and learns):
            soft_map = None if semantics is None else self._soft_map(semantics, label_map)
            current = self._between_rounds(refined.composite)
            raw = self.guided(masked_img, mask, current, soft_map, refined.confidence.detach())
            return self._finish(raw, masked_img, mask, semantics, learns)

    def _soft_map(self, semantics: Semantics, label_map: Tensor | None) -> Tensor:
        temperature = 1.0 if self.training else self.map_temperature
        soft_map = (self._between_rounds(semantics.logits) / temperature).softmax(1)
        return soft_map if label_map is None else mix_labels(soft_map, label_map)

    def _finish(
        self,
        raw: Tensor,
        masked_img: Tensor,
        mask: Tensor,
        semantics: Semantics | None,
        learns: bool = True,
    ) -> Round:
        composite = torch.where(mask > 0.5, raw.clamp(-1, 1).to(masked_img.dtype), masked_img)
        error_scale = self.confidence(composite, mask)
        confidence = confidence_from_scale(error_scale, mask)
        return Round(raw, composite, error_scale, confidence, semantics, learns)

    def _signal(self, before: Round, current: Tensor, mask: Tensor) -> FeedbackSignal:
        if before.semantics is None:
            previous = mask.new_zeros(mask.shape[0], self.num_classes, *mask.shape[-2:])
        else:
            previous = self._between_rounds(before.semantics.probabilities)
        return FeedbackSignal(current, mask, before.confidence.detach(), previous, self.strength)

    def _between_rounds(self, tensor: Tensor) -> Tensor:
        return tensor.detach() if self.detach_rounds else tensor

    def _build_semantics(
        self,
        segmentor: dict,
        feedback: dict | None,
        recorrection: dict | None,
        memory: dict | None,
        channel_order: str,
    ) -> None:
        head = self.decode_head
        self.to_segmentor = SegmentorInput(channel_order=channel_order)
        self.memory = MODELS.build(
            dict(type='ClassMemory', num_classes=head.num_classes, channels=head.channels)
            | dict(memory or {})
        )
        if feedback is not None:
            channels = decode_head_config(segmentor)['in_channels']
            channels = [channels] if isinstance(channels, int) else list(channels)
            defaults = dict(num_classes=head.num_classes, in_channels=channels)
            self.feedback = MODELS.build(defaults | dict(feedback))
        if recorrection is not None:
            self.recorrection = MODELS.build(_with_classes(recorrection, head.num_classes))
        self.link = DecodeHeadLink(head, self.feedback)


def _with_classes(recorrection: dict, num_classes: int) -> dict:
    layout = recorrection.get('layout')
    if layout is None:
        return recorrection
    if layout.get('num_classes', num_classes) != num_classes:
        raise ValueError(
            f'recorrection.layout.num_classes is {layout["num_classes"]}, but the decode head has '
            f'{num_classes} classes: leave it out'
        )
    return dict(recorrection, layout=dict(num_classes=num_classes) | dict(layout))


def _changed_share(before: Round, semantics: Semantics | None, mask: Tensor) -> float:
    """Share of the hole's pixels whose class has changed, of the image with the largest share.

    Infinite where there is nothing to compare: a first map, or none.
    """
    if semantics is None or before.semantics is None:
        return float('inf')
    hole = mask[:, 0] > 0.5
    changed = hole & (semantics.logits.argmax(1) != before.semantics.logits.argmax(1))
    pixels = hole.sum((1, 2)).clamp(min=1)
    return (changed.sum((1, 2)) / pixels).max().item()
