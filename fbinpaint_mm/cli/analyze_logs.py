"""Curves and durations of trainings, from the ``scalars.json`` that LocalVisBackend writes."""

from __future__ import annotations

import difflib
import io
import json
import re
import sys
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fbinpaint_mm.user_error import UserError
from fbinpaint_mm.visualization.plot_panels import COLORS, REFERENCE_COLOR, make_panels
from fbinpaint_mm.write_file import write_file

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

SCALARS = Path('vis_data', 'scalars.json')
POSITIONS = ('step', 'iter', 'epoch')
PHASE = re.compile(r'^(train|val)/')  # which `training` tells, and old logs leave out
ROUND = r'^(?P<prefix>.*/|)round(?P<round>\d+)[/_](?P<name>[^/]+)$'
MOST_MARKERS = 40  # points of a line; beyond that they would cover it


class TrainingLog(NamedTuple):
    """The scalars of one training, over all runs that it was resumed in.

    Attributes:
        name: How plots and messages call it.
        scalars: A row for each logged number: ``step`` (int, the iteration), ``key`` (str, without
            ``train/`` or ``val/``), ``value`` (float; a logged NaN is a row too), ``training``
            (bool, whether a training iteration logged it).
    """

    name: str
    scalars: pd.DataFrame

    def curve(self, key: str) -> pd.Series:
        """Value of one scalar by iteration; of several values of an iteration the last counts.

        Raises:
            UserError: There is no such scalar; the message lists those that there are.
        """
        found = self.scalars[self.scalars['key'] == key]
        if found.empty:
            keys = self.scalars['key'].unique().tolist()
            close = difflib.get_close_matches(key, keys, n=3)
            hint = f' Did you mean {", ".join(close)}?' if close else ''
            raise UserError(f'{self.name} has no {key!r}.{hint} Available are: {", ".join(keys)}')
        return found.drop_duplicates('step', keep='last').set_index('step')['value'].sort_index()

    def rounds(self, metric: str) -> dict[str, pd.Series]:
        """``round R`` -> curve of a scalar that is logged for every round.

        Args:
            metric: Name without the round: ``PSNR`` for ``round1/PSNR``, ``loss_l1_hole`` for
                ``round1_loss_l1_hole``, ``correction/sky/mended`` for
                ``correction/sky/round1/mended``.

        Raises:
            UserError: There is no such scalar; the message lists those that there are.
        """
        keys = self.scalars['key'].drop_duplicates()
        parts = keys.str.extract(ROUND).assign(key=keys).dropna()
        metrics = parts['prefix'] + parts['name']
        found = parts[metrics == metric].astype({'round': int}).sort_values('round')
        if found.empty:
            known = ', '.join(metrics.unique()) or 'none'
            raise UserError(f'{self.name} has no rounds of {metric!r}. Available are: {known}')
        numbered = zip(found['round'], found['key'], strict=True)
        return {f'round {number}': self.curve(key) for number, key in numbered}


def read_log(path: Path) -> TrainingLog:
    """The log that a path leads to.

    Args:
        path: A file of records, the folder of one run (``<work_dir>/<time>``), or a work
            directory. Of the last the newest run is read; where that was resumed, so are the runs
            before it, each up to the iteration that the next one started from.

    Raises:
        FileNotFoundError: There is no such file or folder, or no log in it.
        UserError: A file is empty or broken, with its name and line.
    """
    if path.is_file():
        return TrainingLog(path.name, read_scalars(path))
    if not path.exists():
        raise FileNotFoundError(f'{path} does not exist')
    runs = [path] if (path / SCALARS).is_file() else sorted(path.iterdir())
    runs = [run for run in runs if (run / SCALARS).is_file()]
    if not runs:
        raise FileNotFoundError(
            f'{path} has no log: expected {SCALARS} in it, or in a folder of it for each run, '
            'as LocalVisBackend writes it'
        )
    return TrainingLog(path.resolve().name, join(runs))


def join(runs: Sequence[Path]) -> pd.DataFrame:
    """The scalars of the newest run and, if it was resumed, of those before it.

    A resumed run started from the iteration in the name of its checkpoint, else from the one before
    its first record.

    Args:
        runs: Folders, oldest first, at least one.
    """
    import pandas as pd  # slow

    *before, newest = runs
    scalars = read_scalars(newest / SCALARS)
    config = newest / SCALARS.with_name('config.py')
    text = config.read_text(encoding='utf-8') if config.is_file() else ''
    if not before or not re.search(r'^resume = True$', text, re.MULTILINE):
        return scalars
    match = re.search(r"^load_from = '.*iter_(\d+)\.pth'$", text, re.MULTILINE)
    start = int(match[1]) if match else scalars['step'].min() - 1
    earlier = join(before)
    return pd.concat([earlier[earlier['step'] <= start], scalars])


def read_scalars(path: Path) -> pd.DataFrame:
    """The numbers of one file, see ``TrainingLog``.

    mmengine counts validations by epochs unless ``LoggerHook`` has ``log_metric_by_epoch=False``:
    in a training by iterations all are at step 0. They get the iteration of the record before.

    Raises:
        UserError: The file is empty, or a line is not a record, with its number.
    """
    import pandas as pd  # slow

    rows: list[tuple[int, str, float, bool]] = []
    reached = 0
    for record in read_records(path):
        reached = max(reached, record.get('iter', 0))
        step = max(record['step'], reached)
        rows += [
            (step, PHASE.sub('', key), float(value), 'iter' in record)
            for key, value in record.items()
            if key not in POSITIONS and type(value) in (int, float)
        ]
    return pd.DataFrame(rows, columns=['step', 'key', 'value', 'training'])


