"""Where and with what a benchmark ran."""

from __future__ import annotations

import platform
import shlex
import subprocess
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from fbinpaint_mm.version import __version__

CPU_INFO = Path('/proc/cpuinfo')
REPOSITORY = Path(__file__).resolve().parents[2]


def describe_environment(command: Sequence[str], device: str) -> dict[str, Any]:
    """Versions, device, threads, command and time.

    Args:
        command: The command line.
        device: Where models run, such as ``'cpu'`` or ``'cuda'``.

    Returns:
        Facts by name, as text or numbers; ``commit`` only in a git checkout.
    """
    facts = {
        **describe_machine(device),
        'command': shlex.join(command),
        'date': datetime.now().astimezone().isoformat(timespec='seconds'),
    }
    commit = git_commit(REPOSITORY)
    return {**facts, 'commit': commit} if commit else facts


def describe_machine(device: str) -> dict[str, Any]:
    """Versions, device and threads: what speed depends on.

    Args:
        device: Where models run, such as ``'cpu'`` or ``'cuda'``.

    Returns:
        Facts by name, as text or numbers.
    """
    return {
        **describe_versions(),
        'python': platform.python_version(),
        'device': device_name(device),
        'cpu': cpu_name(),
        'threads': torch.get_num_threads(),
    }


def describe_versions() -> dict[str, str]:
    """Versions of what models and metrics are made of, by name."""
    return {
        'fbinpaint_mm': __version__,
        'torch': torch.__version__,
        'mmagic': version('mmagic'),
        'mmengine': version('mmengine'),
    }


def device_name(device: str) -> str:
    """Name of a graphics card; of any other device, what it was called."""
    if torch.device(device).type == 'cuda':
        return torch.cuda.get_device_name(device)
    return device


def cpu_name() -> str:
    """Model of the processor, or its architecture where the system does not say."""
    lines = CPU_INFO.read_text().splitlines() if CPU_INFO.is_file() else []
    names = [line.partition(':')[2].strip() for line in lines if line.startswith('model name')]
    return names[0] if names else platform.processor() or platform.machine()


def git_commit(folder: Path) -> str | None:
    """Commit of a git checkout, with ``+changes`` if files differ from it; ``None`` without one.

    Args:
        folder: Root of the checkout; a folder somewhere inside another one does not count.
    """
    if not (folder / '.git').exists():
        return None
    command = ['git', 'describe', '--always', '--exclude=*', '--abbrev=12', '--dirty=+changes']
    try:
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return result.stdout.strip()
