"""Rounds of the loop: images, maps, signals, when they stop, and the maps that guide."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from fbinpaint_mm.models.round_merging import merge_low_frequencies
from fbinpaint_mm.user_error import UserError
from tests.test_models.small_model import (
    NO_MAP,
    ONE_WAY,
    assert_same_images,
)

SIZE = (16, 24)


@pytest.fixture
def calls():
    """Counts the passes through a segmentor."""

    def count(loop):
        seen = []
        loop.segmentor.backbone.register_forward_hook(lambda *_: seen.append(1))
        return seen

    return count


def test_except_in_training_rounds_merge_with_the_round_before(loop, images):
    _, mask = images
    hole = mask.expand(-1, 3, -1, -1) > 0.5
    alone, merging = loop(), loop(merge_sigma=2.0)
    own = alone(*images, 1)
    first, second, third = merging(*images, 2)
    assert torch.equal(first.composite, own[0].composite)
    expected = merge_low_frequencies(own[1].composite, own[0].composite, mask, 2.0)
    assert torch.equal(second.composite, expected)
    assert torch.equal(second.raw, own[1].raw)
    expected = torch.where(hole, third.raw.clamp(-1, 1), images[0])
    assert torch.equal(
        third.composite, merge_low_frequencies(expected, second.composite, mask, 2.0)
    )
    trained = merging.train()(*images, 1)[1]
    assert torch.equal(trained.composite[hole], trained.raw.clamp(-1, 1)[hole])


@pytest.mark.parametrize('off', [[], ['feedback'], [*NO_MAP], ['initial']])
def test_a_further_round_is_what_the_loop_would_append(loop, images, off):
    options = dict(dict.fromkeys(off), merge_sigma=2.0)
    results = loop(**options)(*images, 3)
    for before, expected in pairwise(results):
        found = loop(**options).next_round(*images, before)
        assert torch.equal(found.composite, expected.composite)
        assert torch.equal(found.confidence, expected.confidence)


@pytest.mark.parametrize('only_last_learns', [False, True])
@pytest.mark.parametrize(
    'network',
    [
        dict(type='MIGANEncoderDecoder', channels=(4, 4), noise_size=0),
        dict(type='SemanticGuidedEncoderDecoder', base_channels=4, dilations=(1,)),
    ],
)
def test_what_no_round_changes_is_encoded_once(loop, images, network, only_last_learns):
    made = loop(initial=network, guided=network)
    encoded = []
    first_layer = next(made.guided.children())
    first_layer.register_forward_hook(lambda *_: encoded.append(1))
    results = made(*images, 3, only_last_learns=only_last_learns)
    assert len(encoded) == 1
    results[-1].raw.sum().backward()
    assert all(parameter.grad.any() for parameter in first_layer.parameters())
    for before, expected in pairwise(results):
        found = made.next_round(*images, before)
        assert torch.equal(found.composite, expected.composite)


class Halving(nn.Module):
    """A user's network, whose `encode` means something else."""

    speaks_feedback_interface = True

    def encode(self, image):
        return image / 2

    def forward(self, masked_img, mask, current=None, semantic_map=None, confidence=None):
        return self.encode(current)


def test_a_network_of_others_is_called_in_every_round(loop, images):
    first, *further = loop(guided=Halving())(*images, 2)
    for one in further:
        assert torch.equal(one.raw, first.composite / 2)


@pytest.mark.parametrize('off', [[], [*NO_MAP]])
def test_one_network_may_make_all_rounds(loop, images, off):
    masked_img, mask = images
    shared = loop(initial=None, **dict.fromkeys(off))
    assert not any(name.startswith('initial') for name in shared.state_dict())
    first, second = shared(*images, 1)
    no_map = torch.zeros(len(mask), shared.num_classes, *SIZE)
    unknown = torch.zeros_like(mask)
    assert torch.equal(first.raw, shared.guided(masked_img, mask, masked_img, no_map, unknown))
    soft_map = None if off else second.semantics.probabilities
    state = (first.composite, soft_map, first.confidence)
    assert torch.equal(second.raw, shared.guided(masked_img, mask, *state))
    for result in (first, second):
        assert result.learns
        (gradient,) = torch.autograd.grad(result.raw.sum(), [next(shared.guided.parameters())])
        assert gradient.any()


