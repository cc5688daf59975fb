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

FOLDER = str(Path(__file__).resolve().parents[3])
REFERENCE = 'import torch'
FIRST_RESULT = 'command to first image'
ENDED = 'stage ended:'
IMAGE = """\
import numpy as np
mask = np.zeros((size, size), np.uint8)
mask[size // 4 : -size // 4, size // 4 : -size // 4] = 1
inpainter.inpaint(np.full((size, size, 3), 128, np.uint8), mask)
"""
START = {'start of Python': f'import sys, time; sys.path.insert(0, {FOLDER!r})'}
REFERENCE_STAGES = START | {REFERENCE: REFERENCE}
STAGES = START | {
    'import fbinpaint_mm': 'import fbinpaint_mm',
    'model': 'config, checkpoint, size = sys.argv[1], sys.argv[2] or None, int(sys.argv[3])\n'
    "trust = sys.argv[4:] == ['True']\n"
    'from fbinpaint_mm.apis import FeedbackInpainter\n'
    "inpainter = FeedbackInpainter(config, checkpoint, device='cpu', trust=trust)",
    'first image': IMAGE,
    'second image': IMAGE,
}


def measure_startup(config: str, checkpoint: str | None, size: int, repeats: int) -> str:
    """Time every stage, in two new processes for each repeat.

    Args:
        config: Path of the config file.
        checkpoint: Path or address of the weights; ``None`` for random ones.
        size: Height and width of the image in pixels; the middle half of each side is hole.
        repeats: Number of processes of each kind: one imports torch alone, one makes images.

    Returns:
        A Markdown table of medians, of multiples of importing torch alone, and of the number of
        modules that are loaded.

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
    ends = [
        (run_stages(REFERENCE_STAGES, []), run_stages(STAGES, arguments)) for _ in range(repeats)
    ]
    reference, ours = (np.array(one) for one in zip(*ends, strict=True))
    return startup_table(reference, ours)


def run_stages(stages: dict[str, str], arguments: list[str]) -> list[tuple[float, int]]:
    """The end of each stage in a new process: seconds since its start, and modules loaded."""
    began = time.time()
    command = [sys.executable, '-c', stage_script(stages), *arguments]
    process = subprocess.run(command, capture_output=True, text=True)
    if process.returncode:
        raise ChildProcessError(f'a repeat failed:\n{process.stderr[-2000:]}')
    ends = [line.split() for line in process.stdout.splitlines() if line.startswith(ENDED)]
    return [(float(seconds) - began, int(modules)) for *_, seconds, modules in ends]


def stage_script(stages: dict[str, str]) -> str:
    """Python code that runs all stages and prints when each ended."""
    report = f'print({ENDED!r}, time.time(), len(sys.modules))'
    return '\n'.join(f'{code}\n{report}' for code in stages.values())


def startup_table(reference: np.ndarray, ours: np.ndarray) -> str:
    """A Markdown table of medians over repeats, and multiples of the reference.

    Args:
        reference: (repeats, 2, 2), for the stages of torch alone: end in seconds, modules.
        ours: (repeats, stages, 2), the same for all stages of ours.
    """
    medians = {REFERENCE: _medians(reference)[-1]} | dict(zip(STAGES, _medians(ours), strict=True))
    # The second image comes after the first result.
    medians[FIRST_RESULT] = np.median(ours[:, -2], axis=0)
    rows = [
        [name, f'{seconds:.2f}', format_ratio(seconds / medians[REFERENCE][0]), f'{modules:.0f}']
        for name, (seconds, modules) in medians.items()
    ]
    return markdown_table(['stage', 'seconds', f'multiple of {REFERENCE}', 'modules loaded'], rows)


def _medians(ends: np.ndarray) -> np.ndarray:
    """Median duration of each stage, and of the modules loaded at its end: (stages, 2)."""
    seconds = np.diff(ends[..., 0], prepend=0)
    return np.median(np.stack([seconds, ends[..., 1]], axis=-1), axis=0)
