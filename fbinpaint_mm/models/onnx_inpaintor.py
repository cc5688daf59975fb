"""ONNX files as models: those of tools/export.py, and MI-GAN's public pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from mmagic.registry import MODELS
from torch import Tensor

from fbinpaint_mm.models.classical_inpaintor import ClassicalInpaintor
from fbinpaint_mm.models.fixed_inpaintor import FixedInpaintor
from fbinpaint_mm.user_error import UserError, in_one_line, require_extra

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

PIPELINE = dict(image='tensor(uint8)', mask='tensor(uint8)')  # inputs of MI-GAN's
KNOWN = 255  # in its mask


@MODELS.register_module()
class OnnxInpaintor(FixedInpaintor):
    """An ONNX file as a model, run by onnxruntime on the CPU with as many threads as torch has.

    It takes the public pipeline of MI-GAN (Sargsyan et al., ICCV 2023), ``migan_pipeline_v2.onnx``,
    and what ``tools/export.py`` wrote. Of its ``--mode per-round`` it takes ``NAME_initial.onnx``,
    and makes as many rounds as that recommends.

    The pipeline of MI-GAN resizes the image and blends along the border of the hole: it reads a few
    pixels of the hole. There Telea's method continues what is known, as gray costs 4 dB and the
    true pixels must not be read.

    Args:
        onnx_file: Path.

    Raises:
        UserError: onnxruntime is not installed, or the file is none of these.
        FileNotFoundError: There is no such file.
    """

    def __init__(self, onnx_file: str) -> None:
        super().__init__()
        self.onnx_file = onnx_file
        self.session = open_session(Path(onnx_file))
        self.is_pipeline = {one.name: one.type for one in self.session.get_inputs()} == PIPELINE
        self.telea = ClassicalInpaintor('telea')
        if not self.is_pipeline:
            self._read_metadata(self.session.get_modelmeta().custom_metadata_map)

    def extra_repr(self) -> str:
        """The file."""
        return repr(self.onnx_file)

    def fill(self, image: Tensor, hole: Tensor) -> Tensor:
        """One (3, H, W) BGR image in 0..255 with one (1, H, W) bool hole, filled.

        Raises:
            UserError: The file takes only images of another size.
        """
        run = self._run_pipeline if self.is_pipeline else self._run_rounds
        filled = run(image.flip(0)[None].cpu(), hole[None].cpu())  # RGB
        return torch.from_numpy(filled[0]).flip(0).to(image)

    def _read_metadata(self, metadata: dict[str, str]) -> None:
        """What ``fbinpaint_mm.export.export_model.describe`` wrote."""
        kind = metadata.get('kind')
        if kind not in ('unrolled', 'initial'):
            raise UserError(
                f'{self.onnx_file!r} is neither the pipeline of MI-GAN nor NAME_roundsR.onnx or '
                f'NAME_initial.onnx of tools/export.py: found kind {kind!r} in its metadata'
            )
        self.sides = metadata['height'], metadata['width']
        self.divisor = int(metadata['size_divisor'])
        self.further_rounds = int(metadata['rounds']) if kind == 'initial' else 0
        if self.further_rounds:
            self.next_round = self._open_next_round(metadata)

    def _open_next_round(self, metadata: dict[str, str]) -> InferenceSession:
        path = Path(self.onnx_file).with_name(metadata['next_round_file'])
        session = open_session(path)
        theirs = session.get_modelmeta().custom_metadata_map
        if theirs.get('checkpoint_sha256') != metadata['checkpoint_sha256']:
            raise UserError(
                f'{str(path)!r} does not go on from {self.onnx_file!r}: the weights differ'
            )
        return session

    def _run_pipeline(self, image: Tensor, hole: Tensor) -> np.ndarray:
        continued = self.telea.fill(image[0], hole[0])[None].byte()
        mask = (~hole).byte() * KNOWN
        return self.session.run(None, dict(image=continued.numpy(), mask=mask.numpy()))[0]

    def _run_rounds(self, image: Tensor, hole: Tensor) -> np.ndarray:
        """All rounds, on an image that is padded to a size that the file takes."""
        pad = [0, self._missing(1, image.shape[-1]), 0, self._missing(0, image.shape[-2])]
        planes = (F.pad(one.float(), pad, 'replicate').numpy() for one in (image, hole))
        inputs = dict(zip(('image', 'mask'), planes, strict=True))
        state = outputs_of(self.session, inputs)
        for _ in range(self.further_rounds):
            previous = {f'previous_{name}': value for name, value in state.items()}
            state = outputs_of(self.next_round, inputs | previous)
        return state['composite'][..., : image.shape[-2], : image.shape[-1]]

    def _missing(self, axis: int, side: int) -> int:
        """Pixels that one side lacks, to be one that the file takes."""
        fixed = self.sides[axis]
        missing = -side % self.divisor if fixed == 'dynamic' else int(fixed) - side
        if missing < 0:
            raise UserError(
                f'{self.onnx_file!r} takes images of {" x ".join(self.sides)} (height x width) at '
                f'most, found a side of {side}; tools/export.py --dynamic writes files for any size'
            )
        return missing


def open_session(path: Path) -> InferenceSession:
    """A file, ready to be run.

    Raises:
        UserError: onnxruntime is not installed, or cannot run the file.
        FileNotFoundError: There is none.
    """
    require_extra('export', ['onnxruntime'])
    import onnxruntime

    content = path.read_bytes()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        return onnxruntime.InferenceSession(content, options, providers=['CPUExecutionProvider'])
    except Exception as error:  # onnxruntime's errors have no common base
        raise UserError(f'{str(path)!r} cannot be run: {in_one_line(error)}') from error


def outputs_of(session: InferenceSession, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Outputs of a file by name; it may leave inputs unread."""
    names = [entry.name for entry in session.get_outputs()]
    wanted = {entry.name: inputs[entry.name] for entry in session.get_inputs()}
    return dict(zip(names, session.run(names, wanted), strict=True))
