"""Does an exported file give what PyTorch gives?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from fbinpaint_mm.export.exported_step import PREVIOUS, ExportedStep, ExportError

RANGES = {'composite': 255.0, 'map': 1.0, 'confidence': 1.0}


def random_inputs(
    step: ExportedStep, batch_size: int, size: tuple[int, int], seed: int
) -> tuple[Tensor, ...]:
    """Random inputs of a step, in the order of its ``input_names``.

    Args:
        step: Decides which inputs, and how many classes.
        batch_size: N.
        size: (height, width) in pixels.
        seed: Of the random numbers; the same seed gives the same inputs.

    Returns:
        float32 tensors as :class:`ExportedStep` describes them. Holes differ within a batch: a
        rectangle, everything, nothing, and so on.
    """
    generator = torch.Generator().manual_seed(seed)

    def uniform(channels: int) -> Tensor:
        return torch.rand((batch_size, channels, *size), generator=generator)

    inputs = {
        'image': (uniform(3) * 256).floor(),
        'mask': _holes(batch_size, *size),
        'composite': uniform(3) * 255,
        'map': (4 * uniform(max(step.num_classes, 1))).softmax(1),
        'confidence': uniform(1),
    }
    return tuple(inputs[name.removeprefix(PREVIOUS)] for name in step.input_names)


def _holes(batch_size: int, height: int, width: int) -> Tensor:
    masks = torch.zeros(batch_size, 1, height, width)
    masks[0::3, :, height // 4 : height // 4 * 3, width // 3 : width // 3 * 2 + 1] = 1
    masks[1::3] = 1
    return masks


def compare(
    step: ExportedStep,
    batches: Sequence[tuple[Tensor, ...]],
    found: Sequence[Sequence[np.ndarray]],
    tolerance: float,
) -> dict[str, float]:
    """Refuse outputs of a file that differ from those of PyTorch.

    Args:
        step: What is in the file.
        batches: Inputs of each call, in the order of ``input_names``.
        found: What the file gave for each, in the order of ``output_names``.
        tolerance: Largest difference allowed, as a share of the range of each output.

    Returns:
        Largest difference of each output over all calls, as a share of its range (255 for
        ``composite``, else 1).

    Raises:
        ExportError: If one is above the tolerance, not a number, or of another shape; or if a pixel
            outside the hole does not come back bit for bit. The message names the outputs.
    """
    with torch.inference_mode():
        expected = [[output.numpy() for output in step(*batch)] for batch in batches]
    differences = largest_differences(step.output_names, found, expected)
    wrong = {name: value for name, value in differences.items() if not value <= tolerance}
    if wrong:
        listed = ', '.join(f'{name} {value:.3g}' for name, value in wrong.items())
        raise ExportError(f'differs from PyTorch by more than {tolerance:g} of the range: {listed}')
    for (image, mask, *_), (composite, *_) in zip(batches, found, strict=True):
        check_known_pixels(image.numpy(), mask.numpy(), composite)
    return differences


def largest_differences(
    names: Sequence[str],
    found: Sequence[Sequence[np.ndarray]],
    expected: Sequence[Sequence[np.ndarray]],
) -> dict[str, float]:
    """Largest absolute difference of each output over all calls.

    Args:
        names: Of the outputs.
        found: Outputs of every call.
        expected: Likewise.

    Returns:
        Difference by name, as a share of the output's range; NaN where a NaN was found, infinite
        where shapes differ.
    """
    differences = dict.fromkeys(names, 0.0)
    for one, other in zip(found, expected, strict=True):
        for name, a, b in zip(names, one, other, strict=True):
            difference = np.abs(a - b).max() / RANGES[name] if a.shape == b.shape else np.inf
            differences[name] = float(np.maximum(differences[name], difference))
    return differences


def check_known_pixels(image: np.ndarray, mask: np.ndarray, composite: np.ndarray) -> None:
    """Make sure that pixels outside the hole come back bit for bit.

    Args:
        image: (N, 3, H, W) float32, what went in.
        mask: (N, 1, H, W) float32, hole where above 0.5.
        composite: (N, 3, H, W) float32, what came out.

    Raises:
        ExportError: If one does not.
    """
    known = np.broadcast_to(mask <= 0.5, composite.shape)
    changed = int((composite[known] != image[known]).sum())
    if changed:
        raise ExportError(f'{changed} values of known pixels do not come back as they were')
