"""Every mixture of our loop with networks, heads and losses of mmagic and mmseg learns."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest
import torch
import torchvision.models.vgg as vgg
from mmagic.registry import MODELS
from mmengine.config import Config, ConfigDict
from mmengine.hub import get_config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from torch import nn

from fbinpaint_mm.models.losses import AdversarialLoss
from fbinpaint_mm.models.networks import build_inpainting_network

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
NAMES = sorted(path.stem for path in (CONFIGS / 'mix').glob('*.py'))
# What each one mixes: the part of the model, and the class in it.
MIXED = {
    'aot_guided_celebahq': {'loop.guided.network': 'AOTEncoderDecoder'},
    'bisenetv2_cityscapes': {'loop.segmentor.backbone': 'BiSeNetV2'},
    'deepfillv1_guided_camvid': {'loop.guided.network': 'DeepFillEncoderDecoder'},
    'deepfillv2_both_celebahq': {
        'loop.initial.network': 'DeepFillEncoderDecoder',
        'loop.guided.network': 'DeepFillEncoderDecoder',
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
    'wgan_celebahq': {'loss_gan.gan': 'GANLoss'},
}
LARGER = {  # than 32 pixels
    'aot_guided_celebahq': 40,  # reflects by 8 at a quarter of the size
    'lraspp_mobilenetv3_cityscapes': 64,
    'pspnet_camvid': 64,
    'upernet_swin_celebahq': 64,
}


@pytest.fixture(autouse=True)
def _scope_seed_and_no_download(monkeypatch):
    class RandomVGG(nn.Module):
        def __init__(self, pretrained: bool) -> None:
            super().__init__()
            self.features = vgg.make_layers(vgg.cfgs['E'])

    monkeypatch.setattr(vgg, 'vgg19', RandomVGG)
    with DefaultScope.overwrite_default_scope('mmagic'), torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def shrink(model: ConfigDict, small_segmentor: dict) -> None:
    """Our own networks narrow, a small segmentor for DeepLabV3+; what is mixed in stays."""
    for network in (model.initial, model.guided):
        if network.type == 'SemanticGuidedEncoderDecoder':
            network.update(base_channels=4, dilations=(1,))
        if network.type == 'PConvEncoderDecoder':  # each of its seven layers halves the image
            network.encoder.num_layers = network.decoder.num_layers = 4
        if network.type == 'DeepFillEncoderDecoder':  # reflects by 16 at a quarter of the size
            for stage in (network.stage1, network.stage2):
                stage.dilation_neck.padding_mode = 'zeros'
        if 'network' in network:
            network.network.dilation_neck.num_aotblock = 2
    if model.segmentor.decode_head.type == 'DepthwiseSeparableASPPHead':
        small_segmentor['decode_head']['num_classes'] = model.segmentor.decode_head.num_classes
        model.segmentor = ConfigDict(small_segmentor)
    if model.segmentor.backbone.type == 'SwinTransformer':
        model.segmentor.backbone.depths = [1, 1, 1, 1]
    if model.segmentor.backbone.type == 'ResNetV1c':
        model.segmentor.backbone.depth = 18
        model.segmentor.decode_head.in_channels = 512
    model.segmentor.decode_head.channels = 32
    for disc in model.disc if isinstance(model.disc, list) else [model.disc]:
        if disc.type == 'MultiLayerDiscriminator':
            disc.update(max_channels=8, num_convs=2)
        if 'local_size' in disc:
            disc.local_size = 16
    model.feedback.base_channels = 8
    model.train_cfg.rounds = model.test_cfg.rounds = 1
    model.data_preprocessor.pad_size_divisor = 1


def shrink_pooling(segmentor: nn.Module) -> None:
    """LRASPP averages over 49x49 pixels; what it does at that size is tested with its head."""
    pool = getattr(segmentor.decode_head, 'image_pool', None)
    if isinstance(pool, nn.Sequential) and isinstance(pool[0], nn.AvgPool2d):
        pool[0].kernel_size = 8


MMAGIC = dict(
    aot='aot_gan/aot-gan_smpgan_4xb4_places-512x512.py',
    deepfillv1='deepfillv1/deepfillv1_4xb4_celeba-256x256.py',
    deepfillv2='deepfillv2/deepfillv2_8xb2_celeba-256x256.py',
    gl='global_local/gl_8xb12_celeba-256x256.py',
    pconv='partial_conv/pconv_stage1_8xb1_celeba-256x256.py',
)


@pytest.mark.parametrize('name', MMAGIC)
def test_network_bases_hold_what_mmagic_trains(name):
    """So that its published checkpoints fit; and nothing else of mmagic's is inherited."""
    base = Config.fromfile(CONFIGS / f'_base_/networks/mmagic_{name}.py')
    assert set(base.keys()) == {'network'}
    with torch.device('meta'):
        ours = build_inpainting_network(base.network, None, 'initial').network
        theirs = MODELS.build(get_config(f'mmagic::{MMAGIC[name]}').model.encdec)
    found, expected = (
        {key: value.shape for key, value in network.state_dict().items()}
        for network in (ours, theirs)
    )
    assert found == expected


