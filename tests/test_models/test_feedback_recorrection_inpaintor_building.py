"""What the model is built from: settings and ablations, and what is refused."""

import copy

import pytest
import torch

from fbinpaint_mm.user_error import UserError
from tests.test_models.small_model import (
    NO_MAP,
    NO_SEMANTICS,
    ONE_WAY,
    PIXEL,
    SUPERVISED,
    all_finite,
    make_batch,
    make_wrappers,
    parameters_of,
    train,
)

ROUND_0 = NO_SEMANTICS | dict(
    generator=dict(NO_MAP, guided=None), train_cfg=dict(rounds=0), test_cfg=dict(rounds=0)
)
FROZEN = dict(freeze_initial=True)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(train_cfg=dict(rounds=-1)), r'^train_cfg\.rounds must be a whole number .* got -1$'),
        (dict(test_cfg=dict(label_mixing=True)), r"^test_cfg takes .*; found \['label_mixing'\]$"),
        (dict(test_cfg=dict(map_temperature=0)), 'map_temperature must be positive, got 0'),
        (
            dict(data_preprocessor=dict(type='SemiSupervisedDataPreprocessor', num_classes=3)),
            r'^model\.data_preprocessor\.num_classes is 3, but .*decode_head\.num_classes is \d+: ',
        ),
        (dict(losses=dict(l2=dict(type='MSELoss'))), r"^losses takes l1_hole, .*; found \['l2'\]$"),
        (dict(losses=dict(consistency=None)), '^teacher is given, but no loss reads it: '),
        (dict(teacher=None), r'^losses\.consistency needs teacher: '),
        (NO_SEMANTICS | dict(teacher=dict(type='MeanTeacher'), losses={}), '^teacher needs gen'),
        (
            dict(generator=FROZEN, train_cfg=dict(rounds=0)),
            r'^freeze_initial=True and rounds=0 \(of train_cfg\): nothing would learn$',
        ),
    ],
)
def test_settings_that_cannot_be_are_refused(build, settings, message):
    with pytest.raises(UserError, match=message):
        build(**settings)


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        (dict(disc=None), r'^losses\.gan needs disc: give one, or set the loss to None$'),
        (
            dict(losses=dict(gan=None)),
            r'^disc is given, but no loss reads it: give losses\.gan, or set it to None$',
        ),
    ],
)
def test_discriminator_and_its_loss_go_together(build, given, message):
    with pytest.raises(UserError, match=message):
        build(adversarial=True, **given)


@pytest.mark.parametrize('name', ['train_cfg', 'test_cfg'])
def test_rounds_without_a_guided_network_are_refused_when_it_is_built(build, name):
    """Those of the test too, or the training would end with the first validation."""
    message = f'^guided=None without a segmentor needs {name}.rounds=0, got 1$'
    with pytest.raises(UserError, match=message):
        build(**ROUND_0 | {name: dict(rounds=1)})


def test_a_hook_cannot_ask_for_rounds_without_a_guided_network(build):
    model = build(**ROUND_0)
    model.set_feedback(1.0, 1)
    message = '^rounds=1, but the model has no guided network and no segmentor: use rounds=0$'
    with pytest.raises(UserError, match=message):
        model.train().train_step(make_batch(), make_wrappers(model))


def test_frozen_without_rounds_is_refused_in_the_middle_of_a_training_too(build):
    model = build(generator=FROZEN)
    with pytest.raises(UserError, match=r'^freeze_initial=True and rounds=0 .*FeedbackHook'):
        model.set_feedback(1.0, 0)
    with pytest.raises(UserError, match=r"rounds=0 \(of mode='loss'\): nothing would learn$"):
        model(**model.data_preprocessor(make_batch(), True), mode='loss', rounds=0)
    model.set_feedback(1.0, 1)
    assert model.rounds == 1


@pytest.mark.parametrize(('strength', 'rounds'), [(1.0, -1), (7.0, 2), (-0.1, 2)])
def test_feedback_out_of_range_is_refused(build, strength, rounds):
    with pytest.raises(UserError, match=rf'got rounds={rounds}, strength={strength}$'):
        build().set_feedback(strength, rounds)


