"""A training step: its losses, what learns from them, and what it keeps."""

import pytest
import torch

from fbinpaint_mm.user_error import UserError
from tests.test_models.small_model import (
    BATCHES,
    ONE_WAY,
    PIXEL,
    PREPROCESSOR,
    all_finite,
    make_batch,
    make_effective,
    make_wrappers,
    parameters_of,
    reached,
)

LAST = dict(rounds=3, only_last_learns=True)
FROZEN = dict(freeze_initial=True)


@pytest.mark.parametrize('kind', BATCHES)
def test_every_kind_of_batch_trains_with_finite_named_losses(build, kind):
    model = build(adversarial=True, perceptual=True)
    wrappers = make_wrappers(model)
    supervised = ['loss_segmentation', 'loss_prototype']
    semantic = list(supervised)
    if kind != 'labeled':
        semantic += ['loss_consistency']
    image = [*PIXEL, 'loss_perceptual', 'loss_style']
    expected = {f'round{r}_{name}' for r in range(3) for name in image}
    expected |= {f'round{r}_{name}' for r in (1, 2) for name in semantic}
    expected |= {'loss', 'loss_gan', 'loss_disc', 'loss_disc_real', 'loss_disc_fake'}
    for _ in range(2):
        losses = model.train_step(make_batch(BATCHES[kind]), wrappers)
        model.update_class_memory()
        assert losses.keys() == expected
        assert all_finite(losses)
    assert all(torch.isfinite(value).all() for value in model.state_dict().values())
    assert model.loop.memory.seen.any() == (kind != 'unlabeled')
    values = [losses[f'round{r}_{name}'] for r in (1, 2) for name in supervised]
    assert all((value == 0) == (kind == 'unlabeled') for value in values)


def test_total_is_the_sum_of_the_generators_losses(build):
    model = build(adversarial=True)
    losses = model.train_step(make_batch(), make_wrappers(model))
    total = losses.pop('loss')
    parts = [value for name, value in losses.items() if 'disc' not in name]
    torch.testing.assert_close(torch.as_tensor(total), torch.as_tensor(sum(parts)))


def test_gradients_reach_everything_that_learns_and_nothing_else(build):
    model = build(adversarial=True)
    wrappers = make_wrappers(model)
    teacher = parameters_of(model.teacher)
    for _ in range(4):
        model.train_step(make_batch(), wrappers)
        before = model.loop.memory.prototypes.clone()
        model.update_class_memory()
        assert not torch.equal(model.loop.memory.prototypes, before)
    model.zero_grad()
    data = model.data_preprocessor(make_batch(), True)
    sum(model(**data, mode='loss').values()).backward()
    learning = {name for name, _ in model.named_parameters() if name.startswith('generator.')}
    assert learning == reached(model)
    assert not [p for p in model.teacher.parameters() if p.requires_grad]
    for name, value in parameters_of(model.teacher).items():
        assert torch.equal(value, teacher[name])
    assert not [name for name, _ in model.loop.memory.named_parameters()]


def test_discriminator_learns_from_its_own_losses_only(build):
    model = build(adversarial=True)
    model.train_step(make_batch(), make_wrappers(model))
    assert all(parameter.requires_grad for parameter in model.disc.parameters())
    model.zero_grad()
    data = model.data_preprocessor(make_batch(), True)
    sum(model(**data, mode='loss').values()).backward()
    assert all(p.grad is None or not p.grad.any() for p in model.disc.parameters())
    assert all(parameter.requires_grad for parameter in model.disc.parameters())


def test_discriminator_sees_the_rounds_that_learn(build):
    model = build(adversarial=True, train_cfg=LAST)
    seen, rounds = [], []
    model.disc.register_forward_pre_hook(lambda module, args: seen.append(args[0].detach()))
    model.generator.register_forward_hook(lambda module, args, results: rounds.extend(results))
    losses = model.train_step(make_batch(), make_wrappers(model))
    assert 'round1_loss_l1_hole' not in losses
    assert len(rounds) == 4
    data = model.data_preprocessor(make_batch(), True)['data_samples']
    fakes = [rounds[index].composite for index in (0, 3)]
    for images, expected in zip(seen, ([data.gt_img, *fakes], fakes), strict=True):
        assert torch.equal(images[:, :3], torch.cat(expected))
        assert torch.equal(images[:, 3:], data.mask.repeat(len(expected), 1, 1, 1))


@pytest.mark.parametrize('generator', [{}, ONE_WAY])
def test_when_only_the_last_round_learns_the_others_have_no_losses(build, generator):
    some, every = (
        make_effective(build(generator, perceptual=True, train_cfg=settings))
        for settings in (LAST, dict(rounds=3))
    )
    data = some.data_preprocessor(make_batch(), True)
    found, expected = (model(**data, mode='loss') for model in (some, every))
    if generator:  # one map for all rounds, which learns in the first that learns
        expected |= {
            name.replace('round1', 'round3'): value
            for name, value in expected.items()
            if name.startswith('round1') and name.replace('round1', 'round3') not in expected
        }
    assert found.keys() == {name for name in expected if name.startswith(('round0', 'round3'))}
    assert 'round3_loss_consistency' in found
    assert all(torch.equal(found[name], expected[name]) for name in found)


