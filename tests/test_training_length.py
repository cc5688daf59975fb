from copy import deepcopy

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import EMAHook
from mmengine.registry import PARAM_SCHEDULERS

from fbinpaint_mm.config_file import merge_options
from fbinpaint_mm.training_length import (
    check_length,
    length_warning,
    set_feedback_ramp,
    set_max_iters,
)
from fbinpaint_mm.user_error import UserError


def scaled_to(cfg, iterations):
    """A copy of a config, made so long."""
    cfg = deepcopy(cfg)
    set_max_iters(cfg, iterations)
    return cfg


@pytest.fixture
def cfg(repository):
    return Config.fromfile(repository / 'tests/test_benchmark/small_config.py')


def test_a_very_short_training_still_has_schedules(cfg):
    scaled = scaled_to(cfg, 1)
    assert [(one.begin, one.end) for one in scaled.param_scheduler] == [(0, 2), (0, 1)]


@pytest.mark.parametrize('kind', ['LinearLR', 'ConstantLR'])
def test_a_warm_up_that_is_scaled_to_nothing_ends(cfg, kind):
    """With a span of one iteration its first factor stays for good."""
    factor = dict(start_factor=0.01) if kind == 'LinearLR' else dict(factor=0.01)
    cfg.train_cfg.max_iters = 300_000
    cfg.param_scheduler = dict(type=kind, by_epoch=False, begin=0, end=1000, **factor)
    scaled = scaled_to(cfg, 150).param_scheduler
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    scheduler = PARAM_SCHEDULERS.build(scaled, default_args=dict(optimizer=optimizer))
    for _ in range(5):
        optimizer.step()
        scheduler.step()
    assert optimizer.param_groups[0]['lr'] == pytest.approx(0.5)


def test_phases_of_mmagics_models_are_scaled(cfg):
    cfg.model.train_cfg = dict(disc_step=1, start_iter=0, iter_tc=4, iter_td=10, local_size=(8, 8))
    scaled = scaled_to(cfg, 10).model.train_cfg
    assert (scaled.start_iter, scaled.iter_tc, scaled.iter_td) == (0, 2, 5)
    assert (scaled.disc_step, tuple(scaled.local_size)) == (1, (8, 8))


def test_schedulers_come_in_several_forms(cfg):
    steps = dict(type='MultiStepLR', by_epoch=False, milestones=[10, 15])
    cosine = dict(type='CosineAnnealingLR', by_epoch=False, T_max=20)
    epochs = dict(type='LinearLR', end=5)
    cfg.param_scheduler = dict(generator=[steps, epochs], disc=cosine)
    scaled = scaled_to(cfg, 10).param_scheduler
    assert scaled.generator[0].milestones == [5, 8]
    assert scaled.generator[1] == epochs, 'epochs are no iterations'
    assert scaled.disc.T_max == 10


def test_cycles_keep_their_share_and_reach_the_end(cfg):
    cycles = dict(type='CosineRestartLR', by_epoch=False, begin=2, end=20, periods=[5, 5, 5, 3])
    cfg.param_scheduler = [dict(cycles)]
    (scaled,) = scaled_to(cfg, 10).param_scheduler
    assert scaled.periods == [3, 2, 2, 2], 'they end at 3.5, 6, 8.5 and 10, rounded to even'
    assert scaled.begin + sum(scaled.periods) == scaled.end == 10
    (scaled,) = scaled_to(cfg, 200).param_scheduler
    assert (scaled.begin, scaled.periods) == (20, [50, 50, 50, 30])
    (scaled,) = scaled_to(cfg, 1).param_scheduler
    assert scaled.periods == [1, 1, 1, 1]


@pytest.mark.parametrize('kind', ['EMAHook', 'mmengine.EMAHook', EMAHook])
def test_the_begin_of_an_average_is_scaled(cfg, kind):
    cfg.custom_hooks = [dict(type=kind, begin_iter=10), dict(type=kind)]
    first, second = scaled_to(cfg, 10).custom_hooks
    assert first.begin_iter == 5
    assert 'begin_iter' not in second


@pytest.mark.parametrize('kind', ['ExponentialLR', 'mmengine.ReduceOnPlateauLR', 'ReduceLR'])
def test_a_scheduler_that_has_no_share_is_refused(cfg, kind):
    scheduler = dict(type=kind, by_epoch=False, gamma=0.9)
    cfg.param_scheduler = dict(generator=[scheduler])
    message = f'has a {kind.rpartition(".")[2]} with by_epoch=False.*use .*MultiStepLR.*max_iters'
    with pytest.raises(UserError, match=message):
        scaled_to(cfg, 10)
    assert scaled_to(cfg, 20).param_scheduler.generator == [scheduler]


def test_a_single_scheduler_and_none(cfg):
    cfg.param_scheduler = dict(type='PolyLR', by_epoch=False, begin=0, end=20)
    assert scaled_to(cfg, 10).param_scheduler.end == 10
    cfg.param_scheduler = None
    assert scaled_to(cfg, 10).param_scheduler is None


def test_a_training_by_epochs_is_refused(cfg):
    cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=3)
    with pytest.raises(UserError, match=r'no train_cfg\.max_iters.*IterBasedTrainLoop'):
        scaled_to(cfg, 10)


def test_every_schedule_keeps_its_share(cfg):
    scaled = scaled_to(cfg, 40)
    assert scaled.train_cfg == dict(type='IterBasedTrainLoop', max_iters=40, val_interval=10)
    assert [(one.begin, one.end) for one in scaled.param_scheduler] == [(0, 10), (10, 40)]
    feedback, teacher = scaled.custom_hooks
    assert (feedback.start, feedback.ramp, teacher.ramp) == (4, 20, 20)


