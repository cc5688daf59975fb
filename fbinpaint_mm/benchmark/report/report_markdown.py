"""``results.md``: what a benchmark found, for people."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path

from fbinpaint_mm.benchmark.report import speed_markdown
from fbinpaint_mm.benchmark.report.formats import MISSING, best_text, format_change, format_score
from fbinpaint_mm.benchmark.report.markdown_table import markdown_table
from fbinpaint_mm.benchmark.report.score_summary import ScoreSummary
from fbinpaint_mm.benchmark.report.score_table import ScoreTable
from fbinpaint_mm.benchmark.report.statistics import CONFIDENCE
from fbinpaint_mm.benchmark.report.summarize import ALL
from fbinpaint_mm.benchmark.results import Benchmark
from fbinpaint_mm.write_file import write_file

SEPARATE_KEYS = ('unit', 'higher_is_better')


def write_markdown(
    benchmark: Benchmark, table: ScoreTable, path: Path, pictures: Sequence[str] = ()
) -> Path:
    """Write the file in one step.

    Args:
        benchmark: What was measured.
        table: Its scores.
        path: File to write.
        pictures: Files beside it to show.

    Returns:
        The path.
    """
    sections = [
        '# Benchmark',
        describe_run(benchmark),
        describe_metrics(benchmark, table),
        main_section(table),
        *(bin_section(table, metric) for metric in table.metrics),
        round_section(table),
        speed_markdown.speed_section(benchmark.entries, benchmark.reference),
        speed_markdown.round_speed_section(benchmark.entries, benchmark.reference),
        speed_markdown.training_section(benchmark),
        '\n\n'.join(f'![{Path(name).stem}]({name})' for name in pictures),
        failure_section(benchmark),
    ]
    return write_file(path, '\n\n'.join(section for section in sections if section) + '\n')


def describe_run(benchmark: Benchmark) -> str:
    """Data, reference, failures, command and environment, one line each."""
    data = benchmark.data
    lines = [
        f'- data: `{data.config}`, {data.split}, {len(data.samples)} images of '
        f'{data.size[0]} × {data.size[1]} pixels (height × width), SHA-256 of all pixels of '
        f'images, holes and label maps `{data.sha256}`',
        f'- reference: {describe_reference(benchmark)}',
    ]
    failed = [entry.name for entry in benchmark.entries if entry.error]
    if failed:
        count = f'{len(failed)} of {len(benchmark.entries)} entries'
        lines.append(f'- **failed**: {count} ({", ".join(failed)}); the errors are at the end')
    for key, value in benchmark.environment.items():
        lines.append(f'- {key}: `{value}`' if key == 'command' else f'- {key}: {value}')
    return '\n'.join(lines)


def describe_reference(benchmark: Benchmark) -> str:
    """Name of the reference, and whether there is anything to compare with."""
    scored = benchmark.entry(benchmark.reference).runs
    return benchmark.reference + ('' if scored else ', which has no scores: no changes are given')


def describe_metrics(benchmark: Benchmark, table: ScoreTable) -> str:
    """What each metric measures, one line each."""
    if not table.metrics:
        return ''
    lines = []
    for metric in table.metrics:
        protocol = benchmark.protocol.get(metric, {})
        parts = [f'in {protocol["unit"]}'] if protocol.get('unit') else []
        for key, value in protocol.items():
            if key not in SEPARATE_KEYS and value is not None:
                parts.append(f'{key.replace("_", " ")}: {value}')
        lines.append(f'- {table.headline(metric)}: {"; ".join(parts) or "no description"}')
    return '\n'.join(['Metrics (↑ higher is better, ↓ lower is better):', '', *lines])


def main_section(table: ScoreTable) -> str:
    """Entries by metrics over the whole set, with the change against the reference."""
    names = table.entries
    if not names:
        return ''
    columns = []
    for metric in table.metrics:
        summaries = [table.find(name, metric) for name in names]
        texts = emphasize(table, metric, summaries)
        columns.append(
            [
                text + change_line(one) if one else MISSING
                for text, one in zip(texts, summaries, strict=True)
            ]
        )
    rows = [
        [row_title(table, name), *cells]
        for name, cells in zip(names, zip(*columns, strict=True), strict=True)
    ]
    headers = ['', *(table.headline(metric) for metric in table.metrics)]
    legend = (
        f'Best in bold. Below each score: change against {table.reference} with its '
        f'{100 * CONFIDENCE:.0f} % bootstrap interval over images.'
    )
    if any(one.spread.std is not None for one in table.summaries):
        legend += ' ± standard deviation over seeds.'
    return '\n\n'.join(['## All images', markdown_table(headers, rows), legend])


def bin_section(table: ScoreTable, metric: str) -> str:
    """Entries by hole-area bins; empty for a metric without scores of images."""
    if not table.has_images(metric):
        return ''
    names = [name for name in table.entries if table.find(name, metric)]
    headers, columns = [''], []
    for bin_name in table.bins:
        summaries = [table.find(name, metric, bin_name) for name in names]
        count = max(one.count for one in summaries if one)
        headers.append(f'{bin_name if bin_name == ALL else f"{bin_name} %"} ({count})')
        columns.append(emphasize(table, metric, summaries))
    rows = [
        [row_title(table, name), *cells]
        for name, cells in zip(names, zip(*columns, strict=True), strict=True)
    ]
    title = f'## {table.headline(metric)} by hole area (number of images)'
    return f'{title}\n\n{markdown_table(headers, rows)}'


def round_section(table: ScoreTable) -> str:
    """Rounds as columns for the entries that have rounds, the best round of each row in bold."""
    names = [name for name in table.entries if table.rounds_of(name)]
    if not names:
        return ''
    rounds = range(1 + max(max(table.rounds_of(name)) for name in names))
    rows = []
    for name in names:
        for metric in table.metrics:
            if table.rounds_of(name, metric):
                summaries = [table.find(name, metric, round_index=index) for index in rounds]
                title = f'{name}, {table.headline(metric)}'
                rows.append([title, *emphasize(table, metric, summaries)])
    headers = ['', *(f'round {index}' for index in rounds)]
    return f'## Feedback rounds, all images\n\n{markdown_table(headers, rows)}'


def failure_section(benchmark: Benchmark) -> str:
    """The error of each entry that failed; empty if none did."""
    failed = [entry for entry in benchmark.entries if entry.error]
    parts = [f'**{one.name}**\n\n{textwrap.indent(one.error.strip(), "    ")}' for one in failed]
    return '\n\n'.join(['## Failed', *parts]) if parts else ''


def row_title(table: ScoreTable, name: str) -> str:
    """Name of an entry as the head of its row."""
    return f'{name} (reference)' if name == table.reference else name


def emphasize(
    table: ScoreTable, metric: str, summaries: Sequence[ScoreSummary | None]
) -> list[str]:
    """Scores with their spread over seeds, the best in bold, several if they are equal."""
    texts = [format_score(metric, one.spread.mean if one else None) for one in summaries]
    best = best_text(texts, table.higher_is_better(metric))
    return [
        (f'**{text}**' if text == best else text) + seed_text(metric, one)
        for text, one in zip(texts, summaries, strict=True)
    ]


def seed_text(metric: str, summary: ScoreSummary | None) -> str:
    """Spread over seeds, where there are several."""
    if summary is None or summary.spread.std is None:
        return ''
    return f' ± {format_score(metric, summary.spread.std)}'


def change_line(summary: ScoreSummary) -> str:
    """Change against the reference on a line of its own."""
    return f'\n{format_change(summary.change)}' if summary.change else ''
