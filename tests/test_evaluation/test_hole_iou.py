from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, jaccard_score

from fbinpaint_mm.evaluation import HoleIoU
from fbinpaint_mm.evaluation.metrics import hole_iou
from fbinpaint_mm.user_error import UserError

NAMES = ['mIoU_hole', 'mIoU', 'aAcc_hole']


def run(metric, samples):
    for sample in samples:
        metric.process(None, [sample.to_dict()])
    return metric.evaluate(len(samples))


def truth_and_prediction(samples, index, in_hole):
    truth, prediction = [], []
    for sample in samples:
        label = sample.gt_seg[0]
        keep = label != 255
        if in_hole:
            keep &= sample.mask[0] > 0
        truth.append(label[keep].numpy())
        prediction.append(sample.output.round_segs[index][keep].numpy())
    return np.concatenate(truth), np.concatenate(prediction)


def expected_iou(samples, index, in_hole):
    pixels = truth_and_prediction(samples, index, in_hole)
    return 100 * jaccard_score(*pixels, average='macro', zero_division=0)


def test_agrees_with_scikit_learn(make_sample):
    samples = [make_sample(seed) for seed in range(3)]
    samples[0].gt_seg[:, 5:9, :12] = 255
    scores = run(HoleIoU(num_classes=4), samples)
    assert list(scores) == [
        f'{prefix}{name}' for prefix in ('round1/', 'round2/', '') for name in NAMES
    ]
    for r in (1, 2):
        for name, in_hole in (('mIoU_hole', True), ('mIoU', False)):
            expected = expected_iou(samples, r - 1, in_hole)
            assert scores[f'round{r}/{name}'] == pytest.approx(expected, abs=1e-6)
        right = accuracy_score(*truth_and_prediction(samples, r - 1, in_hole=True))
        assert scores[f'round{r}/aAcc_hole'] == pytest.approx(100 * right)
    assert scores['mIoU_hole'] == scores['round2/mIoU_hole']
    assert scores['mIoU'] == scores['round2/mIoU']


def test_classes_that_never_occur_are_skipped(make_sample):
    samples = [make_sample(seed) for seed in range(2)]
    assert run(HoleIoU(num_classes=19), samples) == run(HoleIoU(num_classes=4), samples)


def test_perfect_maps_score_100(make_sample):
    sample = make_sample(0)
    sample.output.round_segs = sample.gt_seg.repeat(2, 1, 1)
    assert set(run(HoleIoU(num_classes=4), [sample]).values()) == {100.0}


def test_counts_stay_exact_above_the_precision_of_float32():
    counts = [np.array([[[2.0**24, 0], [2.0**24 + 1, 0]]] * 2), np.ones((2, 2, 2))]
    results = [{'sample': '', 'hole_area': 0.1, 'rounds': [one]} for one in counts]
    scores = HoleIoU(num_classes=2).compute_metrics(results)
    assert scores['mIoU'] == pytest.approx(50 * ((2**24 + 1) / (2**24 + 2) + 1), abs=1e-9)


def test_series_hold_the_counts_of_every_image(make_sample):
    samples = [make_sample(seed, labeled=seed != 1) for seed in range(3)]
    metric = HoleIoU(num_classes=4)
    scores = run(metric, samples)
    assert [(one.metric, one.round) for one in metric.series] == [
        (name, index) for index in (1, 2, None) for name in NAMES
    ]
    for one in metric.series:
        assert one.items.shape == (3, 2, 1 if one.metric == 'aAcc_hole' else 4)
        assert one.samples == [f'images/{seed:05d}.png' for seed in range(3)]
        assert one.hole_areas.tolist() == [140 / 576] * 3
        assert np.isnan(one.values[1])
    whole = metric.series[1]
    assert whole.score() == scores['round1/mIoU']
    assert whole.values[2] == pytest.approx(expected_iou(samples[2:], 0, in_hole=False))