def test_settings_that_are_left_out_have_defaults(build):
    model = build(train_cfg=dict(rounds=1), test_cfg=dict(map_temperature=0.5))
    assert model.rounds == model.test_rounds == 1
    assert model.loop.map_temperature == 0.5
    assert (model.only_last_learns, model.label_mixing) == (False, False)
    model = build(train_cfg=dict(only_last_learns=True, label_mixing=True), test_cfg=None)
    assert model.rounds == model.test_rounds == 2
    assert model.loop.map_temperature == 1
    assert (model.only_last_learns, model.label_mixing) == (True, True)


LAST_MIXED = dict(train_cfg=dict(only_last_learns=True, label_mixing=True))
MAP_LOSSES = ('segmentation', 'consistency', 'prototype')
ABLATIONS = {
    'no semantics': NO_SEMANTICS,
    'one-way': dict(generator=ONE_WAY),
    'one-way with recorrection': dict(generator=dict(feedback=None)),
    'feedback without recorrection': dict(generator=dict(recorrection=None)),
    'supervised only': SUPERVISED,
    'no prototypes': dict(generator=dict(recorrection=None), losses=dict(prototype=None)),
    'images only': dict(teacher=None, losses=dict.fromkeys(MAP_LOSSES)),
    'no valid loss': dict(losses=dict(l1_valid=None)),
    'no rounds': dict(train_cfg=dict(rounds=0)),
    'last round, mixed labels': LAST_MIXED,
    'last round, mixed labels, one-way': dict(LAST_MIXED, generator=ONE_WAY),
    'last round, mixed labels, no semantics': NO_SEMANTICS | LAST_MIXED,
    'mixed labels, supervised only': dict(SUPERVISED, train_cfg=dict(label_mixing=True)),
    'mixed labels, no rounds': dict(train_cfg=dict(rounds=0, label_mixing=True)),
}


@pytest.mark.parametrize('name', ABLATIONS)
def test_every_ablation_builds_trains_and_predicts(build, name):
    parts = ABLATIONS[name]
    model = build(adversarial=True, **parts)
    losses = train(model)
    assert all_finite(losses)
    assert 'loss_gan' in losses
    assert (model.teacher is None) == ('teacher' in parts)
    rounds = parts.get('train_cfg', {}).get('rounds', 2)
    has_map = rounds > 0 and 'segmentor' not in parts.get('generator', {})
    assert any('segmentation' in key for key in losses) == (has_map and name != 'images only')
    output = model.eval().val_step(make_batch())[0].output
    assert output.round_imgs.shape == (rounds + 1, 3, 16, 16)
    assert ('round_segs' in output) == has_map


def test_a_model_of_an_initial_network_alone_trains_and_predicts(build):
    model = build(**ROUND_0).train()
    before = parameters_of(model)
    losses = model.train_step(make_batch(), make_wrappers(model))
    assert losses.keys() == {'loss', *(f'round0_{name}' for name in PIXEL)}
    after = parameters_of(model)
    for part in ('initial', 'confidence'):
        names = [name for name in after if name.startswith(f'generator.{part}.')]
        assert any(not torch.equal(after[name], before[name]) for name in names), part
    names = list(model.state_dict())
    assert [name for name in names if name.startswith('generator.initial.')]
    assert not [name for name in names if name.startswith('generator.guided.')]
    sample = model.eval().val_step(make_batch())[0]
    assert sample.output.round_imgs.shape == (1, 3, 16, 16)
    assert 'round_segs' not in sample.output


def test_a_used_model_can_be_copied(build):
    """As mmengine's EMA hook does."""
    model = build()
    model.train_step(make_batch(), make_wrappers(model))
    model.update_class_memory()
    copied = copy.deepcopy(model).eval()
    expected = model.eval().val_step(make_batch())
    for one, other in zip(copied.val_step(make_batch()), expected, strict=True):
        assert torch.equal(one.output.round_imgs, other.output.round_imgs)
