"""What to export, and how."""

from __future__ import annotations

from dataclasses import dataclass

FORMATS = ('onnx', 'torchscript')
MODES = ('unrolled', 'per-round')


@dataclass(frozen=True)
class ExportSettings:
    """What to export, and how.

    Args:
        format: ``'onnx'`` (opset 17) or ``'torchscript'``.
        mode: ``'unrolled'``, one file with all rounds; or ``'per-round'``, one file with round 0
            and one with a further round, which the caller repeats.
        rounds: R >= 1 of an unrolled file; the number that a per-round file recommends, R >= 0.
        size: (height, width) in pixels: of all images, or with ``dynamic`` only of the example.
        dynamic: Whether height and width may change from call to call. The batch size always may.
        tolerance: Largest difference from PyTorch, as a share of the range of each output.

    Raises:
        ValueError: If a value is none of these. The message names it.
    """

    format: str = 'onnx'
    mode: str = 'unrolled'
    rounds: int = 2
    size: tuple[int, int] = (256, 256)
    dynamic: bool = False
    tolerance: float = 1e-3

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise ValueError(f'format: found {self.format!r}, expected one of {FORMATS}')
        if self.mode not in MODES:
            raise ValueError(f'mode: found {self.mode!r}, expected one of {MODES}')
        fewest = 1 if self.mode == 'unrolled' else 0
        if self.rounds < fewest:
            hint = '' if fewest == 0 else "; round 0 alone is the first file of 'per-round'"
            raise ValueError(
                f'rounds: found {self.rounds}, mode {self.mode!r} needs {fewest} or more{hint}'
            )
        if min(self.size) < 1:
            raise ValueError(f'size: found {self.size}, expected a positive height and width')
        if not self.tolerance > 0:
            raise ValueError(f'tolerance: found {self.tolerance}, expected a positive number')
