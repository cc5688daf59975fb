from __future__ import annotations

import copy

import pytest
import torch
import torch.nn.functional as F
from mmagic.registry import MODELS
from mmagic.structures import DataSample
from mmengine.config import Config, ConfigDict
from mmengine.optim import OptimWrapper
from mmengine.registry import DefaultScope
from mmseg.models import EncoderDecoder, FCNHead

from fbinpaint_mm.models.feedback import FeedbackSignal
from fbinpaint_mm.models.segmentor import (
    SegmentorInput,
    build_segmentor,
    check_segmentor_support,
    decode_head_config,
    last_decode_head,
    segment,
    size_divisor_of,
)
from fbinpaint_mm.user_error import UserError
from tests.test_models.small_model import all_finite


def test_auxiliary_heads_are_left_out(segmentor_config):
    config = segmentor_config('fcn')
    kept = copy.deepcopy(config)
    assert MODELS.build(copy.deepcopy(config)).with_auxiliary_head

    segmentor = build_segmentor(config)

    assert not segmentor.with_auxiliary_head
    assert not [name for name in segmentor.state_dict() if 'auxiliary' in name]
    assert config == kept


def test_map_has_image_size(head_name, pretrained_segmentor, image_for):
    image = image_for(head_name)
    logits = segment(pretrained_segmentor(head_name), image)
    assert logits.shape == (2, 3, *image.shape[-2:])
    assert logits.requires_grad


@torch.no_grad()
@pytest.mark.parametrize('align_corners', [False, True])
def test_equals_what_mmseg_predicts(align_corners, head_name, segmentor_config, image_for):
    config, image = segmentor_config(head_name), image_for(head_name)
    for head in config['decode_head'] if head_name == 'ocr' else [config['decode_head']]:
        head['align_corners'] = align_corners
    segmentor = build_segmentor(config).eval()
    expected = torch.stack([s.seg_logits.data for s in segmentor.predict(image)])
    torch.testing.assert_close(segment(segmentor, image), expected)


