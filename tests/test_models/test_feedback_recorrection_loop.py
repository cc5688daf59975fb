import copy
import logging
from itertools import pairwise

import pytest
import torch
from mmagic.registry import MODELS
from mmengine.config import Config

from fbinpaint_mm import compat
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


@pytest.fixture
def guides():
    """Collects the maps that the guided network reads."""

    def collect(loop):
        seen = []
        loop.guided.register_forward_pre_hook(lambda module, args: seen.append(args[3]))
        return seen

    return collect


@pytest.mark.parametrize('off', [[], ['feedback'], ['segmentor', 'feedback', 'recorrection']])
def test_a_further_round_is_what_the_loop_would_append(loop, images, off):
    made = loop(**dict.fromkeys(off))
    results = made(*images, 3)
    for before, expected in pairwise(results):
        found = loop(**dict.fromkeys(off)).next_round(*images, before)
        assert torch.equal(found.composite, expected.composite)
        assert torch.equal(found.confidence, expected.confidence)


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
    with pytest.raises(
        ValueError, match=r'give one, or set all three to None, and loss_semantic with them'
    ):
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


def with_layouts(loop_config):
    layout = dict(type='LayoutMemory', capacity=2, size=8, coarse_size=4)
    made = make_effective(
        MODELS.build(loop_config(recorrection=dict(type='CrossImageRecorrection', layout=layout)))
    )
    made.layout_memory.update(torch.full((1, 1, 8, 8), 3), torch.tensor([0]))
    return made.eval()


def test_layouts_of_other_classes_than_those_of_the_decode_head_are_refused(loop_config):
    layout = dict(type='LayoutMemory', num_classes=3)
    config = loop_config(recorrection=dict(type='CrossImageRecorrection', layout=layout))
    with pytest.raises(ValueError, match=r'layout\.num_classes is 3, .* has 5 classes: leave it'):
        MODELS.build(config)


def test_strength_scales_the_layouts_of_other_images(loop_config, images):
    made, (_, mask) = with_layouts(loop_config), images
    maps = []
    for strength in (0, 0.5, 1):
        made.strength.fill_(strength)
        maps.append(made(*images, 1)[1].semantics)
    shares = [one.probabilities[:, 3:4][mask == 1].mean() for one in maps]
    assert shares[0] < shares[1] < shares[2]
    assert torch.equal(maps[0].logits, maps[0].corrected_logits)
    known = (mask == 0).expand_as(maps[2].logits)
    assert torch.equal(maps[2].logits[known], maps[2].corrected_logits[known])


def test_labels_teach_the_map_before_it_is_completed(loop_config, images):
    semantics = with_layouts(loop_config).train()(*images, 1)[1].semantics
    assert not torch.equal(semantics.logits, semantics.corrected_logits)
    corrected, raw = semantics.supervised_logits
    assert corrected is semantics.corrected_logits
    assert raw is semantics.raw_logits


def test_gradients_between_rounds_pass_by_the_layouts(loop_config, images):
    made = with_layouts(lambda **parts: loop_config(detach_rounds=False, **parts)).train()
    made(*images, 2)[2].raw.mean().backward()
    gradients = [one.grad for one in made.segmentor.parameters() if one.grad is not None]
    assert gradients
    assert all(one.isfinite().all() for one in gradients)


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


@pytest.mark.parametrize('parts', [{}, dict(feedback=None)])
@pytest.mark.parametrize('temperature', [0.5, 1.0, 3.0])
def test_temperature_acts_on_what_guides_and_nothing_else(loop, images, guides, temperature, parts):
    made = loop(map_temperature=temperature, **parts)
    read, signals = guides(made), []
    if made.feedback is not None:
        made.feedback.register_forward_pre_hook(lambda module, args: signals.append(args[0]))
    results, plain = made(*images, 2), loop(**parts)(*images, 2)
    for result, soft_map in zip(results[1:], read, strict=True):
        expected = (result.semantics.logits / temperature).softmax(1)
        assert torch.equal(soft_map, expected)
    assert torch.equal(results[1].semantics.logits, plain[1].semantics.logits)
    assert torch.equal(results[1].composite, plain[1].composite) == (temperature == 1)
    for signal in signals[1:]:
        assert torch.equal(signal.previous_map, results[1].semantics.logits.softmax(1))


