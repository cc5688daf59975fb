"""Loading checkpoints into the models that they belong to, and into no others."""

from __future__ import annotations

import logging
import re
import zipfile
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import print_log
from mmengine.runner import load_state_dict
from torch import nn

from fbinpaint_mm.fingerprint import local_file
from fbinpaint_mm.safe_loading import (
    UntrustedCheckpointError,
    damage_in,
    read_checkpoint,
)
from fbinpaint_mm.user_error import UserError, in_one_line

GENERATOR = 'generator.'
NAMED_ENTRIES = 5  # of those that do not fit
# Parts of the loop that a config may switch off for a test of what they are worth.
OPTIONAL_PARTS = ('generator.feedback.', 'generator.recorrection.')
STORED_MAPS = 'generator.recorrection.layout.'  # label maps in checkpoints up to version 0.2
RESUMED_KEYS = ('meta', 'state_dict', 'message_hub')
SELF_STARTING = {'teacher'}  # becomes the segmentor at the first iteration
WRAPPERS = r'^(module\.|_orig_mod\.)+'  # of DistributedDataParallel and torch.compile


def check_checkpoint(checkpoint: str) -> None:
    """Makes sure that a local checkpoint is there; an address is left to mmengine.

    Args:
        checkpoint: Path, or address with a scheme such as ``https://`` or ``open-mmlab://``.

    Raises:
        FileNotFoundError: There is no such file. The message lists the checkpoints beside it.
        UserError: It is a folder. The message lists the checkpoints in it.
    """
    path = local_file(checkpoint)
    if path is None or path.is_file():
        return
    folder = path if path.is_dir() else path.parent
    held = ', '.join(sorted(one.name for one in folder.glob('*.pth')))
    hint = f' In that folder are: {held}' if held else ''
    if path.is_dir():
        raise UserError(f'checkpoint {checkpoint!r}: found a folder, expected a file.{hint}')
    raise FileNotFoundError(f'checkpoint {checkpoint!r} does not exist.{hint}')


def resume_problem(path: Path) -> str | None:
    """What keeps a run from being resumed from a file; None if nothing does.

    The whole file is read: its checksums tell a file that was cut off, or damaged inside, from a
    whole one.

    Args:
        path: A local checkpoint.

    Returns:
        One sentence without the file's name.

    Raises:
        UntrustedCheckpointError: It could run a program. An older one is no way out, or a run would
            start from the beginning for want of a word.
    """
    if not zipfile.is_zipfile(path):
        return (
            f'it is cut off, or no checkpoint ({path.stat().st_size} bytes without a zip directory)'
        )
    damage = damage_in(path)
    if damage is not None:
        return damage
    try:
        checkpoint = read_checkpoint(path, mmap=True)
    except UntrustedCheckpointError:
        raise
    except UserError as error:
        return f'it is damaged ({in_one_line(error)})'
    found = checkpoint if isinstance(checkpoint, dict) else {}
    missing = [key for key in RESUMED_KEYS if not isinstance(found.get(key), dict)]
    if missing:
        return f'it holds weights but no training state (no {", ".join(missing)})'
    return None


def check_fits(model: nn.Module, checkpoint: str) -> None:
    """Refuses a checkpoint of another model, whose scores would be those of random weights.

    Args:
        model: The model of the config. Inpaintors, ours and mmagic's, have a ``generator``, and
            only that has to fit; a model without one has to fit as a whole. Feedback and
            recorrection of the checkpoint are left out, with a warning, where the model has none;
            so are the label maps that older checkpoints hold.
        checkpoint: Path or address of the checkpoint.

    Raises:
        FileNotFoundError: There is no such file.
        UserError: The file cannot be read, or an entry is missing, has another shape, or belongs
            to no part of the generator. The first five are named.
    """
    _check_weights_fit(model, read_weights(checkpoint), checkpoint)


