from __future__ import annotations

import json
from types import SimpleNamespace

from mmagic.evaluation.metrics import MAE, PSNR, SAD, SSIM
from mmengine.evaluator import DumpResults

from fbinpaint_mm.evaluation import FinitePSNR, HoleIoU, PerRound, protocol_of, protocol_of_loop

FACTS = {'unit', 'data_range', 'color_order', 'image', 'region', 'higher_is_better'}


def test_mmagics_metrics_are_described():
    for metric, unit in ((PSNR(), 'dB'), (SSIM(), ''), (MAE(), '')):
        ((name, facts),) = protocol_of(metric).items()
        assert name == metric.metric
        assert set(facts) >= FACTS
        assert facts['unit'] == unit
        assert facts['higher_is_better'] == (name != 'MAE')


def test_settings_that_change_the_score_are_stated():
    assert protocol_of(PSNR(crop_border=2, convert_to='Y'))['PSNR'].items() >= {
        ('crop_border', 2),
        ('convert_to', 'Y'),
    }
    assert 'crop_border' not in protocol_of(PSNR())['PSNR']
    assert protocol_of(MAE(scaling=255, mask_key='mask'))['MAE'].items() >= {
        ('scaling', 255),
        ('region', 'hole'),
    }


def test_raw_images_are_told_from_composites():
    assert protocol_of(FinitePSNR())['PSNR']['image'] == 'composite'
    assert protocol_of(FinitePSNR(pred_key='fake_res'))['PSNR']['image'] == 'raw'
    assert protocol_of(FinitePSNR(pred_key='pred_alpha'))['PSNR']['image'] == 'pred_alpha'


def test_foreign_metrics_do_no_harm(tmp_path):
    assert protocol_of(DumpResults(str(tmp_path / 'results.pkl'))) == {}
    ((facts,),) = (protocol_of(SAD()).values(),)
    assert 'unit' not in facts


def evaluator(*metrics):
    return SimpleNamespace(metrics=list(metrics))


def test_every_kind_of_loop():
    ours = evaluator(PerRound(FinitePSNR()), HoleIoU(num_classes=2))
    multi = SimpleNamespace(evaluators=[ours, evaluator(MAE(prefix='streets'))])
    found = protocol_of_loop(multi)
    assert list(found) == ['PSNR', 'mIoU_hole', 'mIoU', 'aAcc_hole', 'streets/MAE']
    assert json.loads(json.dumps(found)) == found
    assert list(protocol_of_loop(SimpleNamespace(evaluator=ours))) == [
        *('PSNR', 'mIoU_hole', 'mIoU', 'aAcc_hole')
    ]
    assert protocol_of_loop(SimpleNamespace(evaluators=[SimpleNamespace(metrics=None)])) == {}
    assert protocol_of_loop(None) == {}
