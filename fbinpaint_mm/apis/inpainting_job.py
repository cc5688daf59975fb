"""One picture on its way through the network."""

from __future__ import annotations

import math
from collections.abc import Iterator

import cv2
import numpy as np
import torch
from mmagic.structures import DataSample

from fbinpaint_mm.apis.hole_crop import Box, HoleCrop, Sight, find_hole_crops
from fbinpaint_mm.apis.inpainting_result import InpaintingResult, RoundResult
from fbinpaint_mm.apis.resampling import (
    close_seam,
    enlarge,
    resize,
    resize_hole,
    resize_labels,
)
from fbinpaint_mm.models.feedback import IGNORE_INDEX
from fbinpaint_mm.picture import Picture, put_colors, to_network

EMPTY_MASK = 'the mask is empty: the input is returned'
MASKED = 127.5  # is 0 after normalization, as GetMaskedImage has it
STRIP = 256  # rows that are scaled up at once


class InpaintingJob:
    """One picture on its way through the network, crop by crop.

    A crop sees what earlier crops have filled as known. Nothing but pixels of the hole is ever
    written.

    Args:
        name: What to call it in messages.
        picture: The picture.
        hole: (H, W) bool, True in the hole.
        dictated_map: (H, W) uint8 class ids that every map takes over, 255 elsewhere; or ``None``.
        sight: What the network sees.
        rounds: R, how many rounds follow round 0.
        keeps_rounds: Whether all rounds are kept, or the last only.
    """

    def __init__(
        self,
        name: str,
        picture: Picture,
        hole: np.ndarray,
        dictated_map: np.ndarray | None,
        sight: Sight,
        rounds: int,
        keeps_rounds: bool,
    ) -> None:
        self.name, self.picture = name, picture
        self.dictated_map = dictated_map
        self.keeps_rounds = keeps_rounds
        self.crops = find_hole_crops(hole, sight)
        self.notes = [*picture.notes]
        if not self.crops:
            self.notes.append(EMPTY_MASK)
        if dictated_map is not None and rounds == 0:
            self.notes.append('rounds=0: no round reads the semantic map')
        self.hole = hole.copy()  # what is still to be filled
        self.rounds_run = rounds if self.crops else 0
        kept = self.rounds_run + 1 if keeps_rounds else 1
        self.rounds = [
            RoundResult(picture.pixels.copy(), None, np.ones(picture.size, np.float32))
            for _ in range(kept)
        ]

    def look(self, crop: HoleCrop) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """What the network sees of a crop.

        Args:
            crop: One of ``crops``.

        Returns:
            (h, w, 3) float32 BGR image in 0..255, gray in the hole; (h, w) bool hole; and (h, w)
            uint8 dictated map, or ``None``; all of ``crop.size``.
        """
        window = crop.window.slices
        hole = resize_hole(self.hole[window].copy(), crop.size)
        image = to_network(resize(self.rounds[-1].image[window], crop.size))
        image[hole] = MASKED
        dictated = None
        if self.dictated_map is not None:
            dictated = resize_labels(self.dictated_map[window], crop.size)
        return image, hole, dictated

    def paste(self, crop: HoleCrop, output: DataSample, raws: torch.Tensor) -> None:
        """Takes over what the network made of a crop.

        Args:
            crop: One of ``crops``.
            output: The prediction for it, as
                ``FeedbackRecorrectionInpaintor.convert_to_datasample`` describes it; it may be
                padded on the right and below.
            raws: (R+1, 3, h, w) float BGR in 0..255, what the networks painted in every round, of
                the size of the output.
        """
        hole = resize_hole(self.hole[crop.window.slices], crop.size) if crop.is_scaled else None
        # Without the others, only the last round is kept.
        first = self.rounds_run + 1 - len(self.rounds)
        for number, kept in enumerate(self.rounds, first):
            color = _to_colors(output.round_imgs[number], crop)
            if hole is not None:
                color = close_seam(color, _to_colors(raws[number], crop), hole)
            if crop.is_enlarged:
                color = resize(color, crop.window.size)
            self._paste_image(kept, crop, color)
            self._paste_confidence(kept, crop, output.round_confidences[number])
            if number > 0 and 'round_segs' in output:
                self._paste_map(kept, crop, output.round_segs[number - 1])
        self.hole[crop.target.slices] = False

    def result(self) -> InpaintingResult:
        """The result, when all crops are pasted."""
        return InpaintingResult(
            **vars(self.rounds[-1]),
            rounds=self.rounds if self.keeps_rounds else None,
            rounds_run=self.rounds_run,
            notes=self.notes,
        )

    def _paste_image(self, kept: RoundResult, crop: HoleCrop, color: np.ndarray) -> None:
        for strip in _strips(crop.target):
            painted = self._enlarge_image(kept, crop, strip, color)
            put_colors(kept.image[strip.slices], self.hole[strip.slices], painted)

    def _enlarge_image(
        self, kept: RoundResult, crop: HoleCrop, strip: Box, color: np.ndarray
    ) -> np.ndarray:
        """A strip at the size of the picture, whose edges meet what the small picture has lost."""
        if color.shape[:2] == crop.window.size:
            return enlarge(color, crop, strip, cv2.INTER_CUBIC)
        reach = max(large / small for large, small in zip(crop.window.size, crop.size, strict=True))
        around = strip.grown(math.ceil(3 * reach), self.picture.size).common(crop.window)
        painted = enlarge(color, crop, around, cv2.INTER_CUBIC)
        hole = self.hole[around.slices]
        truth = to_network(kept.image[around.slices])
        composite = np.where(hole[..., None], painted, truth)
        top, left = strip.top - around.top, strip.left - around.left
        inner = slice(top, top + strip.size[0]), slice(left, left + strip.size[1])
        return close_seam(composite, painted, hole, reach)[inner]

    def _paste_confidence(self, kept: RoundResult, crop: HoleCrop, plane: torch.Tensor) -> None:
        whole = _to_numpy(plane[0], crop)
        for strip in _strips(crop.target):
            confidence = enlarge(whole, crop, strip, cv2.INTER_LINEAR)
            hole = self.hole[strip.slices]
            kept.confidence[strip.slices][hole] = confidence[hole]

    def _paste_map(self, kept: RoundResult, crop: HoleCrop, labels: torch.Tensor) -> None:
        """The whole window, but for what an earlier crop has filled or seen as known."""
        if kept.semantic_map is None:
            kept.semantic_map = np.full(self.picture.size, IGNORE_INDEX, np.uint8)
        ids = _to_numpy(labels, crop).astype(np.uint8)
        for strip in _strips(crop.window):
            found = enlarge(ids, crop, strip, cv2.INTER_NEAREST)
            given = kept.semantic_map[strip.slices]
            new = (given == IGNORE_INDEX) | self.hole[strip.slices]
            given[new] = found[new]


def _to_colors(image: torch.Tensor, crop: HoleCrop) -> np.ndarray:
    """(3, h, w) of a crop -> (h, w, 3), without padding."""
    return np.ascontiguousarray(_to_numpy(image, crop).transpose(1, 2, 0))


def _to_numpy(plane: torch.Tensor, crop: HoleCrop) -> np.ndarray:
    """(..., h, w) of a crop, without padding."""
    return plane[..., : crop.size[0], : crop.size[1]].cpu().numpy()


def _strips(box: Box) -> Iterator[Box]:
    """A box in pieces of a bounded height."""
    for top in range(box.top, box.bottom, STRIP):
        yield box._replace(top=top, bottom=min(top + STRIP, box.bottom))
