from __future__ import annotations

import numpy as np
import pytest

from fbinpaint_mm.user_error import UserError
from fbinpaint_mm.visualization import draw_feedback_grid, feedback_grid

PALETTE = [(200, 30, 30), (30, 200, 30), (30, 30, 200)]


def fabricate(rounds=2, size=64, labeled=True):
    rng = np.random.default_rng(0)
    hole = np.zeros((size, size), np.uint8)
    hole[16:40, 20:50] = 1
    gt_img = rng.integers(0, 256, (size, size, 3), dtype=np.uint8)
    noise = rng.normal(0, 30, gt_img.shape) * hole[..., None]
    gt_seg = np.zeros((size, size), np.int64)
    gt_seg[:, size // 2 :] = 1
    segs = [np.where((hole > 0) & (rng.random(hole.shape) < 0.5 / r), 2, gt_seg) for r in (1, 2, 3)]
    return {
        'gt_img': gt_img,
        'mask': hole,
        'round_imgs': np.stack([gt_img + noise / (r + 1) for r in range(rounds + 1)]),
        'round_segs': np.stack(segs)[:rounds],
        'round_confidences': rng.random((rounds + 1, size, size)),
        'gt_seg': gt_seg if labeled else np.full_like(gt_seg, 255),
    }


def contains(picture, image):
    """Whether an image, enlarged threefold, stands anywhere in the picture."""
    wanted = image.repeat(3, 0).repeat(3, 1)
    height, width = wanted.shape[:2]
    ys, xs = np.where((picture == wanted[0, 0]).all(-1))
    return any(
        np.array_equal(picture[y : y + height, x : x + width], wanted)
        for y, x in zip(ys, xs, strict=True)
        if np.array_equal(picture[y, x : x + width], wanted[0])
    )


@pytest.mark.parametrize('rounds', [0, 1, 3])
def test_shows_every_image_of_every_round(rounds):
    sample = fabricate(rounds)
    picture = draw_feedback_grid(**sample, palette=PALETTE, title='a title')
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3
    for image in (sample['gt_img'], *sample['round_imgs']):
        assert contains(picture, np.clip(np.round(image), 0, 255).astype(np.uint8))


def test_each_part_adds_its_rows_and_missing_parts_leave_them_out():
    sample = fabricate(rounds=2)
    full = draw_feedback_grid(**sample)
    bare = draw_feedback_grid(**{**sample, 'round_segs': None, 'round_confidences': None})
    no_truth = draw_feedback_grid(**{**sample, 'gt_seg': None})
    assert bare.shape[0] < full.shape[0]
    assert bare.shape[1] == full.shape[1]
    assert no_truth.shape == full.shape


def test_maps_wear_the_palette_of_the_data_set():
    picture = draw_feedback_grid(**fabricate(), palette=PALETTE)
    assert all((picture == color).all(-1).sum() > 300 for color in PALETTE)


def test_verdict_tells_right_wrong_corrected_and_spoiled():
    hole = np.array([[True] * 5 + [False]])
    known = np.array([[True] * 4 + [False] * 2])
    before = np.array([[True, False, False, True, True, True]])
    after = np.array([[True, False, True, False, True, True]])
    cell = feedback_grid.verdict(hole, known, after, before)
    expected = ['RIGHT', 'WRONG', 'FIXED', 'SPOILED', 'UNLABELED', 'BLANK']
    assert [tuple(pixel) for pixel in cell.image[0]] == [
        getattr(feedback_grid, name) for name in expected
    ]
    assert cell.caption == 'corrected 25.0 %, spoiled 25.0 %'


def test_without_labels_it_shows_what_changed():
    sample = fabricate(labeled=False)
    row = feedback_grid.check_row(sample['mask'] > 0, sample['round_segs'], sample['gt_seg'])
    changed = (sample['round_segs'][0] != sample['round_segs'][1]) & (sample['mask'] > 0)
    assert row.heading == 'What changed in the hole?'
    assert row.cells[2].caption == 'first map'
    assert ((row.cells[3].image == feedback_grid.CHANGED).all(-1) == changed).all()


def test_captions_carry_the_scores():
    sample = fabricate(rounds=1)
    hole = sample['mask'] > 0
    cells = feedback_grid.image_row(sample['gt_img'], hole, sample['round_imgs']).cells
    scores = [
        10 * np.log10(255**2 / np.mean((sample['gt_img'] - image) ** 2))
        for image in sample['round_imgs']
    ]
    assert cells[0].caption == f'hole {100 * hole.mean():.0f} % of the image'
    assert cells[1].caption == f'PSNR {scores[0]:.2f} dB'
    assert cells[2].caption == f'PSNR {scores[1]:.2f} dB ({scores[1] - scores[0]:+.2f})'
    right = (sample['round_segs'][0] == sample['gt_seg'])[hole].mean()
    colors = np.asarray(PALETTE, np.uint8)
    cells = feedback_grid.map_row(hole, sample['round_segs'], sample['gt_seg'], colors).cells
    assert cells[2].caption == f'{100 * right:.1f} % of the hole right'


def test_the_teachers_map_stands_in_for_missing_labels():
    sample = fabricate(rounds=1, labeled=False)
    teacher = np.full((64, 64), 2)
    teacher[:, 32:] = 0
    weight = np.full((64, 64), 0.25)
    given = {**sample, 'teacher_seg': teacher, 'teacher_weight': weight}
    picture = draw_feedback_grid(**given, palette=PALETTE)
    hole = sample['mask'] != 0
    colors = np.asarray(PALETTE, np.uint8)
    cell = feedback_grid.map_row(hole, sample['round_segs'], sample['gt_seg'], colors, teacher)
    assert cell.cells[-1].caption == "no labels: teacher's map"
    assert np.array_equal(cell.cells[-1].image, colors[teacher])
    row = feedback_grid.confidence_row(hole, sample['round_confidences'], weight)
    assert row.cells[-1].caption == "weight of teacher's map 0.25"
    assert not np.array_equal(picture, draw_feedback_grid(**sample, palette=PALETTE))
    labeled = feedback_grid.last_map(hole, teacher, colors, np.zeros_like(teacher))
    assert np.array_equal(labeled.image, colors[teacher])
    with pytest.raises(UserError, match=r'teacher_weight has shape \(1, 64, 64\), expected'):
        draw_feedback_grid(**{**given, 'teacher_weight': weight[None]})


def test_psnr_of_identical_images_is_finite():
    image = np.zeros((4, 4, 3), np.uint8)
    assert feedback_grid.psnr(image, image) == 100


def test_legend_lists_the_classes_that_occur():
    sample = fabricate(rounds=1)
    colors = np.asarray([*PALETTE, (1, 1, 1)], np.uint8)
    shown = feedback_grid.classes_in(sample['round_segs'], sample['gt_seg'], np.array([255]))
    assert shown == [0, 1, 2]
    legend = feedback_grid.class_legend(['sky', 'road', 'car', 'dog'], colors, shown)
    assert legend == list(zip(['sky', 'road', 'car'], PALETTE, strict=True))
    assert feedback_grid.class_legend(None, colors, shown)[0][0] == 'class 0'


def test_an_image_without_hole_can_be_drawn():
    sample = fabricate()
    sample['mask'] = np.zeros_like(sample['mask'])
    assert draw_feedback_grid(**sample).ndim == 3


@pytest.mark.parametrize(
    ('name', 'change', 'message'),
    [
        ('gt_img', lambda a: a[:32], r'gt_img has shape \(32, 64, 3\), expected \(64, 64, 3\)'),
        ('round_imgs', lambda a: a[..., :1], r'round_imgs has shape \(3, 64, 64, 1\)'),
        ('round_segs', lambda a: a[:1], r'round_segs has shape .*expected \(2, 64, 64\)'),
        ('round_confidences', lambda a: a[:2], r'expected \(3, 64, 64\).*2 feedback rounds'),
        ('gt_seg', lambda a: a[None], r'gt_seg has shape \(1, 64, 64\), expected \(64, 64\)'),
    ],
)
def test_sizes_that_do_not_agree_are_named(name, change, message):
    sample = fabricate()
    sample[name] = change(sample[name])
    with pytest.raises(UserError, match=message):
        draw_feedback_grid(**sample)


def test_float_images_are_drawn_like_uint8_ones():
    sample = fabricate()
    floats = {**sample, 'gt_img': sample['gt_img'].astype(np.float32)}
    assert np.array_equal(draw_feedback_grid(**floats), draw_feedback_grid(**sample))


def test_gain_counts_pixels_that_moved_by_more_than_a_gray_level():
    gt_img = np.zeros((1, 4, 3), np.uint8)
    before = np.full((1, 4, 3), 10.0)
    after = before + np.array([-5, 5, 0.5, -9])[None, :, None]
    hole = np.array([[True, True, True, False]])
    row = feedback_grid.gain_row(gt_img, hole, np.stack([before, after]))
    assert row.cells[2].caption == 'closer 33 %, further 33 %'
    assert tuple(row.cells[2].image[0, 3]) == feedback_grid.BLANK
