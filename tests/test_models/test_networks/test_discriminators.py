from __future__ import annotations

import pytest
import torch
from mmagic.registry import MODELS
from mmengine.model import BaseModule
from torch import nn

from fbinpaint_mm.models.networks import MMagicDiscriminatorAdapter, build_discriminator
from fbinpaint_mm.user_error import UserError

MULTI_LAYER = dict(type='MultiLayerDiscriminator', in_channels=3, max_channels=8, num_convs=2)
LOCAL = dict(in_channels=3, max_channels=8, num_convs=2, fc_in_channels=8 * 4 * 4)
GL = dict(
    type='GLDiscs',
    global_disc_cfg=dict(LOCAL, fc_in_channels=8 * 8 * 8),
    local_disc_cfg=LOCAL,
)
DEEPFILL = dict(
    type='DeepFillv1Discriminators',
    global_disc_cfg=dict(MULTI_LAYER, fc_in_channels=8 * 8 * 8, fc_out_channels=1),
    local_disc_cfg=dict(MULTI_LAYER, fc_in_channels=8 * 4 * 4, fc_out_channels=1),
)
PATCH = dict(type='PatchDiscriminator', base_channels=4, num_conv=2)
SOFT = dict(type='SoftMaskPatchDiscriminator', base_channels=4, num_conv=2)
UNET = dict(type='UNetDiscriminatorWithSpectralNorm', mid_channels=4)
# discriminator, view, shapes of the scores of two images of 32x32
DISCRIMINATORS = {
    'multi_layer': (MULTI_LAYER, 'image', [(2, 8, 8, 8)]),
    'patch_image': (dict(PATCH, in_channels=3), 'image', [(2, 1, 6, 6)]),
    'patch_mask': (dict(PATCH, in_channels=4), 'image_and_mask', [(2, 1, 6, 6)]),
    'soft_patch': (dict(SOFT, in_channels=3), 'image', [(2, 1, 6, 6)]),
    'unet': (dict(UNET, in_channels=3), 'image', [(2, 1, 32, 32)]),
    'gl': (GL, 'global_local', [(2, 1)]),
    'deepfillv1': (DEEPFILL, 'global_local', [(2, 1), (2, 1)]),
}


def build(discriminator, view):
    local_size = 16 if view == 'global_local' else None
    return MMagicDiscriminatorAdapter(discriminator, view, local_size)


@pytest.fixture
def batch():
    torch.manual_seed(0)
    mask = torch.zeros(2, 1, 32, 32)
    mask[0, 0, 3:9, 20:30] = 1
    mask[1, 0, 25:, :7] = 1
    mask[1, 0, 0, 31] = 1  # a little of the hole elsewhere
    return torch.cat([torch.randn(2, 3, 32, 32), mask], dim=1)


@pytest.mark.parametrize('name', DISCRIMINATORS)
def test_discriminators_of_mmagic_give_scores(name, batch):
    discriminator, view, shapes = DISCRIMINATORS[name]
    scores = build(discriminator, view)(batch)
    scores = scores if isinstance(scores, tuple) else (scores,)
    assert [tuple(one.shape) for one in scores] == shapes


@pytest.mark.parametrize('name', DISCRIMINATORS)
def test_a_runner_can_initialize_them(name):
    """As a part of a model, where mmagic's own patch discriminators fail."""

    class Model(BaseModule):
        def __init__(self) -> None:
            super().__init__()
            self.disc = build(*DISCRIMINATORS[name][:2])

    model = Model()
    before = {key: value.clone() for key, value in model.named_parameters()}
    model.init_weights()
    changed = [k for k, value in model.named_parameters() if not torch.equal(value, before[k])]
    assert bool(changed) == (name not in ('multi_layer', 'unet'))  # these have no rule for conv
    assert not any('_params_init_info' in vars(module) for module in model.modules())


def test_mmagics_patch_discriminator_still_needs_it():
    """When this fails, the adapter's ``init_weights`` has done its service."""

    class Model(BaseModule):
        def __init__(self) -> None:
            super().__init__()
            self.disc = MODELS.build(dict(PATCH, in_channels=3))

    with pytest.raises(UnboundLocalError):
        Model().init_weights()


def test_the_window_is_where_most_of_the_hole_is(batch):
    class Echo(nn.Module):
        def forward(self, pair):
            return pair

    adapter = build(GL, 'global_local')
    adapter.discriminator = Echo()
    image, window = adapter(batch)
    assert torch.equal(image, batch[:, :3])
    masks = []
    for index, part in enumerate(window):
        # Where the window came from: the one place with the same pixels.
        places = [
            (top, left)
            for top in range(17)
            for left in range(17)
            if torch.equal(image[index, :, top : top + 16, left : left + 16], part)
        ]
        ((top, left),) = places
        masks.append(batch[index, 3, top : top + 16, left : left + 16].sum())
    assert masks == [60, 49]  # all of the first hole, all but one pixel of the second


def test_image_alone_hides_the_mask(batch):
    adapter = build(MULTI_LAYER, 'image')
    other = batch.clone()
    other[:, 3] = 0
    assert torch.equal(adapter(batch), adapter(other))


def test_bad_settings_are_refused(batch):
    with pytest.raises(UserError, match="view: found 'mask', expected one of"):
        MMagicDiscriminatorAdapter(MULTI_LAYER, 'mask')
    with pytest.raises(UserError, match="local_size: found None with view='global_local'"):
        MMagicDiscriminatorAdapter(GL, 'global_local')
    with pytest.raises(UserError, match="local_size: found 8 with view='image'"):
        MMagicDiscriminatorAdapter(MULTI_LAYER, 'image', 8)
    with pytest.raises(UserError, match=r'local_size=16 is larger than the image, \(8, 32\)'):
        build(GL, 'global_local')(batch[..., :8, :])
    message = r'disc MultiLayerDiscriminator reads 3 channels, but is given 4, .*in_channels=4, or'
    with pytest.raises(UserError, match=message):
        build_discriminator(MULTI_LAYER)


def test_a_list_scores_together(batch):
    adapter = dict(type='MMagicDiscriminatorAdapter', view='image', discriminator=MULTI_LAYER)
    ensemble = build_discriminator([dict(MULTI_LAYER, in_channels=4), adapter])
    with_mask, without = ensemble(batch)
    assert torch.equal(with_mask, ensemble.discriminators[0](batch))
    assert torch.equal(without, ensemble.discriminators[1](batch))
    assert not torch.equal(with_mask, without)