def test_temperature_has_no_effect_in_training(loop, images, guides):
    made = loop(map_temperature=0.5).train()
    read = guides(made)
    for result, soft_map in zip(made(*images, 2)[1:], read, strict=True):
        assert torch.equal(soft_map, result.semantics.logits.softmax(1))


@pytest.mark.parametrize('temperature', [0, -0.5])
def test_a_temperature_that_is_not_positive_is_refused(loop_config, temperature):
    message = f'map_temperature must be positive, got {temperature}$'
    with pytest.raises(ValueError, match=message):
        MODELS.build(loop_config(map_temperature=temperature))


@pytest.fixture
def labels():
    """Labels of classes 0 to 4 on the upper half of the images."""
    generator = torch.Generator().manual_seed(2)
    labels = torch.randint(0, 5, (2, 1, *SIZE), generator=generator)
    labels[..., SIZE[0] // 2 :, :] = 255
    return labels


@pytest.fixture
def draws(monkeypatch):
    """Makes every share of the labels 1, and counts the draws."""
    seen = []

    def rand(*size, **options):
        seen.append(size)
        return torch.ones(*size, **options)

    monkeypatch.setattr(torch, 'rand', rand)
    return seen


@pytest.mark.parametrize('rounds', [1, 2, 3])
@pytest.mark.parametrize('parts', [{}, dict(feedback=None, recorrection=None)])
def test_labels_guide_the_last_round(loop, images, guides, labels, draws, rounds, parts):
    made = loop(**parts)
    read = guides(made)
    results = made(*images, rounds, label_map=labels)
    assert draws == [(2, 1, 1, 1)]
    *earlier, last = read
    for result, soft_map in zip(results[1:], earlier, strict=False):
        assert torch.equal(soft_map, result.semantics.logits.softmax(1))
    known = (labels != 255)[:, 0]
    one_hot = torch.nn.functional.one_hot(labels[:, 0][known], 5).float()
    assert torch.equal(last.movedim(1, -1)[known], one_hot)
    own = results[-1].semantics.logits.softmax(1)
    assert torch.equal(last.movedim(1, -1)[~known], own.movedim(1, -1)[~known])


def listen(loop, images, rounds, **options):
    """The rounds of a loop, and all that its segmentor and its feedback read."""
    heard = []
    loop.segmentor.backbone.register_forward_pre_hook(lambda module, args: heard.extend(args))
    loop.feedback.register_forward_pre_hook(
        lambda module, args: heard.extend(
            [args[0].current, args[0].mask, args[0].confidence, args[0].previous_map]
        )
    )
    return loop(*images, rounds, **options), heard


@pytest.mark.parametrize('rounds', [1, 2, 3])
def test_labels_reach_neither_the_maps_nor_the_next_signal(loop, images, labels, draws, rounds):
    """The maps are what the losses see: they must not be told what they are to find."""
    with_labels, heard = listen(loop(), images, rounds, label_map=labels)
    without, expected = listen(loop(), images, rounds)
    assert len(heard) == len(expected) == 5 * rounds
    assert all(torch.equal(one, other) for one, other in zip(heard, expected, strict=True))
    for one, other in zip(with_labels[1:], without[1:], strict=True):
        assert torch.equal(one.semantics.logits, other.semantics.logits)
        assert torch.equal(one.semantics.raw_logits, other.semantics.raw_logits)
    for one, other in zip(with_labels[:-1], without[:-1], strict=True):
        assert torch.equal(one.composite, other.composite)
    assert not torch.equal(with_labels[-1].composite, without[-1].composite)


def test_labels_known_nowhere_change_nothing(loop, images, draws):
    nowhere = torch.full((2, 1, *SIZE), 255)
    results = loop()(*images, 2, label_map=nowhere)
    for one, other in zip(results, loop()(*images, 2), strict=True):
        assert torch.equal(one.composite, other.composite)


def tensors_of(result):
    """All numbers of a round, by name."""
    named = {name: value for name, value in vars(result).items() if torch.is_tensor(value)}
    return named | (vars(result.semantics) if result.semantics else {})


@pytest.mark.parametrize('rounds', [0, 1, 2, 3])
def test_only_the_first_and_the_last_round_learn(loop, images, rounds):
    results = loop().train()(*images, rounds, only_last_learns=True)
    assert len(results) == rounds + 1
    for index, result in enumerate(results):
        learns = index in (0, rounds)
        assert result.learns is learns
        for name, value in tensors_of(result).items():
            assert value.requires_grad == learns, f'{name} of round {index}'
    assert all(result.learns for result in loop()(*images, rounds))


@pytest.mark.parametrize('parts', [{}, dict(feedback=None, recorrection=None)])
def test_rounds_that_do_not_learn_find_the_same(loop, images, parts):
    """In training mode, batch statistics included."""
    some, every = loop(**parts).train(), loop(**parts).train()
    results = some(*images, 3, only_last_learns=True)
    for one, other in zip(results, every(*images, 3), strict=True):
        one, other = tensors_of(one), tensors_of(other)
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)
    for name, value in some.state_dict().items():
        assert torch.equal(value, every.state_dict()[name]), name


