"""Pictures of a benchmark side by side, with their scores."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np

from fbinpaint_mm.benchmark.data.picture_files import INPUT, TRUTH
from fbinpaint_mm.benchmark.report.choose_samples import ChosenSample
from fbinpaint_mm.benchmark.report.formats import best_text, format_score
from fbinpaint_mm.benchmark.report.score_table import directions_of, metrics_of
from fbinpaint_mm.benchmark.results import Benchmark
from fbinpaint_mm.visualization.drawing import PAPER, cell_scale
from fbinpaint_mm.visualization.sheet import Cell, Note, Row, lay_out

Load = Callable[[str, str], np.ndarray]

ENTRIES_PER_SHEET = 8
CAPTION_METRICS = ('PSNR', 'LPIPS')


def split_sheets(
    names: Sequence[str], reference: str, most: int = ENTRIES_PER_SHEET
) -> list[list[str]]:
    """Divide the entries among as few sheets as they fit on, as evenly as can be.

    Args:
        names: Entries in the order of the benchmark.
        reference: Entry that is on every sheet if it is among them, first where there are several.
        most: Largest number of entries on one sheet.

    Returns:
        The entries of each sheet; one sheet keeps their order.
    """
    if len(names) <= most:
        return [list(names)] if names else []
    shared = [name for name in names if name == reference]
    others = [name for name in names if name != reference]
    sheets = np.array_split(others, math.ceil(len(others) / (most - len(shared))))
    return [[*shared, *part.tolist()] for part in sheets]


def draw_contact_sheet(
    benchmark: Benchmark,
    chosen: Sequence[ChosenSample],
    load: Load,
    entries: Sequence[str],
    metrics: Sequence[str] | None = None,
    cell_size: int = 128,
    max_cell_size: int = 256,
) -> np.ndarray:
    """One row per sample: the input, the final image of each entry, and the truth.

    Below each picture are its scores, the best of the row (as printed) in bold. Pictures and scores
    are those of the first run of an entry. A picture that is not there leaves its place empty.

    Args:
        benchmark: What was measured.
        chosen: Samples to show.
        load: Gets the name of an entry (or ``'input'``, ``'truth'``) and of a sample; returns its
            picture, (H, W, 3) uint8 RGB, or raises ``FileNotFoundError``.
        entries: Names of the entries to show; about eight stay legible.
        metrics: Scores to write; by default PSNR and LPIPS, or what there is in their place.
        cell_size: Small pictures are enlarged by a whole factor until the short side has this many
            pixels.
        max_cell_size: Large pictures are reduced by a whole factor until the long side fits.

    Returns:
        (height, width, 3) uint8 RGB.

    Raises:
        ValueError: There is no sample or no truth to show.
    """
    if not chosen:
        raise ValueError('no sample was chosen: no entry has scores of images')
    metrics = caption_metrics(benchmark) if metrics is None else metrics
    truths = [load_picture(load, TRUTH, one.name) for one in chosen]
    shape = next((one.shape[:2] for one in truths if one is not None), None)
    if shape is None:
        raise ValueError(f'no picture of the truth of {chosen[0].name!r} and all other samples')
    rows = [
        sample_row(benchmark, one, truth, load, entries, metrics, shape)
        for one, truth in zip(chosen, truths, strict=True)
    ]
    title = f'{benchmark.data.config}, {benchmark.data.split}; best of each row in bold'
    scale = cell_scale(*shape, cell_size, max_cell_size)
    return lay_out(title, [INPUT, *entries, TRUTH], rows, [], shape, scale)


def sample_row(
    benchmark: Benchmark,
    sample: ChosenSample,
    truth: np.ndarray | None,
    load: Load,
    entries: Sequence[str],
    metrics: Sequence[str],
    shape: tuple[int, int],
) -> Row:
    """Heading and pictures of one sample."""
    notes = [score_notes(benchmark, sample, metric, entries) for metric in metrics]
    columns = list(zip(*notes, strict=True)) if notes else [()] * len(entries)
    cells = [
        picture_cell(load_picture(load, name, sample.name), shape, column)
        for name, column in zip(entries, columns, strict=True)
    ]
    before = picture_cell(load_picture(load, INPUT, sample.name), shape)
    heading = (
        f'{Path(sample.name).name}   hole {100 * sample.hole_area:.0f} % of the image   '
        f'{sample.reason}'
    )
    return Row(heading, [before, *cells, picture_cell(truth, shape)])


def score_notes(
    benchmark: Benchmark, sample: ChosenSample, metric: str, entries: Sequence[str]
) -> list[Note]:
    """The score of each entry for one sample, the best in bold."""
    texts = [
        format_score(metric, sample_score(benchmark, name, metric, sample)) for name in entries
    ]
    best = best_text(texts, directions_of(benchmark, [metric])[metric])
    return [Note(f'{metric} {text}', bold=text == best) for text in texts]


def sample_score(
    benchmark: Benchmark, name: str, metric: str, sample: ChosenSample
) -> float | None:
    """Score of one image in the first run of an entry; ``None`` if it was not measured."""
    runs = benchmark.entry(name).runs
    series = runs[0].find(metric) if runs else None
    if series is None or sample.name not in series.samples:
        return None
    return float(series.select([series.samples.index(sample.name)]).values[0])


def caption_metrics(benchmark: Benchmark) -> list[str]:
    """PSNR and LPIPS; where one was not measured, the next metric that scores images."""
    runs = [run for entry in benchmark.entries for run in entry.runs]
    known = {series.metric for run in runs for series in run.series}
    order = dict.fromkeys([*CAPTION_METRICS, *metrics_of(benchmark)])
    return [metric for metric in order if metric in known][: len(CAPTION_METRICS)]


def load_picture(load: Load, entry: str, sample: str) -> np.ndarray | None:
    """The picture, ``None`` if there is none."""
    try:
        return load(entry, sample)
    except FileNotFoundError:
        return None


def picture_cell(
    image: np.ndarray | None, shape: tuple[int, int], notes: Sequence[Note] = ()
) -> Cell:
    """The picture, fitted into the (height, width) that all have, with its scores."""
    if image is None:
        return Cell(caption='no picture', notes=notes)
    return Cell(fit(image, shape), smooth=True, notes=notes)


def fit(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """An image of another size, resized to fit and centred on white."""
    if image.shape[:2] == tuple(shape):
        return image
    factor = min(shape[0] / image.shape[0], shape[1] / image.shape[1])
    height, width = (max(round(side * factor), 1) for side in image.shape[:2])
    top, left = (shape[0] - height) // 2, (shape[1] - width) // 2
    sheet = np.full((*shape, 3), PAPER, np.uint8)
    resized = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    sheet[top : top + height, left : left + width] = resized
    return sheet
