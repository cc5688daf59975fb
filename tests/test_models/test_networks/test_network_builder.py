from __future__ import annotations

import pytest
import torch
from mmagic.registry import MODELS
from mmengine.config import ConfigDict
from mmengine.model import BaseModule
from mmengine.runner import save_checkpoint
from torch import Tensor, nn

from fbinpaint_mm.models.networks.mmagic_network_adapter import MMagicNetworkAdapter
from fbinpaint_mm.models.networks.network_builder import build_inpainting_network
from fbinpaint_mm.user_error import UserError

GL = {'type': 'GLEncoderDecoder'}


@MODELS.register_module(force=True)
class BuilderTestNetwork(BaseModule):
    speaks_feedback_interface = True

    def __init__(self, num_classes: int = 0, guided: bool = False) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.guided = guided

    def forward(self, masked_img: Tensor, mask: Tensor, *guidance: Tensor) -> Tensor:
        return masked_img


OURS = {'type': 'BuilderTestNetwork'}


def test_mmagic_networks_are_wrapped():
    config = ConfigDict(GL)
    initial = build_inpainting_network(config, 4, 'initial')
    guided = build_inpainting_network(config, 4, 'guided')

    assert isinstance(initial, MMagicNetworkAdapter)
    assert initial.num_classes is None
    assert guided.num_classes == 4
    assert initial.convention == guided.convention == 'gl'
    assert config == GL


@pytest.mark.parametrize('num_classes', [None, 0])
def test_guided_network_without_semantics(num_classes):
    guided = build_inpainting_network(GL, num_classes, 'guided')
    current = torch.rand(1, 3, 8, 8)
    with torch.no_grad():
        found = guided(torch.zeros_like(current), torch.ones(1, 1, 8, 8), current)
    assert torch.equal(found, current)


def test_networks_that_speak_the_interface_stay_unwrapped():
    initial = build_inpainting_network(OURS, 4, 'initial')
    guided = build_inpainting_network(OURS, 4, 'guided')

    assert type(initial) is type(guided) is BuilderTestNetwork
    assert (initial.num_classes, initial.guided) == (0, False)
    assert (guided.num_classes, guided.guided) == (4, True)
    assert not build_inpainting_network({**OURS, 'guided': False}, 4, 'guided').guided


def test_our_own_network_is_told_its_role():
    network = {'type': 'SemanticGuidedEncoderDecoder', 'base_channels': 8}
    initial = build_inpainting_network(network, 4, 'initial')
    guided = build_inpainting_network(network, 4, 'guided')
    assert (initial.num_classes, initial.guided) == (0, False)
    assert (guided.num_classes, guided.guided) == (4, True)


def test_explicit_adapter_keeps_its_options():
    config = {'type': 'MMagicNetworkAdapter', 'network': GL, 'channel_order': 'rgb'}
    guided = build_inpainting_network(config, 4, 'guided')
    assert isinstance(guided.network, MODELS.get('GLEncoderDecoder'))
    assert (guided.num_classes, guided.channel_order) == (4, 'rgb')
    assert build_inpainting_network(config, None, 'initial').num_classes is None


def test_built_modules():
    speaking = BuilderTestNetwork()
    assert build_inpainting_network(speaking, 4, 'guided') is speaking
    inner = build_inpainting_network(GL, None, 'initial').network
    assert build_inpainting_network(inner, 4, 'guided').network is inner


def test_class_as_type():
    guided = build_inpainting_network({'type': BuilderTestNetwork}, 4, 'guided')
    assert guided.num_classes == 4


def test_init_cfg_of_a_mmagic_network_loads_its_checkpoint(tmp_path):
    trained = build_inpainting_network(GL, None, 'initial').network
    state = {f'generator.{k}': v for k, v in trained.state_dict().items()}
    save_checkpoint({'state_dict': state}, str(tmp_path / 'gl.pth'))
    init_cfg = {
        'type': 'Pretrained',
        'checkpoint': str(tmp_path / 'gl.pth'),
        'prefix': 'generator.',
    }

    class Model(BaseModule):
        def __init__(self) -> None:
            super().__init__(init_cfg={'type': 'Constant', 'layer': 'Conv2d', 'val': 0.5})
            self.initial = build_inpainting_network({**GL, 'init_cfg': init_cfg}, None, 'initial')
            self.guided = build_inpainting_network(GL, 2, 'guided')

    model = Model()
    model.init_weights()

    for name, value in model.initial.network.state_dict().items():
        assert torch.equal(value, trained.state_dict()[name])
    assert not model.guided.stem[-1].weight.any()


def test_bad_input_is_refused():
    with pytest.raises(UserError, match="role: found 'second', expected one of"):
        build_inpainting_network(GL, 4, 'second')
    with pytest.raises(UserError, match='initial network: found None, expected a config dict'):
        build_inpainting_network(None, 4, 'initial')
    with pytest.raises(UserError, match="'NoSuchNet' is not in mmagic's MODELS registry"):
        build_inpainting_network({'type': 'NoSuchNet'}, 4, 'guided')
    with pytest.raises(UserError, match=r'guided network BuilderTestNetwork: num_classes=5 .* 4'):
        build_inpainting_network({**OURS, 'num_classes': 5}, 4, 'guided')
    with pytest.raises(UserError, match='it sees no semantic map'):
        build_inpainting_network({**OURS, 'num_classes': 5}, None, 'initial')
    with pytest.raises(UserError, match='Conv2d: not known how mmagic feeds it'):
        build_inpainting_network(nn.Conv2d(4, 3, 1), 4, 'guided')
