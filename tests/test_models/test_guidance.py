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
    """Soft maps of 5 classes, and others of which about a third is unknown."""
    own, given = (torch.randn(images, 5, *SIZE).softmax(1) for _ in range(2))
    return own.to(dtype), given * (torch.randint(0, 3, (images, 1, *SIZE)) > 0)


def test_mixture_by_hand(shares):
    shares(0.25, 0.5)
    own = torch.tensor([0.5, 0.3, 0.2]).reshape(1, 3, 1, 1).repeat(2, 1, 1, 2)
    given = [[[1.0, 0.0, 0.0], [0.0, 0.2, 0.8]], [[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]]
    mixed = mix_labels(own, torch.tensor(given).transpose(1, 2).unsqueeze(2))
    mixed = mixed.squeeze(2).transpose(1, 2)
    expected = [
        [[0.625, 0.225, 0.15], [0.375, 0.275, 0.35]],
        [[0.25, 0.65, 0.1], [0.5, 0.3, 0.2]],
    ]
    torch.testing.assert_close(mixed, torch.tensor(expected))


@pytest.mark.parametrize('dtype', DTYPES)
def test_a_share_of_0_keeps_the_own_map_and_of_1_takes_the_other(shares, dtype):
    shares(0.0, 1.0)
    probabilities, given = random_maps(dtype=dtype)
    mixed = mix_labels(probabilities, given)
    assert torch.equal(mixed[0], probabilities[0])
    known = given[1].any(0)
    assert torch.equal(mixed[1][:, known], given[1][:, known].to(dtype))


@pytest.mark.parametrize('dtype', DTYPES)
def test_unknown_pixels_keep_the_own_map_exactly(dtype):
    probabilities, given = random_maps(dtype=dtype)
    before = given.clone()
    mixed = mix_labels(probabilities, given)
    known = given.any(1)
    own, mixed = probabilities.movedim(1, -1), mixed.movedim(1, -1)
    assert torch.equal(mixed[~known], own[~known])
    assert (mixed[known] != own[known]).any(1).all()
    assert torch.equal(given, before)


@pytest.mark.parametrize('dtype', DTYPES)
def test_mixtures_are_probabilities_of_the_same_type(dtype):
    probabilities, given = random_maps(images=4, dtype=dtype)
    mixed = mix_labels(probabilities, given)
    assert mixed.dtype == dtype
    assert mixed.shape == probabilities.shape
    assert 0 <= mixed.min() <= mixed.max() <= 1
    rounding = 5 * torch.finfo(dtype).eps  # of five classes
    assert (mixed.float().sum(1) - 1).abs().max() < rounding


def one_hot(labels, classes):
    return F.one_hot(labels[:, 0], classes).movedim(-1, 1)


def drawn_shares(probabilities, labels):
    """(N, H, W) share that every pixel was mixed with."""
    mixed = mix_labels(probabilities, one_hot(labels, probabilities.shape[1]))
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
    probabilities, given = random_maps()
    probabilities.requires_grad_()
    mix_labels(probabilities, given).sum().backward()
    share = torch.tensor([0.25, 0.75]).reshape(2, 1, 1, 1)
    known = given.any(1, keepdim=True)
    expected = torch.where(known, 1 - share, 1.0).expand_as(probabilities)
    torch.testing.assert_close(probabilities.grad, expected)


def samples_of(is_labeled):
    labels = torch.randint(0, 5, (len(is_labeled), 1, *SIZE))
    labels[~is_labeled] = 255
    return SimpleNamespace(gt_seg=labels, is_labeled=is_labeled)


def pseudo_labels_of(images, trust):
    probabilities = torch.randn(images, 5, *SIZE).softmax(1)
    return PseudoLabels(probabilities, torch.ones(images, *SIZE), torch.tensor(trust))


def test_unlabeled_images_are_completed_with_soft_maps_all_or_none():
    is_labeled = torch.tensor([True, False, True, False])
    samples, pseudo_labels = samples_of(is_labeled), pseudo_labels_of(2, trust=0.5)
    before, taken = samples.gt_seg.clone(), set()
    for _ in range(30):
        completed = labels_to_mix(samples, pseudo_labels, 5)
        assert completed.dtype == torch.float32
        assert torch.equal(completed[is_labeled], one_hot(before[is_labeled], 5).float())
        unlabeled = completed[~is_labeled]
        taken.add(bool(unlabeled.any()))  # one draw for the whole batch
        assert torch.equal(unlabeled, pseudo_labels.probabilities * unlabeled.any())
    assert taken == {True, False}
    assert torch.equal(samples.gt_seg, before)


@pytest.mark.parametrize('trust', [0.0, 1.0])
def test_trust_is_the_chance_of_soft_maps(trust):
    samples, pseudo_labels = samples_of(torch.tensor([True, False])), pseudo_labels_of(1, trust)
    for _ in range(10):
        completed = labels_to_mix(samples, pseudo_labels, 5)
        assert torch.equal(completed[1], trust * pseudo_labels.probabilities[0])


def test_unknown_pixels_of_a_label_map_have_no_class():
    samples = samples_of(torch.tensor([True, True]))
    samples.gt_seg[1, 0, :2] = 255
    completed = labels_to_mix(samples, None, 5)
    assert torch.equal(completed.argmax(1)[0], samples.gt_seg[0, 0])
    assert torch.equal(completed.sum(1), (samples.gt_seg[:, 0] != 255).float())


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
