"""Inpaints one image with an exported model: onnxruntime, numpy and Pillow are all it needs.

Usage: python tools/run_onnx.py MODEL.onnx IMAGE MASK OUT.png [--rounds R] [--map MAP.png]

MODEL.onnx is what tools/export.py has written: ``NAME_roundsR.onnx`` or, of the two files of
``--mode per-round``, ``NAME_initial.onnx``; the other one has to be beside it. In MASK the hole is
white, or 1 where all values are 0 or 1. Outside the hole OUT.png equals IMAGE. This file can be
copied and used on its own.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Tensors = dict[str, np.ndarray]


def load(path: Path) -> tuple[InferenceSession, dict[str, str]]:
    """A session on the CPU, and what the file says about itself.

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
        raise ValueError(f'{path} is not an ONNX file that can be run: {error}') from error
    metadata = session.get_modelmeta().custom_metadata_map
    if 'kind' not in metadata:
        raise ValueError(f'{path} was not written by tools/export.py: it has no metadata')
    return session, metadata


def read_hole(path: Path) -> np.ndarray:
    """Reads a mask of any bit depth as ``fbinpaint_mm.apis`` does, alpha apart.

    Args:
        path: Of the mask. The hole is what is brighter than half of white: of 1 if all values are 0
            or 1, else of 255, or of 65535 where a value is above 255.

    Returns:
        (H, W) bool, True in the hole.

    Raises:
        OSError: It is missing or no image.
    """
    image = ImageOps.exif_transpose(Image.open(path))
    values = np.asarray(image if image.mode.startswith('I') else image.convert('L'))
    high = values.max()
    white = 1 if high <= 1 else 255 if high <= 255 else 65535
    return values > white / 2


def run(session: InferenceSession, inputs: Tensors) -> Tensors:
    """One call of a session, tensors by name in and out."""
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


def inpaint(model: Path, image: np.ndarray, mask: np.ndarray, rounds: int | None) -> Tensors:
    """Inpaints one image.

    Args:
        model: A file of tools/export.py.
        image: (H, W, 3) uint8 RGB.
        mask: (H, W) bool, True in the hole.
        rounds: R >= 0, of a per-round model; None: as many as the file recommends.

    Returns:
        ``composite`` (1, 3, H, W) float32 RGB in 0..255, ``confidence`` (1, 1, H, W) float32 in
        [0, 1] and, with semantics, ``map`` (1, K, H, W) float32 class probabilities.

    Raises:
        ValueError: The image does not fit the model, or the number of rounds is fixed.
    """
    session, metadata = load(model)
    size = image.shape[:2]
    padding = find_padding(metadata, size)
    planes = np.pad(image, (*padding, (0, 0)), mode='edge').transpose(2, 0, 1)
    hole = np.pad(mask, padding, mode='edge')
    inputs = {
        'image': planes[None].astype(np.float32),
        'mask': hole[None, None].astype(np.float32),
    }
    outputs = run_rounds(session, metadata, model.parent, inputs, rounds)
    return {name: value[..., : size[0], : size[1]] for name, value in outputs.items()}


def run_rounds(
    session: InferenceSession,
    metadata: dict[str, str],
    folder: Path,
    inputs: Tensors,
    rounds: int | None,
) -> Tensors:
    """All rounds: one call if they are unrolled, else one call for each.

    Args:
        session: Of the file that the user named.
        metadata: Of that file.
        folder: Where the file with further rounds is.
        inputs: ``image`` and ``mask``, as in the metadata.
        rounds: None: as many as the file recommends.

    Returns:
        The outputs of the last round.

    Raises:
        ValueError: The file is the second of the two, or has another fixed number of rounds.
    """
    kind, count = metadata['kind'], int(metadata['rounds']) if rounds is None else rounds
    if kind == 'round':
        raise ValueError('this file continues from an earlier round: name the one for round 0')
    if count < 0:
        raise ValueError(f'rounds must be 0 or more, got {count}')
    if kind == 'unrolled':
        if count != int(metadata['rounds']):
            raise ValueError(f'the file has {metadata["rounds"]} rounds, not {count}')
        return run(session, inputs)
    state = run(session, inputs)
    if count:
        next_round, _ = load(folder / metadata['next_round_file'])
        for _ in range(count):
            previous = {f'previous_{name}': value for name, value in state.items()}
            wanted = {entry.name for entry in next_round.get_inputs()}
            state = run(next_round, {k: v for k, v in (inputs | previous).items() if k in wanted})
    return state


def find_padding(
    metadata: dict[str, str], size: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """What to add below and on the right so that the model takes the image.

    Args:
        metadata: Says which sizes the model takes.
        size: (height, width) of the image.

    Returns:
        For both axes the pixels before (none) and after.

    Raises:
        ValueError: The image is larger than the fixed size of the model.
    """
    if metadata['height'] == 'dynamic':
        divisor = int(metadata['size_divisor'])
        target = [-(-side // divisor) * divisor for side in size]
    else:
        target = [int(metadata['height']), int(metadata['width'])]
    missing = [want - have for want, have in zip(target, size, strict=True)]
    if min(missing) < 0:
        raise ValueError(
            f'the image is {size[0]}x{size[1]} (height x width) and the model takes '
            f'{target[0]}x{target[1]} at most: crop or reduce it, or export with --dynamic'
        )
    return (0, missing[0]), (0, missing[1])


def main(argv: list[str] | None = None) -> None:
    """Inpaints what the command line says."""
    parser = argparse.ArgumentParser(description='Inpaint with an exported model')
    parser.add_argument('model', type=Path, help='NAME_roundsR.onnx or NAME_initial.onnx')
    parser.add_argument('image', type=Path, help='image, read upright as 8-bit RGB')
    parser.add_argument('mask', type=Path, help='mask of the same size, white in the hole')
    parser.add_argument('out', type=Path, help='PNG to write')
    parser.add_argument('--rounds', type=int, help='of a per-round model (default: as exported)')
    parser.add_argument('--map', type=Path, help='PNG to write the class ids to')
    args = parser.parse_args(argv)
    try:
        image = np.asarray(ImageOps.exif_transpose(Image.open(args.image)).convert('RGB'))
        mask = read_hole(args.mask)
        if mask.shape != image.shape[:2]:
            raise ValueError(f'image and mask differ: {image.shape[:2]} and {mask.shape}')
        if not mask.any():
            print(f'run_onnx.py: no hole in {args.mask}: the image stays as it is', file=sys.stderr)
        outputs = inpaint(args.model, image, mask, args.rounds)
        if args.map and 'map' not in outputs:
            raise ValueError('--map: the model has no semantics')
    except (ImportError, ValueError, OSError) as error:
        print(f'run_onnx.py: {error}', file=sys.stderr)
        sys.exit(2)  # as argparse does
    # Known pixels are whole numbers in 0..255 and stay what they are.
    pixels = outputs['composite'][0].transpose(1, 2, 0).round().clip(0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(args.out)
    if args.map:
        Image.fromarray(outputs['map'][0].argmax(0).astype(np.uint8)).save(args.map)


if __name__ == '__main__':
    main()
