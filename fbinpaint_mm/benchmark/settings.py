"""What the command line says of a benchmark as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """Everything but the entries and the data config.

    Attributes:
        out: Folder to write to.
        reference: Name of the entry that the others are compared with.
        device: Where models run: ``'cpu'`` or ``'cuda'``.
        split: ``'val'`` or ``'test'``.
        batch_size: Images per batch; ``None`` for the config's.
        max_images: Use only so many images; ``None`` for all.
        lpips: Weights of LPIPS or ``'download'``; ``None`` for no LPIPS.
        fid: Weights of the FID or ``'download'``; ``None`` for no FID.
        iterations: Iterations that the reference trains; ``None`` for no training.
        equal: ``'iterations'``, ``'seconds'`` or ``'flops'``: what all spend the same of.
        seeds: Seeds of the trainings.
        train_tool: Path of ``tools/train.py``.
        speed: Whether to measure speed.
        command: The command line, for the report.
    """

    out: Path
    reference: str
    device: str
    split: str = 'test'
    batch_size: int | None = None
    max_images: int | None = None
    lpips: str | None = None
    fid: str | None = None
    iterations: int | None = None
    equal: str = 'iterations'
    seeds: Sequence[int] = (0,)
    train_tool: Path | None = None
    speed: bool = True
    command: Sequence[str] = ()
