import pytest
import torch
from mmagic.registry import MODELS
from mmengine.registry import DefaultScope

CHANNELS = 4


@pytest.fixture(scope='module')
def necks():
    """Ours and mmagic's, with the same weights."""
    with torch.random.fork_rng(), DefaultScope.overwrite_default_scope('mmagic'):
        torch.manual_seed(0)
        ours, theirs = (
            MODELS.build(dict(type=name, in_channels=CHANNELS)).eval()
            for name in ('FiniteAttentionNeck', 'ContextualAttentionNeck')
        )
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


@pytest.fixture
def features():
    return torch.randn(2, CHANNELS, 16, 16, generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def test_same_bits_as_mmagic_where_mmagic_is_finite(necks, features):
    ours, theirs = necks
    mask = torch.zeros(2, 1, 16, 16)
    mask[0, :, 2:9, 3:8] = 1
    for found, expected in zip(ours(features, mask), theirs(features, mask), strict=True):
        assert expected.isfinite().all()
        assert torch.equal(found, expected)


@torch.no_grad()
def test_a_hole_that_touches_every_patch(necks, features):
    ours, theirs = necks
    mask = torch.zeros(2, 1, 16, 16)
    mask[0, :, ::4, ::4] = 1
    mask[1, :, :4, :4] = 1
    broken, whole = theirs(features, mask)[0]
    assert broken.isnan().any()

    repaired, same = ours(features, mask)[0]

    assert torch.equal(same, whole)
    unmasked = theirs(features, torch.zeros_like(mask))[0][0]
    assert torch.equal(repaired, unmasked)