def gradients_of(loop, result):
    """Gradients of a round's image, map and confidence, by parameter."""
    values = [result.raw, result.error_scale]
    if result.semantics is not None:
        values += result.semantics.supervised_logits
    sum(value.square().mean() for value in values).backward()
    return {name: p.grad for name, p in loop.named_parameters() if p.grad is not None}


@pytest.mark.parametrize('index', [0, 3])
def test_gradients_are_those_of_a_loop_in_which_all_rounds_learn(loop, images, index):
    some, every = loop().train(), loop().train()
    found = gradients_of(some, some(*images, 3, only_last_learns=True)[index])
    expected = gradients_of(every, every(*images, 3)[index])
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in found)
    parts = {name.split('.')[0] for name, gradient in found.items() if gradient.any()}
    assert parts == ({'initial', 'confidence'} if index == 0 else {*PARTS} - {'initial'})


@pytest.mark.parametrize('rounds', [1, 2, 3])
def test_the_map_of_one_way_guidance_learns_though_it_is_made_in_round_1(loop, images, rounds):
    made = loop(feedback=None).train()
    results = made(*images, rounds, only_last_learns=True)
    assert results[-1].semantics is results[1].semantics
    assert results[1].raw.requires_grad == (rounds == 1)
    found = gradients_of(made, results[-1])
    parts = {name.split('.')[0] for name, gradient in found.items() if gradient.any()}
    assert parts == {'segmentor', 'recorrection', 'guided', 'confidence'}


def test_nothing_learns_where_gradients_are_off(loop, images):
    with torch.no_grad():
        results = loop()(*images, 2, only_last_learns=True)
    assert not any(value.requires_grad for one in results for value in tensors_of(one).values())


def test_mixed_precision_keeps_the_gradients_of_the_last_round(loop, images):
    """Autocast casts a weight once: not in a round without a graph, for all that follow."""
    made = loop().train()
    with torch.autocast('cpu', dtype=torch.bfloat16):
        results = made(*images, 3, only_last_learns=True)
    found = gradients_of(made, results[-1])
    plain = loop().train()
    expected = gradients_of(plain, plain(*images, 3, only_last_learns=True)[-1])
    reached = [{n for n, g in one.items() if g.any()} for one in (found, expected)]
    assert reached[0] == reached[1]


def shares_that_change(results, mask):
    """Share of the hole whose class differs from the round before, largest of the batch, counted
    pixel by pixel; of rounds 2, 3, ...
    """
    maps = [one.semantics.logits.argmax(1) for one in results[1:]]
    shares = []
    for before, after in pairwise(maps):
        counts = [
            (hole[0].sum().item(), ((one != other) & (hole[0] > 0)).sum().item())
            for one, other, hole in zip(before, after, mask, strict=True)
        ]
        shares.append(max(changed / pixels for pixels, changed in counts))
    return shares


