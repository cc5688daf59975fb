"""Class prototypes in the plane."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor


class Projection(NamedTuple):
    """Points in the plane.

    Attributes:
        points: (M, 2) float64 coordinates.
        explained: (2,) float64 in [0, 1], share of the variance along each axis; 0 where there is
            no variance at all.
    """

    points: np.ndarray
    explained: np.ndarray


def project_to_plane(prototypes: Tensor) -> Projection:
    """Principal components of prototypes of unit length.

    With the prototypes divided by their lengths as rows of ``P``, and ``X = P - mean(P)``, the
    singular value decomposition is ``X = U diag(s) V^T``. The coordinates are the first two columns
    of ``U diag(s)``, equal to ``X V``; axis j explains ``s_j^2 / sum(s^2)`` of the variance. The
    sign of an axis is free: as in scikit-learn (``svd_flip(u_based_decision=False)``, since 1.5)
    the component of ``V`` of largest magnitude is positive.

    Args:
        prototypes: (M, C) float, none of them zero, M >= 0.

    Returns:
        The points; a missing second axis (M <= 1 or C = 1) is zero.
    """
    unit = F.normalize(prototypes.detach().cpu().double(), dim=1)
    if len(unit) == 0:
        return Projection(np.zeros((0, 2)), np.zeros(2))
    left, scales, right = torch.linalg.svd(unit - unit.mean(0), full_matrices=False)
    largest = right.abs().argmax(dim=1, keepdim=True)
    points = left * scales * right.gather(1, largest).sign().T
    variance = scales.square()
    total = variance.sum()
    # Rounding leaves a trace of variance in equal prototypes.
    explained = variance / total if total > 1e-20 else torch.zeros_like(variance)
    missing = max(2 - len(scales), 0)
    points, explained = F.pad(points, (0, missing)), F.pad(explained, (0, missing))
    return Projection(points[:, :2].numpy(), explained[:2].numpy())
