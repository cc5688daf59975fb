import json

import numpy as np
import pytest
import torch
from mmagic.registry import MODELS
from mmengine.config import Config

from fbinpaint_mm.benchmark.entry import Entry
from fbinpaint_mm.benchmark.metric_setup import build_metrics, metric_configs
from fbinpaint_mm.benchmark.pairs import ImageHolePairs, Labels
from fbinpaint_mm.benchmark.picture_files import PictureFiles
from fbinpaint_mm.benchmark.scoring import build_model, score_model
from fbinpaint_mm.user_error import UserError


@pytest.fixture
def pairs(cfg, tmp_path):
    pairs = ImageHolePairs(cfg, 'small.py')
    pairs.survey(PictureFiles(tmp_path / 'pictures'))
    return pairs


@pytest.fixture
def metrics(cfg):
    return build_metrics(metric_configs(cfg))


def classical(method):
    cfg = Config(dict(model=dict(type='ClassicalInpaintor', method=method)))
    return build_model(Entry(method, method, cfg=cfg), None, 'cpu')


def test_scores_are_those_of_the_final_images(pairs, metrics):
    saved, counted = {}, []
    series, set_scores = score_model(
        classical('mean_color'), pairs, metrics, saved.__setitem__, counted.append
    )
    assert set_scores == {}
    assert [(one.metric, one.round) for one in series] == [('PSNR', None), ('MAE', None)]
    psnr = series[0]
    assert psnr.samples == list(saved) == pairs.data.samples
    np.testing.assert_allclose(psnr.hole_areas, pairs.data.hole_areas, atol=1e-6)
    assert counted == [3, 1]
    for index, (name, image) in enumerate(saved.items()):
        truth = pairs.dataset[index]['data_samples'].gt_img.double()
        error = (image.double() - truth).square().mean()
        expected = 10 * torch.log10(255**2 / error)
        assert psnr.items[index] == pytest.approx(float(expected), abs=1e-4), name


def test_a_model_with_rounds_has_scores_of_every_round(cfg, pairs, metrics):
    model = build_model(Entry('small', 'small.py', cfg=cfg), None, 'cpu')
    series, _ = score_model(model, pairs, metrics)
    found = [(one.metric, one.round) for one in series]
    for metric in ('PSNR', 'MAE'):
        assert {(metric, 0), (metric, 1), (metric, None)} <= set(found)
    assert {('mIoU_hole', 1), ('mIoU', None)} <= set(found)
    json.dumps([one.to_dict() for one in series])


def test_scores_are_the_same_again_and_with_other_batches(cfg, pairs, tmp_path):
    single = ImageHolePairs(cfg, 'small.py', batch_size=1)
    single.survey(PictureFiles(tmp_path))
    entry = Entry('small', 'small.py', cfg=cfg)
    torch.manual_seed(0)
    model = build_model(entry, None, 'cpu')
    scores = [
        [one.score() for one in score_model(model, data, build_metrics(metric_configs(cfg)))[0]]
        for data in (pairs, pairs, single)
    ]
    assert scores[0] == scores[1]
    np.testing.assert_allclose(scores[0], scores[2], rtol=1e-5)


def test_a_model_cannot_change_what_it_is_compared_with(pairs, metrics, monkeypatch):
    model = classical('mean_color')
    honest, _ = score_model(model, pairs, metrics)
    answer = type(model).test_step

    def cheat(self, batch):
        samples = answer(self, batch)
        for sample in samples:
            sample.gt_img = sample.output.pred_img.clone()
            sample.mask = torch.zeros_like(sample.mask)
        return samples

    monkeypatch.setattr(type(model), 'test_step', cheat)
    cheated, _ = score_model(model, pairs, metrics)
    np.testing.assert_array_equal(cheated[0].items, honest[0].items)


def test_a_score_of_the_whole_set_is_kept_apart(pairs):
    class CountedImages:
        SAMPLER_MODE = 'normal'
        dataset_meta = None

        def prepare(self, model, dataloader):
            self.images = 0

        def process(self, data_batch, data_samples):
            self.images += len(data_samples)

        def evaluate(self):
            return {'images': np.float64(self.images)}

    series, set_scores = score_model(classical('mean_color'), pairs, [CountedImages()])
    assert series == []
    assert set_scores == {'images': 4.0}
    assert type(set_scores['images']) is float


def test_a_model_of_other_classes_has_scores_of_images_alone(cfg, pairs, metrics):
    model = build_model(Entry('small', 'small.py', cfg=cfg), None, 'cpu')
    expected, _ = score_model(model, pairs, metrics)
    model.data_preprocessor.num_classes = 2
    with pytest.raises(UserError, match='label id 7 is out of range'):
        score_model(model, pairs, build_metrics(metric_configs(cfg)))
    metrics = build_metrics(metric_configs(cfg))
    series, set_scores = score_model(model, pairs, metrics, labels=Labels.HIDDEN)
    assert set_scores == {}
    assert {one.metric for one in series} == {'PSNR', 'MAE'}
    for one, same in zip(series, expected, strict=False):
        np.testing.assert_array_equal(one.items, same.items)


def test_weights_that_are_not_finite_are_refused(cfg, tmp_path):
    state = MODELS.build(cfg.model).state_dict()
    next(iter(state.values())).fill_(float('nan'))
    torch.save(dict(state_dict=state), tmp_path / 'nan.pth')
    path = str(tmp_path / 'nan.pth')
    with pytest.raises(UserError, match=r"nan\.pth': 1 of \d+ entries hold NaN or infinite values"):
        build_model(Entry('small', 'small.py', path, cfg), path, 'cpu')


def test_an_image_without_a_finite_score_fails_the_entry(pairs, metrics, monkeypatch):
    model = classical('mean_color')
    answer = type(model).test_step

    def spoil(self, batch):
        samples = answer(self, batch)
        samples[-1].output.pred_img[:, 3, 5] = torch.nan
        return samples

    monkeypatch.setattr(type(model), 'test_step', spoil)
    names = ', '.join(pairs.data.samples[index] for index in (2, 3))
    with pytest.raises(UserError, match=f'^no finite PSNR, MAE of 2 images: {names}$'):
        score_model(model, pairs, metrics)


def test_images_of_another_size_are_refused(pairs, metrics, monkeypatch):
    model = classical('mean_color')
    answer = type(model).test_step

    def crop(self, batch):
        samples = answer(self, batch)
        for sample in samples:
            sample.output.pred_img = sample.output.pred_img[:, :16]
        return samples

    monkeypatch.setattr(type(model), 'test_step', crop)
    message = r'pred_img has shape \(3, 16, 32\), expected \(3, 32, 32\)'
    with pytest.raises(UserError, match=message):
        score_model(model, pairs, metrics)


def test_fewer_answers_than_images_are_refused(pairs, metrics, monkeypatch):
    model = classical('mean_color')
    answer = type(model).test_step
    monkeypatch.setattr(type(model), 'test_step', lambda self, batch: answer(self, batch)[1:])
    with pytest.raises(UserError, match='the model gave 2 samples for 3 images'):
        score_model(model, pairs, metrics)
