"""Labels and the teacher: class memory, label mixing, semantic feature loss."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from fbinpaint_mm.engine.hooks import MeanTeacherHook
from tests.test_models.small_model import (
    BATCHES,
    CLASSES,
    NO_SEMANTICS,
    ONE_WAY,
    PIXEL,
    PREPROCESSOR,
    SUPERVISED,
    make_batch,
    make_effective,
    make_wrappers,
    parameters_of,
    reached,
    train,
)

MIXING = dict(train_cfg=dict(rounds=2, label_mixing=True))
SEMANTIC = dict(semantic=dict(type='SemanticFeatureLoss', loss_weight=2.0))


def test_teacher_stays_in_evaluation_mode(build):
    model = build().train()
    assert model.loop.segmentor.training
    assert not any(module.training for module in model.teacher.modules())


def test_train_step_leaves_the_memory_to_the_hook(build):
    model = build()
    model.train_step(make_batch((True, False, True)), make_wrappers(model))
    assert not model.loop.memory.updates.any()
    batch = model.update_class_memory()
    assert batch.is_labeled.tolist() == [True, False, True]
    assert not batch.features.requires_grad
    assert 0 <= batch.corrected_share <= 1
    assert (model.loop.memory.updates == 1).all()
    assert model.update_class_memory() is None


def test_memory_learns_from_labeled_samples_only(build):
    both, labeled = build().eval(), build().eval()
    both.train_step(make_batch((True, False)), make_wrappers(both))
    labeled.train_step(make_batch((True,)), make_wrappers(labeled))
    both.update_class_memory()
    labeled.update_class_memory()
    torch.testing.assert_close(both.loop.memory.prototypes, labeled.loop.memory.prototypes)


def test_losses_alone_feed_the_class_memory_too_in_training(build):
    """A plain distributed wrapper of mmengine passes by the model's own train_step."""
    model = make_effective(build())
    data = model.data_preprocessor(make_batch(), True)
    model.eval()(**data, mode='loss')
    assert model.update_class_memory() is None
    before = model.loop.memory.prototypes.clone()
    model.train()(**data, mode='loss')
    assert model.update_class_memory().is_labeled.tolist() == [True, False]
    assert not torch.equal(model.loop.memory.prototypes, before)


@pytest.fixture
def mixed_labels():
    """Trains a model one step; gives what is mixed into its maps, and the batch it learned from."""

    def train(model, batch):
        given, samples = [], []
        model.generator.register_forward_pre_hook(
            lambda module, args: given.append(args[3].label_map)
        )
        model.losses.register_forward_pre_hook(lambda module, args: samples.append(args[1]))
        model.train_step(batch, make_wrappers(model))
        (label_map,), (data_samples,) = given, samples
        return label_map, data_samples

    return train


def test_mixed_labels_are_true_where_known_and_the_teachers_elsewhere(build, mixed_labels):
    model, said = build(**MIXING), []
    model.teacher.register_forward_hook(lambda module, args, labels: said.append(labels))
    batch = make_batch((False, True, False))
    batch['data_samples'][1].gt_seg[:, :5] = 255
    label_map, samples = mixed_labels(model, batch)
    (pseudo_labels,) = said  # asked once for the mixture and for the losses
    assert label_map.shape == (3, CLASSES, 16, 16)
    labels, known = batch['data_samples'][1].gt_seg, label_map[1].any(0, keepdim=True)
    assert torch.equal(label_map[1].argmax(0, keepdim=True).where(known, 255), labels)
    assert torch.equal(label_map[[0, 2]], pseudo_labels.probabilities)
    assert not torch.equal(label_map[0], label_map[2])
    assert (samples.gt_seg[[0, 2]] == 255).all(), 'pseudo labels must not pass for true ones'


@pytest.mark.parametrize(('trust', 'taken'), [(0.3, False), (0.5, True)])
def test_pseudo_labels_are_mixed_in_as_often_as_they_are_trusted(
    build, mixed_labels, monkeypatch, trust, taken
):
    monkeypatch.setattr(torch, 'rand_like', lambda like: torch.full_like(like, 0.4))
    model = build(**MIXING)
    model.teacher.trust.fill_(trust)
    label_map, _ = mixed_labels(model, make_batch((True, False)))
    assert label_map[0].any(0).all()
    assert (label_map[1].any(0) == taken).all()


