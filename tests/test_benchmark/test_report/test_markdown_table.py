from __future__ import annotations

from fbinpaint_mm.benchmark.report.markdown_table import markdown_table


def test_text_stays_in_its_cell():
    table = markdown_table(['', 'a|b'], [['one', '1\n+2 %'], ['two', '']])
    assert table.splitlines() == [
        '|  | a\\|b |',
        '| :-- | --: |',
        '| one | 1<br>+2 % |',
        '| two |  |',
    ]
