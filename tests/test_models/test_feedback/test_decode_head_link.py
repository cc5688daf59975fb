from __future__ import annotations

import copy
import dataclasses

import pytest
import torch
import torch.nn.functional as F
from mmagic.registry import MODELS
from torch import nn

from fbinpaint_mm.models.feedback import DecodeHeadLink, InpaintingFeedback
from fbinpaint_mm.models.segmentor import last_decode_head, segment
from fbinpaint_mm.user_error import UserError


@pytest.fixture
def linked(pretrained_segmentor):
    """Builds a segmentor, and a feedback linked to its last head; projections zero or random."""

    def build(name: str, trained: bool = True) -> tuple[nn.Module, DecodeHeadLink]:
        segmentor = pretrained_segmentor(name)
        head = last_decode_head(segmentor)
        channels = head.in_channels
        if isinstance(channels, int):
            channels = [channels]
        feedback = InpaintingFeedback(head.num_classes, channels, base_channels=4)
        if trained:
            for projection in feedback.projections:
                nn.init.normal_(projection.weight)
                nn.init.normal_(projection.bias)
        return segmentor, DecodeHeadLink(head, feedback)

    return build


def with_feedback_by_hand(segmentor, link, image, signal):
    """Logits of an unlinked segmentor whose selected features got the summands added by hand."""
    features = list(segmentor.extract_feat(image))
    head = last_decode_head(segmentor)
    selected = head.in_index if isinstance(head.in_index, list) else [head.in_index]
    summands = link.feedback(signal, [features[i].shape[-2:] for i in selected])
    changed = list(features)
    for i, summand in zip(selected, summands, strict=True):
        changed[i] = features[i] + signal.strength * summand
    is_cascade = head is not segmentor.decode_head
    coarse = [segmentor.decode_head[0].forward(features)] if is_cascade else []
    logits = head.forward(changed, *coarse)
    return F.interpolate(logits, image.shape[-2:], mode='bilinear', align_corners=False)


@torch.no_grad()
def test_pretrained_head_starts_unchanged(head_name, linked, image_for, signal_for):
    segmentor, link = linked(head_name, trained=False)
    image = image_for(head_name)
    before = segment(segmentor, image)

    link.attach()
    with link.sending(signal_for(image)):
        after = segment(segmentor, image)

    assert before.std() > 0
    assert torch.equal(before, after)


@torch.no_grad()
def test_tapped_features_make_the_logits(head_name, linked, image_for):
    segmentor, link = linked(head_name)
    image = image_for(head_name)
    assert link.features is None

    link.attach()
    logits = segment(segmentor, image)

    head = last_decode_head(segmentor)
    assert link.features.shape[:2] == (2, head.channels)
    again = F.interpolate(head.conv_seg(link.features), image.shape[-2:], mode='bilinear')
    torch.testing.assert_close(again, logits)


@torch.no_grad()
def test_feedback_is_added_to_the_selected_inputs_while_sending(
    head_name, linked, image_for, signal_for
):
    segmentor, link = linked(head_name)
    image = image_for(head_name)
    signal = dataclasses.replace(signal_for(image), strength=torch.tensor(0.7))
    plain = segment(segmentor, image)
    expected = with_feedback_by_hand(segmentor, link, image, signal)
    assert (expected - plain).abs().max() > 1e-3

    link.attach()
    outside = segment(segmentor, image)
    with link.sending(signal):
        inside = segment(segmentor, image)
    afterwards = segment(segmentor, image)

    assert torch.equal(outside, plain)
    torch.testing.assert_close(inside, expected)
    assert torch.equal(afterwards, plain)


@torch.no_grad()
def test_inputs_of_the_head_are_not_changed_in_place(linked, image_for, signal_for):
    segmentor, link = linked('uper')
    image = image_for('uper')
    features = segmentor.extract_feat(image)
    kept = [f.clone() for f in features]

    link.attach()
    with link.sending(signal_for(image)):
        segmentor.decode_head(features)

    assert all(torch.equal(f, k) for f, k in zip(features, kept, strict=True))


@torch.no_grad()
def test_strength_zero_is_no_feedback(linked, image_for, signal_for):
    segmentor, link = linked('segformer')
    image = image_for('segformer')
    plain = segment(segmentor, image)

    link.attach()
    with link.sending(dataclasses.replace(signal_for(image), strength=torch.zeros(()))):
        assert torch.equal(segment(segmentor, image), plain)


def test_gradients_reach_the_feedback_and_the_segmentor(linked, image_for, signal_for):
    segmentor, link = linked('fcn')
    image = image_for('fcn')
    link.attach()
    with link.sending(signal_for(image)):
        segment(segmentor, image).square().mean().backward()

    for part in (link.feedback, segmentor.backbone, segmentor.decode_head):
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in part.parameters()), type(
            part
        ).__name__