def test_the_loop_stops_before_the_first_round_that_changes_less_than_the_tolerance(loop, images):
    made, mask = loop(), images[1]
    with torch.no_grad():
        made.feedback.projections[0].weight *= 30  # or random weights would hardly change a class
        full = made(*images, 4)
    shares = shares_that_change(full, mask)
    assert len(set(shares)) > 1, 'maps that never change prove nothing'
    near = [share + step for share in shares for step in (-1e-4, 1e-4)]
    for tolerance in (0.0, *(share for share in near if 0 <= share <= 1), 1.0):
        found = made(*images, 4, tolerance=tolerance)
        small = [number for number, share in enumerate(shares, 2) if share < tolerance]
        assert len(found) == (min(small) if small else 5)
        for one, other in zip(found, full, strict=False):
            assert torch.equal(one.composite, other.composite)


def test_one_way_guidance_stops_after_round_1_and_no_semantics_never(loop, images):
    """One map serves all rounds of one-way guidance, so none of them changes it."""
    assert len(loop(feedback=None)(*images, 3, tolerance=1e-9)) == 2
    without = loop(segmentor=None, feedback=None, recorrection=None)
    assert len(without(*images, 3, tolerance=1.0)) == 4


@pytest.mark.parametrize('tolerance', [-0.1, 1.5])
def test_a_tolerance_that_is_no_share_is_refused(loop, images, tolerance):
    with pytest.raises(
        ValueError, match=rf'tolerance must be a share in \[0, 1\], got {tolerance}'
    ):
        loop()(*images, 1, tolerance=tolerance)


@pytest.mark.parametrize('detach_rounds', [True, False])
@pytest.mark.parametrize(('refine', 'refined'), [('initial', [0, 0, 0]), ('current', [0, 1, 2])])
def test_what_the_guided_network_refines(loop, images, refine, refined, detach_rounds):
    made = loop(refine=refine, detach_rounds=detach_rounds)
    read, segmented = [], []
    made.guided.register_forward_pre_hook(lambda module, args: read.append((args[2], args[4])))
    made.segmentor.backbone.register_forward_pre_hook(lambda m, args: segmented.append(args[0]))
    results = made(*images, 3)
    for number, (current, confidence) in zip(refined, read, strict=True):
        assert torch.equal(current, results[number].composite)
        assert torch.equal(confidence, results[number].confidence)
        assert current.requires_grad != detach_rounds
        assert not confidence.requires_grad
    for before, seen in zip(results, segmented, strict=False):
        assert torch.equal(seen, made.to_segmentor(before.composite))
    for before, after in pairwise(results):
        assert not torch.equal(before.composite, after.composite)


def test_by_default_the_result_of_the_round_before_is_refined(loop, images):
    assert loop().refine == 'current'
    for one, other in zip(loop()(*images, 2), loop(refine='current')(*images, 2), strict=True):
        assert torch.equal(one.composite, other.composite)


@pytest.mark.parametrize('off', [[], ['feedback'], ['segmentor', 'feedback', 'recorrection']])
def test_a_further_round_that_refines_the_initial_image(loop, images, off):
    parts = dict.fromkeys(off) | dict(refine='initial')
    results = loop(**parts)(*images, 3)
    for before, expected in pairwise(results):
        found = loop(**parts).next_round(*images, before)
        assert torch.equal(found.composite, expected.composite)
        assert torch.equal(found.confidence, expected.confidence)


@pytest.mark.parametrize('refine', ['initial', 'current'])
def test_the_same_map_gives_the_same_image_where_the_initial_one_is_refined(loop, images, refine):
    _, first, *later = loop(feedback=None, refine=refine)(*images, 3)
    for result in later:
        assert result.semantics is first.semantics
        assert torch.equal(result.composite, first.composite) == (refine == 'initial')
        assert torch.equal(result.confidence, first.confidence) == (refine == 'initial')


