"""Stands in for FeedbackInpainter where its network does not matter: fast, and known in advance."""

from __future__ import annotations

import numpy as np

from fbinpaint_mm.apis import InpaintingResult, RoundResult


class FakeInpainter:
    """Round r fills the hole with 50 + 20 r; its map has class 1 in the hole, class 0 elsewhere."""

    classes = ['ground', 'fence']
    palette = [[10, 20, 30], [200, 100, 50]]

    def __init__(self):
        self.calls = []

    def inpaint(self, image, mask, rounds=None, return_rounds=False, max_side=None):
        settings = dict(rounds=rounds, max_side=max_side)
        self.calls.append(dict(shape=image.shape, **settings))
        rounds = 1 if rounds is None else rounds
        results = [self._round(image, mask, index) for index in range(rounds + 1)]
        kept = results if return_rounds else None
        notes = [] if mask.any() else ['the mask is empty']
        return InpaintingResult(**vars(results[-1]), rounds=kept, rounds_run=rounds, notes=notes)

    def _round(self, image, mask, index):
        filled = image.copy()
        colors = filled[..., :3] if filled.ndim == 3 and filled.shape[-1] >= 3 else filled
        colors[mask] = (50 + 20 * index) * (257 if image.dtype == np.uint16 else 1)
        confidence = np.where(mask, 0.5, 1.0).astype(np.float32)
        return RoundResult(filled, mask.astype(np.uint8) if index else None, confidence)
