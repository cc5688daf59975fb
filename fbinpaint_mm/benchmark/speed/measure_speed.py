"""Speed of an entry, measured in processes of their own, or found where it was kept."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import Any

from fbinpaint_mm.benchmark.entry import Entry, missing_for_training
from fbinpaint_mm.benchmark.environment import describe_machine
from fbinpaint_mm.benchmark.fresh_process import call_in_process
from fbinpaint_mm.benchmark.results import ResultStore
from fbinpaint_mm.benchmark.speed.inference_speed import inference_speed
from fbinpaint_mm.benchmark.speed.training_speed import training_speed
from fbinpaint_mm.fingerprint import (
    checkpoint_content,
    code_content,
    config_content,
    fingerprint,
)
from fbinpaint_mm.user_error import in_one_line

DURATION = 10.0  # seconds


class SpeedMeter:
    """Measures time, arithmetic and memory of inference and training, once for each machine.

    Seconds are medians (``conditions`` says of how many calls); inference at batch size 1 from the
    collated image on, training at the config's batch size without loading its data. Memory on a GPU
    is what torch allocates; on a CPU it is the growth of the peak resident set of a new process.

    Args:
        out: Folder of the benchmark; gets a log for each entry.
        device: Such as ``'cpu'`` or ``'cuda'``.
        store: Keeps what was measured.
        logger: Gets a warning if training cannot be measured.
    """

    def __init__(self, out: Path, device: str, store: ResultStore, logger: logging.Logger) -> None:
        self.out = out
        self.device = device
        self.store = store
        self.logger = logger

    def speed(self, entry: Entry, batch: dict[str, list], part: str = 'speed') -> dict[str, Any]:
        """Speed of an entry: measured now, or earlier on the same machine by the same code.

        Args:
            entry: With its config. Its weights do not matter.
            batch: One image as a data loader collates it, from which inference is measured.
            part: Name of the measurement in the store, and of the folder of its log.

        Returns:
            What ``EntryResult.speed`` describes.

        Raises:
            ChildProcessError: Inference cannot be measured, or its process was killed.
        """
        facts = [describe_machine(self.device), list(batch['inputs'][0].shape), code_content()]
        mark = fingerprint(config_content(entry.cfg), checkpoint_content(entry.onnx_file), *facts)
        stored = self.store.load(entry.name, part, mark)
        if stored is not None:
            self.logger.info('%s: %s measured earlier, reused', entry.name, part)
            return stored
        self.logger.info('%s: measuring %s', entry.name, part)
        log, settings = self.out / part / f'{entry.name}.log', entry.cfg.to_dict()
        call = partial(call_in_process, log=log, device=self.device)
        speed = call(inference_speed, settings, batch, self.device, DURATION)
        if not missing_for_training(entry.cfg):
            try:
                training = call(training_speed, settings, self.device, DURATION)
            except ChildProcessError as error:
                text = '%s: speed of training not measured: %s'
                self.logger.warning(text, entry.name, in_one_line(error))
                return speed  # not kept: it is tried again next time
            speed['conditions'].update(training.pop('conditions'))
            speed.update(training)
        self.store.save(entry.name, part, mark, speed)
        return speed
