from __future__ import annotations

import numpy as np

from fbinpaint_mm.evaluation.correction_table import format_correction_table


def test_table_of_two_classes_and_one_without_pixels():
    one = [[[3, 0, 0], [4, 0, 0]], [[1, 2, 0], [6, 10, 0]]]
    table = format_correction_table(np.array([one], dtype=float), ['sky', 'road', 'car'])
    cells = [[cell.strip() for cell in line.split('|')[1:-1]] for line in table.splitlines()]
    assert [row for row in cells if row] == [
        [
            'class',
            'pixels',
            'round 1: wrong before → after',
            'round 1: mended',
            'round 1: spoiled',
        ],
        ['sky', '10', '40.0 → 20.0', '75.0', '16.7'],
        ['road', '10', '0.0 → 20.0', '-', '20.0'],
        ['all classes', '20', '20.0 → 20.0', '75.0', '18.8'],
    ]


def test_without_a_labelled_pixel_only_the_last_line_is_left():
    table = format_correction_table(np.zeros((2, 2, 2, 2)), ['sky', 'road'])
    assert 'sky' not in table
    assert table.count('- → -') == 2
