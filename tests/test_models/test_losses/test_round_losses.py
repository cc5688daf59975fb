from types import SimpleNamespace

import pytest
import torch

from fbinpaint_mm.models.losses import RoundLosses, round_losses
from fbinpaint_mm.models.losses.normalizers import Normalizers
from fbinpaint_mm.models.mean_teacher import PseudoLabels
from fbinpaint_mm.models.round import Round, Semantics
from fbinpaint_mm.user_error import UserError

L1 = dict(type='L1Loss')
CROSS_ENTROPY = dict(type='mmseg.CrossEntropyLoss', avg_non_ignore=True)
LN2 = 0.6931472


@pytest.fixture
def samples() -> SimpleNamespace:
    """Two images of two pixels; the second pixel is the hole, the second image has no label."""
    return SimpleNamespace(
        gt_img=torch.zeros(2, 3, 1, 2),
        mask=torch.tensor([0.0, 1.0]).expand(2, 1, 1, 2),
        gt_seg=torch.tensor([[[[0, 1]]], [[[255, 255]]]]),
        is_labeled=torch.tensor([True, False]),
    )


def make_round(value: float, semantics: Semantics | None = None, learns: bool = True) -> Round:
    image = torch.full((2, 3, 1, 2), value)
    scale = torch.ones(2, 1, 1, 2)
    return Round(image, image, scale, scale, semantics, learns)


def make_losses(**configs: dict) -> RoundLosses:
    """Without the loss of the confidence, unless asked for."""
    losses = RoundLosses(**configs)
    if 'confidence' not in configs:
        losses.confidence = None
    return losses


def make_semantics(raw: torch.Tensor | None = None) -> Semantics:
    """Two classes, undecided everywhere unless ``raw`` says otherwise."""
    logits = torch.zeros(2, 2, 1, 2)
    learning = [logits] if raw is None else [raw, logits]
    return Semantics(logits, learning[0], torch.ones(2, 4, 1, 2), learning)


def pseudo_labels(trust: float) -> PseudoLabels:
    certain = torch.tensor([0.0, 1.0]).reshape(1, 2, 1, 1).expand(1, 2, 1, 2)
    return PseudoLabels(certain, torch.ones(1, 1, 2), torch.tensor(trust))


def test_pixels_of_every_round_by_hand(samples):
    losses = make_losses(l1_hole=dict(L1, loss_weight=6.0), l1_valid=L1)
    found = losses([make_round(0.5), make_round(-0.25)], samples, None, None)
    assert {key: value.item() for key, value in found.items()} == pytest.approx(
        dict(
            round0_loss_l1_hole=3.0,
            round0_loss_l1_valid=0.5,
            round1_loss_l1_hole=1.5,
            round1_loss_l1_valid=0.25,
        )
    )


def test_maps_with_and_without_correction_weigh_the_same(samples):
    losses = make_losses(segmentation=CROSS_ENTROPY, consistency=dict(type='ConsistencyLoss'))
    raw = torch.zeros(2, 2, 1, 2).requires_grad_()
    for semantics in (make_semantics(), make_semantics(raw)):
        results = [make_round(0.0), make_round(0.0, semantics)]
        found = losses(results, samples, None, pseudo_labels(trust=0.5))
        assert found['round1_loss_segmentation'].item() == pytest.approx(LN2)
        assert found['round1_loss_consistency'].item() == pytest.approx(0.5 * LN2)
    sum(found.values()).backward()
    # The segmentor's own map learns too, on the labeled and on the unlabeled image.
    assert (raw.grad.abs().sum((1, 2, 3)) > 0).all()


def test_the_hole_of_the_unlabeled_image_counts_more(samples):
    """Its student is undecided in the hole and agrees outside; the labeled image has no hole."""
    samples.mask = torch.tensor([[[[0.0, 0.0]]], [[[0.0, 1.0]]]])
    semantics = make_semantics()
    semantics.logits[1, 1, 0, 0] = 99.0
    losses = make_losses(consistency=dict(type='ConsistencyLoss', hole_weight=1.0))
    found = losses([make_round(0.0, semantics)], samples, None, pseudo_labels(trust=1.0))
    assert found['round0_loss_consistency'].item() == pytest.approx(2 / 3 * LN2)


def test_a_map_that_is_used_twice_learns_once(samples):
    losses = make_losses(segmentation=CROSS_ENTROPY)
    semantics = make_semantics()
    results = [make_round(0.0), make_round(0.0, semantics), make_round(0.0, semantics)]
    assert list(losses(results, samples, None, None)) == ['round1_loss_segmentation']


def test_a_round_that_does_not_learn_has_no_loss(samples):
    losses = make_losses(
        l1_hole=L1, confidence=dict(type='LaplaceLoss'), segmentation=CROSS_ENTROPY
    )
    wrong = torch.tensor([9.0, -9.0]).reshape(1, 2, 1, 1).expand(2, 2, 1, 2)
    results = [
        make_round(0.5),
        make_round(8.0, Semantics(wrong, wrong, torch.ones(2, 4, 1, 2), [wrong]), learns=False),
        make_round(-0.25, make_semantics()),
    ]
    found = losses(results, samples, None, None)
    names = ['l1_hole', 'confidence']
    expected = [f'round{index}_loss_{name}' for index in (0, 2) for name in names]
    assert list(found) == [*expected, 'round2_loss_segmentation']
    assert found['round0_loss_l1_hole'].item() == pytest.approx(0.5)
    assert found['round2_loss_l1_hole'].item() == pytest.approx(0.25)
    assert found['round2_loss_segmentation'].item() == pytest.approx(LN2)


