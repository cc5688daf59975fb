from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from fbinpaint_mm.benchmark.report import plots
from fbinpaint_mm.benchmark.report.score_table import ScoreTable
from fbinpaint_mm.evaluation.hole_area_bins import HoleAreaBins
from fbinpaint_mm.visualization.plot_panels import PANEL


def test_an_entry_looks_the_same_in_every_plot_and_like_no_other():
    names = [f'entry {index}' for index in range(14)]
    styles = plots.entry_styles(names, 'entry 3')
    assert styles['entry 3'].color == plots.REFERENCE_COLOR
    assert len(set(styles.values())) == 14
    fewer = plots.entry_styles(names[:9], 'entry 3')
    assert all(styles[name] == style for name, style in fewer.items())


def test_area_panel_shows_means_and_intervals(benchmark_of):
    scores = [[20.0, 22.0, 30.0, 34.0]]
    table = ScoreTable(benchmark_of(one=scores), HoleAreaBins((0.1, 0.35, 0.6)))
    _, (axes,) = plots.make_panels(1)
    plots.draw_area_panel(axes, table, 'PSNR', plots.entry_styles(['one'], 'one'))
    (line,) = axes.lines
    np.testing.assert_allclose(line.get_ydata(), [21.0, 32.0])
    bars = [bar.get_segments()[0][:, 1] for bar in axes.collections]
    np.testing.assert_allclose(bars, [(20.0, 22.0), (30.0, 34.0)])
    assert axes.get_title() == 'PSNR ↑'
    assert [label.get_text() for label in axes.get_xticklabels()] == ['10-35', '35-60']


def test_rounds_are_a_path_in_time(fake_benchmark, fake_table):
    speed = fake_benchmark.entry('feedback').speed
    points = plots.round_points(fake_table, 'mIoU_hole', 'feedback', speed)
    assert list(points) == [1, 2, 3]
    seconds, score = points[2]
    assert seconds == pytest.approx(0.039)
    assert score == fake_table.find('feedback', 'mIoU_hole', round_index=2).mean


@pytest.mark.parametrize(
    ('seconds', 'ticks'),
    [
        ([0.03, 0.04], [0.02, 0.05]),
        ([0.02], [0.01, 0.02, 0.05]),
        ([0.0018, 0.052], [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1]),
        ([0.0018, 3.0], [0.001, 0.01, 0.1, 1.0, 10.0]),
    ],
)
def test_ticks_are_round_numbers_around_the_times(seconds, ticks):
    assert plots.time_ticks(seconds) == pytest.approx(ticks)


def test_plots_are_pictures_with_a_panel_per_metric(fake_benchmark, fake_table, tmp_path):
    area = plots.write_area_plot(fake_table, tmp_path / 'area.png')
    time = plots.write_time_plot(fake_benchmark, fake_table, tmp_path / 'time.png')
    for path in (area, time):
        picture = np.asarray(Image.open(path).convert('RGB'))
        assert picture.shape[1] == round(3 * PANEL[0] * plots.DOTS_PER_INCH)
        assert (picture == (0, 0x72, 0xB2)).all(-1).any()


def test_plots_without_anything_to_show_say_so(benchmark_of, tmp_path):
    benchmark = benchmark_of(one=[[1.0, 2.0]])
    table = ScoreTable(benchmark, HoleAreaBins())
    with pytest.raises(ValueError, match='both scores and a time per image; measure the speed'):
        plots.write_time_plot(benchmark, table, tmp_path / 'time.png')
    benchmark.entries[0].runs = []
    empty = ScoreTable(benchmark, HoleAreaBins())
    with pytest.raises(ValueError, match='no entry has scores of images'):
        plots.write_area_plot(empty, tmp_path / 'area.png')
    assert not list(tmp_path.iterdir())
