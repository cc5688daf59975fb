from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from mmagic.structures import DataSample

from fbinpaint_mm.models.guidance import (
    dictate,
    dictated_map_of,
    labels_to_mix,
    mix_labels,
)
from fbinpaint_mm.models.mean_teacher import PseudoLabels

DTYPES = [torch.float16, torch.bfloat16, torch.float32]
SIZE = (6, 7)


@pytest.fixture
def shares(monkeypatch):
    """Fixes the shares that are drawn, one per image."""

    def fix(*values):
        def rand(*size, **options):
            return torch.tensor(values, **options).reshape(size)

        monkeypatch.setattr(torch, 'rand', rand)

    return fix


def random_maps(images=2, dtype=torch.float32):
    """Soft maps of 5 classes, and labels of which about a third is unknown."""
    probabilities = torch.randn(images, 5, *SIZE).softmax(1).to(dtype)
    labels = torch.randint(0, 5, (images, 1, *SIZE))
    labels[torch.randint(0, 3, labels.shape) == 0] = 255
    return probabilities, labels


def test_mixture_by_hand(shares):
    shares(0.25, 0.5)
    own = torch.tensor([0.5, 0.3, 0.2]).reshape(1, 3, 1, 1).repeat(2, 1, 1, 2)
    labels = torch.tensor([[[[0, 2]]], [[[1, 255]]]])
    mixed = mix_labels(own, labels).squeeze(2).transpose(1, 2)
    expected = [
        [[0.625, 0.225, 0.15], [0.375, 0.225, 0.4]],
        [[0.25, 0.65, 0.1], [0.5, 0.3, 0.2]],
    ]
    torch.testing.assert_close(mixed, torch.tensor(expected))


@pytest.mark.parametrize('dtype', DTYPES)
def test_a_share_of_0_keeps_the_own_map_and_of_1_takes_the_label(shares, dtype):
    shares(0.0, 1.0)
    probabilities, labels = random_maps(dtype=dtype)
    mixed = mix_labels(probabilities, labels)
    assert torch.equal(mixed[0], probabilities[0])
    known = labels[1, 0] != 255
    one_hot = F.one_hot(labels[1, 0][known], 5).to(dtype)
    assert torch.equal(mixed[1].movedim(0, -1)[known], one_hot)


@pytest.mark.parametrize('dtype', DTYPES)
def test_unknown_pixels_keep_the_own_map_exactly(dtype):
    probabilities, labels = random_maps(dtype=dtype)
    before = labels.clone()
    mixed = mix_labels(probabilities, labels)
    known = (labels != 255)[:, 0]
    own, mixed = probabilities.movedim(1, -1), mixed.movedim(1, -1)
    assert torch.equal(mixed[~known], own[~known])
    assert (mixed[known] != own[known]).any(1).all()
    assert torch.equal(labels, before)


@pytest.mark.parametrize('dtype', DTYPES)
def test_mixtures_are_probabilities_of_the_same_type(dtype):
    probabilities, labels = random_maps(images=4, dtype=dtype)
    mixed = mix_labels(probabilities, labels)
    assert mixed.dtype == dtype
    assert mixed.shape == probabilities.shape
    assert 0 <= mixed.min() <= mixed.max() <= 1
    rounding = 5 * torch.finfo(dtype).eps  # of five classes
    assert (mixed.float().sum(1) - 1).abs().max() < rounding


def drawn_shares(probabilities, labels):
    """(N, H, W) share that every pixel was mixed with."""
    mixed = mix_labels(probabilities, labels)
    own, found = (maps.gather(1, labels)[:, 0] for maps in (probabilities, mixed))
    return (found - own) / (1 - own)


def test_every_image_draws_one_share_of_its_own_each_time():
    probabilities = torch.randn(3, 5, *SIZE).double().softmax(1)
    labels = torch.randint(0, 5, (3, 1, *SIZE))
    first, second = (drawn_shares(probabilities, labels) for _ in range(2))
    shares = torch.stack([first, second])
    torch.testing.assert_close(shares, shares[..., :1, :1].expand_as(shares))
    values = shares[..., 0, 0].flatten()
    assert 0 <= values.min() <= values.max() <= 1
    assert len(values.unique()) == 6


