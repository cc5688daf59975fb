"""A start for an inpainting network fits, or is refused before anything is trained."""

import pytest
import torch
from torch import nn

from fbinpaint_mm.models.networks import SemanticGuidedEncoderDecoder
from fbinpaint_mm.models.pretrained_start import check_network_checkpoint

PREFIX = 'generator.initial'


@pytest.fixture
def start(tmp_path):
    """Makes the config of a start from an initial network; ``spoil`` changes the weights first."""

    def make(spoil=None, **options):
        made = SemanticGuidedEncoderDecoder(guided=False, num_classes=0, **SMALL | options)
        state = {f'{PREFIX}.{key}': value for key, value in made.state_dict().items()}
        if spoil is not None:
            spoil(state)
        torch.save(dict(state_dict=state), tmp_path / 'start.pth')
        return dict(type='Pretrained', checkpoint=str(tmp_path / 'start.pth'), prefix=PREFIX)

    return make


SMALL = dict(base_channels=4, dilations=(1, 2))


def guided(init_cfg):
    return SemanticGuidedEncoderDecoder(guided=True, num_classes=3, init_cfg=init_cfg, **SMALL)


def test_a_guided_network_may_start_from_an_initial_one_and_is_not_changed(start):
    network = guided(start())
    before = {key: value.clone() for key, value in network.state_dict().items()}
    check_network_checkpoint(network)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(base_channels=8), r'stem\.conv\.conv\.bias: .*shape torch\.Size\(\[16\]\)'),
        (dict(dilations=(1,)), r"[1-9]\d* entries are missing \['trunk\.1\..*, 0 are unknown"),
        (dict(dilations=(1, 2, 4)), r"0 entries are missing \[\], \d+ are unknown \['trunk\.2\."),
        (dict(spoil=dict.clear), r"\d+ entries are missing \['stem\."),
    ],
)
def test_another_network_is_refused(start, options, message):
    with pytest.raises(ValueError, match=rf"(?s)start\.pth' \(entries '{PREFIX}'\).*{message}"):
        check_network_checkpoint(guided(start(**options)))


def test_an_absent_file_is_named(start):
    network = guided(start() | dict(checkpoint='/no/such/file.pth'))
    with pytest.raises(FileNotFoundError, match=r'/no/such/file\.pth.*of an inpainting network'):
        check_network_checkpoint(network)


def test_other_networks_and_starts_are_left_alone():
    check_network_checkpoint(None)
    check_network_checkpoint(nn.Conv2d(3, 3, 1))
    check_network_checkpoint(guided(None))
