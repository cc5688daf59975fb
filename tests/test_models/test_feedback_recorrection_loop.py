import copy
from itertools import pairwise

import pytest
import torch
from mmagic.registry import MODELS
from mmengine.config import Config

from fbinpaint_mm.models import FeedbackRecorrectionLoop

SIZE = (16, 24)


@pytest.fixture
def loop_config(repository):
    """Config of a small loop; keywords replace its parts."""
    small = Config.fromfile(repository / 'tests/small_inpaintor.py').loop.to_dict()
    return lambda **parts: dict(small, type='FeedbackRecorrectionLoop', **parts)


@pytest.fixture
def images():
    """Masked images in [-1, 1] and two different holes."""
    generator = torch.Generator().manual_seed(0)
    image = torch.rand((2, 3, *SIZE), generator=generator) * 2 - 1
    mask = torch.zeros(2, 1, *SIZE)
    mask[0, :, 4:12, 4:12] = 1
    mask[1, :, :8, 10:] = 1
    return image * (1 - mask), mask


def make_effective(loop):
    """Random weights and prototypes: some parts start at zero, where nothing shows."""
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in loop.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.2)
    if loop.memory is not None:
        prototypes = loop.memory.prototypes
        prototypes.copy_(torch.randn(prototypes.shape, generator=generator))
    return loop


@pytest.fixture
def loop(loop_config):
    """A loop in which every part has an effect, in evaluation mode."""
    return lambda **parts: make_effective(MODELS.build(loop_config(**parts))).eval()


@pytest.fixture
def calls():
    """Counts the passes through a segmentor."""

    def count(loop):
        seen = []
        loop.segmentor.backbone.register_forward_hook(lambda *_: seen.append(1))
        return seen

    return count


@pytest.mark.parametrize('rounds', [0, 1, 2, 3])
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


def test_at_initialisation_the_feedback_leaves_the_segmentor_unchanged(loop_config, images):
    """A pre-trained head starts as it is."""
    linked, one_way = (MODELS.build(loop_config(**p)).eval() for p in ({}, dict(feedback=None)))
    one_way.load_state_dict(linked.state_dict(), strict=False)
    for one, other in zip(linked(*images, 1), one_way(*images, 1), strict=True):
        assert torch.equal(one.composite, other.composite)
    assert torch.equal(one.semantics.logits, other.semantics.logits)


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
    assert not torch.equal(results[3].composite, results[2].composite)


def test_without_semantics_there_is_no_map_and_no_memory(loop, images):
    made = loop(segmentor=None, feedback=None, recorrection=None, memory=None)
    results = made(*images, 2)
    assert [result.semantics for result in results] == [None] * 3
    assert made.segmentor is made.memory is made.feedback is made.recorrection is None
    assert not torch.equal(results[2].composite, results[1].composite)
    assert not [name for name in made.state_dict() if name.startswith(('segmentor', 'memory'))]


@pytest.mark.parametrize('parts', [{}, dict(feedback=None, recorrection=None)])
def test_a_dictated_map_guides_every_round_and_comes_back_in_the_next(loop, images, parts):
    made = loop(**parts)
    dictated = torch.full((2, 1, *SIZE), 255)
    dictated[:, :, 4:12, 4:12] = 3
    results, free = made(*images, 2, dictated_map=dictated), made(*images, 2)
    where = (dictated != 255)[:, 0]
    for result, other in zip(results[1:], free[1:], strict=True):
        assert (result.semantics.logits.argmax(1)[where] == 3).all()
        assert not torch.equal(result.composite, other.composite)
    first, other = results[1].semantics, free[1].semantics
    assert torch.equal(first.logits.movedim(1, -1)[~where], other.logits.movedim(1, -1)[~where])
    assert torch.equal(first.raw_logits, other.raw_logits)
    if made.feedback is not None:
        second, other = results[2].semantics, free[2].semantics
        assert not torch.equal(second.raw_logits, other.raw_logits)


def test_a_map_dictated_nowhere_changes_nothing(loop, images):
    made = loop()
    nowhere = torch.full((2, 1, *SIZE), 255)
    for one, other in zip(made(*images, 2, nowhere), made(*images, 2), strict=True):
        assert torch.equal(one.composite, other.composite)


def test_a_map_cannot_be_dictated_to_a_model_without_semantics(loop, images):
    made = loop(segmentor=None, feedback=None, recorrection=None)
    with pytest.raises(ValueError, match='has no segmentor and reads no map'):
        made(*images, 1, torch.zeros(2, 1, *SIZE, dtype=torch.long))


