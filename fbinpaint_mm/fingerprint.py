"""Short texts that tell whether something finished earlier is still the one asked for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from mmengine.config import Config

# Where a run writes, and how it is started, change nothing in its result.
IRRELEVANT_KEYS = ('work_dir', 'launcher', 'resume')
START_KEYS = ('checkpoint', 'load_from')
# Variables of a config also name checkpoints of parts that its model leaves out; these keys count.
START_PLACES = ('model', 'load_from', 'data_preprocessor', 'custom_hooks')
CHUNK = 2**20  # bytes
PACKAGE = Path(__file__).resolve().parent
REPORT = PACKAGE / 'benchmark/report'


def fingerprint(*parts: Any) -> str:
    """Hash of anything that JSON can hold; of other objects their ``repr`` counts.

    Args:
        *parts: Dicts, lists, text, numbers, ``None``.

    Returns:
        64 hexadecimal digits.
    """
    text = json.dumps(parts, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()


def config_content(cfg: Config) -> dict[str, Any]:
    """All settings of a config that its results depend on."""
    return {key: value for key, value in cfg.to_dict().items() if key not in IRRELEVANT_KEYS}


@cache
def code_content() -> str:
    """Hash of all code that this package computes with; that of the reports does not count."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob('*.py')):
        if REPORT not in path.parents:
            digest.update(path.relative_to(PACKAGE).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def local_file(checkpoint: str) -> Path | None:
    """Where a checkpoint lies, as mmengine finds it; ``None`` for an address."""
    return None if '://' in checkpoint else Path(checkpoint).expanduser()


def checkpoint_content(checkpoint: str | None) -> str | None:
    """Hash of a checkpoint file; an address stands for itself."""
    path = None if checkpoint is None else local_file(checkpoint)
    return checkpoint if path is None else file_content(path)


def starting_checkpoints(cfg: Config) -> list[str]:
    """Paths and addresses of the checkpoints that a config starts from, sorted."""
    settings = {key: value for key, value in cfg.to_dict().items() if key in START_PLACES}
    return sorted(set(_checkpoints(settings)))


def starting_weights(cfg: Config) -> dict[str, str]:
    """Hash of each checkpoint file that a config starts from, by path.

    The path does not tell them apart: a file may be trained anew.
    """
    files = {name: local_file(name) for name in starting_checkpoints(cfg)}
    return {name: file_content(path) for name, path in files.items() if path and path.is_file()}


def _checkpoints(settings: Any) -> Iterator[str]:
    """Values of ``START_KEYS`` anywhere in settings."""
    if isinstance(settings, dict):
        for key, value in settings.items():
            if key in START_KEYS and isinstance(value, str):
                yield value
            else:
                yield from _checkpoints(value)
    elif isinstance(settings, (list, tuple)):
        for value in settings:
            yield from _checkpoints(value)


def file_content(path: Path) -> str:
    """Hash of a file of any size, 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