def test_tapped_features_carry_their_graph(linked, image_for):
    segmentor, link = linked('fcn')
    link.attach()
    segment(segmentor, image_for('fcn'))
    link.take_features().sum().backward()
    assert link.features is None
    assert segmentor.backbone.encoder[0][0].convs[0].conv.weight.grad.abs().sum() > 0


@torch.no_grad()
def test_signal_does_not_outlive_an_error(linked, image_for, signal_for):
    segmentor, link = linked('fcn')
    image = image_for('fcn')
    plain = segment(segmentor, image)
    link.attach()
    with pytest.raises(KeyError), link.sending(signal_for(image)):
        raise KeyError
    assert torch.equal(segment(segmentor, image), plain)


@torch.no_grad()
def test_detach_restores_the_head(head_name, linked, image_for, signal_for):
    segmentor, link = linked(head_name)
    image = image_for(head_name)
    plain = segment(segmentor, image)
    keys = set(vars(link.decode_head))

    link.attach()
    assert link.attached
    link.detach()

    assert not link.attached
    assert set(vars(link.decode_head)) == keys
    for module in (link.decode_head, link.decode_head.conv_seg):
        assert not module._forward_pre_hooks
    with link.sending(signal_for(image)):
        assert torch.equal(segment(segmentor, image), plain)
        assert torch.equal(segment(segmentor, image), plain)
    assert link.features is None


@torch.no_grad()
def test_attached_twice_is_attached_once(linked, image_for, signal_for):
    segmentor, link = linked('fcn')
    image = image_for('fcn')
    signal = signal_for(image)
    expected = with_feedback_by_hand(segmentor, link, image, signal)

    link.attach()
    link.attach()
    assert len(link.decode_head.conv_seg._forward_pre_hooks) == 1
    with link.sending(signal):
        torch.testing.assert_close(segment(segmentor, image), expected)
    link.detach()
    assert not link.decode_head.conv_seg._forward_pre_hooks


@torch.no_grad()
def test_without_feedback_only_the_features_are_tapped(pretrained_segmentor, image_for, signal_for):
    segmentor = pretrained_segmentor('psp')
    image = image_for('psp')
    plain = segment(segmentor, image)
    link = DecodeHeadLink(segmentor.decode_head, None)

    link.attach()
    with link.sending(signal_for(image)):
        assert torch.equal(segment(segmentor, image), plain)
    assert link.features.shape[1] == 6


def test_heads_without_conv_seg_are_refused():
    # PointHead derives from BaseDecodeHead, but deletes conv_seg.
    point = dict(
        type='PointHead', in_channels=[4], in_index=[0], channels=4, num_classes=3, _scope_='mmseg'
    )
    for head, name in ((MODELS.build(point), 'PointHead'), (nn.Identity(), 'Identity')):
        message = rf"decode head {name} has no conv_seg layer.*derives from mmseg's BaseDecodeHead"
        with pytest.raises(UserError, match=message):
            DecodeHeadLink(head, None)


@pytest.mark.parametrize('used', [False, True], ids=['fresh', 'after a training step'])
def test_copy_of_a_linked_model_is_linked_among_the_copies(used, linked, image_for, signal_for):
    segmentor, link = linked('fcn')
    image = image_for('fcn')
    signal = signal_for(image)
    link.attach()
    if used:
        segment(segmentor, image).sum().backward()

    copied, copied_link = copy.deepcopy((segmentor, link))

    assert copied_link.decode_head is copied.decode_head
    assert copied_link.feedback is not link.feedback
    with torch.no_grad():
        with link.sending(signal):
            before = segment(segmentor, image)
        with copied_link.sending(signal):
            torch.testing.assert_close(segment(copied, image), before)
            for projection in copied_link.feedback.projections:
                projection.weight.zero_()
                projection.bias.zero_()
            assert not torch.allclose(segment(copied, image), before)
        copied_link.detach()
        assert link.attached
        with link.sending(signal):
            assert torch.equal(segment(segmentor, image), before)


def test_heads_that_read_tokens_are_refused(linked, signal_for):
    """As mmseg's DPTHead, whose backbone hands it pairs of feature map and class token."""
    _, link = linked('fcn')
    link.attach()
    image = torch.randn(2, 3, 16, 24)
    pair = [torch.randn(2, 4, 16, 24), torch.randn(2, 4)]
    message = 'decode head FCNHead is given list by its backbone, and feedback can be added to feat'
    with pytest.raises(UserError, match=message), link.sending(signal_for(image)):
        link.decode_head([pair] * 3)
