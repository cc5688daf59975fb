"""Real segmentors of mmseg in the loop, and those that it refuses."""

from __future__ import annotations

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
from fbinpaint_mm.models.segmentor import check_segmentor_support, segment

# Whole configs of mmseg, with the class of their head and its inputs.
SEGMENTORS = {
    'fcn/fcn_r18-d8_4xb2-80k_cityscapes-512x1024.py': ('FCNHead', 1),
    'pspnet/pspnet_r18-d8_4xb2-80k_cityscapes-512x1024.py': ('PSPHead', 1),
    'deeplabv3plus/deeplabv3plus_r18-d8_4xb2-80k_cityscapes-512x1024.py': (
        'DepthwiseSeparableASPPHead',
        1,
    ),
    'upernet/upernet_r18_4xb2-40k_cityscapes-512x1024.py': ('UPerHead', 4),
    'segformer/segformer_mit-b0_8xb1-160k_cityscapes-1024x1024.py': ('SegformerHead', 4),
    'mobilenet_v3/mobilenet-v3-d8-s_lraspp_4xb4-320k_cityscapes-512x1024.py': ('LRASPPHead', 3),
    'bisenetv2/bisenetv2_fcn_4xb4-160k_cityscapes-1024x1024.py': ('FCNHead', 1),
}


def segmentor_of(name: str) -> ConfigDict:
    """The model of a config of mmseg, as a config of ours inherits it."""
    return Config.fromstring(f"_base_ = 'mmseg::{name}'", '.py').model


def size_for(head: str) -> int:
    """LRASPP pools over 49x49 pixels of features at an eighth of the image."""
    return 392 if head == 'LRASPPHead' else 64


def remove_downloads(config: dict) -> None:
    for part in (config, config.get('backbone', {})):
        for key in ('pretrained', 'init_cfg'):
            if key in part:
                part[key] = None


@pytest.fixture(params=sorted(SEGMENTORS), ids=lambda name: name.partition('/')[0])
def segmentor_name(request):
    return request.param


@pytest.fixture
def build(repository):
    """A small inpaintor with another segmentor, in the scope of mmagic, as a Runner builds it."""
    small = Config.fromfile(repository / 'tests/small_inpaintor.py').model.to_dict()

    def make(segmentor: dict) -> torch.nn.Module:
        preprocessor = dict(small['data_preprocessor'], num_classes=None)
        settings = dict(data_preprocessor=preprocessor, train_cfg=dict(rounds=1))
        config = small | settings | dict(segmentor=segmentor)
        with DefaultScope.overwrite_default_scope('mmagic'):
            return MODELS.build(config)

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
    segmentor_name, build, signal_of
):
    config = segmentor_of(segmentor_name)
    remove_downloads(config)
    head_name, inputs = SEGMENTORS[segmentor_name]
    assert config.decode_head.type == head_name
    size, classes = size_for(head_name), config.decode_head.num_classes
    model = build(config.to_dict())
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
    batch = fabricate_batch(size, classes)
    if head_name == 'LRASPPHead':  # takes its time
        batch = {key: values[:1] for key, values in batch.items()}
    losses = model.train_step(batch, wrapper)
    assert all(torch.isfinite(torch.as_tensor(value)).all() for value in losses.values())
    for projection in loop.feedback.projections:
        assert projection.weight.any(), 'no gradient reached the feedback'


@pytest.fixture
def signal_of():
    def signal(image: torch.Tensor, num_classes: int) -> FeedbackSignal:
        n, _, h, w = image.shape
        planes = torch.rand(n, 2 + num_classes, h, w)
        return FeedbackSignal(image, planes[:, :1], planes[:, 1:2], planes[:, 2:], torch.ones(()))

    return signal


def test_mask2former_is_refused_by_name(build):
    config = segmentor_of('mask2former/mask2former_r50_8xb2-90k_cityscapes-512x1024.py')
    message = (
        'decode_head Mask2FormerHead cannot receive feedback: it does not derive from '
        "BaseDecodeHead; choose a head that derives from mmseg's BaseDecodeHead and classifies"
    )
    with pytest.raises(TypeError, match=message):
        build(config.to_dict())


def test_segmentors_of_another_kind_are_refused_by_name(build):
    config = segmentor_of('_base_/models/san_vit-b16.py').to_dict()
    message = r'segmentor MultimodalEncoderDecoder cannot .* EncoderDecoder; choose an EncoderDeco'
    with pytest.raises(TypeError, match=message):
        build(config)


def test_heads_that_delete_conv_seg_are_refused_by_name(build):
    config = segmentor_of('_base_/models/segmenter_vit-b16_mask.py')
    remove_downloads(config)
    config.backbone.update(num_layers=1, out_indices=(0,))
    with pytest.raises(TypeError, match='SegmenterMaskTransformerHead has no conv_seg layer'):
        build(config.to_dict())


def test_the_last_head_of_a_cascade_is_looked_at_too():
    heads = [dict(type='FCNHead'), dict(type='MaskFormerHead')]
    config = dict(type='CascadeEncoderDecoder', _scope_='mmseg', decode_head=heads)
    with pytest.raises(TypeError, match='decode_head MaskFormerHead cannot receive feedback'):
        check_segmentor_support(config)


def test_classes_and_prefixed_names_are_understood():
    for head in (dict(type=FCNHead), dict(type='mmagic.SummedLateralHead'), dict(type='mmseg.FCN')):
        check_segmentor_support(dict(type=EncoderDecoder, decode_head=head))
