from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from mmagic.registry import VISUALIZERS
from mmagic.structures import DataSample
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from fbinpaint_mm.user_error import UserError
from fbinpaint_mm.visualization import FeedbackVisualizer


@pytest.fixture
def sample():
    """Blue everywhere (BGR), wrongly green in the hole of both rounds' images."""
    blue = torch.zeros(3, 64, 64, dtype=torch.uint8)
    blue[0] = 200
    mask = torch.zeros(1, 64, 64)
    mask[:, 16:48, 16:48] = 1
    green = torch.zeros(3, 64, 64)
    green[1] = 150
    images = torch.where(mask > 0, green, blue.float())[None].repeat(2, 1, 1, 1)
    output = DataSample(
        pred_img=images[-1],
        round_imgs=images,
        round_segs=torch.ones(1, 64, 64, dtype=torch.long),
        round_confidences=torch.full((2, 1, 64, 64), 0.5),
    )
    return DataSample(
        gt_img=blue,
        mask=mask,
        gt_seg=torch.zeros(1, 64, 64, dtype=torch.long),
        output=output,
        metainfo={'gt_path': 'somewhere/val/00042.jpg'},
    )


def count(picture, color):
    return int((picture == color).all(-1).sum())


def test_draws_bgr_samples_in_rgb(sample):
    visualizer = FeedbackVisualizer()
    picture = visualizer.draw(sample)
    assert count(picture, (0, 0, 200)) > 3 * 192**2
    assert count(picture, (0, 150, 0)) == 2 * 96**2
    swapped = FeedbackVisualizer(bgr2rgb=False).draw(sample)
    assert count(swapped, (200, 0, 0)) == count(picture, (0, 0, 200))


def test_palette_comes_from_the_data_set_unless_given(sample):
    visualizer = FeedbackVisualizer()
    visualizer.dataset_meta = {'classes': ('a', 'b'), 'palette': [(9, 8, 7), (90, 80, 70)]}
    picture = visualizer.draw(sample)
    assert count(picture, (90, 80, 70)) > 150**2
    assert count(picture, (9, 8, 7)) > 150**2
    own = FeedbackVisualizer(palette=[(1, 2, 3), (4, 5, 6)]).draw(sample)
    assert count(own, (4, 5, 6)) == count(picture, (90, 80, 70))


def test_both_backends_get_the_picture(sample, tmp_path):
    backends = [{'type': 'LocalVisBackend'}, {'type': 'TensorboardVisBackend'}]
    config = {'type': 'FeedbackVisualizer', 'name': str(tmp_path), 'vis_backends': backends}
    visualizer = VISUALIZERS.build({**config, 'save_dir': str(tmp_path)})
    visualizer.add_datasample(sample, step=500)
    visualizer.add_datasample(sample, step=1000)
    visualizer.close()
    folder = tmp_path / 'vis_data' / 'vis_image'
    assert sorted(path.name for path in folder.iterdir()) == [
        '00042_iter_1000.png',
        '00042_iter_500.png',
    ]
    written = cv2.imread(str(folder / '00042_iter_500.png'))[..., ::-1]
    expected = visualizer.draw(sample, title='00042   iteration 500')
    assert np.array_equal(written, expected)
    events = EventAccumulator(str(tmp_path / 'vis_data'), size_guidance={'images': 0}).Reload()
    assert [event.step for event in events.Images('00042_iter')] == [500, 1000]


def test_a_sample_may_be_written_under_a_name_of_its_own(sample, tmp_path):
    backends = [{'type': 'LocalVisBackend'}]
    visualizer = FeedbackVisualizer(
        f'{tmp_path} named', vis_backends=backends, save_dir=str(tmp_path)
    )
    visualizer.add_datasample(sample, step=500, name='training_labeled_1')
    (written,) = (tmp_path / 'vis_data' / 'vis_image').iterdir()
    assert written.name == 'training_labeled_1_500.png'
    expected = visualizer.draw(sample, title='00042   iteration 500')
    assert np.array_equal(cv2.imread(str(written))[..., ::-1], expected)


def test_the_teachers_map_is_drawn(sample):
    sample.gt_seg = torch.full((1, 64, 64), 255)
    sample.output.teacher_seg = torch.zeros(64, 64, dtype=torch.long)
    sample.output.teacher_weight = torch.zeros(64, 64)
    palette = [(9, 8, 7), (90, 80, 70)]
    assert count(FeedbackVisualizer(palette=palette).draw(sample), (9, 8, 7)) > 150**2


def test_a_model_without_rounds_gets_a_picture(sample):
    sample.output = DataSample(pred_img=sample.output.pred_img)
    del sample.gt_seg
    assert count(FeedbackVisualizer().draw(sample), (0, 150, 0)) == 96**2


def test_names_of_classes_are_checked():
    with pytest.raises(UserError, match="classes='water': expected a list of names"):
        FeedbackVisualizer(classes='water')
    with pytest.raises(UserError, match='palette has 1 colors for 2 classes'):
        FeedbackVisualizer(classes=('a', 'b'), palette=[(0, 0, 0)])
