from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import torch

from fbinpaint_mm.evaluation import CorrectionRate
from fbinpaint_mm.evaluation.metrics.correction_rate import class_scores, correction_counts
from fbinpaint_mm.user_error import UserError


def run(metric, samples):
    for sample in samples:
        metric.process(None, [sample.to_dict()])
    return metric.evaluate(len(samples))


def expected_shares(samples, index, classes):
    """Mended and spoiled in percent, pixel by pixel in plain Python."""
    wrong = mended = right = spoiled = 0
    for sample in samples:
        for y, x in product(*map(range, sample.gt_seg.shape[1:])):
            truth = int(sample.gt_seg[0, y, x])
            if not sample.mask[0, y, x] or truth == 255 or truth not in classes:
                continue
            before = int(sample.output.round_raw_segs[index, y, x])
            after = int(sample.output.round_segs[index, y, x])
            if before == truth:
                right += 1
                spoiled += after != truth
            else:
                wrong += 1
                mended += after == truth
    return 100 * mended / wrong, 100 * spoiled / right


@pytest.fixture
def samples(make_sample):
    samples = [make_sample(seed) for seed in range(3)]
    samples[0].gt_seg[:, 5:9, :12] = 255
    return samples


def test_agrees_with_counting_pixel_by_pixel(samples):
    metric = CorrectionRate(num_classes=4)
    scores = run(metric, samples)
    assert list(scores) == [
        *('correction/round1/mended', 'correction/round1/spoiled'),
        *('correction/round2/mended', 'correction/round2/spoiled'),
        *('correction/mended', 'correction/spoiled'),
    ]
    single = class_scores(metric.class_counts, list('abcd'))
    assert len(single) == 4 * 2 * 2
    for r in (1, 2):
        mended, spoiled = expected_shares(samples, r - 1, range(4))
        assert scores[f'correction/round{r}/mended'] == pytest.approx(mended)
        assert scores[f'correction/round{r}/spoiled'] == pytest.approx(spoiled)
        for index, name in enumerate('abcd'):
            mended, spoiled = expected_shares(samples, r - 1, [index])
            assert single[f'correction/{name}/round{r}/mended'] == pytest.approx(mended)
            assert single[f'correction/{name}/round{r}/spoiled'] == pytest.approx(spoiled)
    assert scores['correction/mended'] == scores['correction/round2/mended']


def test_counts_by_hand():
    truth = torch.tensor([[0, 0, 1, 1, 1, 255, 2]])
    raw = torch.tensor([[0, 1, 1, 0, 2, 0, 0]])
    corrected = torch.tensor([[1, 0, 1, 1, 0, 0, 2]])
    hole = torch.tensor([[1, 1, 1, 1, 1, 1, 0]])
    counts = correction_counts(raw, corrected, truth, hole, 3)
    mended, wrong = counts[0].tolist()
    spoiled, right = counts[1].tolist()
    assert (wrong, mended) == ([1, 2, 0], [1, 1, 0])
    assert (right, spoiled) == ([1, 1, 0], [1, 0, 0])


def test_an_image_of_nan_leaves_no_counts(samples):
    samples[1].output.pred_img = torch.full_like(samples[1].output.pred_img, torch.nan)
    metric = CorrectionRate(num_classes=4)
    assert np.isnan(run(metric, samples)['correction/round1/mended'])
    assert metric.class_counts is None
    assert metric.unscored['correction/spoiled'] == ['images/00001.png']


def test_no_correction_mends_and_spoils_nothing(samples):
    for sample in samples:
        sample.output.round_segs = sample.output.round_raw_segs
    assert set(run(CorrectionRate(num_classes=4), samples).values()) == {0.0}


def test_a_share_of_no_pixels_is_left_out(make_sample):
    sample = make_sample(0)
    sample.output.round_raw_segs = sample.gt_seg.repeat(2, 1, 1)
    metric = CorrectionRate(num_classes=5)
    assert set(run(metric, [sample])) == {
        *('correction/round1/spoiled', 'correction/round2/spoiled', 'correction/spoiled'),
    }
    names = class_scores(metric.class_counts, list('abcde'))
    assert 'correction/a/round1/spoiled' in names
    assert not [name for name in names if '/e/' in name or 'mended' in name]


@pytest.mark.parametrize('arguments', [{'rounds': 0}, {'with_rounds': False}])
def test_a_model_without_maps_gets_no_scores_and_no_counts_of_before(make_sample, arguments):
    metric = CorrectionRate(num_classes=4)
    run(metric, [make_sample(0)])
    assert metric.class_counts.shape == (2, 2, 2, 4)
    metric.results.clear()
    assert run(metric, [make_sample(0, **arguments)]) == {}
    assert metric.class_counts is None


def test_without_labels_there_are_no_scores(make_sample):
    metric = CorrectionRate(num_classes=4)
    assert run(metric, [make_sample(0, labeled=False)]) == {}
    assert not metric.class_counts.any()


def test_missing_maps_are_named(make_sample):
    sample = make_sample(7)
    del sample.output.round_raw_segs
    message = r'00007.png: CorrectionRate compares output.round_segs with output.round_raw_segs'
    with pytest.raises(UserError, match=message):
        CorrectionRate(num_classes=4).process(None, [sample.to_dict()])
    with pytest.raises(UserError, match=r'CorrectionRate does not know the number of classes'):
        CorrectionRate().process(None, [make_sample(0).to_dict()])


def test_protocol_says_which_direction_is_better():
    protocol = CorrectionRate(num_classes=4).protocol()
    assert protocol['correction/mended']['higher_is_better'] is True
    assert protocol['correction/spoiled']['higher_is_better'] is False
    assert protocol['correction/mended']['region'] == 'hole'


def test_bins_of_hole_area_are_reported(samples):
    samples[2].mask[:, :12] = 1
    scores = run(CorrectionRate(num_classes=4, area_bins=(0.2, 0.4, 0.8)), samples)
    mended, _ = expected_shares(samples[:2], 1, range(4))
    assert scores['correction/mended_20-40'] == pytest.approx(mended)
    assert scores['correction/mended_40-80_count'] == 1
    assert np.isfinite(scores['correction/round1/spoiled_std'])
