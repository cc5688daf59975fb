"""Inpaints one image with an exported model: onnxruntime, numpy and Pillow are all it needs.

Usage: python tools/run_onnx.py MODEL.onnx IMAGE MASK OUT.png [--rounds R] [--map MAP.png]

MODEL.onnx is what tools/export.py has written: ``NAME_roundsR.onnx`` or, of the two files of
``--mode per-round``, ``NAME_initial.onnx``; the other one has to be beside it. In MASK the hole is
white or of any bright color, or 1 where all values are 0 or 1. Outside the hole OUT.png equals
IMAGE. This file can be copied and used on its own.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps, PngImagePlugin, UnidentifiedImageError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Tensors = dict[str, np.ndarray]

# As in fbinpaint_mm.picture_file: no format for which Pillow starts a program, and long texts.
FORMATS = ('AVIF', 'BMP', 'GIF', 'JPEG', 'JPEG2000', 'PNG', 'PPM', 'TGA', 'TIFF', 'WEBP')
PngImagePlugin.MAX_TEXT_CHUNK = PngImagePlugin.MAX_TEXT_MEMORY
# What a file may ask for: it may come from anyone.
MOST_ROUNDS = 100
LARGEST_SIDE = 8192  # pixels


@dataclass(frozen=True)
class Model:
    """A file of tools/export.py.

    Args:
        path: The file.
        session: It, on the CPU.
        kind: ``'unrolled'`` for all rounds, ``'initial'`` for round 0, ``'round'`` for a further
            one.
        rounds: R, of an unrolled file; else the number that it recommends.
        size: (height, width) of the images in pixels; ``None`` for any multiples of ``divisor``.
        divisor: Of height and width.
        next_round: File of the further rounds, beside that of round 0; of this kind only.
        checkpoint: Hash of the weights.
    """

    path: Path
    session: InferenceSession
    kind: str
    rounds: int
    size: tuple[int, int] | None
    divisor: int
    next_round: Path | None
    checkpoint: str


def load(path: Path) -> Model:
    """Reads a file, and checks what it says about itself.

    Args:
        path: A file of tools/export.py.

    Raises:
        ImportError: onnxruntime is not installed.
        ValueError: It is not one of its files.
        OSError: It cannot be read.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError('onnxruntime: not installed. Run: pip install onnxruntime') from error
    content = path.read_bytes()
    try:
        session = onnxruntime.InferenceSession(content, providers=['CPUExecutionProvider'])
    except Exception as error:  # onnxruntime's errors have no common base
        reason = ' '.join(str(error).split())
        raise ValueError(f'{path} is not an ONNX file that can be run: {reason}') from error
    try:
        return read_metadata(path, session, session.get_modelmeta().custom_metadata_map)
    except ValueError as error:
        raise ValueError(f'{path} is no file of tools/export.py: metadata {error}') from error


def read_metadata(path: Path, session: InferenceSession, metadata: Mapping[str, str]) -> Model:
    """Checks what a file says about itself.

    Args:
        path: The file.
        session: It.
        metadata: Text by key, as ``fbinpaint_mm.export.describe`` has it.

    Raises:
        ValueError: An entry is missing, or is not what it must be. The message begins with its key.
    """
    kind = metadata.get('kind')
    if kind not in ('unrolled', 'initial', 'round'):
        raise ValueError(f"'kind': found {kind!r}, expected 'unrolled', 'initial' or 'round'")
    return Model(
        path,
        session,
        kind,
        _number(metadata, 'rounds', 0, MOST_ROUNDS),
        _size(metadata),
        _number(metadata, 'size_divisor', 1, LARGEST_SIDE),
        _file_beside(path, metadata.get('next_round_file', '')) if kind == 'initial' else None,
        metadata.get('checkpoint_sha256', ''),
    )


def _size(metadata: Mapping[str, str]) -> tuple[int, int] | None:
    if metadata.get('height') == metadata.get('width') == 'dynamic':
        return None
    height, width = (_number(metadata, key, 1, LARGEST_SIDE) for key in ('height', 'width'))
    return height, width


def _number(metadata: Mapping[str, str], key: str, low: int, high: int) -> int:
    text = metadata.get(key, '')
    if not (text.isdecimal() and len(text) < 10 and low <= int(text) <= high):
        raise ValueError(f'{key!r}: found {text!r}, expected a whole number from {low} to {high}')
    return int(text)


def _file_beside(path: Path, name: str) -> Path:
    """A file in the folder of another; a link that leads out of it is none."""
    found = path.parent / name
    if Path(name).name != name or found.resolve().parent != path.parent.resolve():
        raise ValueError(f"'next_round_file': found {name!r}, expected a file beside it")
    return found