@pytest.mark.parametrize('part', ['feedback', 'recorrection'])
def test_parts_that_need_a_segmentor_say_so(loop_config, part):
    config = loop_config(segmentor=None, **{part: None})
    with pytest.raises(ValueError, match=r'need a segmentor: give one, or set all three to None'):
        MODELS.build(config)


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


def test_strength_0_equals_a_loop_without_feedback_and_recorrection(loop, images):
    """In one round; in later ones, one-way guidance keeps the first map by definition."""
    weak, one_way = loop(), loop(feedback=None, recorrection=None)
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


PARTS = ('initial', 'guided', 'segmentor', 'feedback', 'recorrection', 'confidence')
SEMANTIC = {'segmentor', 'feedback', 'recorrection'}
ALL_IMAGE = {'initial', 'guided', *SEMANTIC}


@pytest.mark.parametrize(
    ('detach_rounds', 'round_index', 'what', 'expected'),
    [
        (True, 0, 'raw', {'initial'}),
        (True, 1, 'raw', {'guided'}),
        (True, 2, 'raw', {'guided'}),
        (True, 1, 'logits', SEMANTIC),
        (True, 2, 'logits', SEMANTIC),
        (True, 2, 'error_scale', {'confidence'}),
        (False, 0, 'raw', {'initial'}),
        (False, 1, 'raw', ALL_IMAGE),
        (False, 2, 'raw', ALL_IMAGE),
        (False, 1, 'logits', {'initial', *SEMANTIC}),
        (False, 2, 'logits', ALL_IMAGE),
        (False, 2, 'error_scale', {'confidence'}),
    ],
)
def test_gradients_reach(loop, images, detach_rounds, round_index, what, expected):
    made = loop(detach_rounds=detach_rounds)
    result = made(*images, 2)[round_index]
    value = result.semantics.logits if what == 'logits' else getattr(result, what)
    value.square().mean().backward()
    reached = {
        name
        for name in PARTS
        if any(p.grad is not None and p.grad.any() for p in getattr(made, name).parameters())
    }
    assert reached == expected
    assert not any(buffer.requires_grad for buffer in made.memory.buffers())


def test_linked_beforehand_and_self_linked_agree(loop, images):
    by_hook, by_itself = loop(), loop()
    by_hook.link_feedback()
    by_hook.link_feedback()
    for one, other in zip(by_hook(*images, 2), by_itself(*images, 2), strict=True):
        assert torch.equal(one.composite, other.composite)
    for made in (by_hook, by_itself):
        assert len(made.decode_head._forward_pre_hooks) == 1
        assert len(made.decode_head.conv_seg._forward_pre_hooks) == 1


def test_state_dict_holds_memory_and_strength_and_nothing_twice(loop):
    state = loop().state_dict()
    assert {'memory.prototypes', 'memory.updates', 'strength'} <= state.keys()
    places = [(value.data_ptr(), value.shape) for value in state.values()]
    assert len(set(places)) == len(places)
    heads = [name for name in state if 'conv_seg' in name]
    assert sorted(heads) == [
        'segmentor.decode_head.conv_seg.bias',
        'segmentor.decode_head.conv_seg.weight',
    ]


def test_state_dict_carries_everything(loop, loop_config, images):
    saved, loaded = loop(), MODELS.build(loop_config()).eval()
    saved.strength.fill_(0.25)
    loaded.load_state_dict(saved.state_dict())
    for one, other in zip(saved(*images, 2), loaded(*images, 2), strict=True):
        assert torch.equal(one.composite, other.composite)


@pytest.mark.parametrize('used', [False, True])
def test_a_copy_is_linked_to_its_own_head(loop, images, used):
    """An averaging hook of mmengine copies the model, linked or not."""
    made = loop()
    made.link_feedback()
    if used:
        made(*images, 1)
    copied = copy.deepcopy(made)
    before = made(*images, 2)
    for one, other in zip(before, copied(*images, 2), strict=True):
        assert torch.equal(one.composite, other.composite)
    with torch.no_grad():
        made.feedback.projections[0].bias += 1
        made.segmentor.decode_head.conv_seg.bias += 1
    for one, other in zip(before, copied(*images, 2), strict=True):
        assert torch.equal(one.composite, other.composite)
    assert not torch.equal(made(*images, 2)[2].composite, before[2].composite)


def test_auxiliary_heads_are_left_out(loop_config):
    config = loop_config()
    head = dict(config['segmentor']['decode_head'], in_index=0, in_channels=8)
    config['segmentor']['auxiliary_head'] = head
    made = MODELS.build(config)
    assert isinstance(made, FeedbackRecorrectionLoop)
    assert not [name for name in made.state_dict() if 'auxiliary' in name]
