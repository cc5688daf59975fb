"""Every mixture of our loop with networks, heads and losses of mmagic and mmseg learns."""

from __future__ import annotations

import re

import pytest
import torch
import torchvision.models.vgg as vgg
from mmagic.registry import MODELS
from mmengine.config import Config, ConfigDict
from mmengine.optim import build_optim_wrapper
from torch import nn

from tests.test_configs.shipped_configs import (
    CONFIGS,
    fabricate_batch,
    names,
    read,
    remove_downloads,
)

# What each one mixes: the part of the model, and the class in it.
MIXED = {
    'aot_guided_celebahq': {'loop.guided.network': 'AOTEncoderDecoder'},
    'bisenetv2_cityscapes': {'loop.segmentor.backbone': 'BiSeNetV2'},
    'deepfillv1_guided_camvid': {'loop.guided.network': 'DeepFillEncoderDecoder'},
    'deepfillv2_both_celebahq': {
        'loop.initial.network': 'DeepFillEncoderDecoder',
        'loop.guided.network': 'DeepFillEncoderDecoder',
    },
    **{
        f'deeplabv3plus_{data}': {
            'loop.initial': 'SemanticGuidedEncoderDecoder',
            'loop.guided': 'SemanticGuidedEncoderDecoder',
            'loop.segmentor.decode_head': 'DepthwiseSeparableASPPHead',
        }
        for data in ('camvid', 'celebahq', 'cityscapes')
    },
    'gl_initial_celebahq': {'loop.initial.network': 'GLEncoderDecoder'},
    'lraspp_mobilenetv3_cityscapes': {
        'loop.segmentor.backbone': 'MobileNetV3',
        'loop.segmentor.decode_head': 'LRASPPHead',
    },
    'lsgan_patch_celebahq': {'disc.discriminator': 'PatchDiscriminator'},
    'mmagic_losses_celebahq': {
        'losses.l1_hole': 'CharbonnierLoss',
        'losses.perceptual': 'PerceptualLoss',
        'losses.tv': 'MaskedTVLoss',
    },
    'pconv_initial_cityscapes': {'loop.initial.network': 'PConvEncoderDecoder'},
    'pspnet_camvid': {'loop.segmentor.decode_head': 'PSPHead'},
    'segformer_cityscapes': {'loop.segmentor.decode_head': 'SegformerHead'},
    'smgan_aot_celebahq': {'disc.discriminator': 'SoftMaskPatchDiscriminator'},
    'two_discriminators_celebahq': {'disc.discriminators.1.discriminator': 'DeepFillv1Disc'},
    'upernet_swin_celebahq': {
        'loop.segmentor.backbone': 'SwinTransformer',
        'loop.segmentor.decode_head': 'UPerHead',
    },
    'wgan_celebahq': {'losses.gan.gan': 'GANLoss'},
}
# Code blocks of the page, in their order.
PAGE = (CONFIGS / 'mix/README.md').read_text(encoding='utf-8')
CODE = re.findall(r'^```python\n(.*?)^```', PAGE, flags=re.MULTILINE | re.DOTALL)
CONFIG_CODE = [code for code in CODE if code.startswith('_base_')]
SHOWN = [
    {'loop.initial.network': 'GLEncoderDecoder'},
    {
        'loop.initial.network': 'GLEncoderDecoder',
        'loop.segmentor.backbone': 'MixVisionTransformer',
        'loop.segmentor.decode_head': 'SegformerHead',
    },
    {
        'losses.extra_losses.CharbonnierLoss': 'CharbonnierLoss',
        'losses.extra_losses.MyLoss': 'MyLoss',
    },
]
MY_LOSSES = """
from mmagic.registry import MODELS
from torch import nn

@MODELS.register_module(force=True)
class MyLoss(nn.Module):
    def __init__(self, loss_weight):
        super().__init__()
        self.loss_weight = loss_weight

    def forward(self, composite, target, mask):
        return self.loss_weight * (composite - target).abs().mean()
"""
LARGER = {  # than 32 pixels
    'aot_guided_celebahq': 40,  # reflects by 8 at a quarter of the size
    'lraspp_mobilenetv3_cityscapes': 64,
    'pspnet_camvid': 64,
    'upernet_swin_celebahq': 64,
}


