"""One picture that shows at a glance what every feedback round did to one image."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np

from fbinpaint_mm.models.feedback import IGNORE_INDEX
from fbinpaint_mm.user_error import UserError
from fbinpaint_mm.visualization.drawing import (
    Color,
    cell_scale,
    colorize,
    default_palette,
    gain,
    heat,
    stripe_hole,
)
from fbinpaint_mm.visualization.sheet import Cell, Key, Row, lay_out

RIGHT: Color = (88, 168, 96)
WRONG: Color = (205, 66, 66)
FIXED: Color = (40, 235, 255)
SPOILED: Color = (255, 165, 0)
UNLABELED: Color = (60, 60, 60)
CHANGED: Color = (255, 214, 10)
BLANK: Color = (235, 235, 235)

VERDICTS = (
    ('right', RIGHT),
    ('wrong', WRONG),
    ('corrected in this round', FIXED),
    ('spoiled in this round', SPOILED),
    ('not labeled', UNLABELED),
)
CHANGES = (('changed in this round', CHANGED), ('unchanged', UNLABELED))
GAINS = (
    ('32 gray levels closer', (0, 104, 55)),
    ('no change', (255, 255, 190)),
    ('32 gray levels further', (165, 0, 38)),
)


def draw_feedback_grid(
    gt_img: np.ndarray,
    mask: np.ndarray,
    round_imgs: np.ndarray,
    round_segs: np.ndarray | None = None,
    round_confidences: np.ndarray | None = None,
    gt_seg: np.ndarray | None = None,
    teacher_seg: np.ndarray | None = None,
    teacher_weight: np.ndarray | None = None,
    palette: Sequence[Color] | None = None,
    classes: Sequence[str] | None = None,
    title: str = '',
    cell_size: int = 192,
    max_cell_size: int = 512,
) -> np.ndarray:
    """Draw input, every round and ground truth side by side.

    Columns are the input, rounds 0..R and the ground truth. Rows are the images (with PSNR); where
    a round brought the image closer to the truth; the maps that guided the rounds; which pixels of
    the map in the hole are right, wrong, corrected or spoiled by that round (without ground truth:
    which changed); and the confidence. Rows without data are left out.

    Args:
        gt_img: (H, W, 3) true image, 0..255, RGB.
        mask: (H, W), not 0 in the hole.
        round_imgs: (R+1, H, W, 3) composites of rounds 0..R, 0..255, RGB, R >= 0.
        round_segs: (R, H, W) class ids of the map that guided rounds 1..R.
        round_confidences: (R+1, H, W) confidence in the image of rounds 0..R, 0..1.
        gt_seg: (H, W) true class ids, 255 where unknown.
        teacher_seg: (H, W) class ids that a teacher gave an image without labels; shown instead of
            the truth.
        teacher_weight: (H, W) how much those count in the loss, 0..1.
        palette: RGB triple of each class; distinct colors by default.
        classes: Name of each class for the legend; only classes in the picture are listed.
        title: Line at the top.
        cell_size: Small images are enlarged by a whole factor until the short side has this many
            pixels.
        max_cell_size: Large images are reduced by a whole factor until the long side fits.

    Returns:
        (height, width, 3) uint8 RGB picture.

    Raises:
        UserError: Sizes or numbers of rounds do not agree.
    """
    hole = np.asarray(mask) != 0
    check_sizes(
        hole,
        max(len(round_imgs) - 1, 0),
        gt_img=gt_img,
        round_imgs=round_imgs,
        round_segs=round_segs,
        round_confidences=round_confidences,
        gt_seg=gt_seg,
        teacher_seg=teacher_seg,
        teacher_weight=teacher_weight,
    )
    round_segs = np.zeros((0, *hole.shape), np.int64) if round_segs is None else round_segs
    gt_seg = np.full(hole.shape, IGNORE_INDEX) if gt_seg is None else gt_seg
    last_seg = gt_seg
    if teacher_seg is not None and (gt_seg == IGNORE_INDEX).all():
        last_seg = teacher_seg
    shown = classes_in(round_segs, last_seg)
    colors = fit_palette(palette, classes, shown)
    rows = [image_row(gt_img, hole, round_imgs)]
    if len(round_imgs) > 1:
        rows.append(gain_row(gt_img, hole, round_imgs))
    if len(round_segs):
        rows.append(map_row(hole, round_segs, gt_seg, colors, teacher_seg))
        rows.append(check_row(hole, round_segs, gt_seg))
    if round_confidences is not None:
        rows.append(confidence_row(hole, round_confidences, teacher_weight))
    headers = ['input', *(f'round {r}' for r in range(len(round_imgs))), 'ground truth']
    height, width = hole.shape
    scale = cell_scale(height, width, cell_size, max_cell_size)
    legend = class_legend(classes, colors, shown) if len(round_segs) else []
    return lay_out(title, headers, rows, legend, (height, width), scale)


def check_sizes(hole: np.ndarray, rounds: int, **arrays: np.ndarray | None) -> None:
    """Compare arrays, given by their names, with the hole mask and the number of rounds.

    Raises:
        UserError: One does not fit, with its name, its shape and the expected one.
    """
    shapes = {
        'gt_img': (*hole.shape, 3),
        'round_imgs': (rounds + 1, *hole.shape, 3),
        'round_segs': (rounds, *hole.shape),
        'round_confidences': (rounds + 1, *hole.shape),
    }
    for name, array in arrays.items():
        shape = shapes.get(name, hole.shape)
        if array is not None and array.shape != shape:
            raise UserError(
                f'{name} has shape {array.shape}, expected {shape} for a mask of {hole.shape} and '
                f'{rounds} feedback rounds'
            )


def image_row(gt_img: np.ndarray, hole: np.ndarray, round_imgs: np.ndarray) -> Row:
    """Input with a striped hole, the composite of every round with its PSNR, and the truth."""
    stripes = stripe_hole(to_uint8(gt_img), hole, max(hole.shape[0] // 32, 1))
    cells = [Cell(stripes, f'hole {100 * hole.mean():.0f} % of the image', smooth=True)]
    scores = [psnr(gt_img, image) for image in round_imgs]
    for index, (image, score) in enumerate(zip(round_imgs, scores, strict=True)):
        change = f' ({score - scores[index - 1]:+.2f})' if index else ''
        cells.append(Cell(to_uint8(image), f'PSNR {score:.2f} dB{change}', smooth=True))
    return Row('Image', [*cells, Cell(to_uint8(gt_img), smooth=True)])


def gain_row(gt_img: np.ndarray, hole: np.ndarray, round_imgs: np.ndarray) -> Row:
    """Where every round brought the image closer to the truth than the round before it.

    The shares in the caption count the pixels of the hole that moved by more than one gray level.
    """
    errors = np.abs(np.asarray(gt_img, np.float32) - round_imgs).mean(-1)
    cells = [Cell(keys=GAINS), Cell()]
    for before, after in pairwise(errors):
        image = np.where(hole[..., None], gain(before, after), np.asarray(BLANK, np.uint8))
        closer, further = (percent(part, hole) for part in (before - after > 1, after - before > 1))
        cells.append(Cell(image, f'closer {closer:.0f} %, further {further:.0f} %'))
    return Row('Is the image closer to the truth than one round before?', [*cells, Cell()])


def map_row(
    hole: np.ndarray,
    round_segs: np.ndarray,
    gt_seg: np.ndarray,
    colors: np.ndarray,
    teacher_seg: np.ndarray | None = None,
) -> Row:
    """The hole, the corrected map that guided every round, and the true or the teacher's map."""
    known = hole & (gt_seg != IGNORE_INDEX)
    mask = np.where(hole[..., None], 255, 40).astype(np.uint8).repeat(3, axis=2)
    cells = [Cell(mask, 'hole'), Cell(caption='no map before round 1')]
    for seg in round_segs:
        caption = f'{percent(seg == gt_seg, known):.1f} % of the hole right' if known.any() else ''
        cells.append(Cell(colorize(seg, colors), caption, outline=hole))
    return Row(
        'Semantic map that guided the round', [*cells, last_map(hole, gt_seg, colors, teacher_seg)]
    )