def _check_weights_fit(model: nn.Module, weights: dict, checkpoint: str) -> None:
    needed = model.state_dict()
    given = _without_switched_off_parts(weights, needed)
    if any(key.startswith(GENERATOR) for key in needed):
        given, needed = (
            {key: value for key, value in state.items() if key.startswith(GENERATOR)}
            for state in (given, needed)
        )
    keys = dict.fromkeys([*needed, *given])
    wrong = [key for key in keys if shape_of(given, key) != shape_of(needed, key)]
    if wrong:
        named = '; '.join(misfit(key, given, needed) for key in wrong[:NAMED_ENTRIES])
        more = f'; and {len(wrong) - NAMED_ENTRIES} more' if len(wrong) > NAMED_ENTRIES else ''
        raise UserError(
            f'checkpoint {checkpoint!r} does not belong to this config: {len(wrong)} of '
            f'{len(keys)} entries do not fit, first {named}{more}. Use the config it was trained '
            'with'
        )


def check_fits_in_part(model: nn.Module, checkpoint: str) -> None:
    """Refuses a checkpoint to start from of which nothing fits, or parts that are others'.

    Args:
        model: The model of the config.
        checkpoint: Path or address of the checkpoint.

    Raises:
        FileNotFoundError: There is no such file.
        UserError: The file cannot be read; no entry has the name and shape of one of the model, and
            it would stay random; or one of the generator has another shape, as for other classes.
    """
    needed, given = model.state_dict(), read_weights(checkpoint)
    origin = f'load_from (FBINPAINT_INITIAL in our configs): {checkpoint!r}'
    if not any(shape_of(given, key) == shape_of(needed, key) for key in needed):
        raise UserError(
            f'{origin}: none of its {len(given)} entries fits the model, which begins with '
            f'{next(iter(needed), None)!r}; found {next(iter(given), None)!r}'
        )
    shared = [key for key in needed if key.startswith(GENERATOR) and key in given]
    wrong = [key for key in shared if shape_of(given, key) != shape_of(needed, key)]
    if wrong:
        raise UserError(
            f'{origin}: {len(wrong)} entries are of other classes or another network, first '
            + misfit(wrong[0], given, needed)
        )


def parts_without_weights(model: nn.Module, weights: Mapping[str, Any]) -> list[str]:
    """Parts of a model, and of its generator, of which a checkpoint has nothing.

    Args:
        model: The model of the config.
        weights: Of the checkpoint, by name.

    Returns:
        Their names, sorted, such as ``['disc', 'segmentor']``; not those that need no weights.
    """
    needed, given = (
        {key.removeprefix(GENERATOR).split('.')[0] for key in state}
        for state in (dict(model.named_parameters()), weights)
    )
    return sorted(needed - given - SELF_STARTING)


def check_finite_weights(model: nn.Module, checkpoint: str) -> None:
    """Refuses weights of a training that diverged.

    Args:
        model: With the weights of the checkpoint.
        checkpoint: What to call it in the message.

    Raises:
        UserError: A parameter or buffer holds a value that is NaN or infinite. The first is named.
    """
    check_finite_entries(model.state_dict(), checkpoint)


def check_finite_entries(state: Mapping[str, torch.Tensor], checkpoint: str) -> None:
    """Refuses weights of a training that diverged, before they are in a model.

    Args:
        state: Tensors of any shape and dtype by name.
        checkpoint: What to call it in the message.

    Raises:
        UserError: An entry holds a value that is NaN or infinite. The first is named.
    """
    wrong = [name for name, value in state.items() if not value.isfinite().all()]
    if wrong:
        raise UserError(
            f'checkpoint {checkpoint!r}: {len(wrong)} of {len(state)} entries hold NaN or infinite '
            f'values, first {wrong[0]!r}; the training diverged: take an earlier checkpoint'
        )


def _without_switched_off_parts(given: dict, needed: dict) -> dict:
    """The weights of a checkpoint, but for optional parts of which the model has nothing."""
    for part in (*OPTIONAL_PARTS, STORED_MAPS):
        kept = {key: value for key, value in given.items() if not key.startswith(part)}
        if len(kept) < len(given) and not any(key.startswith(part) for key in needed):
            message = f'{part[:-1]} of the checkpoint is left out: the model has none'
            print_log(message, logger='current', level=logging.WARNING)
            given = kept
    return given


