"""Does an exported file give what PyTorch gives?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from fbinpaint_mm.export.export_error import ExportError
from fbinpaint_mm.export.exported_step import ExportedStep

RANGES = {'composite': 255.0, 'map': 1.0, 'confidence': 1.0}


def expected_outputs(
    step: ExportedStep, batches: Sequence[tuple[Tensor, ...]]
) -> list[list[np.ndarray]]:
    """What PyTorch gives for each batch of inputs, in the order of ``output_names``."""
    with torch.inference_mode():
        return [[output.numpy() for output in step(*batch)] for batch in batches]


def largest_differences(
    names: Sequence[str],
    found: Sequence[Sequence[np.ndarray]],
    expected: Sequence[Sequence[np.ndarray]],
) -> dict[str, float]:
    """Largest absolute difference of each output over all batches.

    Args:
        names: Of the outputs.
        found: Outputs of every batch.
        expected: Likewise.

    Returns:
        Difference by name, as a share of the output's range (255 for ``composite``, else 1); NaN
        where a NaN was found, infinite where shapes differ.
    """
    differences = dict.fromkeys(names, 0.0)
    for one, other in zip(found, expected, strict=True):
        for name, a, b in zip(names, one, other, strict=True):
            difference = np.abs(a - b).max() / RANGES[name] if a.shape == b.shape else np.inf
            differences[name] = float(np.maximum(differences[name], difference))
    return differences


def check_parity(differences: Mapping[str, float], tolerance: float) -> None:
    """Refuse a file that differs from PyTorch by more than the tolerance.

    Args:
        differences: From :func:`largest_differences`.
        tolerance: Largest difference allowed.

    Raises:
        ExportError: If one is larger, or not a number. The message names all that are.
    """
    wrong = {name: value for name, value in differences.items() if not value <= tolerance}
    if wrong:
        listed = ', '.join(f'{name} {value:.3g}' for name, value in wrong.items())
        raise ExportError(f'differs from PyTorch by more than {tolerance:g} of the range: {listed}')


def check_known_pixels(
    batches: Sequence[tuple[Tensor, ...]], found: Sequence[Sequence[np.ndarray]]
) -> None:
    """Make sure that pixels outside the hole come back bit for bit.

    Args:
        batches: Inputs; the first is the image, the second the mask.
        found: Outputs; the first is the composite.

    Raises:
        ExportError: If one does not.
    """
    for (image, mask, *_), (composite, *_) in zip(batches, found, strict=True):
        known = np.broadcast_to(mask.numpy() <= 0.5, composite.shape)
        changed = int((composite[known] != image.numpy()[known]).sum())
        if changed:
            raise ExportError(f'{changed} values of known pixels do not come back as they were')
