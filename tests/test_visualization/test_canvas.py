from __future__ import annotations

import numpy as np
import pytest

from fbinpaint_mm.visualization.canvas import Canvas, text_width, wrap_text


def test_pastes_where_it_is_told_on_white():
    canvas = Canvas(height=6, width=8)
    canvas.paste(np.full((2, 3, 3), (1, 2, 3), np.uint8), x=4, y=1)
    sheet = canvas.to_array()
    assert sheet.shape == (6, 8, 3)
    assert (sheet[1:3, 4:7] == (1, 2, 3)).all()
    sheet[1:3, 4:7] = 255
    assert (sheet == 255).all()


def test_writes_dark_text_of_the_width_it_says():
    canvas = Canvas(height=30, width=200)
    canvas.write('round 2', 10, 5, size=12, bold=True)
    columns = np.flatnonzero((canvas.to_array() < 128).any(axis=(0, 2)))
    assert columns[0] >= 10
    right = 10 + text_width('round 2', 12, bold=True)
    assert right - 6 <= columns[-1] <= right


@pytest.mark.parametrize(
    ('text', 'lines'),
    [
        ('short', ['short']),
        ('', ['']),
        ('feedback_without_recorrection', ['feedback_', 'without_', 'recorrection']),
        ('one two-three', ['one two-', 'three']),
    ],
)
def test_breaks_lines_after_words(text, lines):
    assert wrap_text(text, text_width('recorrection', 12), 12) == lines


def test_cuts_a_word_that_is_wider_than_a_line():
    lines = wrap_text('m' * 50, 100, 12)
    assert ''.join(lines) == 'm' * 50
    assert all(0 < text_width(line, 12) <= 100 for line in lines)
