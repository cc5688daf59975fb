"""Trains an entry, in a process of its own, and picks up what an interrupted benchmark left."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from mmengine.config import Config

from fbinpaint_mm.benchmark.child_process import run_child
from fbinpaint_mm.benchmark.training.training_clock_hook import FILE_NAME as PROGRESS
from fbinpaint_mm.fingerprint import config_content, fingerprint, starting_weights

CONFIG, LOG = 'config.py', 'log.txt'
SHOWN_DIGITS = 8  # of a hash: enough to tell the files of one benchmark apart


class Training:
    """One training: of one entry, for one number of iterations, with one seed.

    Args:
        cfg: From ``scale_training``.
        folder: Its work directory is ``<folder>_<begin of the fingerprint>``: another training
            never finds its checkpoints. One that was interrupted is resumed, a finished one is not
            repeated.
        tool: Path of ``tools/train.py``.
        device: ``'cpu'`` hides the GPUs from it.

    Attributes:
        fingerprint: Of all settings, the weights it starts from, and the device.
        folder: The work directory.
    """

    def __init__(self, cfg: Config, folder: Path, tool: Path, device: str) -> None:
        self.cfg = cfg
        self.tool = tool
        self.device = device
        hashes = list(starting_weights(cfg).values())
        self.fingerprint = fingerprint(config_content(cfg), hashes, device)
        self.folder = folder.with_name(f'{folder.name}_{self.fingerprint[:8]}')

    @property
    def iterations(self) -> int:
        """Number of iterations."""
        return self.cfg.train_cfg.max_iters

    @property
    def checkpoint(self) -> Path:
        """The last checkpoint: the one that counts, whatever its scores."""
        return self.folder / f'iter_{self.iterations}.pth'

    @property
    def done(self) -> int:
        """Number of iterations that an earlier call has made."""
        return read_progress(self.folder)['iteration']

    @property
    def is_finished(self) -> bool:
        """Whether the last checkpoint is there, whole."""
        return self.done == self.iterations and self.checkpoint.is_file()

    def run(self, advance: Callable[[int], None] = lambda iteration: None) -> dict[str, float]:
        """Train to the end.

        Args:
            advance: Gets the number of iterations that are done, now and then.

        Returns:
            ``iterations`` and ``seconds`` spent on them, those of interrupted parts included; see
            ``TrainingClockHook``.

        Raises:
            RuntimeError: The training failed; the message has its last error and names its log.
        """
        if not self.is_finished:
            self.folder.mkdir(parents=True, exist_ok=True)
            config = self.folder / CONFIG
            self.cfg.dump(str(config))
            run_child(
                [
                    *(sys.executable, str(self.tool), str(config)),
                    *('--work-dir', str(self.folder), '--resume'),
                ],
                self.folder / LOG,
                self.device,
                lambda: advance(self.done),
            )
        advance(self.iterations)
        seconds = read_progress(self.folder)['seconds']
        return dict(iterations=self.iterations, seconds=seconds)


def describe_starts(cfg: Config) -> list[dict[str, str]]:
    """The checkpoint files that a training starts from, as a report shows them.

    Returns:
        For each file ``checkpoint``, the last two parts of its path, and ``sha256``, the first
        eight digits of its hash.
    """
    return [
        dict(checkpoint='/'.join(Path(name).parts[-2:]), sha256=digest[:SHOWN_DIGITS])
        for name, digest in starting_weights(cfg).items()
    ]


def read_progress(folder: Path) -> dict[str, float]:
    """What ``TrainingClockHook`` wrote last: ``iteration`` and ``seconds``, both 0 at first."""
    path = folder / PROGRESS
    return json.loads(path.read_text()) if path.is_file() else dict(iteration=0, seconds=0.0)