def part_of(model: nn.Module, path: str) -> nn.Module:
    for name in path.split('.'):
        model = model[int(name)] if name.isdigit() else getattr(model, name)
    return model


def test_every_mixture_is_described():
    assert sorted(MIXED) == NAMES
    assert len(NAMES) >= 8
    for name in NAMES:
        lines = (CONFIGS / f'mix/{name}.py').read_text().splitlines()
        assert lines[0].startswith('# ')
        assert len(lines) <= 20, name


def test_the_soft_mask_adversary_opposes_the_generator():
    """What satisfies the discriminator costs the generator, and the other way round."""
    config = Config.fromfile(CONFIGS / 'mix/smgan_aot_celebahq.py').model.loss_gan
    loss, mask = AdversarialLoss(config), torch.zeros(1, 1, 64, 64)
    mask[..., 16:48, 16:48] = 1
    found, fooled = loss.gan.gaussian_blur(mask), torch.zeros_like(mask)
    assert loss(found, False, True, mask) == loss(fooled, True, True, mask) == 0
    assert loss(fooled, False, True, mask) > 0
    assert loss(found, True, False, mask) > loss(fooled, True, False, mask) == 0


@pytest.mark.parametrize('name', NAMES)
def test_learns_in_one_step_so_that_round_1_differs(
    name, repository, remove_downloads, fabricate_batch
):
    config = Config.fromfile(CONFIGS / f'mix/{name}.py')
    small = Config.fromfile(repository / 'tests/small_inpaintor.py').segmentor.to_dict()
    remove_downloads(config.model)
    shrink(config.model, small)
    model = MODELS.build(config.model)
    for segmentor in (model.loop.segmentor, model.teacher.segmentor):
        shrink_pooling(segmentor)
    for path, kind in MIXED[name].items():
        assert type(part_of(model, path)).__name__.startswith(kind), path
    model.init_weights()  # as a Runner does
    num_classes = config.num_classes
    assert model.loop.num_classes == num_classes == config.model.data_preprocessor.num_classes

    size = LARGER.get(name, 32)
    batch = fabricate_batch((size, size), num_classes)
    wrapper = build_optim_wrapper(model, config.optim_wrapper)
    losses = model.train().train_step(deepcopy(batch), wrapper)
    assert all(torch.isfinite(torch.as_tensor(value)).all() for value in losses.values())
    assert {'round0_loss_l1_hole', 'round1_loss_segmentation', 'loss_gan'} <= losses.keys()
    assert any(projection.weight.any() for projection in model.loop.feedback.projections)

    with torch.no_grad():
        sample = model.eval().val_step(batch)[0]
    hole = (sample.mask > 0).expand(3, -1, -1)
    first, second = sample.output.round_imgs
    assert not torch.equal(first[hole], second[hole])
    for image in (first, second):
        assert torch.equal(image[~hole], sample.gt_img[~hole].float())
