"""Files for onnxruntime and every other reader of ONNX."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from fbinpaint_mm import compat
from fbinpaint_mm.export.export_error import ExportError
from fbinpaint_mm.export.exported_step import ExportedStep

if TYPE_CHECKING:
    import onnx

OPSET = 17
STANDARD_DOMAINS = ('', 'ai.onnx')  # two names of the same


class OnnxFormat:
    """Writes, checks and runs ONNX files, opset 17 without any operator from elsewhere.

    Raises:
        ImportError: If onnx or onnxruntime is not installed. The message has the pip command.
    """

    name = 'onnx'
    suffix = '.onnx'

    def __init__(self) -> None:
        compat.require_extra('export', ('onnx', 'onnxruntime'))

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
        check_opset(model)
        try:
            onnx.checker.check_model(model, full_check=True)
        except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
            raise ExportError(f'torch wrote an invalid ONNX file: {error}') from error
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


def check_opset(model: onnx.ModelProto) -> None:
    """Make sure that a model consists of operators of ONNX's opset 17 and of nothing else.

    Args:
        model: The model.

    Raises:
        ExportError: If it imports another opset or domain, has functions of its own, or an operator
            that opset 17 does not have. The message names them.
    """
    imported = {entry.domain: entry.version for entry in model.opset_import}
    wrong = [f'{domain or "ai.onnx"} {v}' for domain, v in imported.items() if v != OPSET]
    wrong += [f'{function.domain}::{function.name}' for function in model.functions]
    for node in _nodes(model.graph):
        if node.domain not in STANDARD_DOMAINS or not _is_in_opset(node.op_type):
            wrong.append(f'{node.domain or "ai.onnx"}::{node.op_type}')
    if wrong:
        raise ExportError(f'not in opset {OPSET} of ONNX: {", ".join(sorted(set(wrong)))}')


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


def _is_in_opset(op_type: str) -> bool:
    import onnx

    try:
        return not onnx.defs.get_schema(op_type, OPSET, '').deprecated
    except onnx.defs.SchemaError:
        return False


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """All nodes, with those inside of the branches of If and the bodies of Loop."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in [*attribute.graphs, *([attribute.g] if attribute.HasField('g') else [])]:
                yield from _nodes(inner)
