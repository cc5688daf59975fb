"""Checks a checkpoint of mmseg before mmengine, which would only warn, loads it."""

from __future__ import annotations

import logging

from mmengine.logging import print_log
from torch import Tensor, nn

from fbinpaint_mm.checkpoint import shape_of
from fbinpaint_mm.models.pretrained_start import entries_of_checkpoint, pretrained_starts

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
        ValueError: If an entry is missing, has another shape, or belongs to no part of the
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
        raise ValueError(
            f'segmentor checkpoint {checkpoint!r} does not fit the segmentor of this config: '
            f'{len(wrong)} of {len(needed)} entries are missing or of another shape, '
            f'{len(unknown)} are unknown; {key!r}: found {shape_of(given, key)}, expected '
            f'{shape_of(needed, key)}. {_advice(key, given, checkpoint)}'
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
