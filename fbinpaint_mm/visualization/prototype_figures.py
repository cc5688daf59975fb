"""Pictures of the class memory: where the prototypes lie, and how alike they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from fbinpaint_mm.visualization.drawing import Color
from fbinpaint_mm.visualization.figure_image import new_figure, to_image
from fbinpaint_mm.visualization.prototype_projection import Projection, project_to_plane

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation

SIDE = 7.2  # inches
BAR = 1.2  # inches that the scale of the cosines takes
LABEL = 10  # points
MOST_NUMBERS = 24  # classes; beyond that the cosines are too small to be written


def draw_prototype_map(
    prototypes: Tensor,
    seen: Tensor,
    classes: Sequence[str],
    palette: Sequence[Color],
    title: str = '',
) -> np.ndarray:
    """Draw the prototypes in the plane of their first two principal components.

    Classes with a similar look are close together: a segmentor's decision between them is one that
    the prototypes can hardly correct. See ``project_to_plane`` for the axes.

    Args:
        prototypes: (K, C) float class prototypes.
        seen: (K,) bool, classes that have one, at least one; others are left out, and named below.
        classes: Name of each class.
        palette: RGB triple, 0..255, of each class.
        title: Line at the top.

    Returns:
        (height, width, 3) uint8 RGB picture.
    """
    indices = seen.nonzero().flatten().tolist()
    projection = project_to_plane(prototypes[indices])
    figure = new_figure(SIDE, SIDE)
    axes = figure.add_subplot()
    axes.set_title(title, loc='left', fontsize=11)
    scatter_classes(axes, projection, indices, classes, palette)
    first, second = 100 * projection.explained
    axes.set_xlabel(f'first principal component, {first:.0f} % of the variance')
    axes.set_ylabel(f'second principal component, {second:.0f} % of the variance')
    figure.supxlabel(
        'Each point is the mean look of a class in labelled images; close points look alike.\n'
        + describe_unseen(seen, classes),
        fontsize=9,
        color='0.3',
        wrap=True,
    )
    return to_image(figure)


def scatter_classes(
    axes: Axes,
    projection: Projection,
    indices: Sequence[int],
    classes: Sequence[str],
    palette: Sequence[Color],
) -> None:
    """A dot and a name for each class, in its colour; names do not cover each other."""
    from matplotlib.patheffects import withStroke  # not before there is something to draw

    points = projection.points
    colors = np.asarray([palette[index] for index in indices], float).reshape(-1, 3) / 255
    axes.scatter(*points.T, s=110, c=colors, edgecolors='0.15', linewidths=0.9, alpha=0.85)
    axes.margins(0.16)
    axes.set_aspect('equal', adjustable='datalim')
    axes.grid(color='0.92')
    axes.set_axisbelow(True)  # the grid under the dots
    labels = [
        axes.annotate(
            classes[index],
            point,
            (9, 0),
            textcoords='offset points',
            va='center',
            fontsize=LABEL,
            arrowprops=dict(arrowstyle='-', color='0.6', linewidth=0.7, shrinkA=0, shrinkB=5),
            path_effects=[withStroke(linewidth=2.5, foreground='white')],
            zorder=3,
        )
        for index, point in zip(indices, points, strict=True)
    ]
    spread_labels(axes, labels)


def spread_labels(axes: Axes, labels: Sequence[Annotation], gap: float = 1.35 * LABEL) -> None:
    """Move names up until none is over another, from the lowest point to the highest.

    Args:
        axes: Where they are.
        labels: Annotations placed by offset points.
        gap: Least distance, in points, of two names that overlap from side to side.
    """
    axes.figure.canvas.draw()  # fixes where the points are
    scale = 72 / axes.figure.dpi
    placed: list[tuple[float, float, float]] = []
    for label in sorted(labels, key=lambda one: one.xy[1]):
        x, y = axes.transData.transform(label.xy) * scale
        left, right, height = x, x + 20 + 0.65 * LABEL * len(label.get_text()), y
        for other_left, other_right, other_height in sorted(placed, key=lambda one: one[2]):
            if left < other_right and other_left < right and abs(height - other_height) < gap:
                height = other_height + gap
        placed.append((left, right, height))
        label.set_position((9, height - y))


def describe_unseen(seen: Tensor, classes: Sequence[str]) -> str:
    """How many classes have a prototype, and which have none."""
    missing = [name for name, known in zip(classes, seen.tolist(), strict=True) if not known]
    text = f'{int(seen.sum())} of {len(classes)} classes seen so far'
    return f'{text}; not yet: {", ".join(missing)}' if missing else text


def draw_cosines(
    prototypes: Tensor, seen: Tensor, classes: Sequence[str], title: str = ''
) -> np.ndarray:
    """Draw the cosine between each two prototypes as a matrix.

    Args:
        prototypes: (K, C) float class prototypes.
        seen: (K,) bool, classes that have one, at least one; others are left out, and named below.
        classes: Name of each class.
        title: Line at the top.

    Returns:
        (height, width, 3) uint8 RGB picture.
    """
    indices = seen.nonzero().flatten().tolist()
    cosines = cosines_between(prototypes[indices])
    figure = new_figure(SIDE + BAR, SIDE)
    axes = figure.add_subplot()
    axes.set_title(title, loc='left', fontsize=11)
    image = axes.imshow(cosines, cmap='RdBu_r', vmin=-1, vmax=1)
    names = [classes[index] for index in indices]
    axes.set_xticks(range(len(names)), names, rotation=60, ha='right', rotation_mode='anchor')
    axes.set_yticks(range(len(names)), names)
    if len(names) <= MOST_NUMBERS:
        write_numbers(axes, cosines)
    figure.colorbar(image, ax=axes, shrink=0.75, label='cosine: 1 = look the same')
    figure.supxlabel(describe_unseen(seen, classes), fontsize=9, color='0.3', wrap=True)
    return to_image(figure)


def cosines_between(prototypes: Tensor) -> np.ndarray:
    """(M, M) float64 cosines in [-1, 1] between each two of (M, C) prototypes."""
    unit = F.normalize(prototypes.detach().cpu().double(), dim=1)
    return (unit @ unit.T).clamp(-1, 1).numpy()


def write_numbers(axes: Axes, values: np.ndarray) -> None:
    """Write each value of a matrix into its cell, with two decimals."""
    size = min(9.0, 130 / len(values))
    for (row, column), value in np.ndenumerate(values):
        color = 'white' if abs(value) > 0.6 else '0.1'
        axes.text(column, row, f'{value:.2f}', ha='center', va='center', size=size, color=color)