@pytest.fixture(autouse=True)
def _no_download(monkeypatch):
    """mmagic's perceptual loss fetches a VGG19 when it is built."""

    class RandomVGG(nn.Module):
        def __init__(self, pretrained: bool) -> None:
            super().__init__()
            self.features = vgg.make_layers(vgg.cfgs['E'])

    monkeypatch.setattr(vgg, 'vgg19', RandomVGG)


def shrink(model: ConfigDict) -> None:
    """Our own networks narrow, backbones shallow; what is mixed in stays."""
    generator = model.generator
    for network in filter(None, (generator.initial, generator.guided)):
        shrink_network(network)
    backbone = generator.segmentor.backbone
    if backbone.type == 'SwinTransformer':
        backbone.depths = [1, 1, 1, 1]
    if backbone.type == 'ResNetV1c':
        backbone.depth = 18
        generator.segmentor.decode_head.in_channels = 512
    if 'c1_in_channels' in generator.segmentor.decode_head:
        generator.segmentor.decode_head.c1_in_channels = 64
    generator.segmentor.decode_head.channels = 32
    for disc in model.disc if isinstance(model.disc, list) else [model.disc]:
        if disc.type == 'MultiLayerDiscriminator':
            disc.update(max_channels=8, num_convs=2)
        if 'local_size' in disc:
            disc.local_size = 16
    generator.feedback.base_channels = 8
    model.train_cfg.rounds = model.test_cfg.rounds = 1
    model.data_preprocessor.pad_size_divisor = 1


def shrink_network(network: ConfigDict) -> None:
    if network.type == 'MIGANEncoderDecoder':
        network.update(channels=(8, 8, 8), noise_size=0)
    if network.type == 'SemanticGuidedEncoderDecoder':
        network.update(base_channels=4, dilations=(1,))
    if network.type == 'PConvEncoderDecoder':  # each of its seven layers halves the image
        network.encoder.num_layers = network.decoder.num_layers = 4
    if network.type == 'DeepFillEncoderDecoder':  # reflects by 16 at a quarter of the size
        for stage in (network.stage1, network.stage2):
            stage.dilation_neck.padding_mode = 'zeros'
    if 'network' in network:
        network.network.dilation_neck.num_aotblock = 2


def shrink_pooling(segmentor: nn.Module) -> None:
    """LRASPP averages over 49x49 pixels; what it does at that size is tested with its head."""
    pool = getattr(segmentor.decode_head, 'image_pool', None)
    if isinstance(pool, nn.Sequential) and isinstance(pool[0], nn.AvgPool2d):
        pool[0].kernel_size = 8


def part_of(model: nn.Module, path: str) -> nn.Module:
    for name in path.split('.'):
        model = model[int(name)] if name.isdigit() else getattr(model, name)
    return model


def weights_of(part: nn.Module) -> list[torch.Tensor]:
    """Copies of what an optimizer moves; losses and their frozen networks have nothing."""
    return [weight.detach().clone() for weight in part.parameters() if weight.requires_grad]


def test_every_mixture_is_described():
    assert names('mix') == [f'mix/{name}' for name in MIXED]
    for name in MIXED:
        assert len((CONFIGS / f'mix/{name}.py').read_text().splitlines()) <= 20, name


def test_the_soft_mask_adversary_opposes_the_generator():
    """What satisfies the discriminator costs the generator, and the other way round."""
    loss = MODELS.build(read('mix/smgan_aot_celebahq').model.losses.gan)
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 16:48, 16:48] = 1
    found, fooled = loss.gaussian_blur(mask), torch.zeros_like(mask)
    assert loss(found, False, True, mask) == loss(fooled, True, True, mask) == 0
    assert loss(fooled, False, True, mask) > 0
    assert loss(found, True, False, mask) > loss(fooled, True, False, mask) == 0