def open_picture(path: Path) -> tuple[Image.Image, bool]:
    """Opens a picture of one of the formats that ``fbinpaint_mm`` reads.

    Args:
        path: Of the file.

    Returns:
        The upright picture, and whether its colors are reduced from 16 to 8 bits.

    Raises:
        ValueError: It is of another format or damaged.
        OSError: It is missing.
    """
    try:
        # Pillow mixes up the rows of some TIFFs that it opens by their path.
        with path.open('rb') as file, Image.open(file, formats=FORMATS) as stored:
            is_reduced = any(f';16{order}' in str(stored.tile) for order in 'BLN')
            with contextlib.suppress(Exception):
                stored.getexif()  # once, since damaged metadata say nothing about the pixels
            picture = ImageOps.exif_transpose(stored)
    except UnidentifiedImageError as error:
        raise ValueError(f'{path} is no image of a known format ({", ".join(FORMATS)})') from error
    except Exception as error:  # Pillow's errors have no common base
        if isinstance(error, OSError) and error.filename is not None:
            raise
        raise ValueError(f'{path} cannot be decoded: {error}') from error
    return picture, is_reduced and not picture.mode.startswith('I')


def read_image(path: Path) -> np.ndarray:
    """Reads a picture as (H, W, 3) uint8 RGB; 16-bit values are rounded to 8 bits.

    Args:
        path: Of the picture.

    Raises:
        ValueError: It is no picture, or has float values.
        OSError: It is missing.
    """
    picture, _ = open_picture(path)
    if picture.mode == 'F':
        raise ValueError(f'{path} has float values; expected 8 or 16 bits')
    if not picture.mode.startswith('I'):
        return np.asarray(picture.convert('RGB'))
    gray = (np.asarray(picture).astype(np.uint32) + 128) // 257
    return np.repeat(gray.clip(0, 255).astype(np.uint8)[..., None], 3, axis=-1)


def read_hole(path: Path) -> np.ndarray:
    """Reads a mask by the rule of ``fbinpaint_mm.mask.hole_of``.

    Args:
        path: Of the mask. The hole is where the brightest of the colors is above half of white: of
            1 for floats or if all values are 0 or 1, else of 255, or of 65535 where a value is
            above 255. What is fully transparent is no hole.

    Returns:
        (H, W) bool, True in the hole.

    Raises:
        ValueError: It is no picture, or has floats that are not in 0..1.
        OSError: It is missing.
    """
    picture, is_reduced = open_picture(path)
    if picture.mode == 'F':
        return _hole_of_floats(path, np.asarray(picture))
    if picture.mode.startswith('I'):
        gray = np.asarray(picture)
        brightest = gray * (gray != picture.info.get('transparency', -1))
    else:
        planes = np.asarray(picture.convert('RGBA'))
        brightest = planes[..., :3].max(-1) * (planes[..., 3] > 0)
    white = next((white for white in (1, 255) if brightest.max() <= white), 65535)
    if is_reduced:  # which keeps the upper 8 bits
        if not brightest.any():
            raise ValueError(f'{path} has colors of 16 bits below 256; save the mask with 8')
        white = 255
    return brightest > white / 2


def _hole_of_floats(path: Path, values: np.ndarray) -> np.ndarray:
    if not (values.min() >= 0 and values.max() <= 1):  # also where a value is not a number
        raise ValueError(f'{path} has floats from {values.min()} to {values.max()}; expected 0..1')
    return values > 0.5


def run(model: Model, inputs: Tensors) -> Tensors:
    """One call of a file, tensors by name in and out.

    Args:
        model: The file.
        inputs: At least those that it reads.

    Raises:
        ValueError: It cannot be run on these, or gives no picture, or values that are no numbers.
    """
    wanted = [entry.name for entry in model.session.get_inputs()]
    names = [entry.name for entry in model.session.get_outputs()]
    try:
        found = model.session.run(names, {k: v for k, v in inputs.items() if k in wanted})
    except Exception as error:  # onnxruntime's errors have no common base
        raise ValueError(f'{model.path} cannot be run: {" ".join(str(error).split())}') from error
    outputs = dict(zip(names, found, strict=True))
    if 'composite' not in outputs or outputs['composite'].shape != inputs['image'].shape:
        raise ValueError(f'{model.path} gives no composite of the size of the image')
    broken = [name for name, value in outputs.items() if not np.isfinite(value).all()]
    if broken:
        raise ValueError(f'{model.path} gives NaN or infinite values: {", ".join(broken)}')
    return outputs


def inpaint(path: Path, image: np.ndarray, mask: np.ndarray, rounds: int | None) -> Tensors:
    """Inpaints one image.

    Args:
        path: A file of tools/export.py.
        image: (H, W, 3) uint8 RGB.
        mask: (H, W) bool, True in the hole.
        rounds: R >= 0, of a per-round model; None: as many as the file recommends.

    Returns:
        ``composite`` (1, 3, H, W) float32 RGB in 0..255, ``confidence`` (1, 1, H, W) float32 in
        [0, 1] and, with semantics, ``map`` (1, K, H, W) float32 class probabilities.

    Raises:
        ValueError: The image does not fit the model, or the number of rounds is fixed.
    """
    model = load(path)
    size = image.shape[:2]
    padding = _padding(model, size)
    planes = np.pad(image, (*padding, (0, 0)), mode='edge').transpose(2, 0, 1)
    hole = np.pad(mask, padding, mode='edge')
    inputs = {
        'image': planes[None].astype(np.float32),
        'mask': hole[None, None].astype(np.float32),
    }
    outputs = run_rounds(model, inputs, rounds)
    return {name: value[..., : size[0], : size[1]] for name, value in outputs.items()}


