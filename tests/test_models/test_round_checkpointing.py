import copy

import pytest
import torch
from torch import nn

from fbinpaint_mm.models.guidance import Guidance
from fbinpaint_mm.models.round_checkpointing import RoundCheckpointing, batch_statistics_held
from fbinpaint_mm.user_error import UserError
from tests.test_models.small_model import NO_MAP

SIZE = (16, 24)


@pytest.fixture
def build(small, loop):
    """A small loop in training mode with dropout in its head; the same weights each time."""
    segmentor = copy.deepcopy(small['generator']['segmentor'])
    segmentor['decode_head']['dropout_ratio'] = 0.5
    return lambda **parts: loop(**dict(segmentor=segmentor) | parts).train()


@pytest.fixture
def labels():
    return torch.rand(2, 5, *SIZE, generator=torch.Generator().manual_seed(2)).softmax(1)


def backward(loop, images, **options):
    """Results and gradients of one pass, after random numbers have been drawn."""
    torch.manual_seed(3)
    results = loop(*images, 2, **options)
    learning = [one for one in results if one.learns]
    values = [value for one in learning for value in (one.raw, one.error_scale)]
    for one in learning:
        if one.semantics is not None:
            values += [one.semantics.logits, *one.semantics.supervised_logits]
    sum(value.square().mean() for value in values).backward()
    gradients = {name: p.grad for name, p in loop.named_parameters() if p.grad is not None}
    return results, gradients


@pytest.mark.parametrize(
    ('parts', 'options', 'dtype'),
    [
        ({}, {}, torch.float32),
        ({}, {}, torch.bfloat16),
        ({}, dict(only_last_learns=True), torch.bfloat16),
        (dict(feedback=None), dict(only_last_learns=True), torch.float32),
    ],
)
def test_nothing_is_changed_but_memory(build, images, labels, parts, options, dtype):
    """Gradients under dropout and drawn labels, and batch statistics after the backward pass."""
    plain, again = build(**parts), build(**parts, checkpoint_rounds=True)
    with torch.autocast('cpu', dtype, enabled=dtype != torch.float32):
        expected = backward(plain, images, guidance=Guidance(label_map=labels), **options)
        found = backward(again, images, guidance=Guidance(label_map=labels), **options)
    for one, other in zip(found[0], expected[0], strict=True):
        assert torch.equal(one.composite, other.composite)
        assert one.learns == other.learns
    assert found[1].keys() == expected[1].keys()
    assert any(value.any() for value in found[1].values())
    for key, value in found[1].items():
        torch.testing.assert_close(value, expected[1][key], msg=lambda text, key=key: key + text)
    for key, value in again.state_dict().items():
        assert torch.equal(value, plain.state_dict()[key]), key


def test_rounds_are_computed_twice_and_the_hooks_act_both_times(build, images):
    loop = build(checkpoint_rounds=True)
    loop.link_feedback()
    calls, link = [], loop.link
    loop.segmentor.backbone.register_forward_hook(lambda *_: calls.append('backbone'))
    loop.feedback.register_forward_hook(lambda *_: calls.append('feedback'))
    results = loop(*images, 2)
    assert calls == ['backbone', 'feedback'] * 2
    sum(result.semantics.logits.mean() for result in results[1:]).backward()
    assert calls == ['backbone', 'feedback'] * 4
    assert link.features is None, 'the graph of the second pass would live on'


def test_activations_of_a_round_are_not_kept(build, images):
    """Autograd keeps the inputs of the rounds, whatever their networks hold."""

    def kept(loop):
        sizes = []
        with torch.autograd.graph.saved_tensors_hooks(
            lambda tensor: sizes.append(tensor.numel()) or tensor, lambda tensor: tensor
        ):
            loop(*images, 2)
        return sum(sizes)

    plain, again = kept(build()), kept(build(checkpoint_rounds=True))
    masked_img = images[0].numel()
    assert plain > 100 * masked_img
    assert again <= 2 * 3 * masked_img, 'more than image and composite of each of three rounds'


def test_rounds_without_a_map_are_computed_again_too(build, images):
    plain, again = (build(**NO_MAP, checkpoint_rounds=one) for one in (False, True))
    expected, found = (backward(loop, images)[1] for loop in (plain, again))
    assert found.keys() == expected.keys() == dict(again.named_parameters()).keys()
    for name, value in found.items():
        torch.testing.assert_close(value, expected[name], msg=name)


def test_without_a_graph_rounds_are_computed_once(build, images):
    loop = build(checkpoint_rounds=True)
    with torch.no_grad():
        results = loop(*images, 2)
    assert not any(result.raw.requires_grad for result in results)


@pytest.mark.parametrize('norm', [nn.BatchNorm2d(3), nn.BatchNorm2d(3, momentum=None)])
def test_held_statistics_are_those_of_the_batch_and_stay(norm):
    module = nn.Sequential(norm).train()
    before = copy.deepcopy(module.state_dict())
    data = torch.randn(4, 3, 5, 5) * 3 + 1
    with batch_statistics_held(module):
        output = module(data)
    torch.testing.assert_close(output.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    for name, value in module.state_dict().items():
        assert torch.equal(value, before[name])
    module(data)
    assert module[0].num_batches_tracked == 1


def test_an_error_leaves_the_statistics_moving():
    norm = nn.BatchNorm2d(3)
    with pytest.raises(RuntimeError, match='stop'), batch_statistics_held(norm):
        raise RuntimeError('stop')
    assert norm.momentum == 0.1


@pytest.mark.parametrize('wrap', [nn.utils.spectral_norm, nn.utils.parametrizations.spectral_norm])
def test_spectral_norm_is_refused(wrap):
    module = nn.Sequential(nn.ReLU(), wrap(nn.Conv2d(3, 3, 1)))
    with pytest.raises(UserError, match=r'checkpoint_rounds=True: 1.* has spectral norm'):
        RoundCheckpointing(module)
