"""Work that is done in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import fbinpaint_mm

POLL = 0.5  # seconds
GRACE = 10.0  # seconds that a process gets to end by itself
ERROR = re.compile(r'^[\w.]*(Error|Exception|Interrupt)\b.*')


def run_child(
    command: Sequence[str], log: Path, device: str, watch: Callable[[], None] = lambda: None
) -> None:
    """Run a command to its end; it does not outlive an interruption.

    Args:
        command: The command with its arguments.
        log: File that its output is added to.
        device: ``'cpu'`` hides the GPUs from it.
        watch: Called about twice a second while it runs, and once at its end.

    Raises:
        RuntimeError: It failed; the message has its last error and names the log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    begin = log.stat().st_size if log.is_file() else 0
    with log.open('ab') as file, started(command, file, device) as process:
        while process.poll() is None:
            watch()
            try:
                process.wait(POLL)
            except subprocess.TimeoutExpired:
                continue
    watch()
    if process.returncode:
        output = log.read_bytes()[begin:].decode(errors='replace')
        raise RuntimeError(f'{last_error(output, process.returncode)} (log: {log})')


@contextmanager
def started(command: Sequence[str], output: object, device: str) -> Iterator[subprocess.Popen]:
    """A running process, which is ended when it is left early."""
    process = subprocess.Popen(
        command, stdout=output, stderr=subprocess.STDOUT, env=child_environment(device)
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def child_environment(device: str) -> dict[str, str]:
    """This process's environment, with this very package first, and no GPU if none is wanted."""
    package = str(Path(fbinpaint_mm.__file__).resolve().parents[1])
    paths = [package, *filter(None, [os.environ.get('PYTHONPATH')])]
    environment = {**os.environ, 'PYTHONPATH': os.pathsep.join(paths)}
    return {**environment, 'CUDA_VISIBLE_DEVICES': ''} if device == 'cpu' else environment


def last_error(output: str, status: int) -> str:
    """The exception that ended a process, else its last line, else its exit status.

    Args:
        output: All that it wrote.
        status: Its exit status; negative for a signal.
    """
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if ERROR.match(line)]
    ended = f'killed by signal {-status}' if status < 0 else f'exit status {status}'
    if status < 0 or not lines:
        return ended
    return errors[-1] if errors else f'{ended}, last line: {lines[-1]}'
