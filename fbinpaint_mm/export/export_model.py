"""From a model to files that are known to give the same."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from mmagic.models.editors.deepfillv1 import ContextualAttentionModule

from fbinpaint_mm.export.export_error import ExportError
from fbinpaint_mm.export.export_settings import ExportSettings
from fbinpaint_mm.export.exported_file import ExportedFile
from fbinpaint_mm.export.exported_step import HALF_RANGE, ExportedStep
from fbinpaint_mm.export.initial_round import InitialRound
from fbinpaint_mm.export.metadata import describe
from fbinpaint_mm.export.next_round import NextRound
from fbinpaint_mm.export.onnx_format import OnnxFormat
from fbinpaint_mm.export.parity import (
    check_known_pixels,
    check_parity,
    expected_outputs,
    largest_differences,
)
from fbinpaint_mm.export.random_inputs import random_inputs
from fbinpaint_mm.export.torchscript_format import TorchScriptFormat
from fbinpaint_mm.export.unrolled_rounds import UnrolledRounds
from fbinpaint_mm.models import FeedbackRecorrectionInpaintor, FeedbackRecorrectionLoop

WRITERS = {writer.name: writer for writer in (OnnxFormat, TorchScriptFormat)}
# Not 1: an exporter may take a size of 1 for one that is broadcast.
EXAMPLE_BATCH = 2


def export_model(
    model: FeedbackRecorrectionInpaintor,
    settings: ExportSettings,
    out: Path,
    name: str,
    checkpoint: Path,
    classes: Sequence[str],
) -> list[ExportedFile]:
    """Export a model; all files are there in the end, or none.

    Args:
        model: With its weights; is put into evaluation mode.
        settings: What to export, and how.
        out: Folder to write to; made if it is not there.
        name: First part of the file names.
        checkpoint: File that the weights came from; its hash goes into the metadata.
        classes: Names of the K classes, for the metadata.

    Returns:
        One file for ``'unrolled'``: ``NAME_roundsR``. Two for ``'per-round'``: ``NAME_initial`` and
        ``NAME_round``.

    Raises:
        ImportError: If a package that the format needs is not installed.
        ValueError: If the model cannot be exported, or not in this size.
        ExportError: If a file does not run, or gives something else than PyTorch.
        OSError: If the folder cannot be written to.
    """
    writer = make_writer(settings)
    check_exportable(model, settings)
    steps = make_steps(model.eval(), settings)
    names = [f'{name}_{file_part(step, settings)}{writer.suffix}' for step in steps]
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix='.export_') as folder:
        exported = []
        for step, file_name in zip(steps, names, strict=True):
            metadata = describe(step, settings, classes, checkpoint)
            if len(names) > 1:
                metadata['next_round_file'] = names[-1]
            exported.append(_export_step(step, writer, settings, Path(folder, file_name), metadata))
        for one in exported:
            os.replace(one.path, out / one.path.name)
    return [replace(one, path=out / one.path.name) for one in exported]


def make_writer(settings: ExportSettings) -> OnnxFormat | TorchScriptFormat:
    """What writes the format.

    Args:
        settings: Their ``format`` is looked at.

    Raises:
        ImportError: If a package that the format needs is not installed.
    """
    return WRITERS[settings.format]()


def check_exportable(model: torch.nn.Module, settings: ExportSettings) -> None:
    """Refuse what cannot be exported, before anything is written.

    Args:
        model: Any model.
        settings: Their ``size`` is looked at.

    Raises:
        ValueError: The message says what was found and what would do.
    """
    if not isinstance(model, FeedbackRecorrectionInpaintor):
        raise ValueError(
            f'export takes models of type FeedbackRecorrectionInpaintor, found '
            f"{type(model).__name__}; mmagic's own inpaintors can be the initial network of one"
        )
    if model.guide_by_ground_truth:
        raise ValueError(
            'the model has guide_by_ground_truth=True and needs the true map of every image; '
            'export one that makes its own'
        )
    _check_normalization(model.data_preprocessor)
    _check_networks(model.loop)
    _check_size(model.loop, settings.size)


def _check_networks(loop: FeedbackRecorrectionLoop) -> None:
    if loop.guided is None:
        raise ValueError('the model has no guided network, and so no rounds that could be exported')
    for name in ('initial', 'guided'):
        parts = getattr(loop, name).modules()
        if any(isinstance(part, ContextualAttentionModule) for part in parts):
            raise ValueError(
                f"{name} network: DeepFill's contextual attention convolves each image of a batch "
                'with kernels made of that image, which neither format can hold; take another '
                'network (GL, AOT-GAN, PConv or SemanticGuidedEncoderDecoder)'
            )


def _check_size(loop: FeedbackRecorrectionLoop, size: tuple[int, int]) -> None:
    fits = [loop.valid_side(side) for side in size]
    if list(size) != fits:
        raise ValueError(
            f'size {size[0]} {size[1]} (height, width): the model needs multiples of '
            f'{loop.size_divisor}, and the next size that it takes is {fits[0]} {fits[1]}'
        )


def _check_normalization(data_preprocessor: torch.nn.Module) -> None:
    """The files have their own, which the comparison with PyTorch shares."""
    found = {name: getattr(data_preprocessor, name).flatten() for name in ('mean', 'std')}
    if any((values != HALF_RANGE).any() for values in found.values()):
        raise ValueError(
            f'data_preprocessor: found mean {found["mean"].tolist()} and std '
            f'{found["std"].tolist()}, an exported file has {HALF_RANGE} for both'
        )


def make_steps(
    model: FeedbackRecorrectionInpaintor, settings: ExportSettings
) -> list[ExportedStep]:
    """The networks to export, in the order in which a user runs them."""
    if settings.mode == 'unrolled':
        return [UnrolledRounds(model, settings.rounds).eval()]
    return [InitialRound(model).eval(), NextRound(model).eval()]


def file_part(step: ExportedStep, settings: ExportSettings) -> str:
    """What tells the files of one model apart."""
    return f'rounds{settings.rounds}' if settings.mode == 'unrolled' else step.kind


def compared_sizes(settings: ExportSettings, divisor: int) -> list[tuple[int, int, int]]:
    """(batch, height, width) of the inputs on which a file is compared with PyTorch.

    Args:
        settings: With ``dynamic`` there are sizes that the exporter has not seen.
        divisor: Of height and width.
    """
    height, width = settings.size
    sizes = [(EXAMPLE_BATCH, height, width), (1, height, width), (3, height, width)]
    if settings.dynamic:
        sizes += [(1, height + divisor, width + 3 * divisor), (2, height + 2 * divisor, width)]
    return sizes


def _export_step(
    step: ExportedStep,
    writer: OnnxFormat | TorchScriptFormat,
    settings: ExportSettings,
    path: Path,
    metadata: dict[str, str],
) -> ExportedFile:
    start = time.perf_counter()
    _write(step, writer, settings, path, metadata)
    seconds = time.perf_counter() - start
    sizes = compared_sizes(settings, step.loop.size_divisor)
    batches = [random_inputs(step, n, (h, w), seed) for seed, (n, h, w) in enumerate(sizes, 1)]
    found = _run(writer, settings, path, batches)
    differences = largest_differences(step.output_names, found, expected_outputs(step, batches))
    check_parity(differences, settings.tolerance)
    check_known_pixels(batches, found)
    return ExportedFile(path, seconds, sizes, differences)


def _write(
    step: ExportedStep,
    writer: OnnxFormat | TorchScriptFormat,
    settings: ExportSettings,
    path: Path,
    metadata: dict[str, str],
) -> None:
    example = random_inputs(step, EXAMPLE_BATCH, settings.size, seed=0)
    try:
        writer.write(step, example, path, metadata, settings.dynamic)
    except (AssertionError, RuntimeError, ValueError) as error:  # of torch, mmagic or mmseg
        # torch appends pages of its graph.
        reason = re.split(r'\[Caused by|\. Please feel free', str(error))[0].strip()
        hint = '; TorchScript may hold it' if writer.name == 'onnx' else ''
        raise ExportError(
            f'{step.kind} cannot be written as {writer.name}: {reason}{hint}'
        ) from error


def _run(
    writer: OnnxFormat | TorchScriptFormat,
    settings: ExportSettings,
    path: Path,
    batches: Sequence[tuple[torch.Tensor, ...]],
) -> list[list[np.ndarray]]:
    try:
        return writer.run(path, batches)
    except Exception as error:  # onnxruntime's errors have no common base
        hint = '; the network may fix the image size: try without dynamic' * settings.dynamic
        raise ExportError(f'{path.name} does not run: {error}{hint}') from error
