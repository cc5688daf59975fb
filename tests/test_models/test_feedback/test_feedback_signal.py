from __future__ import annotations

import torch


def test_planes_are_image_mask_confidence_and_map(signal_for):
    signal = signal_for(torch.randn(2, 3, 4, 5))
    planes = torch.cat(signal.planes(), dim=1)

    assert planes.shape == (2, 3 + 1 + 1 + 3, 4, 5)
    assert torch.equal(planes[:, :3], signal.current)
    assert torch.equal(planes[:, 3:4], signal.mask)
    assert torch.equal(planes[:, 4:5], signal.confidence)
    assert torch.equal(planes[:, 5:], signal.previous_map)
