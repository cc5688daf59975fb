"""Weights and images with values that are no numbers."""

import copy

import numpy as np
import pytest
import torch

from fbinpaint_mm.apis import FeedbackInpainter
from fbinpaint_mm.user_error import UserError


@pytest.mark.parametrize(
    ('part', 'value', 'round_number'),
    [('initial', np.nan, 0), ('initial', np.inf, 0), ('guided', np.nan, 1), ('decode', np.nan, 1)],
)
def test_values_that_are_no_numbers_are_no_picture(
    inpainter, make_picture, make_hole, part, value, round_number
):
    broken = copy.copy(inpainter)
    broken.model = copy.deepcopy(inpainter.model)
    loop = broken.model.loop
    layers = dict(
        initial=loop.initial.to_image, guided=loop.guided.to_image, decode=loop.decode_head.conv_seg
    )
    with torch.no_grad():
        layers[part].bias.fill_(value)
    images, holes = [make_picture((16, 24, 3))] * 2, [np.zeros((16, 24), bool), make_hole((16, 24))]
    message = f'^image 1: round {round_number} of the model gives NaN or infinite values'
    with pytest.raises(UserError, match=message):
        broken.inpaint(images, holes)


def test_weights_that_are_no_numbers_are_named_before_a_picture(small_config, inpainter, tmp_path):
    state = {key: value.clone() for key, value in inpainter.model.state_dict().items()}
    state['generator.guided.to_image.bias'][0] = np.nan
    torch.save(dict(state_dict=state), tmp_path / 'x.pth')
    message = r"x\.pth': 1 of \d+ entries hold NaN .*first 'generator\.guided\.to_image\.bias'; the"
    with pytest.raises(UserError, match=message):
        FeedbackInpainter(small_config, tmp_path / 'x.pth', device='cpu')
