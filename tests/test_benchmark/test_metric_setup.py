import pytest
from mmengine.config import Config

from fbinpaint_mm.benchmark.metric_setup import build_metrics, metric_configs
from fbinpaint_mm.evaluation import HoleIoU, PerRound
from fbinpaint_mm.user_error import UserError

PSNR = dict(type='FinitePSNR')


def configs_of(evaluator, **options):
    return metric_configs(Config(dict(test_evaluator=evaluator)), **options)


def test_the_evaluator_of_the_config_counts():
    configs = configs_of([dict(type='PerRound', metric=PSNR), dict(type='HoleIoU')])
    assert configs == [dict(type='PerRound', metric=PSNR), dict(type='HoleIoU')]
    per_round, iou = build_metrics(configs)
    assert isinstance(per_round, PerRound)
    assert isinstance(iou, HoleIoU)


@pytest.mark.parametrize(
    'evaluator',
    [
        dict(type='MAE'),
        [dict(type='MAE')],
        dict(type='MultiEvaluator', metrics=dict(type='MAE')),
        [dict(type='Evaluator', metrics=[dict(type='MAE')])],
    ],
)
def test_every_form_of_an_evaluator_is_read(evaluator):
    assert configs_of(evaluator) == [dict(type='PerRound', metric=dict(type='MAE'))]


def test_bins_of_a_metric_of_images_are_left_to_the_report():
    configs = configs_of([dict(type='FinitePSNR', area_bins=(0.0, 0.5))])
    assert configs == [dict(type='PerRound', metric=PSNR)]


def test_lpips_and_fid_are_added_once():
    added = configs_of([PSNR], lpips='weights', fid='download')[1:]
    lpips = dict(type='LPIPS', backbone='alex', weights='weights')
    assert added == [
        dict(type='PerRound', metric=lpips),
        dict(type='RoundFID', weights=None),
    ]


def test_an_lpips_and_fid_of_the_evaluator_get_the_weights_that_are_asked_for():
    own = [dict(type='PerRound', metric=dict(type='LPIPS', backbone='vgg')), dict(type='RoundFID')]
    found = configs_of(own, lpips='folder', fid='download')
    lpips = dict(type='LPIPS', backbone='vgg', weights='folder')
    assert found == [dict(type='PerRound', metric=lpips), dict(type='RoundFID', weights=None)]
    assert configs_of(own) == own


def test_two_metrics_of_one_name_are_refused():
    raw = dict(type='FinitePSNR', pred_key='fake_res', prefix='raw')
    with pytest.raises(UserError, match='two metrics of the name PSNR'):
        build_metrics(configs_of([PSNR, raw]))


def test_the_config_stays_as_it_was():
    cfg = Config(dict(test_evaluator=[dict(type='HoleIoU')]))
    metric_configs(cfg)
    assert cfg.test_evaluator == [dict(type='HoleIoU')]


def test_without_metrics_there_is_nothing_to_score_with():
    with pytest.raises(UserError, match='no val_evaluator: nothing to score with'):
        metric_configs(Config(dict(test_evaluator=[PSNR])), 'val')


def test_a_metric_of_image_generators_is_refused():
    config = dict(type='PerceptualPathLength', fake_nums=1)
    with pytest.raises(UserError, match='PerceptualPathLength cannot score an inpaintor'):
        build_metrics(configs_of([config]))
