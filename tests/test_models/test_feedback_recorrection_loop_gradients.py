"""Which parts of the loop learn, in which rounds, and from what."""

import pytest
import torch

from fbinpaint_mm import compat
from tests.test_models.small_model import ONE_WAY, assert_same_images, reached

SEMANTIC = {'segmentor', 'feedback', 'recorrection'}


@pytest.mark.parametrize(
    ('round_index', 'what', 'expected'),
    [
        (0, 'raw', {'initial'}),
        (1, 'raw', {'guided'}),
        (2, 'raw', {'guided'}),
        (1, 'logits', SEMANTIC),
        (2, 'logits', SEMANTIC),
        (2, 'error_scale', {'confidence'}),
    ],
)
def test_no_gradient_passes_from_round_to_round(loop, images, round_index, what, expected):
    made = loop()
    result = made(*images, 2)[round_index]
    value = result.semantics.logits if what == 'logits' else getattr(result, what)
    value.square().mean().backward()
    assert {name.split('.')[0] for name in reached(made)} == expected
    assert not any(buffer.requires_grad for buffer in made.memory.buffers())


@pytest.mark.parametrize(
    ('parts', 'options', 'expected'),
    [
        ({}, {}, dict(initial=[1], segmentor=[1, 1, 1], guided=[1, 1, 1])),
        (
            dict(freeze_initial=True),
            {},
            dict(initial=[0], segmentor=[1, 1, 1], guided=[1, 1, 1]),
        ),
        (
            {},
            dict(only_last_learns=True),
            dict(initial=[1], segmentor=[0, 0, 1], guided=[0, 0, 1]),
        ),
        (
            dict(ONE_WAY, freeze_initial=True),
            dict(only_last_learns=True),
            dict(initial=[0], segmentor=[1], guided=[0, 0, 1]),
        ),
    ],
)
def test_parts_run_with_a_graph_where_they_learn(loop, images, parts, options, expected):
    """The map of one-way guidance is made only once, so it learns whichever round does."""
    made = loop(**parts).train()
    seen = {name: [] for name in expected}
    # The guided network encodes once; its last layer runs in every round.
    watched = (made.initial, made.segmentor.backbone, made.guided.to_image)
    for name, module in zip(seen, watched, strict=True):
        module.register_forward_pre_hook(
            lambda module, args, name=name: seen[name].append(torch.is_grad_enabled())
        )
    made(*images, 3, **options)
    assert seen == expected
    with torch.no_grad():
        made(*images, 3, **options)
    for name, flags in seen.items():
        assert not any(flags[len(expected[name]) :]), name
    assert torch.is_grad_enabled()


def test_one_network_for_all_rounds_learns_from_the_first_and_the_last(loop, images):
    made = loop(initial=None).train()
    first, second, last = made(*images, 2, only_last_learns=True)
    assert [result.raw.requires_grad for result in (first, second, last)] == [True, False, True]
    gradients = [
        torch.autograd.grad(result.raw.square().mean(), made.guided.to_image.parameters())
        for result in (first, last)
    ]
    assert all(value.any() for value in (*gradients[0], *gradients[1]))


def tensors_of(result):
    """All numbers of a round, by name."""
    named = vars(result) | (vars(result.semantics) if result.semantics else {})
    learning = enumerate(named.get('supervised_logits', ()))
    named |= {f'supervised_{index}': value for index, value in learning}
    return {name: value for name, value in named.items() if torch.is_tensor(value)}


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


@pytest.mark.parametrize('parts', [{}, ONE_WAY])
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
    assert parts == {'confidence', *(['initial'] if index == 0 else ['guided', *SEMANTIC])}


@pytest.mark.parametrize('rounds', [1, 2, 3])
def test_the_map_of_one_way_guidance_learns_though_it_is_made_in_round_1(loop, images, rounds):
    made = loop(feedback=None).train()
    results = made(*images, rounds, only_last_learns=True)
    assert results[-1].semantics is results[1].semantics
    assert results[1].raw.requires_grad == (rounds == 1)
    found = gradients_of(made, results[-1])
    parts = {name.split('.')[0] for name, gradient in found.items() if gradient.any()}
    assert parts == {'segmentor', 'recorrection', 'guided', 'confidence'}


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


@pytest.mark.parametrize('checkpoint_rounds', [False, True])
def test_a_frozen_initial_network_gives_the_same_images_without_a_graph(
    loop, images, checkpoint_rounds
):
    frozen, plain = (
        loop(freeze_initial=freeze, checkpoint_rounds=checkpoint_rounds) for freeze in (True, False)
    )
    found, expected = frozen(*images, 2), plain(*images, 2)
    assert_same_images(found, expected)
    assert [result.learns for result in found] == [False, True, True]
    assert [result.learns for result in expected] == [True] * 3
    first, *later = found
    assert not any(x.requires_grad for x in (first.raw, first.error_scale, first.confidence))
    assert all(result.raw.requires_grad for result in later)
    assert expected[0].raw.requires_grad
    gradients_of(frozen, later[-1])
    assert not any(p.requires_grad or p.grad is not None for p in frozen.initial.parameters())
    parts = {name.split('.')[0] for name in reached(frozen)}
    assert parts == {'guided', 'confidence', *SEMANTIC}


@pytest.mark.parametrize(('freeze', 'expected'), [(True, 1), (False, 0)])
def test_casts_made_without_a_graph_are_forgotten_before_a_round_learns(
    loop, images, monkeypatch, freeze, expected
):
    """Only torch below 2.11 shows in the gradients whether they were."""
    calls = []
    monkeypatch.setattr(compat, 'forget_casts_without_graph', lambda: calls.append(1))
    loop(freeze_initial=freeze)(*images, 2)
    assert len(calls) == expected
