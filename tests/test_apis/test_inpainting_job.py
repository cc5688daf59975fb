"""A picture on its way through the network, which is played by the test."""

import numpy as np
import pytest
import torch
from mmagic.structures import DataSample

from fbinpaint_mm.apis.hole_crop import Sight
from fbinpaint_mm.apis.inpainting_job import InpaintingJob
from fbinpaint_mm.picture import Picture

SIGHT = Sight(96, (48, 48))


def paint(color, label, size, rounds=2):
    """What a network gives that paints one color, brighter by 10 in each round."""
    images = [torch.full((3, *size), color + 10.0 * index) for index in range(rounds + 1)]
    return DataSample(
        round_imgs=torch.stack(images),
        round_confidences=torch.full((rounds + 1, 1, *size), 0.5),
        round_segs=torch.full((rounds, *size), label),
    )


@pytest.fixture
def job(make_picture):
    """A gray picture with two holes, one beside the other, that have crops of their own."""
    hole = np.zeros((100, 300), bool)
    hole[30:70, 100:112] = True
    hole[30:70, 130:142] = True
    picture = Picture(make_picture((100, 300)), notes=['a note'])
    return InpaintingJob('image', picture, hole, None, SIGHT, rounds=2, keeps_rounds=True)


def run(job, crop, color, label):
    output = paint(color, label, crop.size)
    job.paste(crop, output, output.round_imgs)


def test_a_crop_sees_what_earlier_crops_have_filled(job):
    first, second = job.crops
    before = job.look(second)[1]
    run(job, first, 40, 1)
    image, hole, dictated = job.look(second)
    assert dictated is None
    assert hole.sum() == 40 * 12 < before.sum()
    filled = before & ~hole
    assert (image[filled] == 60).all()  # the last round of the first crop
    assert (image[hole] == 127.5).all()


def test_rounds_of_crops_are_put_together(job):
    first, second = job.crops
    run(job, first, 40, 1)
    run(job, second, 90, 2)
    result = job.result()
    original = job.picture.pixels
    assert result.notes == ['a note']
    assert result.rounds_run == 2
    for index, one in enumerate(result.rounds):
        assert (one.image[30:70, 100:112] == 40 + 10 * index).all()
        assert (one.image[30:70, 130:142] == 90 + 10 * index).all()
        assert (one.confidence[30:70, 130:142] == 0.5).all()
        known = np.ones((100, 300), bool)
        known[30:70, 100:112] = known[30:70, 130:142] = False
        assert np.array_equal(one.image[known], original[known])
        assert (one.confidence[known] == 1).all()
    labels = result.semantic_map
    assert (labels[30:70, 100:112] == 1).all()
    assert (labels[30:70, 130:142] == 2).all()
    assert (labels[:, :40] == 255).all()  # where no crop has looked
    assert result.rounds[0].semantic_map is None


def test_the_map_of_known_pixels_is_that_of_the_crop_that_sees_most(make_picture):
    hole = np.zeros((200, 400), bool)
    hole[60:140, 60:160] = True
    hole[90:96, 190:196] = True
    picture = Picture(make_picture((200, 400)))
    job = InpaintingJob('image', picture, hole, None, SIGHT, rounds=2, keeps_rounds=False)
    large, small = job.crops
    run(job, large, 40, 1)
    run(job, small, 90, 2)
    labels, both = job.result().semantic_map, large.window.common(small.window).slices
    assert (labels[hole & (np.arange(400) > 180)] == 2).all()
    assert (labels[both][~hole[both]] == 1).all()


def test_a_small_picture_gets_the_mean_of_what_was_painted_on_it_enlarged(make_picture):
    """Stripes of one pixel, three of which are one of the picture."""
    hole = np.zeros((20, 30), bool)
    hole[1:-1, 1:-1] = True
    dictated = np.where(hole, 3, 255).astype(np.uint8)
    picture, sight = Picture(make_picture((20, 30))), Sight(96, (60, 90))
    job = InpaintingJob('image', picture, hole, dictated, sight, rounds=1, keeps_rounds=True)
    (crop,) = job.crops
    image, large_hole, labels = job.look(crop)
    assert image.shape == (60, 90, 3)
    assert large_hole[3:-3, 3:-3].all()
    assert (labels[3:-3, 3:-3] == 3).all()

    output = paint(0, 3, crop.size, rounds=1)
    output.round_imgs[..., ::2] = 240
    job.paste(crop, output, output.round_imgs)
    result = job.result()
    for one in result.rounds:
        assert set(np.unique(one.image[9:11, 9:-9])) <= {80, 83, 87, 160, 163, 167}
        assert np.array_equal(one.image[~hole], picture.pixels[~hole])
    assert (result.semantic_map == 3).all()
    assert (result.confidence[hole] == 0.5).all()
