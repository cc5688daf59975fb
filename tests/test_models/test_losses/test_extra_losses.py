"""Losses that a config adds: of mmagic, and of a user's own file."""

from __future__ import annotations

import pytest
import torch
from mmagic.models.losses import CharbonnierLoss, L1Loss
from mmagic.registry import MODELS
from mmengine.config import Config
from mmengine.registry import DefaultScope

from fbinpaint_mm.models.losses import ExtraLosses
from fbinpaint_mm.user_error import UserError
from tests.test_models.small_model import make_batch, parameters_of, train

OWN_LOSS = """
from mmagic.registry import MODELS
from torch import nn

@MODELS.register_module()
class OwnBrightnessLoss(nn.Module):
    def __init__(self, loss_weight=1.0):
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, composite, target, mask):
        self.seen = composite, target, mask
        return self.loss_weight * (composite.mean() - target.mean()).abs()
"""


@pytest.fixture(autouse=True)
def _mmagic_scope():
    with DefaultScope.overwrite_default_scope('mmagic'):
        yield


def test_a_loss_of_mmagic_compares_the_composite_of_every_round_in_the_hole(build):
    configs = [dict(type='CharbonnierLoss', loss_weight=2.0), dict(type='L1Loss')]
    model = build(losses=dict(extra_losses=configs)).train()
    data = model.data_preprocessor(make_batch(), True)
    target, mask = data['data_samples'].gt_img, data['data_samples'].mask.float()
    results = model.generator(data['inputs'], mask, 2)
    losses = model.generator_losses(results, data['data_samples'], None)
    for index, result in enumerate(results):
        for loss in (CharbonnierLoss(loss_weight=2.0), L1Loss()):
            expected = loss(result.composite, target, weight=mask)
            assert expected > 0
            found = losses[f'round{index}_loss_{type(loss).__name__}']
            torch.testing.assert_close(found, expected)


def test_a_loss_of_an_own_file_teaches(tmp_path, repository, monkeypatch):
    (tmp_path / 'own_losses_of_a_test.py').write_text(OWN_LOSS)
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / 'own_config.py'
    path.write_text(f"""
_base_ = [{str(repository / 'tests/small_inpaintor.py')!r}]
custom_imports = dict(imports=['fbinpaint_mm', 'own_losses_of_a_test'])
model = dict(
    losses=dict(
        l1_hole=None,
        l1_valid=None,
        extra_losses=[dict(type='OwnBrightnessLoss', loss_weight=3.0)],
    ),
)
""")
    model = MODELS.build(Config.fromfile(path).model).train()
    before = parameters_of(model.loop.guided)
    losses = train(model, make_batch(), lr=1e-2)
    (own,) = model.losses.extra_losses.values()
    composite, target, mask = own.seen
    expected = 3 * (composite.mean() - target.mean()).abs()
    torch.testing.assert_close(losses['round2_loss_OwnBrightnessLoss'], expected.detach())
    assert torch.equal(composite * (1 - mask), target * (1 - mask))
    assert mask.unique().tolist() == [0, 1]
    assert any(not torch.equal(before[k], v) for k, v in model.loop.guided.named_parameters())


def test_two_of_one_class_have_names_of_their_own():
    losses = ExtraLosses([dict(type='L1Loss'), dict(type='MSELoss'), dict(type='L1Loss')])
    image = torch.ones(1, 3, 2, 2)
    found = losses(image, -image, torch.ones(1, 1, 2, 2))
    assert {name: value.item() for name, value in found.items()} == dict(
        loss_L1Loss=2, loss_MSELoss=4, loss_L1Loss_2=2
    )


@pytest.mark.parametrize('none', [None, [], ()])
def test_there_may_be_none(none):
    assert ExtraLosses(none)(*[torch.ones(1, 3, 2, 2)] * 3) == {}


@pytest.mark.parametrize('configs', [dict(type='L1Loss'), [dict(loss_weight=1.0)], 'L1Loss', [3]])
def test_what_is_no_list_of_configs_is_refused(configs):
    with pytest.raises(UserError, match=r'^losses\.extra_losses: found .*, expected a list of'):
        ExtraLosses(configs)


@pytest.mark.parametrize('kind', ['MaskedTVLoss', 'CharbonnierCompLoss'])
def test_another_signature_is_refused(kind):
    message = rf'^losses\.extra_losses: {kind} takes \(.*called as \(composite, target, mask\): '
    with pytest.raises(UserError, match=message):
        ExtraLosses([dict(type=kind)])


def test_a_loss_that_is_no_number_is_refused():
    losses = ExtraLosses([dict(type='L1Loss', reduction='none')])
    image = torch.ones(2, 3, 4, 4)
    message = r'^losses\.extra_losses: L1Loss returned \(2, 3, 4, 4\), expected a 0-d tensor$'
    with pytest.raises(UserError, match=message):
        losses(image, image, image[:, :1])


def test_a_loss_that_fails_is_named():
    """mmagic's gradient loss knows gray images only."""
    losses = ExtraLosses([dict(type='GradientLoss')])
    image = torch.ones(2, 3, 4, 4)
    message = r'GradientLoss fails when called as .* 1 channels.*gradient_loss\.py, line \d+\)$'
    with pytest.raises(UserError, match=message):
        losses(image, image, image[:, :1])