def read_weights(checkpoint: str) -> dict[str, torch.Tensor]:
    """Weights of a checkpoint, under their names without the prefixes of wrappers.

    Args:
        checkpoint: Path or address of the checkpoint.

    Returns:
        Tensors by name, of any shape and dtype, on the CPU.

    Raises:
        FileNotFoundError: There is no such file.
        UntrustedCheckpointError: It could run a program, see `fbinpaint_mm.safe_loading`.
        UserError: The file cannot be read, or holds no dict of weights.
    """
    check_checkpoint(checkpoint)
    return weights_of(read_checkpoint(checkpoint), checkpoint)


def weights_of(loaded: Any, checkpoint: str) -> dict[str, torch.Tensor]:
    """As `read_weights`, of a file that is read already.

    Args:
        loaded: What the file holds.
        checkpoint: What to call it in the message.

    Raises:
        UserError: It holds no dict of weights.
    """
    state = loaded.get('state_dict', loaded) if isinstance(loaded, dict) else loaded
    if not isinstance(state, dict):
        raise UserError(
            f'checkpoint {checkpoint!r} holds no weights: found {type(state).__name__}, expected a '
            'dict of tensors, or one under state_dict'
        )
    weights = OrderedDict(
        (re.sub(WRAPPERS, '', str(name)), value)
        for name, value in state.items()
        if isinstance(value, torch.Tensor)
    )
    # The versions of the layers that saved them.
    vars(weights)['_metadata'] = getattr(state, '_metadata', OrderedDict())
    return weights


def meta_of(loaded: Any) -> dict[str, Any]:
    """What a training wrote beside the weights; empty for a file without it.

    Args:
        loaded: What a file holds, of whatever kind.
    """
    meta = loaded.get('meta') if isinstance(loaded, dict) else None
    return meta if isinstance(meta, dict) else {}


def trained_classes(meta: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the classes of a training, in the order of their ids; empty if they are not there.

    Args:
        meta: From `meta_of`.
    """
    data = meta.get('dataset_meta')
    classes = data.get('classes') if isinstance(data, dict) else None
    return tuple(map(str, classes)) if isinstance(classes, (list, tuple)) else ()


def shape_of(weights: dict[str, torch.Tensor], key: str) -> tuple[int, ...] | str:
    """Shape of an entry of a state dict, or the word ``'nothing'`` if it is not there."""
    return tuple(weights[key].shape) if key in weights else 'nothing'


def misfit(key: str, given: dict[str, torch.Tensor], needed: dict[str, torch.Tensor]) -> str:
    """An entry that does not fit, for a message: its name, the shape found and that expected."""
    return f'{key!r}: found {shape_of(given, key)}, expected {shape_of(needed, key)}'


def load_fitting_checkpoint(model: nn.Module, checkpoint: str, classes: Sequence[str] = ()) -> None:
    """Loads a checkpoint, after ``check_fits``.

    Args:
        model: Changed in place.
        checkpoint: Path or address of the checkpoint.
        classes: Names of the classes that it has to be of, if it says any.

    Raises:
        FileNotFoundError: There is no such file.
        UserError: It cannot be read, is of other classes, or belongs to another model.
    """
    check_checkpoint(checkpoint)
    loaded = read_checkpoint(checkpoint)
    _check_classes(trained_classes(meta_of(loaded)), tuple(classes), checkpoint)
    weights = weights_of(loaded, checkpoint)
    _check_weights_fit(model, weights, checkpoint)
    load_state_dict(model, weights, logger='silent')


def _check_classes(learned: tuple[str, ...], expected: tuple[str, ...], checkpoint: str) -> None:
    """Refuses weights of other classes, which may be as many and fit."""
    if learned and expected and learned != expected:
        raise UserError(
            f'checkpoint {checkpoint!r} was trained on other classes than those of the config: '
            f'found {", ".join(learned)}; expected {", ".join(expected)}'
        )
