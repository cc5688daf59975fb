from types import SimpleNamespace

import pandas as pd
import pytest

from fbinpaint_mm.benchmark.speed import scale
from fbinpaint_mm.benchmark.speed.scale import (
    AXES,
    Point,
    check_has_segmentor,
    config_at,
    draw_axes,
    measure_axes,
    point_cost,
    run_scale,
    table,
)
from fbinpaint_mm.user_error import UserError


@pytest.fixture
def frame():
    costs = dict(peak_memory=2**20, flops=1e9)
    seconds = {('rounds', 0): 0.1, ('rounds', 2): 0.3, ('side', 256): 0.3, ('side', 512): 1.2}
    return pd.DataFrame(
        [dict(axis=axis, value=value, seconds=s, **costs) for (axis, value), s in seconds.items()]
    )


def test_a_point_has_its_classes(cfg):
    changed = config_at(cfg, Point(classes=7)).model
    assert changed.data_preprocessor.num_classes == 7
    assert changed.generator.segmentor.decode_head.num_classes == 7
    assert cfg.model.data_preprocessor.num_classes == 10


def test_a_model_without_a_segmentor_is_refused(cfg):
    check_has_segmentor(cfg)
    cfg.model.generator.segmentor = None
    with pytest.raises(UserError, match=r'^model\.generator\.segmentor: found none, expected one'):
        check_has_segmentor(cfg)


def test_every_point_is_measured_once(cfg, tmp_path, monkeypatch):
    points = []

    def call(function, settings, point, *_, **__):
        assert function is point_cost
        assert settings['model']['data_preprocessor']['num_classes'] == point.classes
        points.append(point)
        return dict(seconds=float(point.rounds))

    monkeypatch.setattr(scale, 'call_in_process', call)
    first, *_, frame = measure_axes(cfg, ['rounds', 'classes'], 'cpu', 1.0, tmp_path / 'log')
    assert first.value.tolist() == [Point().rounds, Point().classes], 'the default'
    assert len(points) == len(set(points)) == len(AXES['rounds']) + len(AXES['classes']) - 1
    assert frame[frame.axis == 'rounds'].seconds.tolist() == [0.0, 1.0, 2.0, 3.0]
    assert frame[frame.axis == 'classes'].value.tolist() == list(AXES['classes'])


def test_the_default_point_is_on_every_axis():
    assert all(getattr(Point(), axis) in values for axis, values in AXES.items())
    assert tuple(AXES) == Point._fields


def test_flops_are_those_of_the_rounds_and_of_the_side(cfg):
    """Per image, so that the batch changes nothing."""
    found = [
        point_cost(config_at(cfg, point).to_dict(), point, 'cpu', 0.0)
        for point in (Point(1, 16, 1, 5), Point(1, 32, 2, 5))
    ]
    assert sorted(found[0]) == sorted(scale.QUANTITIES)
    assert found[1]['flops'] == pytest.approx(4 * found[0]['flops'], rel=0.2)
    assert all(one['seconds'] > 0 for one in found)


def test_multiples_are_those_of_the_default(frame):
    rows = [[cell.strip() for cell in line.split('|')[1:-1]] for line in table(frame).splitlines()]
    assert rows[0][:3] == ['axis', 'value', 'time per image']
    assert rows[2][:3] == ['rounds', '0', '100 ms (×0.33)']
    assert rows[5][:4] == ['side', '512', '1.2 s (×4.00)', '1 MiB (×1.00)']


def test_the_picture_has_a_panel_for_each_axis(frame):
    panels = draw_axes(frame).axes
    assert [panel.get_xlabel() for panel in panels] == ['rounds', 'side']
    seconds, memory = panels[1].lines
    assert seconds.get_ydata().tolist() == [1.0, 4.0]
    assert memory.get_ydata().tolist() == [1.0, 1.0]


def test_what_is_written(cfg, frame, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(scale, 'measure_axes', lambda *_: iter([frame[1:3], frame]))
    monkeypatch.setattr(scale, 'read_config', lambda *_: cfg)
    settings = dict(config='a.py', cfg_options={}, axes=['rounds', 'side'], limit=1.0)
    run_scale(SimpleNamespace(**settings, device='cpu', out=tmp_path))
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / 'scale.csv'), frame)
    assert (tmp_path / 'scale.md').read_text() == capsys.readouterr().out
    assert (tmp_path / 'scale.png').read_bytes().startswith(b'\x89PNG')