def test_shares_are_uniform():
    probabilities = torch.full((4000, 2, 1, 1), 0.5, dtype=torch.float64)
    drawn = drawn_shares(probabilities, torch.zeros(4000, 1, 1, 1, dtype=torch.long)).flatten()
    quantiles = torch.linspace(0, 1, 11, dtype=torch.float64)
    torch.testing.assert_close(drawn.quantile(quantiles), quantiles, atol=0.03, rtol=0)


def test_gradient_reaches_the_own_map_by_its_share(shares):
    shares(0.25, 0.75)
    probabilities, labels = random_maps()
    probabilities.requires_grad_()
    mix_labels(probabilities, labels).sum().backward()
    share = torch.tensor([0.25, 0.75]).reshape(2, 1, 1, 1)
    expected = torch.where(labels == 255, 1.0, 1 - share).expand_as(probabilities)
    torch.testing.assert_close(probabilities.grad, expected)


def samples_of(labels, is_labeled):
    return SimpleNamespace(gt_seg=labels, is_labeled=is_labeled)


def pseudo_labels_of(images, trust):
    plane = torch.ones(images, *SIZE)
    return PseudoLabels(torch.full((images, *SIZE), 3), plane, plane, torch.tensor(trust))


def test_unlabeled_images_are_completed_with_pseudo_labels_all_or_none():
    _, labels = random_maps(images=4)
    is_labeled = torch.tensor([True, False, True, False])
    labels[~is_labeled] = 255
    before, seen = labels.clone(), set()
    for _ in range(30):
        completed = labels_to_mix(samples_of(labels, is_labeled), pseudo_labels_of(2, trust=0.5))
        assert completed.shape == labels.shape
        assert torch.equal(completed[is_labeled], before[is_labeled])
        seen.add(tuple(completed[~is_labeled].unique().tolist()))
    assert seen == {(3,), (255,)}  # one draw for the whole batch
    assert torch.equal(labels, before)


@pytest.mark.parametrize(('trust', 'value'), [(0.0, 255), (1.0, 3)])
def test_trust_is_the_chance_of_pseudo_labels(trust, value):
    _, labels = random_maps()
    samples = samples_of(labels, torch.tensor([True, False]))
    for _ in range(10):
        completed = labels_to_mix(samples, pseudo_labels_of(1, trust))
        assert (completed[1] == value).all()


def test_without_a_teacher_the_labels_stay_as_they_are():
    _, labels = random_maps()
    assert labels_to_mix(samples_of(labels, torch.tensor([True, True])), None) is labels


@pytest.fixture
def logits():
    generator = torch.Generator().manual_seed(0)
    return torch.randn((2, 3, 4, 5), generator=generator).requires_grad_()


def test_dictated_pixels_are_certain_and_others_untouched(logits):
    dictated = torch.full((2, 1, 4, 5), 255)
    dictated[0, 0, 1, 2], dictated[1, 0, 3, 4] = 2, 0
    result = dictate(logits, dictated)
    probabilities = result.softmax(1)
    assert probabilities[0, :, 1, 2].tolist() == pytest.approx([0, 0, 1], abs=1e-12)
    assert probabilities[1, :, 3, 4].tolist() == pytest.approx([1, 0, 0], abs=1e-12)
    free = (dictated == 255).expand_as(logits)
    assert torch.equal(result[free], logits[free])
    result.sum().backward()
    assert torch.equal(logits.grad, free.float())


def test_a_map_dictated_everywhere_is_what_the_probabilities_say(logits):
    generator = torch.Generator().manual_seed(1)
    dictated = torch.randint(0, 3, (2, 1, 4, 5), generator=generator)
    result = dictate(logits.half(), dictated)
    assert result.dtype == torch.float16
    assert torch.equal(result.argmax(1, keepdim=True), dictated)


def test_a_dictated_map_is_unknown_where_the_image_is_padded():
    labels = torch.randint(0, 3, (2, 1, 4, 5))
    samples = DataSample(dictated_seg=labels)
    found = dictated_map_of(samples, torch.zeros(2, 3, 8, 8))
    assert found.shape == (2, 1, 8, 8)
    assert torch.equal(found[:, :, :4, :5], labels)
    assert (found[:, :, 4:] == 255).all()
    assert (found[:, :, :, 5:] == 255).all()


def test_without_a_dictated_map_there_is_none():
    samples = DataSample(mask=torch.zeros(1, 1, 8, 8))
    assert dictated_map_of(samples, torch.zeros(1, 3, 8, 8)) is None
