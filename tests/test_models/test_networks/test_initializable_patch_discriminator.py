import pytest
import torch
from mmagic.registry import MODELS
from mmengine.model import BaseModule
from torch import nn

SETTINGS = dict(in_channels=3, base_channels=16, num_conv=2)


class Model(BaseModule):
    """Initialises its discriminator as a Runner does: together with everything else."""

    def __init__(self, discriminator, **settings):
        super().__init__()
        self.disc = MODELS.build(dict(type=discriminator, **SETTINGS, **settings))


def convolutions(model):
    return [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)]


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def test_mmagics_own_cannot_be_initialised():
    """The reason for the class: where this test fails, mmagic has been repaired."""
    with pytest.raises(UnboundLocalError, match='init_info'):
        Model('SoftMaskPatchDiscriminator').init_weights()


def test_is_initialised_as_mmagic_means_to():
    model = Model('InitializablePatchDiscriminator', init_cfg=dict(type='normal', gain=0.3))
    model.init_weights()
    for layer in convolutions(model)[:-1]:
        assert layer.weight.detach().std() == pytest.approx(0.3, rel=0.1)
        assert layer.weight.detach().mean() == pytest.approx(0, abs=0.03)
    assert (convolutions(model)[-1].bias == 0).all()


def test_with_spectral_norm_it_judges_and_learns():
    model = Model('InitializablePatchDiscriminator', with_spectral_norm=True)
    model.init_weights()
    judged = model.disc(torch.randn(2, 3, 32, 32))
    judged.mean().backward()
    assert judged.isfinite().all()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_checkpoints_are_mmagics():
    ours, theirs = (
        Model(name).state_dict()
        for name in ('InitializablePatchDiscriminator', 'SoftMaskPatchDiscriminator')
    )
    assert {key: value.shape for key, value in ours.items()} == {
        key: value.shape for key, value in theirs.items()
    }