def test_bins_sum_the_counts_of_their_images(make_sample):
    samples = [make_sample(seed) for seed in range(3)]
    samples[2].mask[:, :12] = 1  # more than half of the image
    scores = run(HoleIoU(num_classes=4, area_bins=(0.2, 0.4, 0.8)), samples)
    assert scores['mIoU_20-40'] == pytest.approx(expected_iou(samples[:2], 1, in_hole=False))
    assert scores['mIoU_hole_40-80'] == pytest.approx(expected_iou(samples[2:], 1, in_hole=True))
    assert (scores['mIoU_20-40_count'], scores['mIoU_40-80_count']) == (2, 1)
    alone = [expected_iou([sample], 1, in_hole=False) for sample in samples[:2]]
    assert scores['mIoU_20-40_std'] == pytest.approx(np.std(alone, ddof=1))


def test_unlabeled_samples_contribute_nothing(make_sample):
    labeled, unlabeled = make_sample(0), make_sample(1, labeled=False)
    assert run(HoleIoU(num_classes=4), [labeled, unlabeled]) == run(
        HoleIoU(num_classes=4), [labeled]
    )


def test_without_labels_it_warns_and_reports_nothing(make_sample, monkeypatch):
    messages = []
    monkeypatch.setattr(hole_iou, 'print_log', lambda text, **_: messages.append(text))
    assert run(HoleIoU(num_classes=4), [make_sample(0, labeled=False)]) == {}
    assert len(messages) == 2
    assert 'leaves out mIoU_hole: no labeled pixel inside a hole' in messages[0]
    assert 'leaves out mIoU: no labeled pixel in any image' in messages[1]


def test_labels_only_outside_the_hole_give_the_whole_image_score_only(make_sample):
    sample = make_sample(0)
    sample.gt_seg[sample.mask > 0] = 255
    assert set(run(HoleIoU(num_classes=4), [sample])) == {'round1/mIoU', 'round2/mIoU', 'mIoU'}


@pytest.mark.parametrize('arguments', [{'rounds': 0}, {'with_rounds': False}])
def test_a_model_without_maps_gets_no_scores(make_sample, arguments, monkeypatch):
    messages = []
    monkeypatch.setattr(hole_iou, 'print_log', lambda text, **_: messages.append(text))
    assert run(HoleIoU(), [make_sample(0, **arguments)]) == {}
    assert not messages


def test_the_map_of_an_image_of_nan_does_not_count_as_a_map(make_sample, log):
    samples = [make_sample(seed) for seed in range(2)]
    samples[1].output.pred_img = torch.full_like(samples[1].output.pred_img, torch.nan)
    scores = run(HoleIoU(num_classes=4, area_bins=(0.1, 0.5)), samples)
    assert np.isnan([scores['mIoU'], scores['round1/mIoU_hole'], scores['mIoU_10-50_std']]).all()
    assert scores['mIoU_count'] == 1
    assert 'mIoU_hole is nan: 1 of 2 images have no finite score: images/00001.png' in log()


def test_number_of_classes_comes_from_the_data_set(make_sample):
    metric = HoleIoU()
    with pytest.raises(UserError, match='does not know the number of classes'):
        metric.process(None, [make_sample(0).to_dict()])
    metric.dataset_meta = {'classes': tuple('abcd')}
    assert run(metric, [make_sample(0)]) == run(HoleIoU(num_classes=4), [make_sample(0)])


def test_errors_name_the_sample(make_sample):
    sample = make_sample(7)
    sample.gt_seg = sample.gt_seg[:, ::2, ::2]
    message = r'00007.png: gt_seg has shape \(1, 12, 12\), expected \(1, 24, 24\)'
    with pytest.raises(UserError, match=message):
        HoleIoU(num_classes=4).process(None, [sample.to_dict()])
    del sample.gt_seg
    with pytest.raises(UserError, match=r"00007.png: HoleIoU needs the data field 'gt_seg'"):
        HoleIoU(num_classes=4).process(None, [sample.to_dict()])


def test_protocol_states_what_is_counted():
    protocol = HoleIoU(num_classes=4).protocol()
    assert list(protocol) == NAMES
    for name, region in zip(NAMES, ('hole', 'whole image', 'hole'), strict=True):
        assert protocol[name]['region'] == region
        assert protocol[name]['unit'] == '%'
        assert protocol[name]['image'] == 'composite'
        assert protocol[name]['higher_is_better'] is True
