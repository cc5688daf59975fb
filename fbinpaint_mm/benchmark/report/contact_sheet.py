"""Pictures of a benchmark side by side, with their scores."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from fbinpaint_mm.benchmark.picture_files import INPUT, TRUTH, write_png
from fbinpaint_mm.benchmark.report.choose_samples import ChosenSample, choose_samples, choose_strip
from fbinpaint_mm.benchmark.report.formats import best_text, format_score
from fbinpaint_mm.benchmark.report.score_table import ScoreTable
from fbinpaint_mm.visualization.drawing import PAPER, cell_scale
from fbinpaint_mm.visualization.sheet import Cell, Row, lay_out

# Gets the name of an entry (or 'input', 'truth') and of a sample; returns its picture, (H, W, 3)
# uint8 RGB, or raises FileNotFoundError.
Load = Callable[[str, str], np.ndarray]

ENTRIES_PER_SHEET = 8


def write_sheets(table: ScoreTable, load: Load, out: Path) -> list[Path]:
    """Write ``contact_sheet.png``, and ``contact_sheet_2.png``, ... if there are many entries.

    Args:
        table: The scores of a benchmark, those of images among them.
        load: Reads a picture.
        out: Folder to write to.

    Returns:
        The files.

    Raises:
        FileNotFoundError: The truth of a sample is missing.
    """
    chosen, paths = choose_samples(table), []
    sheets = split_sheets(table.entries, table.benchmark.reference)
    for number, names in enumerate(sheets, start=1):
        path = out / ('contact_sheet.png' if number == 1 else f'contact_sheet_{number}.png')
        paths.append(write_png(draw_sheet(table, chosen, load, names), path))
    return paths


def write_strip(table: ScoreTable, load: Load, path: Path) -> Path:
    """Write a small picture for a README: typical results of the method, below input, above truth.

    Args:
        table: The scores of a benchmark, those of images among them.
        load: Reads a picture.
        path: PNG file to write; each column is the sample that ``choose_strip`` finds for a bin.

    Returns:
        The path.

    Raises:
        FileNotFoundError: A picture is missing.
    """
    entry, chosen = choose_strip(table)
    shape = height, width = load(TRUTH, chosen[0].name).shape[:2]
    rows = [
        Row(name, [picture_cell(load(name, one.name), shape) for one in chosen])
        for name in (INPUT, entry, TRUTH)
    ]
    headers = [f'hole {100 * one.hole_area:.0f} %' for one in chosen]
    return write_png(
        lay_out('', headers, rows, [], shape, cell_scale(height, width, 128, 192)), path
    )


def split_sheets(names: Sequence[str], reference: str) -> list[list[str]]:
    """Divide the entries among as few sheets as they fit on, as evenly as can be.

    Args:
        names: Entries in the order of the benchmark.
        reference: Entry that is on every sheet if it is among them, first where there are several.

    Returns:
        The entries of each sheet; one sheet keeps their order.
    """
    if len(names) <= ENTRIES_PER_SHEET:
        return [list(names)]
    shared = [name for name in names if name == reference]
    others = [name for name in names if name != reference]
    sheets = np.array_split(others, math.ceil(len(others) / (ENTRIES_PER_SHEET - len(shared))))
    return [[*shared, *part.tolist()] for part in sheets]


def draw_sheet(
    table: ScoreTable, chosen: Sequence[ChosenSample], load: Load, entries: Sequence[str]
) -> np.ndarray:
    """One row per sample: the input, the final image of each entry, and the truth.

    Below each picture are its scores by two metrics, PSNR and LPIPS where they were measured, the
    best of the row (as printed) in bold. Pictures and scores are those of the first run of an
    entry. A picture that is not there leaves its place empty. Small pictures are enlarged, large
    ones reduced by a whole factor.

    Args:
        table: The scores of a benchmark.
        chosen: Samples to show.
        load: Reads a picture.
        entries: Names of the entries to show.

    Returns:
        (height, width, 3) uint8 RGB.
    """
    shape = height, width = load(TRUTH, chosen[0].name).shape[:2]
    rows = [sample_row(table, one, load, entries, shape) for one in chosen]
    data = table.benchmark.data
    title = f'{data.config}, {data.split}; best of each row in bold'
    scale = cell_scale(height, width, 128, 256)
    return lay_out(title, [INPUT, *entries, TRUTH], rows, [], shape, scale)


def sample_row(
    table: ScoreTable,
    sample: ChosenSample,
    load: Load,
    entries: Sequence[str],
    shape: tuple[int, int],
) -> Row:
    """Heading and pictures of one sample."""
    captions = score_captions(table, sample.name, entries)
    cells = [
        picture_cell(try_to_load(load, name, sample.name), shape, *captions.get(name, ()))
        for name in (INPUT, *entries, TRUTH)
    ]
    heading = (
        f'{Path(sample.name).name}   hole {100 * sample.hole_area:.0f} % of the image   '
        f'{sample.reason}'
    )
    return Row(heading, cells)


def score_captions(
    table: ScoreTable, sample: str, entries: Sequence[str]
) -> dict[str, tuple[list[str], list[int]]]:
    """Entry -> a line with its score by each metric, and which of the lines are the best."""
    captions: dict[str, tuple[list[str], list[int]]] = {name: ([], []) for name in entries}
    for number, metric in enumerate(table.image_metrics('PSNR', 'LPIPS')[:2]):
        scores = [first_score(table, name, metric, sample) for name in entries]
        texts = [format_score(metric, score) for score in scores]
        best = best_text(texts, table.higher_is_better(metric))
        for (lines, bold), text in zip(captions.values(), texts, strict=True):
            lines.append(f'{metric} {text}')
            bold.extend([number] if text == best else [])
    return captions


def first_score(table: ScoreTable, name: str, metric: str, sample: str) -> float | None:
    """Score of one image in the first run of an entry; ``None`` if it was not measured."""
    series = table.benchmark.entry(name).runs[0].find(metric)
    return None if series is None else float(series.values[series.samples.index(sample)])


def try_to_load(load: Load, entry: str, sample: str) -> np.ndarray | None:
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
    if image.shape[:2] != tuple(shape):
        size = (shape[1], shape[0])
        fitted = ImageOps.pad(Image.fromarray(image), size, Image.Resampling.BOX, color=PAPER)
        image = np.asarray(fitted)
    return Cell(image, '\n'.join(lines), bold, smooth=True)
