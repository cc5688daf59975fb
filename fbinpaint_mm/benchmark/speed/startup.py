"""What passes between a command and its first result, stage by stage."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from fbinpaint_mm.benchmark.report.formats import format_ratio, markdown_table
from fbinpaint_mm.checkpoint import check_checkpoint, read_weights
from fbinpaint_mm.config_file import find_config
from fbinpaint_mm.safe_loading import trusts

PACKAGE = Path(__file__).resolve().parents[2]
REFERENCE = 'mmagic and mmseg'
FIRST_RESULT = 'command to first result'
ENDED = 'stage ended:'
IMAGE = """\
import numpy as np
mask = np.zeros((size, size), np.uint8)
mask[size // 4 : -size // 4, size // 4 : -size // 4] = 1
inpainter.inpaint(np.full((size, size, 3), 128, np.uint8), mask)
"""
# What a command does, in Python. Of this package, compat alone is loaded before mmagic and mmseg:
# the import of all the rest is a stage of its own.
STAGES = {
    'python': 'import sys, time',
    'torch': 'import torch',
    REFERENCE: f'sys.path.insert(0, {str(PACKAGE)!r})\n'
    'import compat\n'
    'sys.path.pop(0)\n'
    'compat.install()\n'
    'import mmagic.models, mmagic.datasets, mmagic.structures, mmseg.models\n',
    'fbinpaint_mm': f'sys.path.insert(0, {str(PACKAGE.parent)!r})\n'
    'from fbinpaint_mm.apis import FeedbackInpainter',
    'model': 'config, checkpoint, size = sys.argv[1], sys.argv[2] or None, int(sys.argv[3])\n'
    "trust = sys.argv[4:] == ['True']\n"
    "inpainter = FeedbackInpainter(config, checkpoint, device='cpu', trust=trust)",
    'first image': IMAGE,
    'second image': IMAGE,
}


def measure_startup(config: str, checkpoint: str | None, size: int, repeats: int) -> str:
    """Time every stage, in a new process for each repeat.

    Args:
        config: Path of the config file.
        checkpoint: Path or address of the weights; ``None`` for random ones.
        size: Height and width of the image in pixels; the middle half of each side is hole.
        repeats: Number of processes.

    Returns:
        A Markdown table of medians, and of multiples of importing mmagic and mmseg: what every user
        of those two waits for.

    Raises:
        FileNotFoundError: Config or checkpoint is missing.
        UserError: The checkpoint cannot be read.
        ChildProcessError: A repeat failed; the message has the end of its output.
    """
    find_config(config)
    if checkpoint is not None:
        check_checkpoint(checkpoint)
        read_weights(checkpoint)  # an error in another process would come with all it has said
    arguments = [config, checkpoint or '', str(size), str(trusts())]
    return startup_table(np.array([time_stages(arguments) for _ in range(repeats)]))


def time_stages(arguments: list[str]) -> list[float]:
    """Duration of each of ``STAGES`` in seconds, in a new process."""
    command = [sys.executable, '-c', stage_script(), *arguments]
    times = [time.time()]
    process = subprocess.run(command, capture_output=True, text=True)
    if process.returncode:
        raise ChildProcessError(f'a repeat failed:\n{process.stderr[-2000:]}')
    lines = process.stdout.splitlines()
    times += [float(line.removeprefix(ENDED)) for line in lines if line.startswith(ENDED)]
    return np.diff(times).tolist()


def stage_script() -> str:
    """Python code that runs all stages and prints when each ended."""
    return '\n'.join(f'{code}\nprint({ENDED!r}, time.time())' for code in STAGES.values())


def startup_table(durations: np.ndarray) -> str:
    """A Markdown table of medians over repeats, and multiples of the reference.

    Args:
        durations: (repeats, stages), in seconds.
    """
    medians = dict(zip(STAGES, np.median(durations, axis=0), strict=True))
    # The second image comes after the first result.
    medians[FIRST_RESULT] = np.median(durations[:, :-1].sum(axis=1))
    rows = [
        [name, f'{seconds:.2f}', format_ratio(seconds / medians[REFERENCE])]
        for name, seconds in medians.items()
    ]
    return markdown_table(['stage', 'seconds', f'multiple of {REFERENCE}'], rows)