@pytest.mark.parametrize('rounds', [0, 3])
def test_known_pixels_stay_bit_identical_in_every_round(loop, images, rounds):
    masked_img, mask = images
    results = loop()(masked_img, mask, rounds)
    assert len(results) == rounds + 1
    known = (mask == 0).expand_as(masked_img)
    for index, result in enumerate(results):
        assert torch.equal(result.composite[known], masked_img[known])
        assert torch.equal(result.composite[~known], result.raw.clamp(-1, 1)[~known])
        assert result.composite.abs().max() <= 1
        assert not torch.equal(result.raw[known], masked_img[known])
        assert result.confidence.shape == result.error_scale.shape == mask.shape
        assert (result.confidence[mask == 0] == 1).all()
        assert 0 <= result.confidence.min() <= result.confidence.max() <= 1
        assert (result.semantics is None) == (index == 0)


def test_every_round_has_its_own_image_and_map(loop, images):
    results = loop()(*images, 3)
    for before, after in pairwise(results):
        assert not torch.equal(before.composite, after.composite)
    for before, after in pairwise(results[1:]):
        assert not torch.equal(before.semantics.logits, after.semantics.logits)


def test_more_rounds_do_not_change_earlier_ones(loop, images):
    made = loop()
    few, many = made(*images, 1), made(*images, 3)
    for one, other in zip(few, many, strict=False):
        assert torch.equal(one.composite, other.composite)


def test_every_round_refines_the_image_of_round_0(loop, images):
    """But segments that of the round before."""
    made = loop()
    read, segmented = [], []
    made.guided.stem.register_forward_pre_hook(lambda module, args: read.append(args[0]))
    made.segmentor.backbone.register_forward_pre_hook(lambda m, args: segmented.append(args[0]))
    results = made(*images, 3)
    (planes,), first = read, results[0]
    assert torch.equal(planes, torch.cat([*images, first.composite, first.confidence], 1))
    assert not planes.requires_grad
    assert len(segmented) == 3
    for before, seen in zip(results, segmented, strict=False):
        assert torch.equal(seen, made.to_segmentor(before.composite))


def test_the_same_map_gives_the_same_image(loop, images):
    """Rounds differ by their maps alone, and one-way guidance has one."""
    _, first, *later = loop(feedback=None)(*images, 3)
    for result in later:
        assert result.semantics is first.semantics
        assert torch.equal(result.composite, first.composite)
        assert torch.equal(result.confidence, first.confidence)


def test_map_has_image_size_and_float32_probabilities(loop, images):
    semantics = loop()(*images, 1)[1].semantics
    assert semantics.logits.shape == semantics.raw_logits.shape == (2, 5, *SIZE)
    assert semantics.logits.dtype == torch.float32
    assert semantics.features.shape[:2] == (2, 8)
    torch.testing.assert_close(semantics.probabilities.sum(1), torch.ones(2, *SIZE))


def test_feedback_segments_every_round_and_one_way_once(loop, images, calls):
    linked, one_way = loop(), loop(feedback=None)
    for made, expected in ((linked, 3), (one_way, 1)):
        seen = calls(made)
        results = made(*images, 3)
        assert len(seen) == expected
        assert (results[3].semantics is results[1].semantics) == (expected == 1)


def test_without_semantics_there_is_no_map_and_no_memory(loop, images):
    made = loop(**NO_MAP)
    results = made(*images, 2)
    assert [result.semantics for result in results] == [None] * 3
    assert made.segmentor is made.memory is made.feedback is made.recorrection is None
    assert not torch.equal(results[1].composite, results[0].composite)
    assert not [name for name in made.state_dict() if name.startswith(('segmentor', 'memory'))]


def test_without_a_guided_network_there_is_round_0_alone(loop, images):
    alone = loop(guided=None, **NO_MAP)
    (found,) = alone(*images, 0)
    other = loop()
    other.load_state_dict(alone.state_dict(), strict=False)
    (expected,) = other(*images, 0)
    assert torch.equal(found.composite, expected.composite)
    assert not [name for name in alone.state_dict() if name.startswith('guided')]
    message = 'rounds=2, but the model has no guided network and no segmentor: use rounds=0$'
    with pytest.raises(UserError, match=message):
        alone(*images, 2)


def test_without_recorrection_the_map_is_the_segmentors(loop, images):
    for result in loop(recorrection=None)(*images, 2)[1:]:
        assert torch.equal(result.semantics.logits, result.semantics.raw_logits)
    for result in loop()(*images, 2)[1:]:
        assert not torch.equal(result.semantics.logits, result.semantics.raw_logits)