def read_records(path: Path) -> list[dict]:
    """The records of one file; a last line that was cut off is left out, with a warning."""
    lines = path.read_text(encoding='utf-8', errors='replace').rstrip().splitlines()
    records = []
    for number, line in enumerate(lines, 1):
        try:
            records.append(parse(line))
        except UserError as error:
            if number < len(lines):
                raise UserError(f'{path}, line {number}: {error}') from error
            print(f'warning: {path}, line {number}, left out: {error}', file=sys.stderr)
    if not records:
        raise UserError(f'{path} has no record: nothing was logged yet')
    return records


def parse(line: str) -> dict:
    """One record.

    Raises:
        UserError: The line is not a JSON object with a ``step``.
    """
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise UserError(f'not JSON ({error}); found {line[:40]!r}') from error
    if not isinstance(record, dict) or not isinstance(record.get('step'), int):
        raise UserError(f'expected an object with the number "step", found {line[:40]!r}')
    return record


def curves_of(
    paths: Sequence[Path], keys: Sequence[str], legend: Sequence[str] | None = None
) -> pd.DataFrame:
    """Scalars of several logs.

    Args:
        paths: As for ``read_log``.
        keys: Names of scalars.
        legend: A name for each log; by default that of the file or folder, or the whole path where
            two are the same.

    Returns:
        A row for each point: ``curve`` (the key), ``line`` (the name), ``iteration``, ``value``.
    """
    logs = [read_log(path) for path in paths]
    names = [log.name for log in logs]
    if len(set(names)) < len(names):
        names = [str(path) for path in paths]
    named = list(zip(legend or names, logs, strict=True))
    return tabulate({(key, name): log.curve(key) for key in keys for name, log in named})


def rounds_of(path: Path, keys: Sequence[str]) -> pd.DataFrame:
    """Scores of every round of one log, as from ``curves_of``; ``line`` is ``round R``."""
    log = read_log(path)
    return tabulate({(key, name): curve for key in keys for name, curve in log.rounds(key).items()})


def tabulate(curves: dict[tuple[str, str], pd.Series]) -> pd.DataFrame:
    """The points of curves by their name and line, see ``curves_of``."""
    import pandas as pd  # slow

    table = pd.concat(curves, names=['curve', 'line', 'iteration'])
    return table.rename('value').reset_index()


def describe_times(path: Path) -> str:
    """How long the iterations of a training took, in lines for people.

    Every record stands for the iterations since the record before it.

    Args:
        path: As for ``read_log``.

    Raises:
        UserError: No record has the duration of an iteration.
    """
    log = read_log(path)
    scalars = log.scalars[log.scalars['training']].drop_duplicates(['step', 'key'], keep='last')
    times = scalars.pivot(index='step', columns='key', values='value')
    times = times.reindex(columns=['time', 'data_time']).dropna(subset='time').fillna(0.0)
    if times.empty:
        raise UserError(f'{log.name} has no training iteration with its time')
    spans = np.diff(times.index, prepend=0)
    mean, data = np.average(times, axis=0, weights=spans)
    count, seconds = spans.sum(), times['time']
    lines = [
        f'{log.name}: {count} iterations in {count * mean / 60:.1f} min, without validations',
        f'  mean {mean:.4f} s per iteration, of which {data:.4f} s wait for data',
    ]
    for word, step in (('fastest', seconds.idxmin()), ('slowest', seconds.idxmax())):
        lines.append(f'  {word} around iteration {step}: {seconds[step]:.4f} s')
    return '\n'.join(lines)


def write(table: pd.DataFrame, out: Path | None, csv: Path | None, title: str) -> None:
    """Write the plot and the table that are asked for, and say where they are.

    Args:
        table: From ``curves_of`` or ``rounds_of``.
        out: File of the plot; its suffix decides the format.
        csv: File of the table.
        title: Line at the top of the plot.
    """
    if out is not None:
        plot = io.BytesIO()
        draw(table, title).savefig(plot, format=out.suffix[1:], dpi=120)
        write_file(out, plot.getvalue())
        print(f'curves: {out}')
    if csv is not None:
        write_file(csv, table.to_csv(index=False, na_rep='nan'))
        print(f'table: {csv}')


def draw(table: pd.DataFrame, title: str = '') -> Figure:
    """Draw a panel for each curve; a line has one color in all of them."""
    from matplotlib.ticker import MaxNLocator  # slow

    curves = table.groupby('curve', sort=False)
    colors = dict(zip(table['line'].unique(), cycle([*COLORS, REFERENCE_COLOR]), strict=False))
    figure, panels = make_panels(len(curves))
    figure.suptitle(title)
    for axes, (name, lines) in zip(panels, curves, strict=True):
        axes.set_title(str(name), fontsize=10)
        axes.set_xlabel('iteration')
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(color='0.9')
        for label, points in lines.groupby('line', sort=False):
            marker = '.' if len(points) <= MOST_MARKERS else ''
            style = dict(color=colors[label], marker=marker, label=label)
            axes.plot(points['iteration'], points['value'], **style)
        if lines['line'].nunique() > 1:
            axes.legend(fontsize=8)
    return figure
