from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from fbinpaint_mm.benchmark.report import plots
from fbinpaint_mm.benchmark.report.score_table import ScoreTable
from fbinpaint_mm.evaluation.hole_area_bins import HoleAreaBins
from fbinpaint_mm.visualization.plot_panels import PANEL


def test_an_entry_looks_the_same_in_every_plot_and_like_no_other(benchmark_of):
    benchmark = benchmark_of(**{f'entry {index}': [[1.0]] for index in range(14)})
    table = ScoreTable(replace(benchmark, reference='entry 3'))
    styles = plots.entry_styles(table)
    assert styles['entry 3']['color'] == plots.REFERENCE_COLOR
    assert len({tuple(style.values()) for style in styles.values()}) == 14
    table.entries = table.entries[:9]
    assert all(styles[name] == style for name, style in plots.entry_styles(table).items())


def test_area_panel_shows_means_and_intervals(benchmark_of):
    scores = [[20.0, 22.0, 30.0, 34.0]]
    table = ScoreTable(benchmark_of(one=scores), HoleAreaBins((0.1, 0.35, 0.6)))
    _, (axes,) = plots.make_panels(1)
    plots.draw_area_panel(axes, table, 'PSNR', plots.entry_styles(table))
    (line,) = axes.lines
    np.testing.assert_allclose(line.get_ydata(), [21.0, 32.0])
    bars = [segment[:, 1] for segment in axes.collections[0].get_segments()]
    np.testing.assert_allclose(bars, [(20.0, 22.0), (30.0, 34.0)])
    assert (axes.get_title(), axes.get_ylabel()) == ('PSNR ↑', 'dB')
    assert [label.get_text() for label in axes.get_xticklabels()] == ['10-35', '35-60']


def test_rounds_are_a_path_in_time(fake_table):
    points = plots.round_points(fake_table, 'mIoU_hole', 'feedback')
    assert list(points) == [1, 2, 3]
    seconds, score = points[2]
    assert seconds == pytest.approx(0.039)
    assert score == fake_table.find('feedback', 'mIoU_hole', round_index=2).mean


def test_plots_are_pictures_with_a_panel_per_metric(fake_table, tmp_path):
    area = plots.write_area_plot(fake_table, tmp_path / 'area.png')
    time = plots.write_time_plot(fake_table, tmp_path / 'time.png')
    for path in (area, time):
        picture = np.asarray(Image.open(path).convert('RGB'))
        assert picture.shape[1] == round(3 * PANEL[0] * plots.DOTS_PER_INCH)
        assert (picture == (0, 0x72, 0xB2)).all(-1).any()


def test_plots_are_vectors_where_asked(fake_table, tmp_path):
    pdf = plots.write_area_plot(fake_table, tmp_path / 'area.pdf').read_bytes()
    assert pdf.startswith(b'%PDF')
    assert b'/Subtype /Image' not in pdf
    assert b'/FontFile2' in pdf  # TrueType; publishers refuse Type 3
    assert b'/Type3' not in pdf
    svg = plots.write_time_plot(fake_table, tmp_path / 'time.svg').read_text('utf-8')
    assert '<svg' in svg
    assert '<image' not in svg
