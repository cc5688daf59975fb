"""Pictures of the class memory: where the prototypes lie, and how alike they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fbinpaint_mm.visualization.drawing import Color

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation

SIDE = 7.2  # inches
BAR = 1.2  # inches that the scale of the cosines takes
LABEL = 10  # points
GAP = 1.35 * LABEL  # points between two names that overlap from side to side
MOST_NUMBERS = 24  # classes; beyond that the cosines are too small to be written


def draw_prototype_map(
    prototypes: Tensor,
    seen: Tensor,
    classes: Sequence[str],
    palette: Sequence[Color],
    title: str = '',
) -> np.ndarray:
    """Draw the prototypes in the plane of their first two principal components.

    Classes with similar features are close together: a segmentor's decision between them is one
    that the prototypes can hardly correct. See ``project_to_plane`` for the axes.

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
    points, explained = project_to_plane(prototypes[indices])
    figure = new_figure(SIDE, SIDE)
    axes = figure.add_subplot()
    axes.set_title(title, loc='left', fontsize=11)
    labels = scatter_classes(axes, points, indices, classes, palette)
    first, second = 100 * explained
    axes.set_xlabel(f'first principal component, {first:.0f} % of the variance')
    axes.set_ylabel(f'second principal component, {second:.0f} % of the variance')
    figure.supxlabel(
        'Each point is the mean feature of a class in labeled images; close points are alike.\n'
        + describe_unseen(seen, classes),
        fontsize=9,
        color='0.3',
        wrap=True,
    )
    spread_labels(figure, axes, labels)
    return to_image(figure)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of that many inches; not pyplot's, which would keep it."""
    from matplotlib.figure import Figure  # not before there is something to draw

    return Figure((width, height), dpi=100, layout='constrained')


def to_image(figure: Figure) -> np.ndarray:
    """The figure as (height, width, 3) uint8 RGB."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def project_to_plane(prototypes: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """First two principal components of prototypes of unit length.

    The rows of ``X`` are the prototypes divided by their lengths, less their mean. With the
    singular value decomposition ``X = U diag(s) V^T`` the points are the first two columns of
    ``U diag(s)``, and axis j explains ``s_j^2 / sum(s^2)`` of the variance. The sign of an axis is
    free: as in scikit-learn, the component of ``V`` of largest magnitude is positive.

    Args:
        prototypes: (M, C) float, none of them zero, M >= 0.

    Returns:
        (M, 2) float64 points, and the (2,) float64 share of the variance along each axis, in
        [0, 1]. A missing axis (M <= 1 or C = 1) is zero, as is the share without any variance.
    """
    unit = F.normalize(prototypes.detach().cpu().double(), dim=1)
    if len(unit) == 0:
        return np.zeros((0, 2)), np.zeros(2)
    left, scales, right = torch.linalg.svd(unit - unit.mean(0), full_matrices=False)
    signs = right.gather(1, right.abs().argmax(dim=1, keepdim=True)).sign().T
    variance = scales.square()
    total = variance.sum()
    # Rounding leaves a trace of variance in equal prototypes.
    explained = variance / total if total > 1e-20 else torch.zeros_like(variance)
    missing = max(2 - len(scales), 0)
    points, explained = F.pad(left * scales * signs, (0, missing)), F.pad(explained, (0, missing))
    return points[:, :2].numpy(), explained[:2].numpy()


def scatter_classes(
    axes: Axes,
    points: np.ndarray,
    indices: Sequence[int],
    classes: Sequence[str],
    palette: Sequence[Color],
) -> list[Annotation]:
    """Draw a dot and a name for each class, in its color; returns the names."""
    from matplotlib.patheffects import withStroke  # not before there is something to draw

    colors = np.asarray([palette[index] for index in indices], float).reshape(-1, 3) / 255
    axes.scatter(
        points[:, 0], points[:, 1], s=110, c=colors, edgecolors='0.15', linewidths=0.9, alpha=0.85
    )
    axes.margins(0.16)
    axes.set_aspect('equal', adjustable='datalim')
    axes.grid(color='0.92')
    axes.set_axisbelow(True)  # the grid under the dots
    return [
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


def spread_labels(figure: Figure, axes: Axes, labels: Sequence[Annotation]) -> None:
    """Move names, placed by offset points, up until none is over another, the lowest first."""
    figure.draw_without_rendering()  # fixes where the points are
    scale = 72 / figure.dpi
    placed: list[tuple[float, float, float]] = []
    for label in sorted(labels, key=lambda one: one.xy[1]):
        x, y = axes.transData.transform(label.xy) * scale
        left, right, height = x, x + 20 + 0.65 * LABEL * len(label.get_text()), y
        for other_left, other_right, other_height in sorted(placed, key=lambda one: one[2]):
            if left < other_right and other_left < right and abs(height - other_height) < GAP:
                height = other_height + GAP
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
    figure.colorbar(image, ax=axes, shrink=0.75, label='cosine: 1 = the same direction')
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
