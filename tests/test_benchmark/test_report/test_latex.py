from __future__ import annotations

import re

import pytest

from fbinpaint_mm.benchmark.report.latex import write_latex
from fbinpaint_mm.benchmark.report.report_markdown import write_markdown
from fbinpaint_mm.benchmark.report.result_table import result_table
from fbinpaint_mm.benchmark.report.score_table import ScoreTable

SIGNS = {r'$\pm$': '±', r'$\uparrow$': '↑', r'$\downarrow$': '↓', r'\_': '_', r'\%': '%'}


def from_latex(line: str) -> list[str]:
    """The cells of a row as Markdown writes them."""
    for command, sign in SIGNS.items():
        line = line.replace(command, sign)
    line = re.sub(r'\\textbf\{(.*?)\}', r'**\1**', line)
    return [cell.strip() for cell in line.removesuffix(r'\\').split('&')]


def from_markdown(line: str) -> list[str]:
    """The cells of a row without the changes against the reference."""
    cells = [cell.partition('<br>')[0].strip() for cell in line.strip('|').split('|')]
    return [cells[0].removesuffix(' (reference)'), *cells[1:]]


@pytest.mark.parametrize('columns', [None, ['mIoU_hole', 'labeled', 'parameters', 'PSNR']])
def test_every_number_is_that_of_the_markdown_table(fake_table, tmp_path, columns):
    results = result_table(fake_table, columns)
    latex = write_latex(results, tmp_path / 'results.tex').read_text('utf-8')
    markdown = write_markdown(fake_table, tmp_path / 'results.md', columns=columns)
    table = markdown.read_text('utf-8').split('## All images')[1].split('Best in bold')[0]
    theirs = [from_markdown(line) for line in table.splitlines() if line and '---' not in line]
    ours = [from_latex(line) for line in latex.splitlines() if ' & ' in line]
    assert len(ours) == 4
    assert ours == theirs


def test_rules_are_those_of_booktabs(benchmark_of, tmp_path):
    results = result_table(ScoreTable(benchmark_of(one=[[20.0, 22.0]])))
    text = write_latex(results, tmp_path / 'results.tex').read_text('utf-8')
    assert text.splitlines() == [
        r'% Needs \usepackage{booktabs}. Best in bold; $\pm$ standard deviation over seeds.',
        r'\begin{tabular}{lr}',
        r'\toprule',
        r' & PSNR $\uparrow$ \\',
        r'\midrule',
        r'one & 21.00 \\',
        r'\bottomrule',
        r'\end{tabular}',
    ]


def test_names_are_no_commands(benchmark_of, tmp_path):
    benchmark = benchmark_of(**{r'\input{x} & 50%_#$~^': [[0.1]], 'b': [[0.2]]}, metric='a_b')
    text = write_latex(result_table(ScoreTable(benchmark)), tmp_path / 'x.tex').read_text('utf-8')
    name = r'\textbackslash{}input\{x\} \& 50\%\_\#\$\textasciitilde{}\textasciicircum{}'
    assert f'\n{name} & 0.1000 \\\\\n' in text
    assert '\nb & \\textbf{0.2000} \\\\\n' in text
    assert r'a\_b $\uparrow$' in text