@pytest.mark.parametrize('name', MIXED)
def test_what_is_mixed_in_learns_and_round_1_differs(name):
    config = read(f'mix/{name}')
    remove_downloads(config.model)
    shrink(config.model)
    model = MODELS.build(config.model)
    for segmentor in (model.loop.segmentor, model.teacher.segmentor):
        shrink_pooling(segmentor)
    for path, kind in MIXED[name].items():
        assert type(part_of(model, path)).__name__.startswith(kind), path
    model.init_weights()  # as a Runner does

    size = (LARGER.get(name, 32),) * 2
    wrapper = build_optim_wrapper(model, config.optim_wrapper)
    before = {path: weights_of(part_of(model, path)) for path in MIXED[name]}
    model.train()
    # The gate of the adapter is closed at first, and passes no gradient to a guided network.
    for _ in range(2 if 'loop.guided.network' in MIXED[name] else 1):
        losses = model.train_step(fabricate_batch(config, size), wrapper)
    assert all(torch.isfinite(torch.as_tensor(value)).all() for value in losses.values())
    assert {'round0_loss_l1_hole', 'round1_loss_segmentation', 'loss_gan'} <= losses.keys()
    for path, weights in before.items():
        pairs = zip(weights, weights_of(part_of(model, path)), strict=True)
        assert not weights or not all(torch.equal(*pair) for pair in pairs), path
    assert any(projection.weight.any() for projection in model.loop.feedback.projections)

    with torch.no_grad():
        sample = model.eval().val_step(fabricate_batch(config, size, 'val'))[0]
    hole = (sample.mask > 0).expand(3, -1, -1)
    first, second = sample.output.round_imgs
    assert not torch.equal(first[hole], second[hole])
    for image in (first, second):
        assert torch.equal(image[~hole], sample.gt_img[~hole].float())


@pytest.mark.parametrize(('code', 'parts'), [*zip(CONFIG_CODE, SHOWN, strict=True)])
def test_configs_of_the_page_work_in_any_folder(code, parts, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / 'my_losses.py').write_text(MY_LOSSES)
    path = tmp_path / 'mine.py'
    path.write_text(code)
    config = Config.fromfile(path)
    remove_downloads(config.model)
    shrink(config.model)
    model = MODELS.build(config.model)
    for name, kind in parts.items():
        assert type(part_of(model, name)).__name__ == kind, name
    wrapper = build_optim_wrapper(model, config.optim_wrapper)
    losses = model.train().train_step(fabricate_batch(config, (32, 32)), wrapper)
    assert all(torch.isfinite(torch.as_tensor(value)).all() for value in losses.values())
    hooks = {hook.type for hook in config.custom_hooks}
    assert {'FeedbackHook', 'MeanTeacherHook', 'RoundReportHook'} <= hooks
    extra = {f'round1_loss_{kind}' for name, kind in parts.items() if 'extra_losses' in name}
    assert extra <= losses.keys()


@pytest.mark.parametrize(
    ('base', 'maps'), [('segformer_mit-b0', 4), ('fcn_hr18', 4), ('fcn_unet_s5-d16', 1)]
)
def test_the_own_model_of_the_page_tells_any_decode_head(base, maps, tmp_path):
    """One that reads several maps, one that concatenates them, and one that reads a single one."""
    (tmp_path / 'base.py').write_text(f"_base_ = ['mmseg::_base_/models/{base}.py']")
    segmentor = Config.fromfile(tmp_path / 'base.py').model
    (code,) = (block for block in CODE if 'class MyModel' in block)
    names = {}
    exec(code, names)
    model = names['MyModel'](segmentor).eval()
    assert len(model.feedback.projections) == maps
    for projection in model.feedback.projections:
        nn.init.normal_(projection.weight)
    model.link.attach()
    image = torch.zeros(1, 3, 64, 64)
    classes = torch.zeros(1, segmentor.decode_head.num_classes, 64, 64)
    plane = torch.ones(1, 1, 64, 64)
    signal = names['FeedbackSignal'](image, plane, plane, classes, torch.ones(()))
    with torch.no_grad():
        before = names['segment'](model.student, image)
        with model.link.sending(signal):
            after = names['segment'](model.student, image)
    assert before.shape == after.shape == classes.shape
    assert not torch.equal(before, after)