@torch.no_grad()
@pytest.mark.parametrize(('stem_stride', 'divisor'), [(1, 4), (2, 8)])
def test_sizes_that_a_unet_takes(repository, stem_stride, divisor):
    config = Config.fromfile(repository / 'configs/fbinpaint_demo.py').model.generator.segmentor
    config.backbone.update(base_channels=4, strides=(stem_stride, 1, 1))
    config.decode_head.update(in_channels=4)
    segmentor = build_segmentor(config).eval()
    assert size_divisor_of(segmentor) == divisor
    assert segment(segmentor, torch.zeros(1, 3, divisor, 3 * divisor)).shape[-1] == 3 * divisor
    with pytest.raises((AssertionError, RuntimeError)):
        segment(segmentor, torch.zeros(1, 3, divisor // 2, 3 * divisor))


@torch.no_grad()
def test_sizes_that_the_backbone_halves_unevenly(pretrained_segmentor):
    logits = segment(pretrained_segmentor('psp'), torch.randn(1, 3, 20, 28))
    assert logits.shape == (1, 3, 20, 28)


def test_last_head_of_a_cascade_makes_the_map(segmentor_config):
    cascade, single = segmentor_config('ocr'), segmentor_config('fcn')
    assert type(last_decode_head(build_segmentor(cascade))).__name__ == 'OCRHead'
    assert type(last_decode_head(build_segmentor(single))).__name__ == 'FCNHead'
    assert decode_head_config(cascade)['type'] == 'OCRHead'
    assert decode_head_config(single)['type'] == 'FCNHead'


@pytest.mark.parametrize('order', ['BGR', 'RGB'])
def test_round_trip(order):
    image = torch.rand(2, 3, 4, 5) * 2 - 1
    convert = SegmentorInput(channel_order=order)
    torch.testing.assert_close(convert.inverse(convert(image)), image, atol=1e-5, rtol=0)


def test_equals_the_preprocessor_of_mmseg():
    picture = torch.randint(0, 256, (3, 6, 7), dtype=torch.uint8)  # BGR, as mmcv reads it
    preprocessor = MODELS.build(
        dict(
            _scope_='mmseg',
            type='SegDataPreProcessor',
            mean=[123.675, 116.28, 103.53],
            std=[58.395, 57.12, 57.375],
            bgr_to_rgb=True,
        )
    )
    expected = preprocessor(dict(inputs=[picture], data_samples=None))['inputs']

    ours = picture.unsqueeze(0).float() / 127.5 - 1
    found = SegmentorInput()(ours)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)

    from_rgb = SegmentorInput(channel_order='RGB')(ours.flip(1))
    torch.testing.assert_close(from_rgb, expected, atol=1e-5, rtol=1e-5)


def test_by_hand():
    # Blue -1 (0), green 0 (127.5), red 1 (255).
    image = torch.tensor([-1.0, 0.0, 1.0]).view(1, 3, 1, 1)
    found = SegmentorInput(mean=(5.0, 27.5, 10.0), std=(50.0, 10.0, 2.0))(image).flatten()
    torch.testing.assert_close(found, torch.tensor([5.0, 10.0, -5.0]))


def test_gradient_is_kept():
    image = torch.zeros(1, 3, 2, 2, requires_grad=True)
    convert = SegmentorInput()
    convert(image)[:, 0].sum().backward()  # red, the last channel of ours
    expected = torch.zeros(1, 3, 2, 2)
    expected[:, 2] = 127.5 / 58.395
    torch.testing.assert_close(image.grad, expected)

    image.grad = None
    convert.inverse(image).sum().backward()
    assert (image.grad > 0).all()


def test_checkpoint_has_no_trace_of_it():
    assert not SegmentorInput().state_dict()


def test_other_orders_are_refused():
    with pytest.raises(UserError, match="channel_order must be 'BGR' or 'RGB', got 'GBR'"):
        SegmentorInput(channel_order='GBR')


# Whole configs of mmseg, with the class of their head and its inputs. What each kind of head does
# with feedback is tested with small segmentors, in test_decode_head_link.py.
SEGMENTORS = {
    'deeplabv3plus/deeplabv3plus_r18-d8_4xb2-80k_cityscapes-512x1024.py': (
        'DepthwiseSeparableASPPHead',
        1,
    ),
    'segformer/segformer_mit-b0_8xb1-160k_cityscapes-1024x1024.py': ('SegformerHead', 4),
    'bisenetv2/bisenetv2_fcn_4xb4-160k_cityscapes-1024x1024.py': ('FCNHead', 1),
}


def segmentor_of(name: str) -> ConfigDict:
    """The model of a config of mmseg, as a config of ours inherits it."""
    return Config.fromstring(f"_base_ = 'mmseg::{name}'", '.py').model


def remove_downloads(config: dict) -> None:
    for part in (config, config.get('backbone', {})):
        for key in ('pretrained', 'init_cfg'):
            if key in part:
                part[key] = None


@pytest.fixture(params=sorted(SEGMENTORS), ids=lambda name: name.partition('/')[0])
def segmentor_name(request):
    return request.param


@pytest.fixture
def build_with(build):
    """A small inpaintor with another segmentor, in the scope of mmagic, as a Runner builds it."""

    def make(segmentor: dict) -> torch.nn.Module:
        preprocessor = dict(type='SemiSupervisedDataPreprocessor')
        with DefaultScope.overwrite_default_scope('mmagic'):
            return build(
                dict(segmentor=segmentor),
                data_preprocessor=preprocessor,
                train_cfg=dict(rounds=1),
            )

    return make


def fabricate_batch(size: int, num_classes: int) -> dict:
    samples = [
        DataSample(
            gt_img=torch.randint(0, 256, (3, size, size), dtype=torch.uint8),
            mask=F.pad(torch.ones(1, size // 4, size // 4), (8, size * 3 // 4 - 8) * 2),
            gt_seg=torch.randint(0, num_classes, (1, size, size)),
            metainfo=dict(is_labeled=is_labeled),
        )
        for is_labeled in (True, False)
    ]
    inputs = [torch.where(one.mask > 0, 127.5, one.gt_img.float()) for one in samples]
    return dict(inputs=inputs, data_samples=samples)


def test_segmentors_of_mmseg_start_unchanged_and_learn_from_feedback(
    segmentor_name, build_with, signal_of
):
    config = segmentor_of(segmentor_name)
    remove_downloads(config)
    head_name, inputs = SEGMENTORS[segmentor_name]
    assert config.decode_head.type == head_name
    size, classes = 64, config.decode_head.num_classes
    model = build_with(config.to_dict())
    loop = model.loop
    assert not loop.segmentor.with_auxiliary_head
    assert len(loop.feedback.projections) == inputs

    # Unchanged: the logits of mmseg's own forward pass, with feedback sent and without.
    image = torch.randn(1, 3, size, size)
    model.eval()
    with torch.no_grad():
        theirs = loop.segmentor.encode_decode(image, [dict(img_shape=(size, size))])
        loop.link_feedback()
        with loop.link.sending(signal_of(image, classes)):
            ours = segment(loop.segmentor, image)
    assert theirs.std() > 0
    assert torch.equal(ours, theirs)

    model.train()
    wrapper = OptimWrapper(torch.optim.SGD(model.generator.parameters(), lr=0.1))
    losses = model.train_step(fabricate_batch(size, classes), wrapper)
    assert all_finite(losses)
    for projection in loop.feedback.projections:
        assert projection.weight.any(), 'no gradient reached the feedback'


@pytest.fixture
def signal_of():
    def signal(image: torch.Tensor, num_classes: int) -> FeedbackSignal:
        n, _, h, w = image.shape
        planes = torch.rand(n, 2 + num_classes, h, w)
        return FeedbackSignal(image, planes[:, :1], planes[:, 1:2], planes[:, 2:], torch.ones(()))

    return signal


def test_mask2former_is_refused_by_name(build_with):
    config = segmentor_of('mask2former/mask2former_r50_8xb2-90k_cityscapes-512x1024.py')
    message = (
        'decode_head Mask2FormerHead cannot receive feedback: it does not derive from '
        "BaseDecodeHead; choose a head that derives from mmseg's BaseDecodeHead and classifies"
    )
    with pytest.raises(UserError, match=message):
        build_with(config.to_dict())


def test_segmentors_of_another_kind_are_refused_by_name(build_with):
    config = segmentor_of('_base_/models/san_vit-b16.py').to_dict()
    message = r'segmentor MultimodalEncoderDecoder cannot .* EncoderDecoder; choose an EncoderDeco'
    with pytest.raises(UserError, match=message):
        build_with(config)


def test_heads_that_delete_conv_seg_are_refused_by_name(build_with):
    config = segmentor_of('_base_/models/segmenter_vit-b16_mask.py')
    remove_downloads(config)
    config.backbone.update(num_layers=1, out_indices=(0,))
    with pytest.raises(UserError, match='SegmenterMaskTransformerHead has no conv_seg layer'):
        build_with(config.to_dict())


def test_the_last_head_of_a_cascade_is_checked_too():
    heads = [dict(type='FCNHead'), dict(type='MaskFormerHead')]
    config = dict(type='CascadeEncoderDecoder', _scope_='mmseg', decode_head=heads)
    with pytest.raises(UserError, match='decode_head MaskFormerHead cannot receive feedback'):
        check_segmentor_support(config)


def test_classes_and_prefixed_names_are_understood():
    for head in (dict(type=FCNHead), dict(type='mmagic.SummedLateralHead'), dict(type='mmseg.FCN')):
        check_segmentor_support(dict(type=EncoderDecoder, decode_head=head))
