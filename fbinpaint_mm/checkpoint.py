"""Loading checkpoints into the models that they belong to, and into no others."""

from __future__ import annotations

import zipfile
from pathlib import Path

import torch
from mmengine.runner.checkpoint import CheckpointLoader, load_checkpoint
from torch import nn

GENERATOR = 'generator.'
RESUMED_KEYS = ('meta', 'state_dict', 'message_hub')


def resume_problem(path: Path) -> str | None:
    """What keeps a run from being resumed from a file; None if nothing does.

    The whole file is read: its checksums tell a file that was cut off, or damaged inside, from a
    whole one. Like resuming itself, it unpickles the file, so it is only for files that you trust.

    Args:
        path: A local checkpoint.

    Returns:
        One sentence without the file's name.
    """
    if not zipfile.is_zipfile(path):
        return (
            f'it is cut off, or no checkpoint ({path.stat().st_size} bytes without a zip directory)'
        )
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        # Mapped, not read: only the names are looked at.
        checkpoint = torch.load(path, map_location='cpu', weights_only=False, mmap=True)
    except Exception as error:  # damaged bytes can make a reader raise anything
        return f'it is damaged ({type(error).__name__}: {error})'
    if damaged is not None:
        return f'its part {damaged!r} is damaged'
    found = checkpoint if isinstance(checkpoint, dict) else ()
    missing = [key for key in RESUMED_KEYS if key not in found]
    if missing:
        return f'it holds weights but no training state (no {", ".join(missing)})'
    return None


def check_fits(model: nn.Module, checkpoint: str) -> None:
    """Refuses a checkpoint of another model, whose scores would be those of random weights.

    Args:
        model: The model of the config. Inpaintors, ours and mmagic's, have a ``generator``, and
            only that has to fit; a model without one has to fit as a whole.
        checkpoint: Path or address of the checkpoint.

    Raises:
        ValueError: A parameter or buffer is missing or has another shape.
    """
    loaded = CheckpointLoader.load_checkpoint(checkpoint, map_location='cpu', logger='silent')
    given = {k.removeprefix('module.'): v for k, v in loaded.get('state_dict', loaded).items()}
    needed = {k: v.shape for k, v in model.state_dict().items()}
    needed = {k: v for k, v in needed.items() if k.startswith(GENERATOR)} or needed
    wrong = [k for k, shape in needed.items() if k not in given or given[k].shape != shape]
    if wrong:
        found = tuple(given[wrong[0]].shape) if wrong[0] in given else 'nothing'
        raise ValueError(
            f'checkpoint {checkpoint!r} does not belong to this config: {len(wrong)} of '
            f'{len(needed)} entries do not fit, first {wrong[0]!r}: found {found}, expected '
            f'{tuple(needed[wrong[0]])}. Test it with the config it was trained with'
        )


def load_fitting_checkpoint(model: nn.Module, checkpoint: str) -> None:
    """Loads a checkpoint, after ``check_fits``.

    Args:
        model: Changed in place.
        checkpoint: Path or address of the checkpoint.

    Raises:
        ValueError: It belongs to another model.
    """
    check_fits(model, checkpoint)
    load_checkpoint(model, checkpoint, map_location='cpu', logger='silent')