def last_map(
    hole: np.ndarray, gt_seg: np.ndarray, colors: np.ndarray, teacher_seg: np.ndarray | None
) -> Cell:
    """The true map; of an image without labels the teacher's, or a word."""
    if (gt_seg != IGNORE_INDEX).any():
        return Cell(colorize(gt_seg, colors), outline=hole)
    if teacher_seg is not None:
        return Cell(colorize(teacher_seg, colors), "no labels: teacher's map", outline=hole)
    return Cell(caption='not labeled')


def check_row(hole: np.ndarray, round_segs: np.ndarray, gt_seg: np.ndarray) -> Row:
    """What every round got right, wrong, corrected and spoiled in the hole."""
    known = hole & (gt_seg != IGNORE_INDEX)
    if not known.any():
        return change_row(hole, round_segs)
    right = [seg == gt_seg for seg in round_segs]
    cells = [Cell(keys=VERDICTS), Cell(), verdict(hole, known, right[0])]
    cells += [verdict(hole, known, after, before) for before, after in pairwise(right)]
    return Row('Is the map right in the hole?', [*cells, Cell()])


def verdict(
    hole: np.ndarray, known: np.ndarray, right: np.ndarray, before: np.ndarray | None = None
) -> Cell:
    """Right and wrong pixels of a map, and which of them the round before had otherwise.

    Args:
        hole: (H, W) bool.
        known: (H, W) bool, labeled pixels of the hole, at least one.
        right: (H, W) bool, where the map agrees with the labels.
        before: (H, W) bool, where the map of the round before did; ``None`` for the first map.
    """
    layers = [(hole, UNLABELED), (known & right, RIGHT), (known & ~right, WRONG)]
    if before is None:
        return Cell(paint(layers), f'{percent(~right, known):.1f} % wrong')
    fixed, spoiled = ~before & right, before & ~right
    caption = f'corrected {percent(fixed, known):.1f} %, spoiled {percent(spoiled, known):.1f} %'
    return Cell(paint([*layers, (known & fixed, FIXED), (known & spoiled, SPOILED)]), caption)


