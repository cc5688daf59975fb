"""Reading checkpoints as data, so that a file from elsewhere cannot run a program.

A checkpoint is a pickle, which can call anything when it is read. torch reads one as data only with
``weights_only``, which mmengine and others switch off; here it is on, for all of them.
"""

from __future__ import annotations

import os
import re
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import torch
from mmengine.runner.checkpoint import CheckpointLoader
from torch import serialization

from fbinpaint_mm.fingerprint import local_file
from fbinpaint_mm.safe_types import SAFE_TYPES
from fbinpaint_mm.user_error import WITHOUT_DOWNLOAD, UserError, in_one_line

# torch reads them at every call, and other processes inherit them.
DATA_ONLY = dict(TORCH_FORCE_WEIGHTS_ONLY_LOAD='1', TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD='0')
PICKLE, ZIP = b'\x80', b'P'  # first bytes
ADVICE = 'weights_only'  # in torch's errors about what it cannot read as data

_TRUST = ContextVar('trust', default=False)
_READING = threading.Lock()  # torch has one list of safe types for all threads


class UntrustedCheckpointError(UserError):
    """A checkpoint that could run a program when it is read."""


@contextmanager
def trusting(trust: bool) -> Iterator[None]:
    """Says whether checkpoints that this thread reads meanwhile may run programs.

    Args:
        trust: False leaves what has been said around it, by default no.
    """
    token = _TRUST.set(trust or _TRUST.get())
    try:
        yield
    finally:
        _TRUST.reset(token)


def trusts() -> bool:
    """Whether checkpoints may run programs, see `trusting`."""
    return _TRUST.get()


@contextmanager
def loading(trust: bool) -> Iterator[None]:
    """What a tool runs in: no ``torch.load`` runs a program, whichever library calls it.

    Everything in this process is concerned, and processes that it starts: not for libraries.
    mmengine's errors about checkpoints become a `UserError` that names the file.

    Args:
        trust: Whether checkpoints may run programs all the same.
    """
    with trusting(trust), _loader_explained(), nullcontext() if trusts() else _data_only():
        yield


def read_checkpoint(checkpoint: str | os.PathLike[str], mmap: bool = False) -> dict[str, Any]:
    """Reads a checkpoint as data, unless it is trusted (see `trusting`).

    Args:
        checkpoint: Path, or address with a scheme such as ``https://``.
        mmap: Whether to map the file into memory, for a look at its names.

    Returns:
        What it holds; tensors on the CPU.

    Raises:
        OSError: There is no such file.
        UntrustedCheckpointError: It could run a program.
        UserError: It cannot be read, or is damaged inside (checksums are not compared for a map).
    """
    path = local_file(str(checkpoint))
    with _READING, explained(str(checkpoint)), _safe_types():
        if not mmap:
            _check_whole(str(checkpoint))
        if path is not None:
            return torch.load(path, map_location='cpu', weights_only=not trusts(), mmap=mmap)
        with nullcontext() if trusts() else _data_only():
            return CheckpointLoader.load_checkpoint(str(checkpoint), 'cpu', logger='silent')


def damage_in(path: Path) -> str | None:
    """What the checksums inside a checkpoint say, which torch passes over.

    Args:
        path: An existing file; one of the older format of torch.save has no checksums.

    Returns:
        One sentence without the file's name; None if nothing is damaged.
    """
    if not zipfile.is_zipfile(path):
        return None
    try:
        with zipfile.ZipFile(path) as archive:
            part = archive.testzip()
    except Exception as error:  # damaged bytes can make a reader raise anything
        return f'it is damaged ({in_one_line(error)})'
    return None if part is None else f'its part {part!r} is damaged'


def _check_whole(checkpoint: str) -> None:
    path = local_file(checkpoint)
    damage = damage_in(path) if path is not None and path.is_file() else None
    if damage is not None:
        raise UserError(f'checkpoint {checkpoint!r} cannot be read: {damage}')


@contextmanager
def explained(checkpoint: str) -> Iterator[None]:
    """Makes of errors while a checkpoint is read a sentence that names it.

    Args:
        checkpoint: Path or address.

    Raises:
        UntrustedCheckpointError: It could run a program.
        UserError: It cannot be read.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # a file of another kind can make a reader raise anything
        if local_file(checkpoint) is None and isinstance(error, (OSError, KeyError)):
            raise UserError(_without_download(checkpoint, error)) from error
        if isinstance(error, OSError) and error.filename is not None:
            raise
        if _is_refusal(checkpoint, error):
            raise UntrustedCheckpointError(_refusal(checkpoint, error)) from error
        problem = 'it is another file' if ADVICE in str(error) else in_one_line(error)
        if isinstance(error, EOFError):  # without words
            problem = 'it ends too early'
        raise UserError(
            f'checkpoint {checkpoint!r} cannot be read: expected a whole file of torch.save '
            f'({problem})'
        ) from error


def _without_download(address: str, error: Exception) -> str:
    """What is wrong with an address; mmengine looks names up in a dict."""
    if isinstance(error, KeyError):
        return f'checkpoint {address!r} is not known to mmengine; expected a name in its list'
    return (
        f'checkpoint {address!r} could not be downloaded: {in_one_line(error)}. {WITHOUT_DOWNLOAD}'
    )


def _is_refusal(checkpoint: str, error: Exception) -> bool:
    """Whether torch could read the file if it were trusted; it says so of any text file."""
    if ADVICE not in str(error):
        return False
    path = local_file(checkpoint)
    if path is None:
        return True
    with path.open('rb') as file:
        return file.read(1) in (PICKLE, ZIP) or tarfile.is_tarfile(path)


def _refusal(checkpoint: str, error: Exception) -> str:
    called = re.search(r'GLOBAL (\S+)', str(error))
    found = f'calls {called[1]!r}' if called else 'is of a kind that cannot be checked'
    return (
        f'checkpoint {checkpoint!r} {found}; expected only tensors, numbers and text, since '
        'reading anything else can run a program. If you trust where it is from, give '
        '--trust-checkpoint (in Python trust=True)'
    )


@contextmanager
def _data_only() -> Iterator[None]:
    before = {name: os.environ.get(name) for name in DATA_ONLY}
    os.environ.update(DATA_ONLY)
    try:
        with _safe_types():
            yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


@contextmanager
def _safe_types() -> Iterator[None]:
    """Ours instead of what others have listed: numpy's own types would not go with them."""
    others = serialization.get_safe_globals()
    serialization.clear_safe_globals()
    serialization.add_safe_globals(SAFE_TYPES)
    try:
        yield
    finally:
        serialization.clear_safe_globals()
        serialization.add_safe_globals(others)


@contextmanager
def _loader_explained() -> Iterator[None]:
    """All checkpoints that mmengine reads pass through one function, which knows their name."""
    original = vars(CheckpointLoader)['load_checkpoint']
    load = CheckpointLoader.load_checkpoint

    def load_checkpoint(filename: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        with explained(filename):
            _check_whole(filename)
            return load(filename, *args, **kwargs)

    CheckpointLoader.load_checkpoint = staticmethod(load_checkpoint)
    try:
        yield
    finally:
        CheckpointLoader.load_checkpoint = original