def test_an_empty_memory_corrects_nothing(loop, images):
    made = loop()
    made.memory.prototypes.zero_()
    for result in made(*images, 2)[1:]:
        assert torch.equal(result.semantics.logits, result.semantics.raw_logits)


def test_at_initialization_the_feedback_leaves_the_segmentor_unchanged(build_loop, images):
    """A pre-trained head starts as it is."""
    linked, one_way = (build_loop(**p).eval() for p in ({}, dict(feedback=None)))
    one_way.load_state_dict(linked.state_dict(), strict=False)
    for one, other in zip(linked(*images, 1), one_way(*images, 1), strict=True):
        assert torch.equal(one.composite, other.composite)
    assert torch.equal(one.semantics.logits, other.semantics.logits)


def test_strength_0_equals_a_loop_without_feedback_and_recorrection(loop, images):
    """In one round; in later ones, one-way guidance keeps the first map by definition."""
    weak, one_way = loop(), loop(**ONE_WAY)
    one_way.load_state_dict(weak.state_dict(), strict=False)
    weak.strength.fill_(0)
    for one, other in zip(weak(*images, 1), one_way(*images, 1), strict=True):
        assert torch.equal(one.composite, other.composite)
    assert torch.equal(one.semantics.logits, other.semantics.logits)
    weak.strength.fill_(1)
    assert not torch.equal(weak(*images, 1)[1].semantics.raw_logits, other.semantics.raw_logits)


def test_strength_scales_feedback_and_recorrection(loop, images):
    made = loop()
    maps = []
    for strength in (0, 0.5, 1):
        made.strength.fill_(strength)
        maps.append(made(*images, 1)[1].semantics)
    assert not torch.equal(maps[0].raw_logits, maps[1].raw_logits)
    assert not torch.equal(maps[1].raw_logits, maps[2].raw_logits)
    shift = [(one.logits - one.raw_logits).abs().mean() for one in maps]
    assert shift[0] == 0
    assert shift[0] < shift[1] < shift[2]


@pytest.mark.parametrize(('parts', 'number'), [(dict(recorrection=None), 1), ({}, 2)])
def test_corrected_and_own_map_learn(loop, images, parts, number):
    semantics = loop(**parts)(*images, 1)[1].semantics
    learning = semantics.supervised_logits
    assert len(learning) == number
    assert learning[0] is semantics.logits
    assert learning[-1] is semantics.raw_logits


@pytest.mark.parametrize('feedback', [{}, dict(feedback=None)])
def test_without_a_guided_network_rounds_make_maps_of_the_image_of_round_0(loop, images, feedback):
    """To train what makes maps before there is a guided network."""
    made, guided = loop(**feedback, guided=None), loop(**feedback)
    guided.load_state_dict(made.state_dict(), strict=False)
    first, *further = made(*images, 2)
    assert first.semantics is None
    assert_same_images(further, [first, first])
    expected = guided(*images, 1)[1].semantics.logits
    assert torch.equal(further[0].semantics.logits, expected)
    is_fed_back = not feedback
    assert (further[1].semantics is further[0].semantics) != is_fed_back
    again = made.next_round(*images, first)
    assert torch.equal(again.semantics.logits, expected)
    assert torch.equal(again.composite, first.composite)


def test_head_receives_the_state_of_the_round_before(loop, images):
    made = loop()
    signals = []
    made.feedback.register_forward_pre_hook(lambda module, args: signals.append(args[0]))
    results = made(*images, 2)
    assert len(signals) == 2
    for signal, before in zip(signals, results, strict=False):
        assert torch.equal(signal.current, before.composite)
        assert torch.equal(signal.mask, images[1])
        assert torch.equal(signal.confidence, before.confidence)
    assert not signals[0].previous_map.any()
    assert torch.equal(signals[1].previous_map, results[1].semantics.probabilities)


def test_the_segmentor_reads_no_larger_image_than_it_is_told(loop, images):
    masked_img, mask = (torch.nn.functional.interpolate(one, (64, 96)) for one in images)
    seen = []
    for options in (dict(), dict(map_side=96), dict(map_side=64)):
        made = loop(**options)
        made.segmentor.backbone.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
        results = made(masked_img, mask, 2)
        assert results[-1].semantics.logits.shape[-2:] == (64, 96)
    assert [tuple(one.shape[-2:]) for one in seen] == [(64, 96)] * 4 + [(32, 64)] * 2
    assert torch.equal(seen[0], seen[2]), 'a side that is reached changes nothing'
