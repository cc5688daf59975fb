from __future__ import annotations

import pytest
import torch
from mmagic.models.losses import GANLoss

from fbinpaint_mm.models.losses import AdversarialLoss, split_judgement

GAN_TYPES = ('vanilla', 'lsgan', 'wgan', 'hinge', 'l1', 'smgan')


def judgements():
    torch.manual_seed(0)
    return torch.randn(2, 1, 8, 8), torch.randn(2, 1, 4, 4)


@pytest.mark.parametrize('gan_type', GAN_TYPES)
@pytest.mark.parametrize(('is_real', 'is_disc'), [(True, False), (True, True), (False, True)])
def test_mean_of_mmagics_loss_over_all_outputs(gan_type, is_real, is_disc):
    one, other = judgements()
    mask = torch.zeros(2, 1, 8, 8)
    mask[..., 2:6, 3:7] = 1
    theirs = GANLoss(gan_type, loss_weight=0.3)
    expected = [theirs(part, is_real, is_disc, mask=mask) for part in (one, other)]
    ours = AdversarialLoss(dict(type='GANLoss', gan_type=gan_type, loss_weight=0.3))
    torch.testing.assert_close(ours(one, is_real, is_disc, mask), expected[0])
    nested = ours([one, (other,)], is_real, is_disc, mask)
    torch.testing.assert_close(nested, sum(expected) / 2)
    assert expected[0] != expected[1]


def test_judgements_split_by_image():
    one, other = judgements()
    first, rest = split_judgement((one, [other]), 1)
    assert [part.tolist() for part in first] == [one[:1].tolist(), other[:1].tolist()]
    assert [part.tolist() for part in rest] == [one[1:].tolist(), other[1:].tolist()]