def test_both_are_options_that_everything_follows(cfg):
    merge_options(cfg, {'max_iters': 40, 'feedback_ramp': 7, 'train_cfg.val_interval': 5})
    assert (cfg.train_cfg.max_iters, cfg.train_cfg.val_interval) == (40, 5)
    assert cfg.param_scheduler[-1].end == 40
    assert [hook.ramp for hook in cfg.custom_hooks] == [7, 7]


@pytest.mark.parametrize('value', [0, -1, 1.5, True, '10'])
def test_a_length_is_a_whole_number(cfg, value):
    with pytest.raises(UserError, match=r"option 'max_iters': found .*, expected a whole number"):
        merge_options(cfg, dict(max_iters=value))


def test_a_ramp_needs_a_hook_that_has_one(cfg):
    cfg.custom_hooks = [dict(type='EMAHook')]
    with pytest.raises(UserError, match='none of FeedbackHook, MeanTeacherHook'):
        set_feedback_ramp(cfg, 5)


def test_a_ramp_of_nothing_acts_at_once_and_a_typo_is_told(cfg):
    merge_options(cfg, dict(feedback_ramp=0))
    assert [hook.ramp for hook in cfg.custom_hooks] == [0, 0]
    with pytest.raises(UserError, match="Did you mean 'max_iters'"):
        merge_options(cfg, dict(max_iter=4))


# ---------------------------------------------------------------------- what does not fit


@pytest.fixture
def demo(repository):
    return Config.fromfile(repository / 'configs/fbinpaint_demo.py')


@pytest.mark.parametrize('iterations', [1, 2, 5, 57, 399, 400, 1000])
def test_all_fits_a_length_that_is_set_by_its_one_name(demo, iterations):
    assert length_warning(demo) is None
    assert length_warning(scaled_to(demo, iterations)) is None


def test_a_training_that_is_shortened_alone_is_told_what_goes_on(demo):
    demo.train_cfg.max_iters = 50
    assert length_warning(demo) == (
        'training ends at iteration 50, but the LinearLR of param_scheduler at 100, the '
        'CosineAnnealingLR of param_scheduler at 400, the FeedbackHook of custom_hooks begins to '
        'act in full at 100, the MeanTeacherHook of custom_hooks begins to act in full at 100: set '
        'max_iters, which schedules and ramps follow, instead of train_cfg.max_iters'
    )


def test_a_training_that_is_prolonged_alone_is_told_what_ends(demo):
    demo.train_cfg.max_iters = 800
    assert 'at iteration 800, but the CosineAnnealingLR of param_scheduler at 400: set' in (
        length_warning(demo)
    )


@pytest.mark.parametrize(
    ('scheduler', 'told'),
    [
        (dict(type='MultiStepLR', milestones=[10, 30]), 30),
        (dict(type='MultiStepLR', milestones=[5, 10]), None),
        (dict(type='CosineAnnealingLR', begin=5, T_max=20), 25),
        (dict(type='CosineAnnealingLR', begin=5, T_max=15), None),
        (dict(type='mmengine.PolyLR', end=15), 15),
        (dict(type='OneCycleLR', total_steps=20), None),
        (dict(type='LinearLR', end=5), None),
        (dict(type='ConstantLR'), None),
        (dict(type='PolyLR', end=300, by_epoch=True), None),
    ],
)
def test_schedulers_of_a_training_of_20(cfg, scheduler, told):
    cfg.train_cfg.max_iters = 20
    cfg.param_scheduler = dict(generator=[dict(by_epoch=False) | scheduler])
    cfg.custom_hooks = []
    line = length_warning(cfg)
    assert line is None if told is None else f'of param_scheduler at {told}: set' in line


def test_hooks_and_phases_that_never_come_are_told(cfg):
    cfg.train_cfg.max_iters, cfg.param_scheduler = 20, None
    cfg.custom_hooks = [
        dict(type='FeedbackHook', start=15, ramp=10),
        dict(type='EMAHook', begin_iter=30),
        dict(type='EMAHook', begin_iter=10),
    ]
    cfg.model.train_cfg = dict(start_iter=0, iter_td=40)
    assert length_warning(cfg).startswith(
        'training ends at iteration 20, but the FeedbackHook of custom_hooks begins to act in full '
        'at 25, the EMAHook of custom_hooks begins to act in full at 30, model.train_cfg.iter_td '
        'is 40: set'
    )


def test_a_training_by_epochs_is_left_alone(cfg):
    cfg.train_cfg = dict(by_epoch=True, max_epochs=2)
    check_length(cfg)
    assert length_warning(cfg) is None


@pytest.mark.parametrize('value', [0, -1, 2.5, None, True, '5'])
@pytest.mark.parametrize('key', ['max_iters', 'max_epochs', 'val_interval'])
def test_a_length_that_is_none_is_refused(cfg, key, value):
    cfg.train_cfg[key] = value
    with pytest.raises(UserError, match=rf'train_cfg\.{key}: found {value!r}, expected a whole'):
        check_length(cfg)


def test_the_length_of_nothing_cannot_be_scaled(cfg):
    cfg.train_cfg.max_iters = 0
    with pytest.raises(UserError, match=r'train_cfg\.max_iters: found 0'):
        scaled_to(cfg, 10)
