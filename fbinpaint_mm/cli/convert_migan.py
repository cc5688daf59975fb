"""Makes weights of `MIGANEncoderDecoder` of MI-GAN's public ONNX file."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor

from fbinpaint_mm.models.networks import MIGANEncoderDecoder
from fbinpaint_mm.user_error import UserError, require_extra
from fbinpaint_mm.write_file import check_output_file, write_file

GAIN = math.sqrt(2)  # of activations, which is part of our weights
SIDE = 512  # of the images that the public network was trained with, in pixels
NOISE = re.compile(r'onnx::Add_(\d+)')


def convert(onnx_file: Path, out: Path) -> None:
    """Writes the weights that ``init_cfg=dict(type='Pretrained', checkpoint=OUT)`` loads.

    Colors are BGR afterwards, as in mmagic's configs.

    Args:
        onnx_file: ``migan_pipeline_v2.onnx`` of the authors: Places2, 512 px.
        out: File to write, replaced if it exists.

    Raises:
        UserError: The file is no ONNX file, or not the one of MI-GAN at 512 px, or ``out`` is the
            same or cannot be written.
        OSError: There is no such file, or the disk is full.
    """
    require_extra('export', ['onnx'])
    check_output_file(out)
    if out.resolve() == onnx_file.resolve():
        raise UserError(f'{str(out)!r} is the file to read: give another one to write')
    weights = convert_initializers(read_initializers(onnx_file), onnx_file)
    buffer = io.BytesIO()
    torch.save(dict(state_dict=weights, meta={}), buffer)
    write_file(out, buffer.getvalue())
    print(f'{out}: {sum(value.numel() for value in weights.values()):,} weights')


def read_initializers(onnx_file: Path) -> dict[str, Tensor]:
    """The weights of an ONNX file.

    Returns:
        Tensors by the names of the file.

    Raises:
        UserError: It is no ONNX file, or cut off.
        FileNotFoundError: It is not there.
    """
    import onnx

    content = onnx_file.read_bytes()
    try:
        graph = onnx.load_from_string(content).graph
        arrays = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    except Exception as error:  # other bytes can make a reader raise anything
        raise UserError(
            f'{str(onnx_file)!r} is no ONNX file, or is cut off ({len(content)} bytes)'
        ) from error
    return {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}


def convert_initializers(found: dict[str, Tensor], onnx_file: Path) -> dict[str, Tensor]:
    """Renames weights to those of a `MIGANEncoderDecoder` with its default arguments.

    Args:
        found: Of the public file, by its names.
        onnx_file: Where they come from, for messages.

    Returns:
        A state dict of the network, its colors in the order BGR.

    Raises:
        UserError: One is missing or has another shape.
    """
    needed = MIGANEncoderDecoder().state_dict()
    weights = {}
    for ours, theirs in _names(found):
        value = found.get(theirs, torch.empty(0))
        value = value[None, None] if ours.endswith('noise') else value
        if value.shape != needed[ours].shape:
            sizes = sorted({int(side) for side in re.findall(r'\.b(\d+)\.', ' '.join(found))})
            told = f'has the shape {tuple(value.shape)}' if theirs in found else 'is missing'
            raise UserError(
                f'{str(onnx_file)!r} is not MI-GAN at {SIDE} px: {theirs!r} {told}, expected '
                f'{tuple(needed[ours].shape)}; its scales are {sizes or "none"}'
            )
        weights[ours] = value if ours.startswith('to_image') else value * GAIN
    return _with_bgr_colors(weights)


def _names(found: dict[str, Tensor]) -> Iterator[tuple[str, str]]:
    """Pairs of our names and those of the public file."""
    noise = sorted((int(match[1]), name) for name in found if (match := NOISE.fullmatch(name)))
    noises = iter([name for _, name in noise])
    yield from ((f'from_image.{kind}', f'model.encoder.b{SIDE}.fromrgb.{kind}') for kind in KINDS)
    for scale in reversed(range(8)):
        for ours, theirs in (('encoder', 'encoder'), ('decoder', 'synthesis')):
            for index in (1, 2):
                conv = f'model.{theirs}.b{SIDE >> scale}.conv{index}'
                yield f'{ours}.{scale}.conv{index}.pointwise.weight', f'{conv}.conv2.weight'
                for kind in KINDS:
                    yield f'{ours}.{scale}.conv{index}.depthwise.{kind}', f'{conv}.conv1.{kind}'
        for kind in KINDS:
            yield f'to_image.{scale}.{kind}', f'model.synthesis.b{SIDE >> scale}.torgb.{kind}'
    for scale in reversed(range(7)):
        for index in (1, 2):
            yield f'decoder.{scale}.conv{index}.noise', next(noises, 'onnx::Add_*')


KINDS = ('weight', 'bias')


def _with_bgr_colors(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Exchanges red and blue of a network that was trained with RGB."""
    bgr = dict(weights)
    bgr['from_image.weight'] = weights['from_image.weight'][:, [0, 3, 2, 1]].clone()
    for name in weights:
        if name.startswith('to_image.'):
            bgr[name] = weights[name].flip(0)
    return bgr
