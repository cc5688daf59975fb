"""A part that a config has lost is missed before the training."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from mmagic.registry import MODELS
from mmengine.config import Config
from mmengine.registry import MODEL_WRAPPERS
from torch import nn

from fbinpaint_mm.datasets import LabeledRatioBatchSampler
from fbinpaint_mm.engine import DivergenceHook, FeedbackHook, MeanTeacherHook, check_counterparts
from fbinpaint_mm.user_error import UserError

SINGLE = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-3))
HOOKS = (FeedbackHook, MeanTeacherHook, DivergenceHook)


@pytest.fixture(scope='module')
def config(repository):
    return Config.fromfile(repository / 'tests/small_inpaintor.py')


def build(config, **changes):
    return MODELS.build(config.model.to_dict() | changes)


def run_of(model, hooks=HOOKS, optim_wrapper=SINGLE, unlabeled=0, classes=()):
    """What is looked at of a Runner."""
    dataset = SimpleNamespace(
        unlabeled_indices=list(range(unlabeled)), metainfo=dict(classes=classes)
    )
    loader = SimpleNamespace(dataset=dataset, batch_sampler=None)
    return SimpleNamespace(
        model=model,
        hooks=[kind() for kind in hooks],
        optim_wrapper=optim_wrapper,
        train_dataloader=loader,
    )


def test_nothing_is_missing(config):
    check_counterparts(run_of(build(config)))


@pytest.mark.parametrize(
    ('hooks', 'message'),
    [
        ([DivergenceHook], 'custom_hooks has no FeedbackHook, without which the feedback, the str'),
        ([MeanTeacherHook], 'custom_hooks has no FeedbackHook'),
        ([FeedbackHook], 'custom_hooks has no MeanTeacherHook, without which the teacher of the m'),
        ([*HOOKS, FeedbackHook], 'custom_hooks has FeedbackHook 2 times, expected it once'),
        ([*HOOKS, MeanTeacherHook], 'custom_hooks has MeanTeacherHook 2 times'),
    ],
)
def test_each_hook_of_the_model_is_there_once(config, hooks, message):
    with pytest.raises(UserError, match=message) as error:
        check_counterparts(run_of(build(config), hooks))
    if 'has no' in message:
        assert '[*_base_.custom_hooks, dict(type=...)]' in str(error.value)
        assert '[*_base_.feedback_hooks, *_base_.custom_hooks, dict(type=...)]' in str(error.value)


def test_a_hook_of_ones_own_may_inherit_from_ours(config):
    class Own(FeedbackHook):
        pass

    check_counterparts(run_of(build(config), [Own, MeanTeacherHook]))


def without_semantics(config, **changes):
    loop = dict(segmentor=None, feedback=None, recorrection=None)
    losses = dict(config.model.losses, consistency=None, segmentation=None, prototype=None)
    generator = config.model.generator.to_dict() | loop
    return build(config, generator=generator, teacher=None, losses=losses, **changes)


def test_a_model_without_semantics_needs_no_hook_but_for_turns(config):
    check_counterparts(run_of(without_semantics(config), []))
    turns = without_semantics(config, train_cfg=dict(rounds=2, only_last_learns=True))
    with pytest.raises(UserError, match=r'without which train_cfg\.only_last_learns, where rounds'):
        check_counterparts(run_of(turns, []))


def test_other_models_need_neither(config):
    check_counterparts(run_of(nn.Sequential(nn.Linear(1, 1)), []))


def test_own_models_that_can_be_linked_need_them_too():
    class Own(nn.Module):
        def link_feedback(self):
            pass

    with pytest.raises(UserError, match='custom_hooks has no FeedbackHook'):
        check_counterparts(run_of(Own(), []))


def test_a_distributed_wrapper_hides_nothing(config, monkeypatch):
    class Wrapper(nn.Module):
        def __init__(self, module):
            super().__init__()
            self.module = module

    monkeypatch.setitem(MODEL_WRAPPERS.module_dict, 'Wrapper', Wrapper)
    with pytest.raises(UserError, match='custom_hooks has no FeedbackHook'):
        check_counterparts(run_of(Wrapper(build(config)), []))


@pytest.mark.parametrize(
    ('optim_wrapper', 'named'),
    [
        (SINGLE, 'disc'),
        (dict(constructor='MultiOptimWrapperConstructor', generator=SINGLE), 'disc'),
        (dict(constructor='MultiOptimWrapperConstructor', disc=SINGLE), 'generator'),
    ],
)
def test_each_network_that_learns_has_an_optimizer(config, optim_wrapper, named):
    losses = config.model.losses.to_dict() | dict(gan=config.gan)
    model = build(config, disc=config.disc, losses=losses)
    with pytest.raises(UserError, match=rf'no optimizer for model\.{named}: add {named}=dict'):
        check_counterparts(run_of(model, optim_wrapper=optim_wrapper))
    both = dict(constructor='MultiOptimWrapperConstructor', generator=SINGLE, disc=SINGLE)
    check_counterparts(run_of(model, optim_wrapper=both))
    model.disc.requires_grad_(False), model.generator.requires_grad_(False)
    check_counterparts(run_of(model, optim_wrapper=optim_wrapper))


def test_a_moving_average_of_another_model_needs_no_optimizer(config):
    """As in mmagic's RealESRGAN, whose copy of the generator has gradients switched on."""
    model = nn.ModuleDict(dict(generator=nn.Linear(1, 1), generator_ema=nn.Linear(1, 1)))
    check_counterparts(run_of(model, [], optim_wrapper=dict(generator=SINGLE)))
    with pytest.raises(UserError, match=r'no optimizer for model\.generator:'):
        check_counterparts(run_of(model, [], optim_wrapper=dict(discriminator=SINGLE)))


