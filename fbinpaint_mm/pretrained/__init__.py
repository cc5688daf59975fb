"""Trained models that come with the package, each known by the name of its folder here.

``tools/publish_checkpoint.py`` writes such a folder: weights, and a metafile that names the config.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from fbinpaint_mm.user_error import UserError

FOLDER = Path(__file__).parent
METAFILE = 'metafile.yml'


def pretrained_names() -> list[str]:
    """The names that `FeedbackInpainter` and the tools take in place of config and checkpoint."""
    return sorted(path.parent.name for path in FOLDER.glob(f'*/{METAFILE}'))


def is_pretrained(name: Any) -> bool:
    """Whether this is the name of a trained model."""
    return isinstance(name, (str, os.PathLike)) and str(name) in pretrained_names()


def is_shipped(checkpoint: str | None) -> bool:
    """Whether a checkpoint is a trained model's own file, and not a user's."""
    return checkpoint is not None and Path(checkpoint).resolve().is_relative_to(FOLDER.resolve())


def pretrained_config(name: str) -> str:
    """Path of the config of a trained model, below the folder of the package's configs.

    Args:
        name: One of `pretrained_names`.
    """
    return str(Path(_model(name)['Config']).relative_to('configs'))


def pretrained_pictures(name: str) -> list[Path]:
    """Pictures to try a trained model on; none for other names."""
    return sorted((FOLDER / name).glob('*.jpg')) if is_pretrained(name) else []


def checkpoint_of(config: Any, checkpoint: str | os.PathLike[str] | None) -> str | None:
    """The checkpoint that is asked for.

    Args:
        config: As for `FeedbackInpainter`; a name brings its weights where none are given.
        checkpoint: A name, a path or an address; ``None`` for none.

    Returns:
        Path or address; ``None`` if none is given and the config is not a trained model's name.
    """
    if checkpoint is None and is_pretrained(config):
        checkpoint = config
    if checkpoint is not None and is_pretrained(checkpoint):
        return str(FOLDER / checkpoint / _model(str(checkpoint))['Weights'])
    return None if checkpoint is None else str(checkpoint)


def needed_checkpoint(config: Any, checkpoint: str | os.PathLike[str] | None) -> str:
    """As `checkpoint_of`, where there has to be one.

    Raises:
        UserError: None is given, and the config is not a trained model's name.
    """
    found = checkpoint_of(config, checkpoint)
    if found is None:
        raise UserError(
            f'config {str(config)!r} needs a checkpoint behind it; only trained models '
            f'({", ".join(pretrained_names())}) have their own'
        )
    return found


def _model(name: str) -> dict[str, Any]:
    """What the metafile says."""
    (model,) = yaml.safe_load((FOLDER / name / METAFILE).read_text())['Models']
    return model
