"""Reads what a training has logged: the file ``scalars.json`` of mmengine's LocalVisBackend.

Needs neither mmengine nor the package, whose import would take longer than everything else.
"""

from __future__ import annotations

import difflib
import json
import math
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SCALARS = Path('vis_data', 'scalars.json')
POSITIONS = ('step', 'iter', 'epoch')
ROUND = re.compile(r'^(?P<prefix>.*/|)round(?P<round>\d+)[/_](?P<name>[^/]+)$')


@dataclass
class TrainingLog:
    """The scalars of one training, over all runs that it was resumed in.

    Attributes:
        name: How plots and messages call it.
        records: What was logged at once, in order: scalars by name, and ``step``, the iteration.
    """

    name: str
    records: list[dict]

    @classmethod
    def read(cls, path: Path) -> TrainingLog:
        """The log that a path leads to.

        Args:
            path: A file of records, the folder of one run (``<work_dir>/<time>``), or a work
                directory. Of the last the newest run is read; where that was resumed, so are the
                runs before it, each up to the iteration that the next one started from.

        Raises:
            FileNotFoundError: There is no such file or folder, or no log in it.
            ValueError: A file is empty or broken, with its name and line.
        """
        if path.is_file():
            return cls(path.name, read_records(path))
        if not path.exists():
            raise FileNotFoundError(f'{path} does not exist')
        if (path / SCALARS).is_file():
            return cls(path.resolve().name, read_records(path / SCALARS))
        runs = sorted(run for run in path.iterdir() if (run / SCALARS).is_file())
        if not runs:
            raise FileNotFoundError(
                f'{path} has no log: expected {SCALARS} in it, or in a folder of it for each run, '
                'as LocalVisBackend writes it'
            )
        return cls(path.resolve().name, join(runs))

    def keys(self) -> list[str]:
        """Names of all scalars, in the order in which they were logged first."""
        found = {key: None for record in self.records for key in record if is_number(record[key])}
        return [key for key in found if key not in POSITIONS]

    def curve(self, key: str) -> dict[int, float]:
        """Iteration -> value of one scalar; of several values of an iteration the last counts.

        Raises:
            ValueError: There is no such scalar; the message lists those that there are.
        """
        points = {r['step']: float(r[key]) for r in self.records if is_number(r.get(key))}
        if not points:
            keys = self.keys()
            close = difflib.get_close_matches(key, keys, n=3)
            hint = f' Did you mean {", ".join(close)}?' if close else ''
            raise ValueError(f'{self.name} has no {key!r}.{hint} Available are: {", ".join(keys)}')
        return dict(sorted(points.items()))

    def rounds(self, metric: str) -> dict[int, dict[int, float]]:
        """Round -> curve of a scalar that is logged for every round.

        Args:
            metric: Name without the round: ``PSNR`` for ``round1/PSNR``, ``loss_l1_hole`` for
                ``round1_loss_l1_hole``, ``correction/sky/mended`` for
                ``correction/sky/round1/mended``.

        Raises:
            ValueError: There is no such scalar; the message lists those that there are.
        """
        found = {key: split_round(key) for key in self.keys()}
        keys = {split[1]: key for key, split in found.items() if split and split[0] == metric}
        if not keys:
            names = dict.fromkeys(split[0] for split in found.values() if split)
            raise ValueError(
                f'{self.name} has no rounds of {metric!r}. Available are: '
                f'{", ".join(names) or "none"}'
            )
        return {number: self.curve(keys[number]) for number in sorted(keys)}

    def training_records(self) -> list[dict]:
        """The records of training iterations: those with a duration, not of a validation."""
        return [one for one in self.records if 'iter' in one and is_number(one.get('time'))]


