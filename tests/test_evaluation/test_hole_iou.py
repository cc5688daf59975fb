from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import jaccard_score

from fbinpaint_mm.evaluation import HoleIoU
from fbinpaint_mm.evaluation.metrics import hole_iou


def run(metric, samples):
    for sample in samples:
        metric.process(None, [sample.to_dict()])
    return metric.evaluate(len(samples))


def expected_iou(samples, index, in_hole):
    truth, prediction = [], []
    for sample in samples:
        label = sample.gt_seg[0]
        keep = label != 255
        if in_hole:
            keep &= sample.mask[0] > 0
        truth.append(label[keep].numpy())
        prediction.append(sample.output.round_segs[index][keep].numpy())
    return 100 * jaccard_score(
        np.concatenate(truth), np.concatenate(prediction), average='macro', zero_division=0
    )


def test_agrees_with_scikit_learn(make_sample):
    samples = [make_sample(seed) for seed in range(3)]
    samples[0].gt_seg[:, 5:9, :12] = 255
    scores = run(HoleIoU(num_classes=4), samples)
    assert list(scores) == [
        *('round1/mIoU_hole', 'round1/mIoU', 'round2/mIoU_hole', 'round2/mIoU'),
        *('mIoU_hole', 'mIoU'),
    ]
    for r in (1, 2):
        for name, in_hole in (('mIoU_hole', True), ('mIoU', False)):
            expected = expected_iou(samples, r - 1, in_hole)
            assert scores[f'round{r}/{name}'] == pytest.approx(expected, abs=1e-6)
    assert scores['mIoU_hole'] == scores['round2/mIoU_hole']
    assert scores['mIoU'] == scores['round2/mIoU']


def test_classes_that_never_occur_are_skipped(make_sample):
    samples = [make_sample(seed) for seed in range(2)]
    assert run(HoleIoU(num_classes=19), samples) == run(HoleIoU(num_classes=4), samples)


def test_perfect_maps_score_100_and_scaling_1_gives_the_fraction(make_sample):
    sample = make_sample(0)
    sample.output.round_segs = sample.gt_seg.repeat(2, 1, 1)
    assert set(run(HoleIoU(num_classes=4), [sample]).values()) == {100.0}
    assert set(run(HoleIoU(num_classes=4, scaling=1), [sample]).values()) == {1.0}


def test_counts_stay_exact_above_the_precision_of_float32():
    areas = [torch.tensor([[[2.0**24, 0]] * 2] * 2).double(), torch.ones(2, 2, 2).double()]
    scores = HoleIoU(num_classes=2).compute_metrics([[one] for one in areas])
    assert scores['mIoU'] == 100.0
    assert (areas[0] + areas[1])[0, 0, 0] == 2**24 + 1


def test_unlabelled_samples_contribute_nothing(make_sample):
    labelled, unlabelled = make_sample(0), make_sample(1, labeled=False)
    assert run(HoleIoU(num_classes=4), [labelled, unlabelled]) == run(
        HoleIoU(num_classes=4), [labelled]
    )


def test_without_labels_it_warns_and_reports_nothing(make_sample, monkeypatch):
    messages = []
    monkeypatch.setattr(hole_iou, 'print_log', lambda text, **_: messages.append(text))
    assert run(HoleIoU(num_classes=4), [make_sample(0, labeled=False)]) == {}
    assert len(messages) == 2
    assert 'leaves out mIoU_hole: no labelled pixel inside a hole' in messages[0]
    assert 'leaves out mIoU: no labelled pixel in any image' in messages[1]


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


def test_number_of_classes_comes_from_the_data_set(make_sample):
    metric = HoleIoU()
    with pytest.raises(ValueError, match='does not know the number of classes'):
        metric.process(None, [make_sample(0).to_dict()])
    metric.dataset_meta = {'classes': tuple('abcd')}
    assert run(metric, [make_sample(0)]) == run(HoleIoU(num_classes=4), [make_sample(0)])


def test_errors_name_the_sample(make_sample):
    sample = make_sample(7)
    sample.gt_seg = sample.gt_seg[:, ::2, ::2]
    message = r'00007.png: gt_seg has shape \(1, 12, 12\), expected \(1, 24, 24\)'
    with pytest.raises(ValueError, match=message):
        HoleIoU(num_classes=4).process(None, [sample.to_dict()])
    del sample.gt_seg
    with pytest.raises(KeyError, match=r"00007.png: HoleIoU needs the data field 'gt_seg'"):
        HoleIoU(num_classes=4).process(None, [sample.to_dict()])


def test_refuses_a_mixture_of_round_counts(make_sample):
    with pytest.raises(ValueError, match=r'different numbers of maps: \[1, 2\]'):
        run(HoleIoU(num_classes=4), [make_sample(0, rounds=1), make_sample(1, rounds=2)])