def test_maps_have_the_classes_of_the_data(config):
    model = build(config)
    count = model.loop.num_classes
    check_counterparts(run_of(model, classes=list(range(count))))
    for others in (count - 1, count + 1):
        message = rf'^model\.generator\.segmentor\.decode_head\.num_classes: found {count}, '
        with pytest.raises(UserError, match=rf'{message}expected {others}, .*train_dataloader'):
            check_counterparts(run_of(model, classes=list(range(others))))
    check_counterparts(run_of(without_semantics(config), [], classes=['only']))


def test_so_has_a_segmentor_alone():
    class Segmentor(nn.Module):
        decode_head = SimpleNamespace(num_classes=5)

    check_counterparts(run_of(Segmentor(), [], classes='abcde'))
    with pytest.raises(UserError, match=r'^model\.decode_head\.num_classes: found 5, expected 3'):
        check_counterparts(run_of(Segmentor(), [], classes='abc'))


def test_an_optimizer_of_a_part_is_one_of_the_network(config):
    check_counterparts(run_of(build(config), optim_wrapper={'generator.initial': SINGLE}))


def test_the_model_is_fed_by_its_own_preprocessor(config):
    plain = dict(type='DataPreprocessor', mean=[127.5] * 3, std=[127.5] * 3)
    with pytest.raises(UserError, match='data_preprocessor is a DataPreprocessor, expected a Semi'):
        check_counterparts(run_of(build(config, data_preprocessor=plain)))


def test_labels_that_are_promised_come_from_the_sampler(config):
    promise = config.model.data_preprocessor.to_dict() | dict(min_labeled=1)
    run = run_of(build(config, data_preprocessor=promise), unlabeled=3)
    with pytest.raises(UserError, match=r"min_labeled is 1, which only .*'LabeledRatioBatchSampl"):
        check_counterparts(run)
    run.train_dataloader.batch_sampler = LabeledRatioBatchSampler.__new__(LabeledRatioBatchSampler)
    check_counterparts(run)
    check_counterparts(run_of(run.model, unlabeled=0))
    run.model.data_preprocessor.min_labeled = 0
    check_counterparts(run_of(run.model, unlabeled=3))
