"""Accumulated and clipped updates, the wrappers they need, and switches of speed and memory."""

import pytest
import torch
from mmengine.optim import OptimWrapper

from fbinpaint_mm.user_error import UserError
from tests.test_models.small_model import (
    make_batch,
    make_effective,
    make_wrappers,
    parameters_of,
    train,
)


def test_a_single_wrapper_serves_a_model_without_discriminator(build):
    single, several = build(), build()
    optimizer = torch.optim.SGD(single.generator.parameters(), lr=0.1)
    single.train_step(make_batch(), OptimWrapper(optimizer))
    several.train_step(make_batch(), make_wrappers(several))
    for one, other in zip(single.parameters(), several.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_discriminator_needs_a_wrapper_of_its_own(build):
    model = build(adversarial=True)
    with pytest.raises(UserError, match=r'model with disc needs .*found a single OptimWrapper'):
        model.train_step(make_batch(), make_wrappers(model)['generator'])


def test_two_accumulated_halves_equal_the_whole_batch(build):
    """Comparable exactly where a loss is a mean over parts of equal size.

    That is: normalization in evaluation mode, the same hole in every image, as many labeled
    samples in each half, an empty memory (so all pseudo labels count the same and the prototype
    loss is 0) and no discriminator (which is updated before the second half in one case only).
    """
    whole, halves = build().eval(), build().eval()
    whole.train_step(make_batch((True, False) * 2), make_wrappers(whole))
    wrappers = make_wrappers(halves, accumulative_counts=2)
    start = parameters_of(halves)
    halves.train_step(make_batch((True, False)), wrappers)
    for name, value in parameters_of(halves).items():
        assert torch.equal(value, start[name]), f'{name} was updated before the second half'
    halves.train_step(make_batch((True, False), first=2), wrappers)
    expected = parameters_of(whole)
    assert any(not torch.equal(expected[name], start[name]) for name in start)
    for name, value in parameters_of(halves).items():
        torch.testing.assert_close(value, expected[name], rtol=1e-5, atol=1e-6)


def test_accumulated_halves_move_the_class_memory_as_the_whole_batch(build):
    """With class memory and recorrection in effect, over two steps of the optimizer.

    Exact with the same labels in each half, so that every class has the same area in both.
    """

    def batch(first, count):
        made = make_batch((True,) * count, first=first)
        for index, sample in enumerate(made['data_samples']):
            sample.gt_seg = make_batch((True, True))['data_samples'][index % 2].gt_seg
        return made

    whole, halves = (make_effective(build()).eval() for _ in range(2))
    one = make_wrappers(whole, lr=0.01)
    several = make_wrappers(halves, lr=0.01, accumulative_counts=2)
    for step in range(2):
        whole.train_step(batch(4 * step, 4), one)
        whole.update_class_memory()
        for half in range(2):
            before = halves.loop.memory.prototypes.clone()
            halves.train_step(batch(4 * step + 2 * half, 2), several)
            assert halves.update_class_memory().is_whole == (half == 1)
            assert torch.equal(halves.loop.memory.prototypes, before) == (half == 0)
    for name, value in halves.state_dict().items():
        torch.testing.assert_close(value, whole.state_dict()[name], rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.parametrize('part', ['generator', 'disc'])
def test_clipping_limits_the_whole_update(build, part):
    steps = {}
    for limit in (None, 1e-3):
        model = build(adversarial=True)
        clip = None if limit is None else dict(max_norm=limit)
        before = parameters_of(getattr(model, part))
        model.train_step(make_batch(), make_wrappers(model, lr=1.0, clip_grad=clip))
        after = parameters_of(getattr(model, part))
        steps[limit] = torch.stack([(after[k] - before[k]).norm() for k in before]).norm()
    assert steps[None] > 2e-3
    torch.testing.assert_close(steps[1e-3], torch.tensor(1e-3), rtol=1e-2, atol=0)


def test_switches_of_speed_and_memory_change_no_number(build):
    critics = dict(adversarial=True, perceptual=True)
    switches = dict(train_cfg=dict(checkpoint_rounds=True), channels_last=True)
    model, plain = build(**critics, **switches), build(**critics)
    for one in (model, plain):
        train(one, make_batch(), make_batch(), lr=0.01)
    expected = plain.state_dict()
    assert model.state_dict().keys() == expected.keys(), 'checkpoints would not fit'
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, expected[name], rtol=1e-3, atol=1e-5, msg=name)


def test_weights_and_activations_are_channels_last(build):
    model = build(channels_last=True)
    weights = [p for p in model.parameters() if p.dim() == 4 and p.shape[1] > 1]
    formats = []

    def look(module, args, output):
        formats.append(output.is_contiguous(memory_format=torch.channels_last))

    for network in (model.loop.initial, model.loop.guided, model.loop.segmentor.backbone):
        layers = [one for one in network.modules() if isinstance(one, torch.nn.Conv2d)]
        layers[0].register_forward_hook(look)
        layers[-2].register_forward_hook(look)
    model.train_step(make_batch(), make_wrappers(model))
    assert all(one.is_contiguous(memory_format=torch.channels_last) for one in weights)
    assert len(formats) == 2 + 3 + 4  # in two rounds; the guided network encodes once
    assert all(formats)
