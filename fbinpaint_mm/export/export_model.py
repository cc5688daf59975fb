"""From a model to files that are known to give the same."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from mmagic.models.editors.deepfillv1 import ContextualAttentionModule

from fbinpaint_mm.export.exported_step import (
    CONVENTIONS,
    HALF_RANGE,
    PREVIOUS,
    ExportedStep,
    ExportError,
    InitialRound,
    NextRound,
    UnrolledRounds,
)
from fbinpaint_mm.export.onnx_format import OPSET, OnnxFormat
from fbinpaint_mm.export.parity import compare, random_inputs
from fbinpaint_mm.export.torchscript_format import TorchScriptFormat
from fbinpaint_mm.fingerprint import file_content
from fbinpaint_mm.models import FeedbackRecorrectionInpaintor, FeedbackRecorrectionLoop
from fbinpaint_mm.user_error import UserError
from fbinpaint_mm.version import __version__

FORMATS: dict[str, type[OnnxFormat | TorchScriptFormat]] = {
    'onnx': OnnxFormat,
    'torchscript': TorchScriptFormat,
}
MODES = ('unrolled', 'per-round')
# Not 1: an exporter may take a size of 1 for one that is broadcast.
EXAMPLE_BATCH = 2
# The readers of our files, such as tools/run_onnx.py, believe no more than this.
MOST_ROUNDS = 100
LARGEST_SIDE = 8192


@dataclass(frozen=True)
class ExportSettings:
    """What to export, and how.

    Args:
        format: ``'onnx'`` (opset 17) or ``'torchscript'``.
        mode: ``'unrolled'``, one file with all rounds; or ``'per-round'``, one file with round 0
            and one with a further round, which the caller repeats.
        rounds: R in 1..100 of an unrolled file; the number that a per-round file recommends, in
            0..100.
        size: (height, width) in pixels, up to 8192: of all images, or with ``dynamic`` only of the
            example.
        dynamic: Whether height and width may change from call to call. The batch size always may.
        tolerance: Largest difference from PyTorch, as a share of the range of each output.

    Raises:
        UserError: If a value is none of these. The message names it.
    """

    format: str = 'onnx'
    mode: str = 'unrolled'
    rounds: int = 2
    size: tuple[int, int] = (256, 256)
    dynamic: bool = False
    tolerance: float = 1e-3

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise UserError(f'format: found {self.format!r}, expected one of {(*FORMATS,)}')
        if self.mode not in MODES:
            raise UserError(f'mode: found {self.mode!r}, expected one of {MODES}')
        fewest = 1 if self.mode == 'unrolled' else 0
        if not isinstance(self.rounds, int) or not fewest <= self.rounds <= MOST_ROUNDS:
            hint = '' if fewest == 0 else "; round 0 alone is the first file of 'per-round'"
            raise UserError(
                f'rounds: found {self.rounds!r}, mode {self.mode!r} needs {fewest} to '
                f'{MOST_ROUNDS}{hint}'
            )
        if not 1 <= min(self.size) <= max(self.size) <= LARGEST_SIDE:
            raise UserError(
                f'size: found {self.size}, expected height and width in 1..{LARGEST_SIDE}'
            )
        if not self.tolerance > 0:
            raise UserError(f'tolerance: found {self.tolerance}, expected a positive number')

    def compared_sizes(self, divisor: int) -> list[tuple[int, int, int]]:
        """(batch, height, width) of the inputs on which a file is compared with PyTorch.

        Args:
            divisor: Of height and width. With ``dynamic`` there are sizes that the exporter has not
                seen.
        """
        height, width = self.size
        sizes = [(EXAMPLE_BATCH, height, width), (1, height, width), (3, height, width)]
        if self.dynamic:
            sizes += [(1, height + divisor, width + 3 * divisor), (2, height + 2 * divisor, width)]
        return sizes


@dataclass(frozen=True)
class ExportedFile:
    """A file that has passed the comparison with PyTorch.

    Args:
        path: Where it is.
        sizes: (batch, height, width) of the inputs that were compared.
        differences: Largest difference of each output, as a share of its range.
    """

    path: Path
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
        UserError: If a package that the format needs is not installed, or the model cannot be
            exported, or not in this size.
        ExportError: If a file does not run, or gives something else than PyTorch.
        OSError: If the folder cannot be written to.
    """
    writer = FORMATS[settings.format]()
    check_exportable(model, settings.size)
    steps = _make_steps(model.eval(), settings)
    names = [f'{name}_{step.file_part}{writer.suffix}' for step in steps]
    out.mkdir(parents=True, exist_ok=True)
    in_folder = tempfile.TemporaryDirectory(dir=out, prefix='.export_')
    with in_folder as folder, maps_of_any_size(model.loop):
        exported = []
        for step, file_name in zip(steps, names, strict=True):
            metadata = describe(step, settings, classes, checkpoint)
            if len(names) > 1:
                metadata['next_round_file'] = names[-1]
            exported.append(_export_step(step, writer, settings, Path(folder, file_name), metadata))
        for file in exported:
            os.replace(file.path, out / file.path.name)
    return [replace(file, path=out / file.path.name) for file in exported]


@contextmanager
def maps_of_any_size(loop: FeedbackRecorrectionLoop) -> Iterator[None]:
    """No image is reduced for the segmentor: what is traced once cannot depend on the size."""
    side, loop.map_side = loop.map_side, None
    try:
        yield
    finally:
        loop.map_side = side


