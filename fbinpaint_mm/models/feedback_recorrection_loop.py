"""The loop: inpaint, segment what was inpainted, correct the map across images, inpaint again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import torch
import torch.nn.functional as F
from mmagic.registry import MODELS
from torch import Tensor

from fbinpaint_mm import compat
from fbinpaint_mm.models.feedback import FeedbackSignal, confidence_from_scale
from fbinpaint_mm.models.feedback_recorrection_parts import FeedbackRecorrectionParts
from fbinpaint_mm.models.guidance import Guidance, dictate, mix_labels
from fbinpaint_mm.models.networks.inpainting_encoder_decoder import InpaintingEncoderDecoder
from fbinpaint_mm.models.round import Round, Semantics
from fbinpaint_mm.models.round_checkpointing import run_plainly
from fbinpaint_mm.models.round_merging import merge_low_frequencies
from fbinpaint_mm.models.segmentor import segment
from fbinpaint_mm.user_error import UserError


@MODELS.register_module()
class FeedbackRecorrectionLoop(FeedbackRecorrectionParts):
    """Initial inpainter, segmentor with feedback, recorrection and guided inpainter, run in rounds.

    Round 0 is the initial inpainter alone. Round r segments the composite of round r - 1, while the
    decode head receives the state of the inpainting; corrects the map by other images; and inpaints
    again under the corrected map. Every round refines the image of round 0: rounds differ by their
    maps alone, and none builds on the flaws of another.

    Rounds are detached from each other and trained by their own losses. So round 0 is what it would
    be without the loop, and no graph runs through all rounds.

    All that takes gradients from one backward pass lives in this one module, so that a distributed
    wrapper sees one forward pass for each backward pass.

    Args:
        initial: Config of the network of round 0: any mmagic encoder-decoder or ours; ``None`` for
            one network in both slots: the guided one then makes round 0 of the masked image, with
            no confidence and a map of zeros.
        guided: Config of the network of rounds 1..R: likewise; ``None`` for round 0 alone, or, with
            a segmentor, for rounds that make maps of the image of round 0: to train what makes
            maps before there is a guided network.
        segmentor: Config of any mmseg ``EncoderDecoder`` with a ``BaseDecodeHead``; ``None`` for no
            semantics. Its auxiliary heads are left out: every round's map is supervised directly.
        feedback: Config of :class:`InpaintingFeedback` (classes and channels are filled in);
            ``None`` for one-way guidance: the initial result is segmented once.
        recorrection: Config of :class:`CrossImageRecorrection`; ``None`` leaves the segmentor's map
            as it is.
        memory: Config of :class:`ClassMemory` (classes and channels are filled in).
        confidence: Config of :class:`InpaintingConfidence`.
        freeze_initial: Whether the initial network learns no more: round 0 then has no graph and
            no losses. Without a guided network, neither does ``confidence``.
        map_side: Longest side in pixels of the images that the segmentor reads, and of the state
            that its decode head reads: larger ones are reduced to what it learned from. ``None``
            for any size.
        channel_order: Channel order of the images, ``'BGR'`` (mmagic's default) or ``'RGB'``. The
            inpaintor fills it in, as the next two.
        map_temperature: Divides the logits of the maps that guide, except in training. Below 1 the
            guided network commits itself to the likeliest class; with a network trained by label
            mixing that lowered LPIPS and PSNR both, in one trial.
        merge_sigma: Except in training the low frequencies of a round's image are the mean with the
            round before, see :func:`merge_low_frequencies`: the sigma, in pixels; ``None`` for the
            round's own image.
        checkpoint_rounds: Whether rounds use activation checkpointing, see
            :class:`RoundCheckpointing`.

    Raises:
        UserError: If feedback or recorrection is asked for without a segmentor, there is neither
            an initial nor a guided network, ``map_temperature`` is not positive, or activation
            checkpointing is asked for with spectral norm.
        TypeError: If the feedback cannot be linked to the segmentor.
    """

    def forward(
        self,
        masked_img: Tensor,
        mask: Tensor,
        rounds: int,
        guidance: Guidance | None = None,
        only_last_learns: bool = False,
    ) -> list[Round]:
        """Run the loop.

        Args:
            masked_img: (N, 3, H, W) float in [-1, 1], 0 in the hole.
            mask: (N, 1, H, W) float, 1 in the hole.
            rounds: R >= 0, how often to segment, correct and inpaint again.
            guidance: What guides besides the own maps; ``None`` for nothing.
            only_last_learns: Whether rounds 1..R-1 only lead to round R, without a graph (but for
                the map of one-way guidance, which is made only once).

        Returns:
            The R + 1 rounds, round 0 first.

        Raises:
            UserError: If a map is dictated to a model without semantics, or there is neither a
                guided network nor a segmentor for the rounds.
        """
        guidance = guidance or Guidance()
        self._check_call(rounds, guidance)
        self.link_feedback()
        first = self._step(self._inpaint_first, masked_img, mask, learns=not self.freeze_initial)
        results = [replace(first, learns=not self.freeze_initial)]
        read = self._step(self._read, masked_img, mask, first, learns=True) if rounds else None
        for number in range(1, rounds + 1):
            is_last = number == rounds
            learns = is_last or not only_last_learns
            semantics = self._step(
                self._make_map, results[-1], mask, guidance, learns=learns or self.feedback is None
            )
            # Not in earlier rounds: their images would leak the labels to the next segmentation.
            told = guidance if is_last else replace(guidance, label_map=None)
            state = (masked_img, mask, first, results[-1], read, semantics)
            again = self._step(self._inpaint_again, *state, told, learns=learns)
            results.append(replace(again, learns=learns))
        return results

    def next_round(self, masked_img: Tensor, mask: Tensor, before: Round) -> Round:
        """One more round, for callers that run the rounds themselves, such as exported models.

        Args:
            masked_img: (N, 3, H, W) float in [-1, 1], 0 in the hole.
            mask: (N, 1, H, W) float, 1 in the hole.
            before: The round before. Its composite, confidence and semantics are read; with one-way
                guidance its semantics, if there are any, are taken over. Round 0, which the guided
                network refines, is computed once more.

        Returns:
            What :meth:`forward` would append to its rounds.
        """
        self.link_feedback()
        semantics = self._make_map(before, mask, Guidance())
        first = self._inpaint_first(masked_img, mask)
        read = self._read(masked_img, mask, first)
        return self._inpaint_again(masked_img, mask, first, before, read, semantics, Guidance())

    def _step(self, part: Callable[..., Any], *arguments: Any, learns: bool) -> Any:
        """One part of a round; the only place that decides about its graph."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and learns):
            run = self.checkpointing or run_plainly
            result = run(part, *arguments)
        if not learns:
            compat.forget_casts_without_graph()
        return result

    def _inpaint_first(self, masked_img: Tensor, mask: Tensor) -> Round:
        if self.initial is not None:
            raw = self.initial(masked_img, mask)
        else:
            assert self.guided is not None, 'one of the two networks is there'
            no_map = self._no_map(mask) if self.num_classes else None
            raw = self.guided(masked_img, mask, masked_img, no_map, torch.zeros_like(mask))
        return self._round(raw, composite_of(raw, masked_img, mask), mask, None)

    def _make_map(self, before: Round, mask: Tensor, guidance: Guidance) -> Semantics | None:
        """The map that guides a round; of one-way guidance, the one of round 1."""
        if self.segmentor is None:
            return None
        semantics = before.semantics
        if semantics is None or self.feedback is not None:
            semantics = self._correct(*self._segment(before, mask), before, mask)
        if guidance.dictated_map is None:
            return semantics
        return replace(semantics, logits=dictate(semantics.logits, guidance.dictated_map))

    def _segment(self, before: Round, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The segmentor's own logits of a round's image, and its pixel features."""
        signal = self._signal(before, mask).reduced(self.map_side)
        with self.link.sending(signal):
            raw_logits = segment(self.segmentor, self.to_segmentor(signal.current)).float()
        if signal.mask is not mask:
            raw_logits = F.interpolate(raw_logits, mask.shape[-2:], mode='bilinear')
        return raw_logits, self.link.take_features()

    def _signal(self, before: Round, mask: Tensor) -> FeedbackSignal:
        current, confidence = before.composite.detach(), before.confidence.detach()
        previous = (
            self._no_map(mask)
            if before.semantics is None
            else before.semantics.probabilities.detach()
        )
        return FeedbackSignal(current, mask, confidence, previous, self.strength)

    def _no_map(self, mask: Tensor) -> Tensor:
        return mask.new_zeros(mask.shape[0], self.num_classes, *mask.shape[-2:])

    def _correct(
        self, raw_logits: Tensor, features: Tensor, before: Round, mask: Tensor
    ) -> Semantics:
        """The map corrected by class prototypes."""
        if self.recorrection is None:
            return Semantics(raw_logits, raw_logits, features, [raw_logits])
        corrected = self.recorrection(
            raw_logits, features, self.prototypes, mask, before.confidence.detach()
        )
        corrected = torch.lerp(raw_logits, corrected, self.strength)
        return Semantics(corrected, raw_logits, features, [corrected, raw_logits])

    def _read(self, masked_img: Tensor, mask: Tensor, first: Round) -> list[Tensor] | None:
        """What the guided network encodes once for all rounds; ``None`` if it is none of ours."""
        if not isinstance(self.guided, InpaintingEncoderDecoder):
            return None
        return self.guided.encode(
            masked_img, mask, first.composite.detach(), first.confidence.detach()
        )

    def _inpaint_again(
        self,
        masked_img: Tensor,
        mask: Tensor,
        first: Round,
        before: Round,
        read: list[Tensor] | None,
        semantics: Semantics | None,
        guidance: Guidance,
    ) -> Round:
        if self.guided is None:
            return replace(first, semantics=semantics)
        soft_map = None if semantics is None else self._soft_map(semantics, guidance.label_map)
        if read is not None:
            raw = cast(InpaintingEncoderDecoder, self.guided).decode(read, soft_map)
        else:
            current, confidence = first.composite.detach(), first.confidence.detach()
            raw = self.guided(masked_img, mask, current, soft_map, confidence)
        composite = composite_of(raw, masked_img, mask)
        if self.merge_sigma and not self.training:
            # What a user dictates is to show in full.
            own = guidance.is_dictated
            composite = merge_low_frequencies(
                composite, before.composite, mask, self.merge_sigma, own
            )
        return self._round(raw, composite, mask, semantics)

    def _soft_map(self, semantics: Semantics, label_map: Tensor | None) -> Tensor:
        temperature = 1.0 if self.training else self.map_temperature
        soft_map = (semantics.logits.detach() / temperature).softmax(1)
        return soft_map if label_map is None else mix_labels(soft_map, label_map)

    def _round(
        self, raw: Tensor, composite: Tensor, mask: Tensor, semantics: Semantics | None
    ) -> Round:
        """A round, with how far its pixels can be trusted."""
        error_scale = self.confidence(composite, mask)
        confidence = confidence_from_scale(error_scale, mask)
        return Round(raw, composite, error_scale, confidence, semantics)

    def _check_call(self, rounds: int, guidance: Guidance) -> None:
        if guidance.dictated_map is not None and self.segmentor is None:
            raise UserError('a map is dictated, but the model has no segmentor and reads no map')
        if rounds and self.guided is None and self.segmentor is None:
            raise UserError(
                f'rounds={rounds}, but the model has no guided network and no segmentor: '
                'use rounds=0'
            )


def composite_of(raw: Tensor, masked_img: Tensor, mask: Tensor) -> Tensor:
    """(N, 3, H, W): known pixels are the input's, those of the hole the network's."""
    return torch.where(mask > 0.5, raw.clamp(-1, 1).to(masked_img.dtype), masked_img)
