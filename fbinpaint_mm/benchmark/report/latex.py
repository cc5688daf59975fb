"""``results.tex``: the main table of a benchmark for a paper."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from fbinpaint_mm.benchmark.report.formats import MISSING
from fbinpaint_mm.benchmark.report.result_table import Cell
from fbinpaint_mm.write_file import write_file

# Text that LaTeX would read as commands, and signs that its fonts lack.
ESCAPES = str.maketrans(
    {
        '\\': r'\textbackslash{}',
        '~': r'\textasciitilde{}',
        '^': r'\textasciicircum{}',
        **{character: f'\\{character}' for character in '&%$#_{}'},
        '±': r'$\pm$',
        '×': r'$\times$',
        'µ': r'$\mu$',
        '↑': r'$\uparrow$',
        '↓': r'$\downarrow$',
    }
)
PREAMBLE = r'% Needs \usepackage{booktabs}. Best in bold; $\pm$ standard deviation over seeds.'


def write_latex(results: pd.DataFrame, path: Path) -> Path:
    r"""Write a ``tabular`` with the rules of booktabs, for ``\input`` in a ``table``.

    Args:
        results: From ``result_table``.
        path: File to write, in one step.

    Returns:
        The path.
    """
    texts = results.map(latex_cell, na_action='ignore').fillna(MISSING)
    texts = texts.rename(index=escape, columns=escape)
    alignment = 'l' + 'r' * len(texts.columns)
    return write_file(path, f'{PREAMBLE}\n{texts.to_latex(column_format=alignment)}')


def latex_cell(cell: Cell) -> str:
    """A score with its spread over seeds, the best in bold."""
    text = escape(cell.text)
    text = rf'\textbf{{{text}}}' if cell.is_best else text
    return f'{text} {escape("±")} {escape(cell.spread)}' if cell.spread else text


def escape(text: str) -> str:
    """Text as LaTeX prints it."""
    return text.translate(ESCAPES)