def check_exportable(model: torch.nn.Module, size: tuple[int, int]) -> None:
    """Refuse what cannot be exported, before anything is written.

    Args:
        model: Any model.
        size: (height, width) in pixels.

    Raises:
        UserError: The message says what was found and what would do.
    """
    if not isinstance(model, FeedbackRecorrectionInpaintor):
        raise UserError(
            f'export takes models of type FeedbackRecorrectionInpaintor, found '
            f"{type(model).__name__}; mmagic's own inpaintors can be the initial network of one"
        )
    _check_normalization(model.data_preprocessor)
    _check_networks(model.loop)
    _check_size(model.loop, size)


def _check_normalization(data_preprocessor: torch.nn.Module) -> None:
    """The files have their own, which the comparison with PyTorch shares."""
    found = {name: getattr(data_preprocessor, name).flatten() for name in ('mean', 'std')}
    if any((values != HALF_RANGE).any() for values in found.values()):
        raise UserError(
            f'data_preprocessor: found mean {found["mean"].tolist()} and std '
            f'{found["std"].tolist()}, an exported file has {HALF_RANGE} for both'
        )


def _check_networks(loop: FeedbackRecorrectionLoop) -> None:
    if loop.guided is None:
        raise UserError('the model has no guided network, and so no rounds that could be exported')
    for name in ('initial', 'guided'):
        network = getattr(loop, name) or torch.nn.Identity()
        if any(isinstance(part, ContextualAttentionModule) for part in network.modules()):
            raise UserError(
                f"{name} network: DeepFill's contextual attention convolves each image of a batch "
                'with kernels made of that image, which neither format can hold; take another '
                'network (MIGANEncoderDecoder, GL, AOT-GAN, PConv, ...)'
            )


def _check_size(loop: FeedbackRecorrectionLoop, size: tuple[int, int]) -> None:
    fits = [loop.valid_side(side) for side in size]
    if list(size) != fits:
        raise UserError(
            f'size {size[0]} {size[1]} (height, width): the model needs multiples of '
            f'{loop.size_divisor}, and the next size that it takes is {fits[0]} {fits[1]}'
        )


def _make_steps(
    model: FeedbackRecorrectionInpaintor, settings: ExportSettings
) -> list[ExportedStep]:
    """The networks to export, in the order in which a user runs them."""
    if settings.mode == 'unrolled':
        return [UnrolledRounds(model, settings.rounds).eval()]
    return [InitialRound(model).eval(), NextRound(model).eval()]


def describe(
    step: ExportedStep, settings: ExportSettings, classes: Sequence[str], checkpoint: Path
) -> dict[str, str]:
    """Metadata of one file: what a program needs to know that runs it.

    Args:
        step: What is in the file.
        settings: How it was exported.
        classes: Name of each class of the map; other than K names stand for none, and the classes
            are numbered.
        checkpoint: File of the weights.

    Returns:
        Text by key: ``kind``, ``rounds``, ``height`` and ``width`` (``dynamic`` or pixels),
        ``size_divisor``, ``classes`` (JSON list), ``inputs`` and ``outputs`` (JSON, convention by
        name), ``opset``, versions and the ``checkpoint_sha256``.
    """
    count = step.num_classes
    names = [*classes] if len(classes) == count else [str(k) for k in range(count)]
    height, width = ('dynamic', 'dynamic') if settings.dynamic else map(str, settings.size)
    inputs, outputs = (
        json.dumps({name: CONVENTIONS[name.removeprefix(PREVIOUS)] for name in tensors})
        for tensors in (step.input_names, step.output_names)
    )
    return {
        'kind': step.kind,
        'rounds': str(settings.rounds),
        'height': height,
        'width': width,
        'size_divisor': str(step.loop.size_divisor),
        'classes': json.dumps(names),
        'inputs': inputs,
        'outputs': outputs,
        'opset': str(OPSET) if settings.format == 'onnx' else 'none',
        'fbinpaint_mm_version': __version__,
        'torch_version': torch.__version__,
        'checkpoint_sha256': file_content(checkpoint),
    }


def _export_step(
    step: ExportedStep,
    writer: OnnxFormat | TorchScriptFormat,
    settings: ExportSettings,
    path: Path,
    metadata: dict[str, str],
) -> ExportedFile:
    _write(step, writer, settings, path, metadata)
    sizes = settings.compared_sizes(step.loop.size_divisor)
    batches = [random_inputs(step, n, (h, w), seed) for seed, (n, h, w) in enumerate(sizes, 1)]
    found = _run(writer, settings.dynamic, path, batches)
    return ExportedFile(path, sizes, compare(step, batches, found, settings.tolerance))


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
    except OSError as error:  # torch's does not say which file
        raise OSError(error.errno, error.strerror, str(path)) from error
    except (AssertionError, RuntimeError, ValueError) as error:  # of torch, mmagic or mmseg
        # torch appends pages of its graph.
        reason = re.split(r'\[Caused by|\. Please feel free', str(error))[0].strip()
        hint = '; TorchScript may hold it' if settings.format == 'onnx' else ''
        raise ExportError(
            f'{step.kind} cannot be written as {settings.format}: {reason}{hint}'
        ) from error


def _run(
    writer: OnnxFormat | TorchScriptFormat,
    dynamic: bool,
    path: Path,
    batches: Sequence[tuple[torch.Tensor, ...]],
) -> list[list[np.ndarray]]:
    try:
        return writer.run(path, batches)
    except Exception as error:  # onnxruntime's errors have no common base
        hint = '; the network may fix the image size: try without dynamic' * dynamic
        raise ExportError(f'{path.name} does not run: {error}{hint}') from error
