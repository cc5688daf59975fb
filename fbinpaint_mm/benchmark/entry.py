"""What the command line says of the models to compare."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from mmengine.config import Config

from fbinpaint_mm.benchmark.picture_files import INPUT, TRUTH
from fbinpaint_mm.checkpoint import meta_of
from fbinpaint_mm.fingerprint import local_file, starting_checkpoints
from fbinpaint_mm.models.classical_inpaintor import CLASSICAL_METHODS
from fbinpaint_mm.pretrained import checkpoint_of
from fbinpaint_mm.safe_loading import read_checkpoint
from fbinpaint_mm.user_error import UserError

NEEDED_TO_TRAIN = ('train_dataloader', 'train_cfg', 'optim_wrapper')
# Name, source, and checkpoint; a name has no slash or colon, as paths have before an '='.
ENTRY = re.compile(r'(?:([^=/:]*)=)?(.+?\.(?:py|json|ya?ml|onnx)|[^:]+)(?::(.+))?')
NAME = re.compile(r'\w[\w .,+()-]*')
# Their pictures lie beside those of the entries.
RESERVED_NAMES = (INPUT, TRUTH)


@dataclass(frozen=True)
class Entry:
    """One model of a benchmark, or the results of one.

    Attributes:
        name: Unique in the benchmark; also a file name.
        source: Config or trained model, path of an ONNX file, name of a classical method, or folder
            of results.
        checkpoint: Path or address; ``None`` for a model that does not learn, or that the
            benchmark trains.
        cfg: The whole config, with the options of the command line; for a classical method or an
            ONNX file only ``model``, empty for a folder.
    """

    name: str
    source: str
    checkpoint: str | None = None
    cfg: Config = field(default_factory=Config, compare=False)

    @property
    def is_classical(self) -> bool:
        """Whether this is a method that does not learn."""
        return self.source in CLASSICAL_METHODS

    @property
    def onnx_file(self) -> str | None:
        """The ONNX file that is the model; ``None`` for every other kind."""
        return self.source if self.source.endswith('.onnx') else None

    @property
    def is_folder(self) -> bool:
        """Whether these are pictures that another method made."""
        is_there = self.checkpoint is None and Path(self.source).is_dir()
        return self.source.endswith('/') or (is_there and not self.is_classical)

    @property
    def has_config(self) -> bool:
        """Whether this is a model of a config."""
        return not (self.is_classical or self.is_folder or self.onnx_file)

    @property
    def is_trained(self) -> bool:
        """Whether the benchmark has to train it first."""
        return self.has_config and self.checkpoint is None

    @cached_property
    def meta(self) -> dict[str, Any]:
        """What a training wrote beside the weights of the checkpoint; empty without any.

        Raises:
            OSError: There is no such file.
            UserError: The checkpoint cannot be read.
        """
        return {} if self.checkpoint is None else meta_of(read_checkpoint(self.checkpoint))


def parse_entries(texts: Sequence[str]) -> list[Entry]:
    """The entries of a command line.

    Args:
        texts: ``[NAME=]CONFIG[:CHECKPOINT]``, ``[NAME=]METHOD``, METHOD a classical one,
            ``[NAME=]FILE.onnx`` or ``[NAME=]FOLDER/``.

    Returns:
        The entries in the same order.

    Raises:
        UserError: An entry is malformed, or shares its name with another.
    """
    entries = [parse_entry(text) for text in texts]
    check_names(entries)
    return entries


def check_trainings(entries: Sequence[Entry], trains: bool) -> None:
    """Makes sure that every entry without a checkpoint can be trained.

    Args:
        entries: With their configs.
        trains: Whether the benchmark trains entries without a checkpoint.

    Raises:
        UserError: It does not, or a config lacks what a training needs.
        FileNotFoundError: A checkpoint that a training starts from is missing.
    """
    for entry in entries:
        if not entry.is_trained:
            continue
        if not trains:
            raise UserError(
                f'entry {entry.name!r} has no checkpoint: write {entry.source}:CHECKPOINT, or let '
                'the benchmark train it with --train ITERATIONS'
            )
        missing = missing_for_training(entry.cfg)
        if missing:
            raise UserError(
                f'entry {entry.name!r} is to be trained, but {entry.source} has no '
                f'{", ".join(missing)}: add them, or give it a checkpoint'
            )
        check_starts(entry)


def missing_for_training(cfg: Config) -> list[str]:
    """Keys that a config would need to train, and lacks."""
    return [key for key in NEEDED_TO_TRAIN if cfg.get(key) is None]


def check_starts(entry: Entry) -> None:
    """Raises ``FileNotFoundError`` if a checkpoint file that a training starts from is missing."""
    for checkpoint in starting_checkpoints(entry.cfg):
        path = local_file(checkpoint)
        if path is not None and not path.is_file():
            raise FileNotFoundError(
                f'entry {entry.name!r}: the training of {entry.source} starts from checkpoint '
                f'{checkpoint!r}, which does not exist'
            )


def parse_entry(text: str) -> Entry:
    """One entry of the command line.

    Args:
        text: ``[NAME=]CONFIG[:CHECKPOINT]``, ``[NAME=]METHOD``, ``[NAME=]FILE.onnx`` or
            ``[NAME=]FOLDER/``; CONFIG may be the name of a trained model, see
            `fbinpaint_mm.pretrained`. A file that ends in ``.py``, ``.json``, ``.yaml``, ``.yml``
            or ``.onnx`` may hold colons, as the checkpoint may.

    Returns:
        The entry, without its config read. Its name is by default the file's without the suffix, or
        the folder's.

    Raises:
        UserError: It is empty, its name cannot be a file name, or what does not learn is given a
            checkpoint.
        FileNotFoundError: There is no such folder.
    """
    match = ENTRY.fullmatch(text)
    if match is None:
        raise UserError(f'entry {text!r} is not of the form [NAME=]CONFIG[:CHECKPOINT]')
    name, source, checkpoint = match.groups()
    entry = Entry(name or '', source, checkpoint_of(source, checkpoint))
    if not entry.has_config and checkpoint is not None:
        raise UserError(f'entry {text!r}: {source} does not learn and takes no checkpoint')
    if entry.is_folder and not Path(source).is_dir():
        raise FileNotFoundError(f'entry {text!r}: there is no folder {source!r}')
    if name is None:
        name = Path(source).name if entry.is_folder else Path(source).stem
    if not NAME.fullmatch(name) or name in RESERVED_NAMES:
        raise UserError(
            f'entry {text!r} cannot be called {name!r}: a name starts with a letter or digit, goes '
            'on with those, spaces or any of . , _ + ( ) -, and is not one of '
            f'{", ".join(RESERVED_NAMES)}. Write NAME={text.removeprefix(f"{name}=")}'
        )
    return replace(entry, name=name)


def check_names(entries: Sequence[Entry]) -> None:
    """Raises a ``UserError`` if two entries share a name."""
    (name, count) = Counter(entry.name for entry in entries).most_common(1)[0]
    if count > 1:
        sources = [entry.source for entry in entries if entry.name == name]
        raise UserError(
            f'{count} entries are called {name!r}; give them names of their own: '
            + ' '.join(f'NAME{number}={source}' for number, source in enumerate(sources, start=1))
        )