@pytest.mark.parametrize(
    ('kind', 'parts'), [*((kind, {}) for kind in BATCHES), ('mixed', SUPERVISED)]
)
def test_labels_of_every_kind_of_batch_are_mixed(build, mixed_labels, kind, parts):
    model = build(**MIXING, **parts)
    label_map, samples = mixed_labels(model, make_batch(BATCHES[kind]))
    for planes, flag in zip(label_map, samples.is_labeled, strict=True):
        assert (planes.any(0) == (flag or not parts)).all()


@pytest.mark.parametrize(
    'parts',
    [
        dict(),
        dict(train_cfg=dict(rounds=0, label_mixing=True)),
        NO_SEMANTICS | MIXING,
    ],
)
def test_nothing_is_mixed_unless_asked_for_and_a_map_is_read(build, mixed_labels, parts):
    label_map, _ = mixed_labels(build(**parts), make_batch())
    assert label_map is None


def test_mixed_labels_change_the_last_image_in_training_and_nothing_else(build):
    """The losses of the last map read it as it was found; predictions see no labels."""
    mixed, plain = (make_effective(build(**parts)) for parts in (MIXING, {}))
    data = mixed.data_preprocessor(make_batch(), True)
    found, expected = (model(**data, mode='loss') for model in (mixed, plain))
    changed = {name for name in expected if not torch.equal(found[name], expected[name])}
    assert changed == {f'round2_{name}' for name in PIXEL}
    one, other = (model.eval().val_step(make_batch())[0].output for model in (mixed, plain))
    assert torch.equal(one.round_imgs, other.round_imgs)


def test_mixed_labels_fit_a_padded_batch(build, mixed_labels):
    preprocessor = dict(PREPROCESSOR, pad_size_divisor=8)
    model = build(**MIXING, data_preprocessor=preprocessor)
    label_map, _ = mixed_labels(model, make_batch((True, False), size=(12, 18)))
    assert label_map.shape == (2, CLASSES, 16, 24)
    known = torch.zeros(16, 24, dtype=torch.bool)
    known[:12, :18] = True
    assert torch.equal(label_map[0].any(0), known)


@pytest.mark.parametrize(
    ('parts', 'expected'),
    [
        ({}, [0, 1, 2]),
        (dict(generator=dict(freeze_initial=True)), [1, 2]),
        (dict(train_cfg=dict(only_last_learns=True)), [0, 2]),
        (dict(generator=ONE_WAY), [0, 1, 2]),
        (dict(train_cfg=dict(rounds=0)), [0]),
    ],
)
def test_the_semantic_feature_loss_reads_the_image_of_every_round_that_learns(
    build, parts, expected
):
    model = build(losses=SEMANTIC, **parts)
    model.teacher.copy_from(model.student)
    for kind in ('mixed', 'labeled'):
        losses = model.train_step(make_batch(BATCHES[kind]), make_wrappers(model))
        found = {name: value for name, value in losses.items() if 'semantic' in name}
        assert found.keys() == {f'round{number}_loss_semantic' for number in expected}
        assert all(0 < value <= 8 for value in found.values())


def semantic_losses(model):
    """The semantic feature losses of a batch, and the rounds and sample behind them."""
    data = model.data_preprocessor(make_batch(), True)
    samples = data['data_samples']
    results = model.loop(data['inputs'], samples.mask.float(), 2)
    for result in results:
        result.raw.retain_grad()
    losses = model.generator_losses(results, samples, None)
    return {k: v for k, v in losses.items() if 'semantic' in k}, results, samples