def test_unknown_image_to_refine_is_refused(loop_config):
    message = r"refine must be one of \('current', 'initial'\), got 'last'$"
    with pytest.raises(ValueError, match=message):
        MODELS.build(loop_config(refine='last'))


@pytest.mark.parametrize('checkpoint_rounds', [False, True])
def test_a_frozen_initial_network_gives_the_same_images_without_a_graph(
    loop, images, checkpoint_rounds
):
    options = dict(checkpoint_rounds=checkpoint_rounds, detach_rounds=False)
    frozen, plain = (loop(freeze_initial=freeze, **options) for freeze in (True, False))
    found, expected = frozen(*images, 2), plain(*images, 2)
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one.composite, other.composite)
    assert [result.learns for result in found] == [False, True, True]
    assert [result.learns for result in expected] == [True] * 3
    first, *later = found
    assert not any(x.requires_grad for x in (first.raw, first.error_scale, first.confidence))
    assert all(result.raw.requires_grad for result in later)
    assert expected[0].raw.requires_grad
    sum(result.raw.square().mean() + result.error_scale.mean() for result in later).backward()
    assert not any(p.requires_grad or p.grad is not None for p in frozen.initial.parameters())
    for part in (frozen.guided, frozen.confidence, frozen.segmentor, frozen.feedback):
        assert any(p.grad is not None and p.grad.any() for p in part.parameters())


def test_without_a_guided_network_there_is_round_0_alone(loop, images):
    alone = loop(guided=None, segmentor=None, feedback=None, recorrection=None)
    (found,) = alone(*images, 0)
    other = loop()
    other.load_state_dict(alone.state_dict(), strict=False)
    (expected,) = other(*images, 0)
    assert torch.equal(found.composite, expected.composite)
    assert not [name for name in alone.state_dict() if name.startswith('guided')]
    message = 'rounds=2, but the model has no guided network: use rounds=0$'
    with pytest.raises(ValueError, match=message):
        alone(*images, 2)


def test_a_segmentor_without_a_guided_network_is_refused(loop):
    with pytest.raises(ValueError, match=r'^guided=None has no rounds, and no use for a segmentor'):
        loop(guided=None)


@pytest.mark.parametrize(('freeze', 'expected'), [(True, 2), (False, 0)])
def test_casts_made_without_a_graph_are_forgotten_before_a_round_learns(
    loop, images, monkeypatch, freeze, expected
):
    """Only torch below 2.11 shows in the gradients whether they were."""
    calls = []
    monkeypatch.setattr(compat, 'forget_casts_without_graph', lambda: calls.append(1))
    loop(freeze_initial=freeze)(*images, 2)
    assert len(calls) == expected


def test_a_frozen_initial_network_keeps_its_statistics(loop):
    made = loop(freeze_initial=True)
    made.initial.norm = torch.nn.BatchNorm2d(3)
    made.train()
    assert made.guided.training
    assert not made.initial.training
    assert not made.initial.norm.training


@pytest.mark.parametrize(
    ('start', 'is_warned_of'),
    [
        (None, True),
        (dict(type='Kaiming', layer='Conv2d'), True),
        (dict(type='Pretrained', prefix='initial'), False),
    ],
)
def test_a_frozen_network_without_a_start_is_warned_of(
    loop_config, tmp_path, monkeypatch, start, is_warned_of
):
    said = []
    monkeypatch.setattr(
        'fbinpaint_mm.models.feedback_recorrection_loop.print_log', lambda *args: said.append(args)
    )
    plain = MODELS.build(loop_config())
    torch.save({f'initial.{k}': v for k, v in plain.initial.state_dict().items()}, tmp_path / 'x')
    parts = loop_config(freeze_initial=True)
    if start is not None and start['type'] == 'Pretrained':
        start = dict(start, checkpoint=str(tmp_path / 'x'))
    parts['initial'] = dict(parts['initial'], init_cfg=start)
    made = MODELS.build(parts)
    made.init_weights()
    assert [level for text, _, level in said if 'its weights stay random' in text] == (
        [logging.WARNING] if is_warned_of else []
    )
