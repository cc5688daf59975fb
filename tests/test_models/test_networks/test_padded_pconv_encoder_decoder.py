import pytest
import torch
from mmagic.models.editors.pconv import PConvEncoderDecoder
from mmagic.registry import MODELS
from mmengine.registry import DefaultScope

from fbinpaint_mm.models.networks import PaddedPConvEncoderDecoder

LAYERS = 5
PARTS = dict(
    encoder=dict(type='PConvEncoder', num_layers=LAYERS),
    decoder=dict(type='PConvDecoder', num_layers=LAYERS),
)


@pytest.fixture(scope='module')
def networks():
    """Ours and mmagic's, with the same weights."""
    with torch.random.fork_rng(), DefaultScope.overwrite_default_scope('mmagic'):
        torch.manual_seed(0)
        ours = MODELS.build(dict(type='PaddedPConvEncoderDecoder', **PARTS)).eval()
        theirs = MODELS.build(dict(type='PConvEncoderDecoder', **PARTS)).eval()
    assert isinstance(ours, PaddedPConvEncoderDecoder)
    assert isinstance(theirs, PConvEncoderDecoder)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


def make_input(height, width):
    generator = torch.Generator().manual_seed(height)
    image = torch.rand(2, 3, height, width, generator=generator) * 2 - 1
    known = torch.ones(2, 3, height, width)
    known[..., 3:20, 5:17] = 0
    return image * known, known


@torch.no_grad()
def test_same_bits_as_mmagic_where_the_size_fits(networks):
    ours, theirs = networks
    for found, expected in zip(ours(*make_input(32, 64)), theirs(*make_input(32, 64)), strict=True):
        assert torch.equal(found, expected)


@torch.no_grad()
@pytest.mark.parametrize('size', [(33, 64), (24, 40)])
def test_other_sizes_are_padded_with_unknown_pixels(networks, size):
    ours, theirs = networks
    image, known = make_input(*size)
    with pytest.raises(RuntimeError):
        theirs(image, known)

    found, validity = ours(image, known)

    larger = [torch.zeros(2, 3, 64, 64) for _ in range(2)]
    for canvas, part in zip(larger, (image, known), strict=True):
        canvas[..., : size[0], : size[1]] = part
    larger = [canvas[..., : -(-size[0] // 32) * 32, :] for canvas in larger]
    expected, _ = theirs(*larger)
    assert found.shape == validity.shape == (2, 3, *size)
    assert torch.equal(found, expected[..., : size[0], : size[1]])
    assert found.isfinite().all()