def test_the_teacher_sees_the_composite_and_the_true_image(build):
    """Beside its feature maps, the distance is computed by another implementation."""
    model = make_effective(build(losses=SEMANTIC)).train()
    losses, results, samples = semantic_losses(model)
    features_of = model.teacher.segmentor.extract_feat
    wanted = features_of(model.loop.to_segmentor(samples.gt_img))
    for number, result in enumerate(results):
        found = features_of(model.loop.to_segmentor(result.composite))
        # |a/|a| - b/|b||^2 = 2 - 2 cos
        distances = [
            (2 - 2 * torch.cosine_similarity(a, b, dim=1)).mean()
            for a, b in zip(found, wanted, strict=True)
        ]
        assert len(distances) > 1
        expected = 2.0 * sum(distances) / len(distances)
        torch.testing.assert_close(
            losses[f'round{number}_loss_semantic'], expected, rtol=1e-4, atol=1e-5
        )


def test_the_semantic_feature_loss_teaches_the_inpainting_networks_only(build):
    model = make_effective(build(losses=SEMANTIC)).train()
    losses, results, samples = semantic_losses(model)
    losses['round1_loss_semantic'].backward()
    assert {name.split('.')[1] for name in reached(model)} == {'guided'}
    known = (samples.mask == 0).expand_as(results[1].raw)
    assert not results[1].raw.grad[known].any(), 'known pixels are not those of the network'
    assert results[1].raw.grad[~known].any()
    assert not model.teacher.training
    model.zero_grad()
    losses['round0_loss_semantic'].backward()
    assert {name.split('.')[1] for name in reached(model)} == {'initial'}


def test_an_image_that_equals_the_true_one_costs_nothing(build):
    model = make_effective(build(losses=SEMANTIC)).train()
    _, results, samples = semantic_losses(model)
    hole = (samples.mask == 1).expand_as(samples.gt_img)
    perfect = [replace(result, composite=samples.gt_img.clone()) for result in results]
    changed = samples.gt_img.where(~hole, -samples.gt_img)
    perfect[2] = replace(results[2], composite=changed)
    losses = model.generator_losses(perfect, samples, None)
    assert losses['round0_loss_semantic'] == losses['round1_loss_semantic'] == 0
    assert losses['round2_loss_semantic'] > 0


@pytest.mark.parametrize('trust', [0.0, 0.25])
def test_the_semantic_feature_loss_counts_as_far_as_the_teacher_is_trusted(build, trust):
    model = make_effective(build(losses=SEMANTIC)).train()
    full, *_ = semantic_losses(model)
    model.teacher.trust.fill_(trust)
    found, *_ = semantic_losses(model)
    assert found.keys() == full.keys()
    for name, value in found.items():
        torch.testing.assert_close(value, trust * full[name])


def test_the_teacher_compares_features_without_pseudo_labels(build):
    model = build(losses=dict(SEMANTIC, consistency=None))
    hook, runner = MeanTeacherHook(momentum=0.5, ramp=4), SimpleNamespace(model=model, iter=0)
    hook.before_train(runner)
    before = parameters_of(model.teacher)
    for runner.iter in range(3):
        hook.before_train_iter(runner, runner.iter)
        model.keep_next_samples()
        losses = model.train_step(make_batch(), make_wrappers(model))
        hook.after_train_iter(runner, runner.iter)
        assert (losses['round2_loss_semantic'] > 0) == (model.teacher.trust > 0)
    assert model.teacher.trust > 0
    assert not [name for name in losses if 'consistency' in name]
    assert all('teacher_seg' not in one.output for one in model.take_training_samples())
    moved = [not torch.equal(v, before[k]) for k, v in parameters_of(model.teacher).items()]
    assert any(moved)


def test_maps_learn_before_there_is_a_guided_network(build):
    model = make_effective(build(dict(guided=None, freeze_initial=True))).train()
    before = parameters_of(model)
    train(model)
    moved = {n.split('.')[1] for n, v in parameters_of(model).items() if not v.equal(before[n])}
    # All that asks for a gradient: ranks of a distributed training wait for it.
    learning = {n.split('.')[1] for n, one in model.named_parameters() if one.requires_grad}
    assert moved == learning == {'segmentor', 'feedback', 'recorrection'}
    assert model.loop.memory.updates.any()
