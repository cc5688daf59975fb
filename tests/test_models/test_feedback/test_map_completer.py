"""The map in the hole, guessed from its visible part, and merged with the map of the head."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from fbinpaint_mm.models.feedback import MapCompleter
from fbinpaint_mm.user_error import UserError

CLASSES = 3


@pytest.fixture
def completer():
    """In evaluation mode, with a last layer that is not zero, as after training."""
    torch.manual_seed(0)
    made = MapCompleter(CLASSES, base_channels=16).eval()
    torch.nn.init.normal_(made.last.weight)
    return made


def make_map(size: tuple[int, int] = (24, 32), n: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits of a map, and a hole in the middle."""
    mask = torch.zeros(n, 1, *size)
    mask[..., size[0] // 4 : size[0] * 3 // 4, size[1] // 4 : size[1] * 3 // 4] = 1
    return torch.randn(n, CLASSES, *size) * 3, mask


def test_what_the_map_says_in_the_hole_is_never_read(completer):
    logits, mask = make_map()
    other = logits.where(mask == 0, torch.randn_like(logits) * 100)
    assert torch.equal(completer(logits, mask), completer(other, mask))


def test_the_visible_part_and_the_hole_are_read_and_decide_what_is_guessed_there(completer):
    logits, mask = make_map()
    before = completer(logits, mask)
    inside = (mask == 1).expand_as(before)
    other_map = completer(logits.where(mask == 1, -logits), mask)
    other_hole = completer(logits, torch.ones_like(mask))
    for after in (other_map, other_hole):
        assert not torch.isclose(before[inside], after[inside]).any()


def test_the_network_reads_means_of_cells_that_the_edges_may_cut_off(completer):
    logits, mask = make_map((10, 7), n=1)
    seen = []
    completer.first.register_forward_pre_hook(lambda _, args: seen.append(args[0][0].numpy()))
    with torch.no_grad():
        completer(logits, mask)
    (planes,) = seen
    visible = logits.softmax(1)[0].numpy() * (1 - mask[0].numpy())
    given = np.concatenate([visible, mask[0].numpy()])
    expected = [
        [given[:, top : top + 4, left : left + 4].mean((1, 2)) for left in (0, 4)]
        for top in (0, 4, 8)
    ]
    np.testing.assert_allclose(planes, np.moveaxis(expected, -1, 0), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(('share', 'strength'), [(0.5, 1.0), (0.25, 0.5), (1.0, 1.0)])
def test_the_merged_map_is_the_geometric_mean_of_both(completer, share, strength):
    logits, mask = make_map()
    guess = torch.randn_like(logits) * 3
    completer.share = share
    found = completer.merge(logits, guess, mask, torch.tensor(strength)).double().softmax(1)
    own, other = (one.double().softmax(1).numpy() for one in (logits, guess))
    mean = own ** (1 - share * strength) * other ** (share * strength)
    mean /= mean.sum(1, keepdims=True)
    expected = np.where(mask.numpy() == 1, mean, own)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-7)


def test_outside_the_hole_the_map_stays_as_it_is_in_every_bit(completer):
    logits, mask = make_map()
    merged = completer.merge(logits, completer(logits, mask), mask, torch.ones(()))
    known = (mask == 0).expand_as(logits)
    assert torch.equal(merged[known], logits[known])
    assert not torch.isclose(merged[~known], logits[~known]).all()


@pytest.mark.parametrize(('share', 'strength'), [(0.0, 1.0), (0.5, 0.0)])
def test_without_share_or_strength_nothing_changes(completer, share, strength):
    logits, mask = make_map()
    completer.share = share
    merged = completer.merge(logits, completer(logits, mask), mask, torch.tensor(strength))
    assert torch.equal(merged, logits)


@pytest.mark.parametrize('size', [(1, 1), (3, 5), (16, 24), (33, 47), (64, 64), (130, 70)])
def test_a_map_of_any_size_is_guessed_at_its_size(completer, size):
    logits, mask = make_map(size, n=1)
    guess = completer(logits, mask)
    assert guess.shape == logits.shape
    assert guess.dtype == torch.float32
    assert guess.isfinite().all()


def test_no_gradient_flows_to_the_map_and_every_weight_learns(completer):
    logits, mask = make_map()
    logits.requires_grad_()
    completer(logits, mask).square().sum().backward()
    assert logits.grad is None
    assert all(parameter.grad.any() for parameter in completer.parameters())


def test_before_training_no_class_is_much_likelier_than_another():
    guess = MapCompleter(CLASSES, base_channels=8)(*make_map()).softmax(1)
    torch.testing.assert_close(guess, torch.full_like(guess, 1 / CLASSES), rtol=0.1, atol=0)


def opposite_halves(n: int = 16) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Labels whose right half, the hole, is of the class that the left half is not.

    The logits of the left half are noisy, those of the right half know nothing.
    """
    left = torch.randint(0, 2, (n, 1, 1)).expand(n, 16, 8)
    labels = torch.cat([left, 1 - left], 2)
    mask = torch.zeros(n, 1, 16, 16)
    mask[..., 8:] = 1
    known = F.one_hot(labels, 2).movedim(-1, 1) * (1 - mask)
    return 3 * known + torch.randn(n, 2, 16, 16), mask, labels


def test_a_rule_that_the_hole_hides_is_learned():
    torch.manual_seed(0)
    made = MapCompleter(2, base_channels=8)
    optimizer = torch.optim.Adam(made.parameters(), lr=0.01)
    for _ in range(15):
        logits, mask, labels = opposite_halves()
        optimizer.zero_grad()
        F.cross_entropy(made(logits, mask), labels).backward()
        optimizer.step()
    logits, mask, labels = opposite_halves()
    right = made(logits, mask).argmax(1) == labels
    assert right[mask[:, 0] == 1].float().mean() > 0.95


def test_half_precision_gives_float32_and_nearly_the_same(completer):
    logits, mask = make_map()
    expected = completer(logits, mask)
    with torch.autocast('cpu', torch.bfloat16):
        guess = completer(logits, mask)
        merged = completer.merge(logits, guess, mask, torch.ones(()))
    assert guess.dtype == merged.dtype == torch.float32
    torch.testing.assert_close(guess, expected, rtol=0.05, atol=0.05 * expected.abs().max().item())


@pytest.mark.parametrize(
    'settings', [dict(base_channels=0), dict(base_channels=12), dict(share=-0.1), dict(share=1.5)]
)
def test_settings_out_of_range_are_refused_with_both(settings):
    (name, value) = next(iter(settings.items()))
    message = rf"MapCompleter needs base_channels that are a multiple of 8 .*'{name}': {value}[,}}]"
    with pytest.raises(UserError, match=message):
        MapCompleter(CLASSES, **settings)
