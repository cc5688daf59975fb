import pytest
from mmengine.config import Config
from mmengine.hooks import EMAHook

from fbinpaint_mm.benchmark.training.training_schedule import scale_training


@pytest.fixture
def cfg(repository):
    return Config.fromfile(repository / 'tests/test_benchmark/small_config.py')


def test_every_schedule_keeps_its_share(cfg):
    before = cfg.to_dict()
    scaled = scale_training(cfg, 40, seed=3)
    assert scaled.train_cfg == dict(type='IterBasedTrainLoop', max_iters=40)
    assert [(one.begin, one.end) for one in scaled.param_scheduler] == [(0, 10), (10, 40)]
    feedback, teacher, clock = scaled.custom_hooks
    assert (feedback.start, feedback.ramp, teacher.ramp) == (4, 20, 20)
    assert clock == dict(type='TrainingClockHook')
    assert 'fbinpaint_mm.benchmark.training.training' in scaled.custom_imports.imports
    assert scaled.randomness == dict(seed=3)
    assert cfg.to_dict() == before, 'the config itself stays'


def test_no_checkpoint_is_chosen_by_its_scores(cfg):
    scaled = scale_training(cfg, 40, seed=0)
    assert (scaled.val_dataloader, scaled.val_evaluator, scaled.val_cfg) == (None, None, None)
    assert scaled.default_hooks.checkpoint == dict(
        type='WholeCheckpointHook', by_epoch=False, interval=10, max_keep_ckpts=1
    )
    assert scaled.default_hooks.logger.interval == 1


def test_a_very_short_training_still_has_schedules(cfg):
    scaled = scale_training(cfg, 1, seed=0)
    assert [(one.begin, one.end) for one in scaled.param_scheduler] == [(0, 1), (0, 1)]
    assert scaled.default_hooks.checkpoint.interval == 1


def test_phases_of_mmagics_models_are_scaled(cfg):
    cfg.model.train_cfg = dict(disc_step=1, start_iter=0, iter_tc=4, iter_td=10, local_size=(8, 8))
    scaled = scale_training(cfg, 10, seed=0).model.train_cfg
    assert (scaled.start_iter, scaled.iter_tc, scaled.iter_td) == (0, 2, 5)
    assert (scaled.disc_step, tuple(scaled.local_size)) == (1, (8, 8))


def test_schedulers_come_in_several_forms(cfg):
    steps = dict(type='MultiStepLR', by_epoch=False, milestones=[10, 15])
    cosine = dict(type='CosineAnnealingLR', by_epoch=False, T_max=20)
    epochs = dict(type='LinearLR', end=5)
    cfg.param_scheduler = dict(generator=[steps, epochs], disc=cosine)
    scaled = scale_training(cfg, 10, seed=0).param_scheduler
    assert scaled.generator[0].milestones == [5, 8]
    assert scaled.generator[1] == epochs, 'epochs are no iterations'
    assert scaled.disc.T_max == 10


def test_cycles_keep_their_share_and_reach_the_end(cfg):
    cycles = dict(type='CosineRestartLR', by_epoch=False, begin=2, end=20, periods=[5, 5, 5, 3])
    cfg.param_scheduler = [dict(cycles)]
    (scaled,) = scale_training(cfg, 10, seed=0).param_scheduler
    assert scaled.periods == [3, 2, 2, 2], 'they end at 3.5, 6, 8.5 and 10, rounded to even'
    assert scaled.begin + sum(scaled.periods) == scaled.end == 10
    (scaled,) = scale_training(cfg, 200, seed=0).param_scheduler
    assert (scaled.begin, scaled.periods) == (20, [50, 50, 50, 30])
    (scaled,) = scale_training(cfg, 1, seed=0).param_scheduler
    assert scaled.periods == [1, 1, 1, 1]


@pytest.mark.parametrize('kind', ['EMAHook', 'mmengine.EMAHook', EMAHook])
def test_the_begin_of_an_average_is_scaled(cfg, kind):
    cfg.custom_hooks = [dict(type=kind, begin_iter=10), dict(type=kind)]
    first, second, _ = scale_training(cfg, 10, seed=0).custom_hooks
    assert first.begin_iter == 5
    assert 'begin_iter' not in second


@pytest.mark.parametrize('kind', ['ExponentialLR', 'mmengine.ReduceOnPlateauLR', 'ReduceLR'])
def test_a_scheduler_that_has_no_share_is_refused(cfg, kind):
    scheduler = dict(type=kind, by_epoch=False, gamma=0.9)
    cfg.param_scheduler = dict(generator=[scheduler])
    message = f'has a {kind.rpartition(".")[2]} with by_epoch=False.*use .*MultiStepLR.*max_iters'
    with pytest.raises(ValueError, match=message):
        scale_training(cfg, 10, seed=0)
    assert scale_training(cfg, 20, seed=0).param_scheduler.generator == [scheduler]


def test_a_single_scheduler_and_none(cfg):
    cfg.param_scheduler = dict(type='PolyLR', by_epoch=False, begin=0, end=20)
    assert scale_training(cfg, 10, seed=0).param_scheduler.end == 10
    cfg.param_scheduler = None
    assert scale_training(cfg, 10, seed=0).param_scheduler is None


def test_a_training_by_epochs_is_refused(cfg):
    cfg.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=3)
    with pytest.raises(ValueError, match=r'no train_cfg\.max_iters.*IterBasedTrainLoop'):
        scale_training(cfg, 10, seed=0)