def is_number(value: object) -> bool:
    """Whether a value can be a point of a curve."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def split_round(key: str) -> tuple[str, int] | None:
    """Metric and round of a key such as ``round1/PSNR``; ``None`` without a round."""
    match = ROUND.match(key)
    return match and (match['prefix'] + match['name'], int(match['round']))


def read_records(path: Path) -> list[dict]:
    """The records of one file; a last line that was cut off is left out, with a warning.

    Raises:
        ValueError: The file is empty, or a line is not a record, with its number.
    """
    lines = path.read_text(encoding='utf-8').splitlines()
    last = max((number for number, line in enumerate(lines, 1) if line.strip()), default=0)
    records = []
    for number, line in enumerate(lines[:last], 1):
        try:
            records.append(parse(line))
        except ValueError as error:
            if number < last:
                raise ValueError(f'{path}, line {number}: {error}') from error
            print(f'warning: {path}, line {number}, left out: {error}', file=sys.stderr)
    if not records:
        raise ValueError(f'{path} has no record: nothing was logged yet')
    count_by_iterations(records)
    return records


def count_by_iterations(records: list[dict]) -> None:
    """Gives validations that were counted by epochs the iteration of the record before, in place.

    mmengine counts so unless ``LoggerHook`` has ``log_metric_by_epoch=False``; in a training by
    iterations all validations are then at step 0.
    """
    reached = 0
    for record in records:
        reached = max(reached, record.get('iter', 0))
        record['step'] = max(record['step'], reached)


def parse(line: str) -> dict:
    """One record.

    Raises:
        ValueError: The line is not a JSON object with a ``step``.
    """
    try:
        record = json.loads(line)
    except ValueError as error:
        raise ValueError(f'not JSON ({error}); found {line[:40]!r}') from error
    if not isinstance(record, dict) or not isinstance(record.get('step'), int):
        raise ValueError(f'expected an object with the number "step", found {line[:40]!r}')
    return record


def join(runs: list[Path]) -> list[dict]:
    """The records of the newest run and, if it was resumed, of those before it.

    Args:
        runs: Folders, oldest first, at least one.
    """
    *before, newest = runs
    records = read_records(newest / SCALARS)
    if not (before and was_resumed(newest)):
        return records
    start = resumed_iteration(newest, records)
    return [one for one in join(before) if one['step'] <= start] + records


def was_resumed(run: Path) -> bool:
    """Whether the config that a run has dumped says that it continued another one."""
    return re.search(r'^resume = True$', read_config(run), re.MULTILINE) is not None


def resumed_iteration(run: Path, records: Iterable[dict]) -> int:
    """The iteration that a resumed run started from.

    It is that of the checkpoint, where its name says it, else the one before the first record.
    """
    match = re.search(r"^load_from = '.*iter_(\d+)\.pth'$", read_config(run), re.MULTILINE)
    return int(match[1]) if match else min(one['step'] for one in records) - 1


def read_config(run: Path) -> str:
    """The config that a run has dumped beside its log, as text; empty without one."""
    path = run / SCALARS.with_name('config.py')
    return path.read_text(encoding='utf-8') if path.is_file() else ''


def describe_times(log: TrainingLog) -> list[str]:
    """How long the iterations of a training took, in lines for people.

    Every record stands for the iterations since the record before it.

    Raises:
        ValueError: No record has the duration of an iteration.
    """
    records = {one['step']: one for one in log.training_records()}
    if not records:
        raise ValueError(f'{log.name} has no training iteration with its time')
    steps = sorted(records)
    spans = dict(zip(steps, map(int.__sub__, steps, [0, *steps[:-1]]), strict=True))
    count = sum(spans.values())
    total = math.fsum(spans[step] * records[step]['time'] for step in steps)
    data = math.fsum(spans[step] * records[step].get('data_time', 0.0) for step in steps)
    by_time = sorted(steps, key=lambda step: records[step]['time'])
    return [
        f'{log.name}: {count} iterations in {total / 60:.1f} min, without validations',
        f'  mean {total / count:.4f} s per iteration, of which {data / count:.4f} s wait for data',
        *(
            f'  {word} around iteration {step}: {records[step]["time"]:.4f} s'
            for word, step in (('fastest', by_time[0]), ('slowest', by_time[-1]))
        ),
    ]
