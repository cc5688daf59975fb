"""Pictures of a benchmark side by side, with their scores."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

from fbinpaint_mm.benchmark.data.picture_files import INPUT, TRUTH
from fbinpaint_mm.benchmark.report.choose_samples import ChosenSample, choose_strip
from fbinpaint_mm.benchmark.report.formats import best_text, format_score
from fbinpaint_mm.benchmark.report.score_table import directions_of, metrics_of
from fbinpaint_mm.benchmark.results import Benchmark
from fbinpaint_mm.evaluation.hole_area_bins import HoleAreaBins
from fbinpaint_mm.user_error import UserError
from fbinpaint_mm.visualization.drawing import PAPER, cell_scale
from fbinpaint_mm.visualization.sheet import Cell, Row, lay_out
from fbinpaint_mm.write_file import write_file

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
) -> np.ndarray:
    """One row per sample: the input, the final image of each entry, and the truth.

    Below each picture are its scores by two metrics, PSNR and LPIPS where they were measured, the
    best of the row (as printed) in bold. Pictures and scores are those of the first run of an
    entry. A picture that is not there leaves its place empty. Small pictures are enlarged, large
    ones reduced by a whole factor.

    Args:
        benchmark: What was measured.
        chosen: Samples to show.
        load: Gets the name of an entry (or ``'input'``, ``'truth'``) and of a sample; returns its
            picture, (H, W, 3) uint8 RGB, or raises ``FileNotFoundError``.
        entries: Names of the entries to show; about eight stay legible.

    Returns:
        (height, width, 3) uint8 RGB.

    Raises:
        UserError: There is no sample or no truth to show.
    """
    if not chosen:
        raise UserError('no sample was chosen: no entry has scores of images')
    truths = (load_picture(load, TRUTH, one.name) for one in chosen)
    truth = next((one for one in truths if one is not None), None)
    if truth is None:
        raise UserError(f'no picture of the truth of {chosen[0].name!r} and all other samples')
    height, width, _ = truth.shape
    rows = [sample_row(benchmark, one, load, entries, (height, width)) for one in chosen]
    title = f'{benchmark.data.config}, {benchmark.data.split}; best of each row in bold'
    scale = cell_scale(height, width, 128, 256)
    return lay_out(title, [INPUT, *entries, TRUTH], rows, [], (height, width), scale)


def write_strip(benchmark: Benchmark, bins: HoleAreaBins, load: Load, path: Path) -> Path:
    """Write a small picture for a README: typical results of the method, below input, above truth.

    Args:
        benchmark: What was measured.
        bins: Hole-area bins; each is a column with the sample that ``choose_strip`` finds.
        load: As for ``draw_contact_sheet``.
        path: PNG file to write.

    Returns:
        The path.

    Raises:
        FileNotFoundError: A picture is missing.
        UserError: No entry has scores of images, or none of them is in a bin.
    """
    entry, chosen = choose_strip(benchmark, bins)
    if not chosen:
        raise UserError(f'no sample of {entry} is in a bin: holes of {", ".join(bins.names)} %')
    height, width, _ = load(TRUTH, chosen[0].name).shape
    rows = [
        Row(name, [picture_cell(load(name, one.name), (height, width)) for one in chosen])
        for name in (INPUT, entry, TRUTH)
    ]
    headers = [f'hole {100 * one.hole_area:.0f} %' for one in chosen]
    strip = lay_out('', headers, rows, [], (height, width), cell_scale(height, width, 128, 192))
    _, encoded = cv2.imencode('.png', strip[..., ::-1])
    return write_file(path, encoded.tobytes())


def sample_row(
    benchmark: Benchmark,
    sample: ChosenSample,
    load: Load,
    entries: Sequence[str],
    shape: tuple[int, int],
) -> Row:
    """Heading and pictures of one sample."""
    captions = score_captions(benchmark, sample, entries)
    cells = [
        picture_cell(load_picture(load, name, sample.name), shape, *captions.get(name, ()))
        for name in (INPUT, *entries, TRUTH)
    ]
    heading = (
        f'{Path(sample.name).name}   hole {100 * sample.hole_area:.0f} % of the image   '
        f'{sample.reason}'
    )
    return Row(heading, cells)


def score_captions(
    benchmark: Benchmark, sample: ChosenSample, entries: Sequence[str]
) -> dict[str, tuple[list[str], list[int]]]:
    """Entry -> a line with its score by each metric, and which of the lines are the best."""
    captions: dict[str, tuple[list[str], list[int]]] = {name: ([], []) for name in entries}
    metrics = caption_metrics(benchmark)
    directions = directions_of(benchmark, metrics)
    for number, metric in enumerate(metrics):
        scores = [sample_score(benchmark, name, metric, sample) for name in entries]
        texts = [format_score(metric, score) for score in scores]
        best = best_text(texts, directions[metric])
        for (lines, bold), text in zip(captions.values(), texts, strict=True):
            lines.append(f'{metric} {text}')
            bold.extend([number] if text == best else [])
    return captions


def sample_score(
    benchmark: Benchmark, name: str, metric: str, sample: ChosenSample
) -> float | None:
    """Score of one image in the first run of an entry; ``None`` if it was not measured."""
    runs = benchmark.entry(name).runs
    series = runs[0].find(metric) if runs else None
    if series is None or sample.name not in series.samples:
        return None
    return float(series.values[series.samples.index(sample.name)])


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
    image: np.ndarray | None,
    shape: tuple[int, int],
    lines: Sequence[str] = (),
    bold: Sequence[int] = (),
) -> Cell:
    """The picture, fitted into the (height, width) that all have, with its scores."""
    if image is None:
        return Cell(caption='\n'.join(['no picture', *lines]), bold=[1 + line for line in bold])
    return Cell(fit(image, shape), '\n'.join(lines), bold, smooth=True)


def fit(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """An image of another size, resized to fit and centered on white."""
    if image.shape[:2] == tuple(shape):
        return image
    size, method = (shape[1], shape[0]), Image.Resampling.BOX
    return np.asarray(ImageOps.pad(Image.fromarray(image), size, method, color=PAPER))
