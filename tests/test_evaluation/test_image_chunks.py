from __future__ import annotations

import torch

from fbinpaint_mm.evaluation.metrics.image_chunks import image_chunks


def test_neighbours_of_one_shape_share_chunks_of_bounded_size():
    images = [torch.full((3, side, 8), float(i)) for i, side in enumerate((8, 8, 8, 9, 8, 8))]
    chunks = list(image_chunks(images, 2))
    assert [[int(one[0, 0, 0]) for one in chunk] for chunk in chunks] == [[0, 1], [2], [3], [4, 5]]
    assert list(image_chunks([], 2)) == []