def change_row(hole: np.ndarray, round_segs: np.ndarray) -> Row:
    """Where the map in the hole differs from the round before, for images without labels."""
    cells = [Cell(keys=CHANGES), Cell(), Cell(caption='first map')]
    for before, after in pairwise(round_segs):
        image = paint([(hole, UNLABELED), (hole & (before != after), CHANGED)])
        share = percent(before != after, hole)
        cells.append(Cell(image, f'{share:.1f} % of the hole changed'))
    return Row('What changed in the hole?', [*cells, Cell()])


def confidence_row(
    hole: np.ndarray, round_confidences: np.ndarray, teacher_weight: np.ndarray | None = None
) -> Row:
    """How sure the loop is of the image of every round, and how much the teacher's map counts."""
    bar = np.linspace(1, 0, hole.shape[0])[:, None].repeat(max(hole.shape[1] // 8, 1), axis=1)
    cells = [Cell(heat(bar), 'bright = 1, dark = 0')]
    for confidence in round_confidences:
        mean = confidence[hole].mean() if hole.any() else 1.0
        cells.append(Cell(heat(confidence), f'mean {mean:.2f} in the hole', outline=hole))
    weight = Cell()
    if teacher_weight is not None:
        caption = f"weight of teacher's map {teacher_weight.mean():.2f}"
        weight = Cell(heat(teacher_weight), caption, outline=hole)
    return Row('Confidence in the image', [*cells, weight])


def percent(region: np.ndarray, within: np.ndarray) -> float:
    """Share of one (H, W) bool region that is in another, in percent; 0 where that is empty."""
    return 100 * float(region[within].mean()) if within.any() else 0.0


def paint(layers: Sequence[tuple[np.ndarray, Color]]) -> np.ndarray:
    """Color each (H, W) bool region in turn, on a blank picture; later ones cover earlier ones."""
    image = np.full((*layers[0][0].shape, 3), BLANK, np.uint8)
    for region, color in layers:
        image[region] = color
    return image


def psnr(gt_img: np.ndarray, image: np.ndarray, ceiling: float = 100.0) -> float:
    """PSNR in dB over the whole image, both 0..255, at most ``ceiling`` (as ``FinitePSNR``)."""
    return min(cv2.PSNR(gt_img.astype(np.float64), image.astype(np.float64), R=255), ceiling)


def to_uint8(image: np.ndarray) -> np.ndarray:
    """Round and clip 0..255 values to uint8."""
    return np.clip(np.round(image), 0, 255).astype(np.uint8)


def classes_in(*segs: np.ndarray) -> list[int]:
    """Sorted ids of the classes that occur in any of the maps."""
    return sorted({int(index) for seg in segs for index in np.unique(seg)} - {IGNORE_INDEX})


def fit_palette(
    palette: Sequence[Color] | None, classes: Sequence[str] | None, shown: Sequence[int]
) -> np.ndarray:
    """The given palette, or distinct colors for every class that is named or shown."""
    if palette is not None and len(palette):
        return np.asarray(palette, dtype=np.uint8)
    return default_palette(max(len(classes or ()), 1 + max(shown, default=0)))


def class_legend(
    classes: Sequence[str] | None, colors: np.ndarray, shown: Sequence[int]
) -> list[Key]:
    """Name and color of every class that is shown."""
    names = dict(enumerate(classes or ()))
    return [
        (names.get(index, f'class {index}'), tuple(colors[index].tolist()))
        for index in shown
        if index < len(colors)
    ]
