from __future__ import annotations

import pytest
import torch
from mmagic.registry import MODELS

from fbinpaint_mm.models.segmentor import SegmentorInput


@pytest.mark.parametrize('order', ['BGR', 'RGB'])
def test_round_trip(order):
    image = torch.rand(2, 3, 4, 5) * 2 - 1
    convert = SegmentorInput(channel_order=order)
    torch.testing.assert_close(convert.inverse(convert(image)), image, atol=1e-5, rtol=0)


def test_equals_the_preprocessor_of_mmseg():
    picture = torch.randint(0, 256, (3, 6, 7), dtype=torch.uint8)  # BGR, as mmcv reads it
    preprocessor = MODELS.build(
        dict(
            _scope_='mmseg',
            type='SegDataPreProcessor',
            mean=[123.675, 116.28, 103.53],
            std=[58.395, 57.12, 57.375],
            bgr_to_rgb=True,
        )
    )
    expected = preprocessor(dict(inputs=[picture], data_samples=None))['inputs']

    ours = picture.unsqueeze(0).float() / 127.5 - 1
    found = SegmentorInput()(ours)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)

    from_rgb = SegmentorInput(channel_order='RGB')(ours.flip(1))
    torch.testing.assert_close(from_rgb, expected, atol=1e-5, rtol=1e-5)


def test_by_hand():
    # Blue -1 (0), green 0 (127.5), red 1 (255).
    image = torch.tensor([-1.0, 0.0, 1.0]).view(1, 3, 1, 1)
    found = SegmentorInput(mean=(5.0, 27.5, 10.0), std=(50.0, 10.0, 2.0))(image).flatten()
    torch.testing.assert_close(found, torch.tensor([5.0, 10.0, -5.0]))


def test_gradient_is_kept():
    image = torch.zeros(1, 3, 2, 2, requires_grad=True)
    convert = SegmentorInput()
    convert(image)[:, 0].sum().backward()  # red, the last channel of ours
    expected = torch.zeros(1, 3, 2, 2)
    expected[:, 2] = 127.5 / 58.395
    torch.testing.assert_close(image.grad, expected)

    image.grad = None
    convert.inverse(image).sum().backward()
    assert (image.grad > 0).all()


def test_checkpoint_has_no_trace_of_it():
    assert not SegmentorInput().state_dict()


def test_other_orders_are_refused():
    with pytest.raises(ValueError, match="channel_order must be 'BGR' or 'RGB', got 'GBR'"):
        SegmentorInput(channel_order='GBR')
