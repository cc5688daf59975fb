"""The small model, small mmseg segmentors and feedback signals for the tests of the models."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from mmagic.registry import MODELS
from mmengine.config import Config, ConfigDict
from torch import Tensor, nn

from fbinpaint_mm.models.feedback import FeedbackSignal
from fbinpaint_mm.models.segmentor import build_segmentor
from tests.test_models.small_model import make_effective

CLASSES = 3
CHANNELS = 6  # of the pixel features; differs from every channel number of the backbone
BN = dict(type='BN', requires_grad=True)
HEAD = dict(
    channels=CHANNELS,
    num_classes=CLASSES,
    norm_cfg=BN,
    dropout_ratio=0.1,
    align_corners=False,
    loss_decode=dict(type='CrossEntropyLoss'),
)
# The U-Net gives 16, 8 and 4 channels at 1/4, 1/2 and 1/1 of the image. mmseg's heads want the
# finest first, so in_index runs backwards.
PYRAMID = dict(in_index=[2, 1, 0], in_channels=[4, 8, 16])
FCN = dict(type='FCNHead', in_index=2, in_channels=4, num_convs=1, **HEAD)
HEADS = {
    'fcn': FCN,
    'psp': dict(type='PSPHead', in_index=0, in_channels=16, pool_scales=(1, 2), **HEAD),
    'deeplabv3plus': dict(
        type='DepthwiseSeparableASPPHead',
        in_index=-1,
        in_channels=4,
        dilations=(1, 2),
        c1_in_channels=16,
        c1_channels=5,
        **HEAD,
    ),
    'uper': dict(type='UPerHead', pool_scales=(1, 2), **PYRAMID, **HEAD),
    'segformer': dict(type='SegformerHead', **PYRAMID, **HEAD),
    'summed': dict(type='mmagic.SummedLateralHead', **PYRAMID, **HEAD),
    'lraspp': dict(
        type='LRASPPHead',
        branch_channels=(2, 3),
        input_transform='multiple_select',
        **PYRAMID,
        **HEAD,
    ),
    'ocr': [
        dict(FCN, in_index=1, in_channels=8),
        dict(type='OCRHead', in_index=1, in_channels=8, ocr_channels=4, **HEAD),
    ],
}


@pytest.fixture(autouse=True)
def _same_random_numbers() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope='session')
def small(repository: Path) -> dict:
    """``tests/small_inpaintor.py`` as plain dicts, which no test may change."""
    return Config.fromfile(repository / 'tests/small_inpaintor.py').to_dict()


@pytest.fixture
def build(small: dict) -> Callable[..., nn.Module]:
    """Builds the small model with the same weights each time.

    ``generator`` and ``losses`` replace some of their parts, other keywords whole arguments.
    """

    def make(
        generator: dict | None = None,
        losses: dict | None = None,
        adversarial: bool = False,
        perceptual: bool = False,
        **parts: Any,
    ) -> nn.Module:
        model = small['model']
        chosen = model['losses'] | (dict(perceptual=small['perceptual']) if perceptual else {})
        if adversarial:
            chosen, parts = chosen | dict(gan=small['gan']), dict(disc=small['disc']) | parts
        nested = dict(
            generator=model['generator'] | (generator or {}), losses=chosen | (losses or {})
        )
        torch.manual_seed(0)
        return MODELS.build(copy.deepcopy(model | nested | parts))

    return make


@pytest.fixture
def build_loop(small: dict) -> Callable[..., nn.Module]:
    """Builds the small loop with the same weights each time; keywords replace its parts."""

    def make(**parts: Any) -> nn.Module:
        torch.manual_seed(0)
        return MODELS.build(copy.deepcopy(small['generator'] | parts))

    return make


@pytest.fixture
def loop(build_loop: Callable[..., nn.Module]) -> Callable[..., nn.Module]:
    """Builds a loop in which every part has an effect, in evaluation mode."""
    return lambda **parts: make_effective(build_loop(**parts)).eval()


@pytest.fixture
def images() -> tuple[Tensor, Tensor]:
    """Two masked images in [-1, 1], of 16 x 24 pixels, and two different holes."""
    generator = torch.Generator().manual_seed(0)
    image = torch.rand((2, 3, 16, 24), generator=generator) * 2 - 1
    mask = torch.zeros(2, 1, 16, 24)
    mask[0, :, 4:12, 4:12] = 1
    mask[1, :, :8, 10:] = 1
    return image * (1 - mask), mask


@pytest.fixture(params=sorted(HEADS))
def head_name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def segmentor_config() -> Callable[[str], dict]:
    """Config of a tiny mmseg segmentor with the named head, of 3 classes and 6 feature channels."""

    def config(name: str) -> dict:
        # LRASPP pools over 49x49 pixels: its backbone keeps the size of the image.
        shrink = name != 'lraspp'
        backbone = dict(
            type='UNet',
            in_channels=3,
            base_channels=4,
            num_stages=3,
            strides=(1, 1, 1),
            enc_num_convs=(1, 1, 1),
            dec_num_convs=(1, 1),
            downsamples=(shrink, shrink),
            enc_dilations=(1, 1, 1),
            dec_dilations=(1, 1),
            norm_cfg=BN,
        )
        cascade = dict(type='CascadeEncoderDecoder', num_stages=2)
        return dict(
            _scope_='mmseg',
            **(cascade if isinstance(HEADS[name], list) else dict(type='EncoderDecoder')),
            backbone=backbone,
            decode_head=copy.deepcopy(HEADS[name]),
            auxiliary_head=copy.deepcopy(FCN),
            test_cfg=ConfigDict(mode='whole'),
        )

    return config


@pytest.fixture
def pretrained_segmentor(
    segmentor_config: Callable[[str], dict],
) -> Callable[[str], nn.Module]:
    """A tiny segmentor with random weights and batch statistics, in evaluation mode."""

    def build(name: str) -> nn.Module:
        segmentor = build_segmentor(segmentor_config(name))
        randomize(segmentor)
        return segmentor.eval()

    return build


@pytest.fixture
def image_for() -> Callable[[str], Tensor]:
    """A batch of two images that the named segmentor takes, (2, 3, H, W) with H != W."""

    def image(name: str) -> Tensor:
        return torch.randn(2, 3, 50, 52) if name == 'lraspp' else torch.randn(2, 3, 16, 24)

    return image


@pytest.fixture
def signal_for() -> Callable[[Tensor], FeedbackSignal]:
    """A random feedback signal at the size of a batch of images, of 3 classes and strength 1."""

    def signal(image: Tensor) -> FeedbackSignal:
        n, _, h, w = image.shape
        mask = (torch.rand(n, 1, h, w) > 0.5).float()
        probabilities = torch.randn(n, CLASSES, h, w).softmax(1)
        return FeedbackSignal(image, mask, torch.rand(n, 1, h, w), probabilities, torch.ones(()))

    return signal


def randomize(module: nn.Module) -> None:
    """Weights and batch statistics as if trained: none of them zero, variances positive."""
    with torch.no_grad():
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                value.copy_(torch.randn_like(value) * 0.5)
            if name.endswith('running_var'):
                value.abs_().add_(0.5)
