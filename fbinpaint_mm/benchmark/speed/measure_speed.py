"""Speed of an entry, measured in a process of its own."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

import torch

from fbinpaint_mm.benchmark.child_process import run_child
from fbinpaint_mm.benchmark.entry import Entry
from fbinpaint_mm.write_file import write_file

LIMIT = 60.0
CONFIG, BATCH, SETTINGS, NUMBERS = 'config.py', 'batch.pth', 'settings.json', 'numbers.json'
MODULE = 'fbinpaint_mm.benchmark.speed.speed_worker'


def measure_speed(
    entry: Entry,
    batch: dict[str, list],
    folder: Path,
    device: str,
    logger: logging.Logger,
    limit: float = LIMIT,
) -> dict[str, Any]:
    """Measure time, arithmetic and memory of inference and training.

    Seconds are medians of seven calls after three that do not count, of fewer where the limit is
    reached (``conditions`` has the numbers); inference at batch size 1 from the collated image on,
    training at the config's batch size without loading its data. Memory on a GPU is what torch
    allocates; on a CPU it is the growth of the peak resident set of a fresh process.

    Args:
        entry: With its config. Its weights do not matter.
        batch: One image as a data loader collates it, from which inference is measured.
        folder: For the config, the numbers and the log of the process.
        device: Such as ``'cpu'`` or ``'cuda'``.
        logger: Gets a warning if training cannot be measured.
        limit: Seconds after which repeating ends.

    Returns:
        What ``EntryResult.speed`` describes.

    Raises:
        RuntimeError: The process failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    entry.cfg.dump(str(folder / CONFIG))
    torch.save(batch, folder / BATCH)
    write_file(folder / SETTINGS, json.dumps(dict(device=device, limit=limit)))
    run_child([sys.executable, '-m', MODULE, str(folder)], folder / 'log.txt', device)
    result = json.loads((folder / NUMBERS).read_text())
    if 'training_error' in result:
        logger.warning(
            '%s: speed of training not measured: %s (log: %s)',
            entry.name,
            result['training_error'],
            folder / 'log.txt',
        )
    return result['speed']
