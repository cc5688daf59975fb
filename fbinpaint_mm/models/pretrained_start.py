"""Checkpoints that parts of a model start from, checked before mmengine, which only warns."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from copy import deepcopy

from mmengine.logging import print_log
from torch import Tensor, nn

from fbinpaint_mm.checkpoint import misfit, read_weights, shape_of
from fbinpaint_mm.models.networks.inpainting_encoder_decoder import InpaintingEncoderDecoder
from fbinpaint_mm.user_error import UserError


def pretrained_starts(module: nn.Module | None) -> Iterator[tuple[str, str]]:
    """What a module is to start from.

    Args:
        module: Any or none; one of mmengine's has an ``init_cfg``: ``None``, a dict or a list of
            them.

    Yields:
        Checkpoint and prefix of each ``dict(type='Pretrained', ...)``; an empty prefix for none.
    """
    configs = getattr(module, 'init_cfg', None) or []
    for config in [configs] if isinstance(configs, dict) else configs:
        if config['type'] == 'Pretrained':
            yield config['checkpoint'], config.get('prefix') or ''


def entries_of_checkpoint(checkpoint: str, prefix: str, part: str) -> dict[str, Tensor]:
    """The weights of a checkpoint under a prefix, which their names are without.

    Args:
        checkpoint: Path or address.
        prefix: Of the names, with or without a dot at its end; empty for all weights.
        part: What is to start from it, for the message.

    Returns:
        Tensors by name, of any shape and dtype, on the CPU; none if no name has the prefix.

    Raises:
        FileNotFoundError: If there is no such file.
        UserError: If the file cannot be read.
    """
    try:
        state = read_weights(checkpoint)
    except (FileNotFoundError, UserError) as error:
        raise type(error)(
            f'{error} (start of {part}; in our configs: configs/_base_/weights.py)'
        ) from error
    prefix = f'{prefix}.' if prefix and not prefix.endswith('.') else prefix
    return {key[len(prefix) :]: value for key, value in state.items() if key.startswith(prefix)}


AUXILIARY = 'auxiliary_head.'


def check_segmentor_checkpoint(segmentor: nn.Module) -> None:
    """Refuses a pre-trained segmentor that does not fit; mmengine would train on without its parts.

    Auxiliary heads in the file are ignored with a message: every round's map is supervised
    directly.

    Args:
        segmentor: An mmseg segmentor whose ``init_cfg`` may be ``dict(type='Pretrained',
            checkpoint=...)``, with an optional ``prefix`` (``'generator.segmentor.'`` for the
            segmentor of one of our own checkpoints). Without one, nothing is checked.

    Raises:
        FileNotFoundError: If there is no such file.
        UserError: If an entry is missing, has another shape, or belongs to no part of the
            segmentor.
    """
    for checkpoint, prefix in pretrained_starts(segmentor):
        _check_file(segmentor, checkpoint, prefix)


def _check_file(segmentor: nn.Module, checkpoint: str, prefix: str) -> None:
    given = entries_of_checkpoint(checkpoint, prefix, 'the segmentor')
    auxiliary = [key for key in given if key.startswith(AUXILIARY)]
    needed = {
        key: value
        for key, value in segmentor.state_dict().items()
        if not key.endswith('num_batches_tracked')  # files from before torch 1.0 have none
    }
    unknown = given.keys() - segmentor.state_dict().keys() - set(auxiliary)
    wrong = [key for key, value in needed.items() if shape_of(given, key) != tuple(value.shape)]
    if wrong or unknown:
        key = wrong[0] if wrong else sorted(unknown)[0]
        raise UserError(
            f'segmentor checkpoint {checkpoint!r} does not fit the segmentor of this config: '
            f'{len(wrong)} of {len(needed)} entries are missing or of another shape, '
            f'{len(unknown)} are unknown; {misfit(key, given, needed)}. '
            f'{_advice(key, given, checkpoint)}'
        )
    if auxiliary:
        print_log(
            f'{checkpoint}: {len(auxiliary)} entries of {AUXILIARY}* are ignored, auxiliary heads '
            "take no part in the feedback loop (every round's map is supervised directly)",
            logger='current',
            level=logging.WARNING,
        )


def _advice(key: str, given: dict[str, Tensor], checkpoint: str) -> str:
    if key not in given:
        return 'Take the config that it was trained with, or set init_cfg.prefix'
    head, _, _ = key.rpartition('.conv_seg.')
    classes = f'It has {len(given[key])} classes: set {head}.num_classes to that. ' if head else ''
    return (
        f'{classes}To keep only its backbone, leave segmentor.init_cfg out and set '
        f"segmentor.backbone.init_cfg=dict(type='Pretrained', checkpoint={checkpoint!r}, "
        "prefix='backbone.')"
    )


INITIAL, GUIDED = 'generator.initial', 'generator.guided'


def check_network_checkpoint(network: nn.Module | None) -> None:
    """Refuses a start for one of our networks that does not fit; mmengine would leave out parts.

    Args:
        network: An :class:`InpaintingEncoderDecoder` whose ``init_cfg`` may be
            ``dict(type='Pretrained', checkpoint=..., prefix=...)``; it is not changed. A guided one
            may start from an initial one, in the checkpoint of an inpaintor without a guided one:
            the rest of it is often taken too. Nothing else is checked.

    Raises:
        FileNotFoundError: If there is no such file.
        UserError: If an entry is missing, has another shape, or belongs to no part of the network;
            or the checkpoint is that of a whole inpaintor.
    """
    if not isinstance(network, InpaintingEncoderDecoder):
        return
    for checkpoint, prefix in pretrained_starts(network):
        entries = entries_of_checkpoint(checkpoint, prefix, 'an inpainting network')
        problem = _whole(network, checkpoint, prefix) or _problem(network, entries)
        if problem:
            part = f' (entries {prefix!r})' if prefix else ''
            raise UserError(
                f'checkpoint {checkpoint!r}{part} does not fit the inpainting network of this '
                f'config: {problem}. Take one of the same network ({_source(prefix)})'
            )


def _source(prefix: str) -> str:
    """What our configs start a network from, and the variable that names it."""
    if not prefix:
        return 'FBINPAINT_MIGAN: what tools/convert_migan.py wrote'
    return (
        'FBINPAINT_INITIAL: one of configs/inpaintors/ at 64 px; at full size of configs/maps/, '
        'and for these of configs/baselines/migan_*'
    )


def _whole(network: InpaintingEncoderDecoder, checkpoint: str, prefix: str) -> str:
    """A guided network should start where that of the file stopped, if there is one."""
    if network.guided and prefix.rstrip('.') == INITIAL:
        found = entries_of_checkpoint(checkpoint, GUIDED, 'an inpainting network')
        if found:
            return f'it is that of a whole inpaintor, with {len(found)} entries of {GUIDED!r}'
    return ''


def _problem(network: InpaintingEncoderDecoder, entries: dict[str, Tensor]) -> str:
    """Loads into a copy: the network's own loading decides what it takes over, and how."""
    try:
        missing, unknown = deepcopy(network).load_state_dict(entries, strict=False)
    except RuntimeError as error:  # of another shape; names key, found and expected
        return str(error)
    missing = [key for key in missing if not key.startswith(network.semantic_prefix)]
    if missing or unknown:
        return (
            f'{len(missing)} entries are missing {missing[:1]}, {len(unknown)} are unknown '
            f'{unknown[:1]}'
        )
    return ''