def run_rounds(model: Model, inputs: Tensors, rounds: int | None) -> Tensors:
    """All rounds: one call if they are unrolled, else one call for each.

    Args:
        model: The file that the user named.
        inputs: ``image`` and ``mask``, as in the metadata.
        rounds: None: as many as the file recommends.

    Returns:
        The outputs of the last round.

    Raises:
        ValueError: The file is the second of the two, or has another fixed number of rounds.
    """
    count = model.rounds if rounds is None else rounds
    if model.kind == 'round':
        raise ValueError('this file continues from an earlier round: name the one for round 0')
    if count < 0:
        raise ValueError(f'rounds must be 0 or more, got {count}')
    if model.next_round is None:
        if count != model.rounds:
            raise ValueError(f'the file has {model.rounds} rounds, not {count}')
        return run(model, inputs)
    state = run(model, inputs)
    if count:
        next_round = load(model.next_round)
        if (next_round.kind, next_round.checkpoint) != ('round', model.checkpoint):
            raise ValueError(f'{next_round.path} is not the further round of {model.path}')
        for _ in range(count):
            previous = {f'previous_{name}': value for name, value in state.items()}
            state = run(next_round, inputs | previous)
    return state


def _padding(model: Model, size: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """For both axes the pixels to add before (none) and after, so that the model takes an image."""
    target = model.size or [-(-side // model.divisor) * model.divisor for side in size]
    missing = [want - have for want, have in zip(target, size, strict=True)]
    if min(missing) < 0:
        raise ValueError(
            f'the image is {size[0]}x{size[1]} (height x width) and the model takes '
            f'{target[0]}x{target[1]} at most: crop or reduce it, or export with --dynamic'
        )
    return (0, missing[0]), (0, missing[1])


def _check_result(path: Path, others: list[Path]) -> None:
    """Makes sure that a result can be written, and destroys no input and no other result."""
    if path.suffix.lower() != '.png':
        raise ValueError(f'{path}: expected a name that ends in .png')
    if not path.parent.is_dir() or path.is_dir():
        raise ValueError(f'{path}: expected a file name in a folder that exists')
    if any(path.resolve() == other.resolve() for other in others):
        raise ValueError(f'{path} is read, or written twice: choose another name')


def _save(pixels: np.ndarray, path: Path) -> None:
    """Writes a PNG of (H, W) or (H, W, 3) uint8, whole or not at all, and not through a link."""
    draft = path.with_name(f'.{os.getpid()}.part')
    try:
        draft.unlink(missing_ok=True)  # of a killed process that had the same number
        with draft.open('xb') as file:
            Image.fromarray(pixels).save(file, 'PNG')
        os.replace(draft, path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise OSError(f'{path} cannot be written: {error.strerror}') from error


def inpaint_file(args: argparse.Namespace) -> None:
    """Inpaints what the command line says; what is wrong with it raises as `load` does."""
    given = [args.model, args.image, args.mask]
    for result in filter(None, (args.out, args.map)):
        _check_result(result, given)
        given.append(result)
    image = read_image(args.image)
    mask = read_hole(args.mask)
    if mask.shape != image.shape[:2]:
        raise ValueError(f'image and mask differ: {image.shape[:2]} and {mask.shape}')
    if not mask.any():
        print(f'run_onnx.py: no hole in {args.mask}: the image stays as it is', file=sys.stderr)
    outputs = inpaint(args.model, image, mask, args.rounds)
    if args.map and 'map' not in outputs:
        raise ValueError('--map: the model has no semantics')
    painted = outputs['composite'][0].transpose(1, 2, 0).round().clip(0, 255).astype(np.uint8)
    _save(np.where(mask[..., None], painted, image), args.out)
    if args.map:
        _save(outputs['map'][0].argmax(0).astype(np.uint8), args.map)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line, by default that of the process."""
    parser = argparse.ArgumentParser(description='Inpaint with an exported model')
    parser.add_argument('model', type=Path, help='NAME_roundsR.onnx or NAME_initial.onnx')
    parser.add_argument('image', type=Path, help='image, read upright as 8-bit RGB')
    parser.add_argument('mask', type=Path, help='mask of the same size, white in the hole')
    parser.add_argument('out', type=Path, help='PNG to write')
    parser.add_argument('--rounds', type=int, help='of a per-round model (default: as exported)')
    parser.add_argument('--map', type=Path, help='PNG to write the class ids to')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Inpaints what the command line says, or ends with a message and status 2."""
    args = parse_args(argv)
    try:
        inpaint_file(args)
    except (ImportError, ValueError, OSError) as error:
        print(f'run_onnx.py: {error}', file=sys.stderr)
        sys.exit(2)  # as argparse does


if __name__ == '__main__':
    main()
