"""Files for onnxruntime and every other reader of ONNX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from fbinpaint_mm import compat
from fbinpaint_mm.export.exported_step import ExportedStep, ExportError
from fbinpaint_mm.user_error import require_extra

if TYPE_CHECKING:
    import onnx

OPSET = 17


class OnnxFormat:
    """Writes, checks and runs ONNX files, opset 17 without any operator from elsewhere.

    Raises:
        UserError: If onnx or onnxruntime is not installed. The message has the pip command.
    """

    suffix = '.onnx'

    def __init__(self) -> None:
        require_extra('export', ('onnx', 'onnxruntime'))

    def write(
        self,
        step: ExportedStep,
        inputs: tuple[Tensor, ...],
        path: Path,
        metadata: Mapping[str, str],
        dynamic: bool,
    ) -> None:
        """Write a step, and make sure that the file is valid.

        Args:
            step: What to write, in evaluation mode.
            inputs: Example of its inputs.
            path: File to write.
            metadata: Goes into the file's ``metadata_props``.
            dynamic: Whether height and width may change from call to call.

        Raises:
            ExportError: If torch wrote something invalid, or an operator is not in opset 17.
        """
        import onnx

        axes = {0: 'batch', **({2: 'height', 3: 'width'} if dynamic else {})}
        compat.export_onnx(
            step,
            inputs,
            str(path),
            opset_version=OPSET,
            input_names=step.input_names,
            output_names=step.output_names,
            dynamic_axes=dict.fromkeys([*step.input_names, *step.output_names], axes),
        )
        model = onnx.load(path)
        _keep_unread_inputs(model, dict(zip(step.input_names, inputs, strict=True)), axes)
        onnx.helper.set_model_props(model, dict(metadata))
        check_model(model)
        onnx.save(model, path)

    def run(self, path: Path, batches: Sequence[tuple[Tensor, ...]]) -> list[list[np.ndarray]]:
        """Run a file with onnxruntime on the CPU.

        Args:
            path: A file that :meth:`write` has written.
            batches: Inputs of each call, in the order of the file's inputs.

        Returns:
            For each call the outputs, in the order of the file's outputs.
        """
        import onnxruntime

        session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
        names = [entry.name for entry in session.get_inputs()]
        return [
            session.run(None, {n: x.numpy() for n, x in zip(names, batch, strict=True)})
            for batch in batches
        ]


def check_model(model: onnx.ModelProto) -> None:
    """Make sure that a model is valid, of operators of ONNX's opset 17 and of nothing else.

    Args:
        model: The model.

    Raises:
        ExportError: If it imports another opset or domain, has functions of its own, or is invalid
            for onnx, as an operator is that opset 17 does not have. The message names it.
    """
    import onnx

    imported = [(entry.domain, entry.version) for entry in model.opset_import]
    others = [f'{domain or "ai.onnx"} {v}' for domain, v in imported if (domain, v) != ('', OPSET)]
    others += [f'{function.domain}::{function.name}' for function in model.functions]
    if others:
        raise ExportError(f'not in opset {OPSET} of ONNX: {", ".join(others)}')
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        reason = ' '.join(str(error).split())
        raise ExportError(f'torch wrote an invalid ONNX file: {reason}') from error


def _keep_unread_inputs(
    model: onnx.ModelProto, inputs: Mapping[str, Tensor], axes: Mapping[int, str]
) -> None:
    """Put back the inputs that torch left out as unread: all models are called in the same way."""
    import onnx

    found = {entry.name: entry for entry in model.graph.input}
    for name, example in inputs.items():
        if name not in found:
            shape = [axes.get(axis, side) for axis, side in enumerate(example.shape)]
            float32 = onnx.TensorProto.FLOAT
            found[name] = onnx.helper.make_tensor_value_info(name, float32, shape)
    entries = [found.pop(name) for name in inputs]
    del model.graph.input[:]
    model.graph.input.extend([*entries, *found.values()])