def test_every_part_learns_when_only_the_last_round_does(build):
    """In each turn of a cycle of the rounds."""
    model = build(adversarial=True, train_cfg=dict(only_last_learns=True, label_mixing=True))
    wrappers = make_wrappers(model)
    for rounds in (1, 2, 1, 2):
        model.set_feedback(1.0, rounds)
        model.train_step(make_batch(), wrappers)
        model.update_class_memory()
    learning = {name for name, _ in model.named_parameters() if name.startswith('generator.')}
    for rounds in (1, 2):
        model.zero_grad()
        data = model.data_preprocessor(make_batch(), True)
        sum(model(**data, mode='loss', rounds=rounds).values()).backward()
        assert learning == reached(model)


@pytest.mark.parametrize('adversarial', [True, False])
def test_a_frozen_initial_network_stays_as_it_is(build, adversarial):
    model = build(generator=FROZEN, adversarial=adversarial)
    before = parameters_of(model)
    assert not any(parameter.requires_grad for parameter in model.loop.initial.parameters())
    wrappers = make_wrappers(model)
    for _ in range(3):
        losses = model.train_step(make_batch(), wrappers)
    assert not [name for name in losses if name.startswith('round0_')]
    assert {f'round{r}_{name}' for r in (1, 2) for name in PIXEL} <= losses.keys()
    after = parameters_of(model)
    moved = {name for name, value in after.items() if not torch.equal(value, before[name])}
    assert not [name for name in moved if name.startswith(('generator.initial.', 'teacher.'))]
    for part in ('guided', 'confidence', 'segmentor', 'feedback'):
        assert [name for name in moved if name.startswith(f'generator.{part}.')], part
    assert any(name.startswith('disc.') for name in moved) == adversarial


def test_the_discriminator_does_not_see_fakes_of_a_frozen_initial_network(build):
    """The discriminator would learn to see what nobody can improve."""
    seen_by = {}
    for freeze in (True, False):
        model, seen = build(dict(freeze_initial=freeze), adversarial=True), []
        model.disc.register_forward_pre_hook(lambda m, args, seen=seen: seen.append(len(args[0])))
        model.train_step(make_batch(), make_wrappers(model))
        seen_by[freeze] = seen
    assert seen_by == {True: [6, 4], False: [8, 6]}


@pytest.mark.parametrize(('divisor', 'size'), [(1, (12, 16)), (8, (12, 18))])
def test_a_training_step_keeps_its_samples_when_asked_to(build, divisor, size):
    preprocessor = dict(PREPROCESSOR, pad_size_divisor=divisor)
    batch = make_batch((True, False), size=size)
    plain, model = (build(data_preprocessor=preprocessor) for _ in range(2))
    expected = plain.train_step(batch, make_wrappers(plain))
    assert plain.take_training_samples() is None
    model.keep_next_samples()
    found = model.train_step(batch, make_wrappers(model))
    assert found.keys() == expected.keys()
    assert all(torch.equal(value, expected[name]) for name, value in found.items())
    samples = model.take_training_samples()
    assert model.take_training_samples() is None
    for sample, given in zip(samples, batch['data_samples'], strict=True):
        output, hole = sample.output, (given.mask == 1).expand(3, -1, -1)
        assert torch.equal(sample.gt_img, given.gt_img.float())
        assert torch.equal(sample.mask, given.mask.float())
        assert torch.equal(sample.gt_seg, given.gt_seg)
        assert sample.gt_path == given.gt_path
        assert output.round_imgs.shape == (3, 3, *size)
        assert not output.round_imgs.requires_grad
        assert all(
            torch.equal(one[~hole], given.gt_img[~hole].float()) for one in output.round_imgs
        )
        assert output.round_segs.shape == (2, *size)
    labeled, unlabeled = (sample.output for sample in samples)
    assert 'teacher_seg' not in labeled
    assert unlabeled.teacher_seg.shape == unlabeled.teacher_weight.shape == size
    assert 0 <= unlabeled.teacher_seg.min() <= unlabeled.teacher_seg.max() < 5
    assert 0 <= unlabeled.teacher_weight.min() <= unlabeled.teacher_weight.max() <= 1
    model.train_step(batch, make_wrappers(model))
    assert model.take_training_samples() is None, 'one step was asked for'


def test_modes_of_forward(build):
    model = build().eval()
    data = model.data_preprocessor(make_batch(), True)
    losses = model(**data, mode='loss')
    results = model.generator(data['inputs'], data['data_samples'].mask, 2)
    intact = data['data_samples'].gt_img[~data['data_samples'].is_labeled]
    pseudo_labels = model.teacher(intact, model.loop.prototypes, model.loop.strength)
    expected = model.generator_losses(results, data['data_samples'], pseudo_labels)
    assert losses.keys() == expected.keys()
    assert all(torch.equal(losses[name], expected[name]) for name in expected)
    raw, composite = model(**data)
    assert torch.equal(raw, results[-1].raw)
    assert torch.equal(composite, results[-1].composite)
    with pytest.raises(UserError, match=r"mode must be 'tensor', 'predict' or 'loss', got 'test'"):
        model(**data, mode='test')
