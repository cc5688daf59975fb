"""Files for torch without this package, in Python or C++."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from fbinpaint_mm import compat
from fbinpaint_mm.export.exported_step import ExportedStep
from fbinpaint_mm.write_file import write_file

METADATA_FILE = 'metadata.json'  # among the extra files of a TorchScript archive

# Reads nothing of this package, so it shows that the file is complete.
READER = """
import sys, torch
network = torch.jit.load(sys.argv[1], map_location='cpu')
with torch.inference_mode():
    torch.save([network(*batch) for batch in torch.load(sys.argv[2])], sys.argv[3])
"""


class TorchScriptFormat:
    """Writes and runs TorchScript files, which hold a trace of the network."""

    suffix = '.pt'

    def write(
        self,
        step: ExportedStep,
        inputs: tuple[Tensor, ...],
        path: Path,
        metadata: Mapping[str, str],
        dynamic: bool,
    ) -> None:
        """Write a step.

        Args:
            step: What to write, in evaluation mode.
            inputs: Example of its inputs; torch runs the trace on it once more and compares.
            path: File to write.
            metadata: Goes into the file as JSON, ``metadata.json`` of its ``_extra_files``.
            dynamic: Not read: a trace does not declare which sizes it takes.

        Raises:
            OSError: If the file cannot be written.
        """
        extra_files = {METADATA_FILE: json.dumps(dict(metadata))}
        write_file(path, compat.export_torchscript(step, inputs, extra_files))

    def run(self, path: Path, batches: Sequence[tuple[Tensor, ...]]) -> list[list[np.ndarray]]:
        """Run a file in a fresh process that has torch and nothing else.

        Args:
            path: A file that :meth:`write` has written.
            batches: Inputs of each call, in the order of the step's inputs.

        Returns:
            For each call the outputs, in the order of the step's outputs.

        Raises:
            RuntimeError: If the process fails. The message is the last line of its error.
        """
        with tempfile.TemporaryDirectory() as folder:
            given, found = Path(folder, 'inputs.pth'), Path(folder, 'outputs.pth')
            torch.save(list(batches), given)
            command = [sys.executable, '-c', READER, str(path), str(given), str(found)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise RuntimeError(done.stderr.strip().splitlines()[-1])
            return [[output.numpy() for output in outputs] for outputs in torch.load(found)]