def test_a_map_learns_in_the_first_round_that_learns(samples):
    """Of one-way guidance, when only the last round learns."""
    losses = make_losses(
        l1_hole=L1, segmentation=CROSS_ENTROPY, consistency=dict(type='ConsistencyLoss')
    )
    semantics = make_semantics()
    results = [make_round(0.0)] + [make_round(0.0, semantics, learns) for learns in (False, True)]
    found = losses(results, samples, None, pseudo_labels(trust=1.0))
    assert list(found) == [
        'round0_loss_l1_hole',
        'round2_loss_l1_hole',
        'round2_loss_segmentation',
        'round2_loss_consistency',
    ]
    assert found['round2_loss_segmentation'].item() == pytest.approx(LN2)


class Perceptual(torch.nn.Module):
    """Notes what it is asked for."""

    def __init__(self):
        super().__init__()
        self.targets, self.images = [], []

    def features(self, image):
        self.targets.append(image)
        return {'features': image}

    def forward(self, image, target):
        self.images.append(image)
        return (image - target['features']).abs().mean(), None


def test_perceptual_loss_is_spared_a_round_that_does_not_learn(samples):
    losses = make_losses()
    losses.perceptual = Perceptual()
    results = [make_round(0.5), make_round(0.75, learns=False), make_round(0.25)]
    found = losses(results, samples, None, None)
    assert {key: value.item() for key, value in found.items()} == dict(
        round0_loss_perceptual=0.5, round2_loss_perceptual=0.25
    )
    assert [image.mean().item() for image in losses.perceptual.images] == [0.5, 0.25]


def test_target_goes_through_a_perceptual_loss_once(samples):
    losses = make_losses()
    losses.perceptual = Perceptual()
    found = losses([make_round(0.5), make_round(0.25)], samples, None, None)
    assert len(losses.perceptual.targets) == 1
    assert {key: value.item() for key, value in found.items()} == dict(
        round0_loss_perceptual=0.5, round1_loss_perceptual=0.25
    )


def test_unless_asked_for_there_is_but_the_loss_of_the_confidence(samples):
    found = RoundLosses(confidence=None, tv=None)([make_round(0.5)], samples, None, None)
    assert {name: value.item() for name, value in found.items()} == dict(round0_loss_confidence=0.5)


@pytest.fixture
def one_of_two(monkeypatch):
    """Makes this process believe that it is one of two, and keeps what it tells the other."""
    told = {}

    def normalizers_over_ranks(**areas):
        told.update(areas)
        return Normalizers(2.0, 3.0, 5.0, 7.0, torch.ones(2, 2))

    monkeypatch.setattr(round_losses, 'is_one_process', lambda: False)
    monkeypatch.setattr(round_losses, 'normalizers_over_ranks', normalizers_over_ranks)
    return told


SEMANTIC = dict(segmentation=CROSS_ENTROPY, consistency=dict(type='ConsistencyLoss'))


def test_each_loss_gets_the_factor_of_its_own_area(samples, one_of_two):
    configs = dict(l1_hole=L1, l1_valid=L1, confidence=dict(type='LaplaceLoss'), **SEMANTIC)
    results = [make_round(0.5, make_semantics())]
    found = RoundLosses(**configs)(results, samples, torch.ones(2, 4), pseudo_labels(0.5))
    assert {name.removeprefix('round0_loss_'): float(value) for name, value in found.items()} == (
        pytest.approx(
            dict(
                l1_hole=2 * 0.5,
                l1_valid=3 * 0.5,
                confidence=2 * 0.5,
                segmentation=5 * LN2,
                consistency=7 * 0.5 * LN2,
            )
        )
    )
    areas = {name: value.tolist() for name, value in one_of_two.items()}
    # Two holes of one pixel, two labeled pixels, one pixel of each class and one of the other; of
    # the unlabeled image a known pixel, and one in the hole that counts 1 + 3.
    assert areas == dict(hole=2, valid=2, labeled=2, trusted=5, class_areas=[[1, 1], [1, 1]])


def test_means_of_images_and_of_all_pixels_need_no_factor(samples, one_of_two):
    configs = dict(
        l1_hole=dict(L1, sample_wise=True),
        l1_valid=dict(L1, reduction='sum'),
        segmentation=dict(type='mmseg.CrossEntropyLoss', avg_non_ignore=False),
    )
    found = RoundLosses(**configs)([make_round(0.5, make_semantics())], samples, None, None)
    assert float(found['round0_loss_l1_hole']) == pytest.approx(0.5)
    assert float(found['round0_loss_l1_valid']) == pytest.approx(2 * 3 * 0.5)
    assert one_of_two['labeled'] == 4, 'all pixels, as many on every rank'
    assert one_of_two['trusted'] == 0


def test_without_maps_there_are_no_classes(samples, one_of_two):
    RoundLosses(l1_hole=L1)([make_round(0.5)], samples, None, None)
    assert one_of_two['class_areas'] is None


def test_unknown_names_are_refused():
    message = r"^losses takes l1_hole, .*, confidence, extra_losses; found \['hole', 'l2'\]$"
    with pytest.raises(UserError, match=message):
        RoundLosses(l1_hole=L1, l2=L1, hole=None)


def test_a_weight_that_is_no_number_is_refused_before_the_first_iteration():
    message = r"^losses\.l1_hole\.loss_weight: found 'x', expected a number$"
    with pytest.raises(UserError, match=message):
        RoundLosses(l1_hole=dict(L1, loss_weight='x'))
