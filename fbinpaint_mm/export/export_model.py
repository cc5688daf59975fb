"""From a model to files that are known to give the same."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from fbinpaint_mm.export.exported_step import ExportedStep
from fbinpaint_mm.export.initial_round import InitialRound
from fbinpaint_mm.export.metadata import describe
from fbinpaint_mm.export.next_round import NextRound
from fbinpaint_mm.export.onnx_format import OnnxFormat
from fbinpaint_mm.export.parity import (
    ParityError,
    check_known_pixels,
    check_parity,
    expected_outputs,
    largest_differences,
)
from fbinpaint_mm.export.random_inputs import random_inputs
from fbinpaint_mm.export.settings import ExportSettings
from fbinpaint_mm.export.size_divisor import size_divisor
from fbinpaint_mm.export.torchscript_format import TorchScriptFormat
from fbinpaint_mm.export.unrolled_rounds import UnrolledRounds
from fbinpaint_mm.models import FeedbackRecorrectionInpaintor

WRITERS = {writer.name: writer for writer in (OnnxFormat, TorchScriptFormat)}
# Not 1: an exporter may take a size of 1 for one that is broadcast.
EXAMPLE_BATCH = 2


@dataclass(frozen=True)
class ExportedFile:
    """A file that has passed the comparison with PyTorch.

    Args:
        path: Where it is.
        seconds: Time for writing it, without the comparison.
        sizes: (batch, height, width) of the inputs that were compared.
        differences: Largest difference of each output, as a share of its range.
    """

    path: Path
    seconds: float
    sizes: list[tuple[int, int, int]]
    differences: dict[str, float]


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
        ParityError: If a file does not run, or gives something else than PyTorch.
        OSError: If the folder cannot be written to.
    """
    writer = WRITERS[settings.format]()
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
    return [
        ExportedFile(out / one.path.name, one.seconds, one.sizes, one.differences)
        for one in exported
    ]


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
    divisor = size_divisor(model.loop)
    fits = [-(-side // divisor) * divisor for side in settings.size]
    if list(settings.size) != fits:
        raise ValueError(
            f'size {settings.size[0]} {settings.size[1]} (height, width): the model needs '
            f'multiples of {divisor}; the next ones are {fits[0]} {fits[1]}'
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
    sizes = compared_sizes(settings, size_divisor(step.loop))
    batches = [random_inputs(step, n, (h, w), seed) for seed, (n, h, w) in enumerate(sizes, 1)]
    expected = expected_outputs(step, batches)
    start = time.perf_counter()
    example = random_inputs(step, EXAMPLE_BATCH, settings.size, seed=0)
    writer.write(step, example, path, metadata, settings.dynamic)
    seconds = time.perf_counter() - start
    try:
        found = writer.run(path, batches)
    except Exception as error:
        hint = '; the network may fix the image size: try it without dynamic sizes'
        raise ParityError(
            f'{path.name} does not run: {error}{hint if settings.dynamic else ""}'
        ) from error
    differences = largest_differences(step.output_names, found, expected)
    check_parity(differences, settings.tolerance)
    check_known_pixels(batches, found)
    return ExportedFile(path, seconds, sizes, differences)
