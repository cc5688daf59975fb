"""What guides the rounds of the loop besides their own maps, and how sharply."""

import pytest
import torch

from fbinpaint_mm.models.guidance import Guidance
from fbinpaint_mm.user_error import UserError
from tests.test_models.small_model import NO_MAP, ONE_WAY, assert_same_images

SIZE = (16, 24)


@pytest.fixture
def guides():
    """Collects the maps that the guided network reads."""

    def collect(loop):
        seen = []
        embedding = loop.guided.embeddings[0]
        embedding.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
        return seen

    return collect


@pytest.fixture
def labels():
    """Soft maps of 5 classes on the upper half of the images."""
    generator = torch.Generator().manual_seed(2)
    labels = torch.rand(2, 5, *SIZE, generator=generator).softmax(1)
    labels[..., SIZE[0] // 2 :, :] = 0
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


@pytest.mark.parametrize('parts', [{}, ONE_WAY])
def test_a_dictated_map_guides_every_round_and_comes_back_in_the_next(loop, images, parts):
    made = loop(**parts)
    dictated = torch.full((2, 1, *SIZE), 255)
    dictated[:, :, 4:12, 4:12] = 3
    guidance = Guidance(dictated_map=dictated)
    results, free = made(*images, 2, guidance), made(*images, 2)
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
    found = made(*images, 2, Guidance(dictated_map=nowhere))
    assert_same_images(found, made(*images, 2))


def test_the_round_before_does_not_count_where_a_map_is_dictated(loop, images):
    dictated = Guidance(dictated_map=torch.full((2, 1, *SIZE), 3))
    merged, alone = loop(merge_sigma=2.0), loop()
    assert_same_images(merged(*images, 2, dictated), alone(*images, 2, dictated))
    assert not torch.equal(merged(*images, 1)[1].composite, alone(*images, 1)[1].composite)


def test_a_map_cannot_be_dictated_to_a_model_without_semantics(loop, images):
    made = loop(**NO_MAP)
    dictated = Guidance(dictated_map=torch.zeros(2, 1, *SIZE, dtype=torch.long))
    with pytest.raises(UserError, match='has no segmentor and reads no map'):
        made(*images, 1, dictated)


@pytest.mark.parametrize('parts', [{}, dict(feedback=None)])
@pytest.mark.parametrize('temperature', [0.5, 1.0])
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


@pytest.mark.parametrize('rounds', [1, 3])
@pytest.mark.parametrize('parts', [{}, ONE_WAY])
def test_labels_guide_the_last_round(loop, images, guides, labels, draws, rounds, parts):
    made = loop(**parts)
    read = guides(made)
    results = made(*images, rounds, Guidance(label_map=labels))
    assert draws == [(2, 1, 1, 1)]
    *earlier, last = read
    for result, soft_map in zip(results[1:], earlier, strict=False):
        assert torch.equal(soft_map, result.semantics.logits.softmax(1))
    own = results[-1].semantics.logits.softmax(1)
    assert torch.equal(last, labels.where(labels.any(1, keepdim=True), own))


def listen(loop, images, rounds, guidance=None):
    """The rounds of a loop, and all that its segmentor and its feedback read."""
    heard = []
    loop.segmentor.backbone.register_forward_pre_hook(lambda module, args: heard.extend(args))
    loop.feedback.register_forward_pre_hook(
        lambda module, args: heard.extend(
            [args[0].current, args[0].mask, args[0].confidence, args[0].previous_map]
        )
    )
    return loop(*images, rounds, guidance), heard


@pytest.mark.parametrize('rounds', [1, 3])
def test_labels_reach_neither_the_maps_nor_the_next_signal(loop, images, labels, draws, rounds):
    """The maps are what the losses see: they must not be told what they are to find."""
    with_labels, heard = listen(loop(), images, rounds, Guidance(label_map=labels))
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
    nowhere = torch.zeros(2, 5, *SIZE)
    found = loop()(*images, 2, Guidance(label_map=nowhere))
    assert_same_images(found, loop()(*images, 2))
