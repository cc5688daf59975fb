from __future__ import annotations

import csv
import json
import re

import cv2
import numpy as np
import pytest

from fbinpaint_mm.cli import analyze_logs
from fbinpaint_mm.user_error import UserError


@pytest.fixture
def tool(load_tool):
    return load_tool('analyze_logs')


def training(iterations, offset=0.0):
    """Records as mmengine writes them, a validation after every second one."""
    for step in iterations:
        yield {
            'loss': 10 / step + offset,
            'round1_loss_l1': 1.0 / step,
            'time': 0.5 + step / 1000,
            'data_time': 0.1,
            'iter': step,
            'step': step,
        }
        if step % 20 == 0:
            scores = {f'round{r}/PSNR': 20 + r + step / 100 + offset for r in range(3)}
            yield {**scores, 'PSNR': scores['round2/PSNR'], 'step': step}


def write_run(folder, records, resumed_from=None):
    folder = folder / 'vis_data'
    folder.mkdir(parents=True)
    path = folder / 'scalars.json'
    path.write_text(''.join(json.dumps(record) + '\n' for record in records))
    load_from = None if resumed_from is None else f'work_dirs/x/{resumed_from}'
    text = f'load_from = {load_from!r}\nresume = {resumed_from is not None}\n'
    (folder / 'config.py').write_text(text)
    return path


@pytest.fixture
def work_dir(tmp_path):
    """A fresh run of 80 iterations, after an older one that has nothing to do with it."""
    work_dir = tmp_path / 'demo'
    write_run(work_dir / '20260101_000000', training([5, *range(10, 41, 10)], offset=5))
    write_run(work_dir / '20260102_000000', training(range(10, 81, 10)))
    return work_dir


def table_of(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def fail(tool, capsys, *argv):
    """Message of a command line that is refused."""
    with pytest.raises(SystemExit) as error:
        tool.main([str(one) for one in argv])
    assert error.value.code == 2
    return re.sub(r'^\S+: (error: )?', '', capsys.readouterr().err.splitlines()[-1])


# ------------------------------------------------------------------------------- commands


def test_curves_of_the_newest_run_as_plot_and_table(tool, work_dir, tmp_path, capsys):
    out, table = tmp_path / 'plots/curves.png', tmp_path / 'curves.csv'
    keys = ['PSNR', 'round1/PSNR', 'loss']
    arguments = ['--keys', *keys, '--out', str(out), '--csv', str(table)]
    tool.main(['plot_curve', str(work_dir), *arguments])
    assert capsys.readouterr().out == f'curves: {out}\ntable: {table}\n'
    assert (cv2.imread(str(out)) < 128).any()
    rows = table_of(table)
    assert {row['line'] for row in rows} == {'demo'}
    found = {
        key: {int(r['iteration']): float(r['value']) for r in rows if r['curve'] == key}
        for key in keys
    }
    assert found['PSNR'] == {step: 22 + step / 100 for step in (20, 40, 60, 80)}
    assert found['round1/PSNR'] == {step: 21 + step / 100 for step in (20, 40, 60, 80)}
    assert found['loss'] == {step: 10 / step for step in range(10, 81, 10)}


def test_names_are_the_same_with_and_without_train_and_val_before_them(tool, tmp_path):
    table, found = tmp_path / 'curves.csv', []
    for name in ('before', 'now'):
        records = list(training(range(10, 41, 10)))
        if name == 'now':
            phases = [('train' if 'iter' in one else 'val', one) for one in records]
            records = [
                {key if key in ('iter', 'step') else f'{phase}/{key}': one[key] for key in one}
                for phase, one in phases
            ]
        path = write_run(tmp_path / name, records)
        arguments = ['--keys', 'PSNR', 'loss', '--legend', 'x', '--csv', str(table)]
        tool.main(['plot_curve', str(path), *arguments])
        found.append(table_of(table))
        assert analyze_logs.rounds_of(path, ['PSNR', 'loss_l1'])['line'].nunique() == 3
        assert '40 iterations' in analyze_logs.describe_times(path)
    assert found[0] == found[1]
    assert len(found[0]) == 6


def test_several_logs_are_lines_of_one_panel(tool, work_dir, tmp_path):
    table = tmp_path / 'curves.csv'
    file = work_dir / '20260101_000000/vis_data/scalars.json'
    run = work_dir / '20260102_000000'
    arguments = ['--keys', 'PSNR', '--csv', str(table)]
    tool.main(['plot_curve', str(file), str(run), *arguments])
    assert list(dict.fromkeys(row['line'] for row in table_of(table))) == [
        'scalars.json',
        '20260102_000000',
    ]
    tool.main(['plot_curve', str(run), str(run), *arguments, '--legend', 'one', 'two'])
    assert {row['line'] for row in table_of(table)} == {'one', 'two'}
    tool.main(['plot_curve', str(run), f'{run}/.', *arguments])
    assert {row['line'] for row in table_of(table)} == {str(run)}


def test_rounds_are_lines_of_one_panel(tool, work_dir, tmp_path):
    table, out = tmp_path / 'rounds.csv', tmp_path / 'rounds.svg'
    arguments = ['--keys', 'PSNR', 'loss_l1', '--csv', str(table), '--out', str(out)]
    tool.main(['rounds', str(work_dir), *arguments, '--title', 'the title'])
    assert out.read_text().startswith('<?xml')
    rows = table_of(table)
    lines = {(row['curve'], row['line']) for row in rows}
    assert lines == {*(('PSNR', f'round {r}') for r in range(3)), ('loss_l1', 'round 1')}
    last = [float(row['value']) for row in rows if row['iteration'] == '80']
    assert last == [20.8, 21.8, 22.8, 1 / 80]


def test_times_are_weighted_by_iterations(tool, tmp_path, capsys):
    records = [
        {'iter': 10, 'step': 10, 'time': 1.0, 'data_time': 0.5},
        {'time': 99.0, 'PSNR': 20.0, 'step': 10},
        {'iter': 40, 'step': 40, 'time': 3.0, 'data_time': 0.1},
    ]
    write_run(tmp_path / 'run', records)
    tool.main(['cal_train_time', str(tmp_path / 'run')])
    assert capsys.readouterr().out.splitlines() == [
        'run: 40 iterations in 1.7 min, without validations',
        '  mean 2.5000 s per iteration, of which 0.2000 s wait for data',
        '  fastest around iteration 10: 1.0000 s',
        '  slowest around iteration 40: 3.0000 s',
    ]


# -------------------------------------------------------------------------------- joining


def test_resumed_runs_are_joined_where_the_next_one_started(work_dir):
    newer = work_dir / '20260103_000000'
    write_run(newer, training(range(70, 101, 10), offset=1), resumed_from='iter_60.pth')
    curve = analyze_logs.read_log(work_dir).curve('loss')
    assert list(curve.index) == list(range(10, 101, 10))
    assert curve[60] == 10 / 60
    assert curve[70] == 10 / 70 + 1
    # Resumed once more, earlier: what came after iteration 20 is not of this training.
    newest = work_dir / '20260104_000000'
    write_run(newest, training(range(30, 51, 10), offset=2), resumed_from='iter_20.pth')
    curve = analyze_logs.read_log(work_dir).curve('loss')
    assert list(curve.index) == list(range(10, 51, 10))
    assert curve[20] == 0.5
    assert curve[30] == 10 / 30 + 2


def test_a_checkpoint_of_another_name_is_dated_by_the_first_record(work_dir):
    newer = work_dir / '20260103_000000'
    write_run(newer, training(range(50, 61, 10), offset=1), resumed_from='best.pth')
    curve = analyze_logs.read_log(work_dir).curve('loss')
    assert list(curve.index) == list(range(10, 61, 10))
    assert curve[50] == 10 / 50 + 1


def test_a_fresh_run_is_not_joined(work_dir):
    curve = analyze_logs.read_log(work_dir).curve('loss')
    assert list(curve.index) == list(range(10, 81, 10))
    assert curve[10] == 1.0


def test_validations_counted_by_epochs_get_their_iteration(tmp_path):
    records = [dict(one, step=one['step'] if 'iter' in one else 0) for one in training([10, 20])]
    path = write_run(tmp_path / 'run', records)
    assert analyze_logs.read_log(path).curve('PSNR').to_dict() == {20: 22.2}


def test_keys_of_rounds(tmp_path):
    keys = ['round1/PSNR', 'round12_loss_l1_hole', 'correction/traffic light/round2/mended', 'PSNR']
    record = {'step': 1, 'around1/PSNR': 0.0, **dict.fromkeys(keys, 0.5)}
    log = analyze_logs.read_log(write_run(tmp_path / 'run', [record]))
    assert list(log.rounds('PSNR')) == ['round 1']
    assert list(log.rounds('loss_l1_hole')) == ['round 12']
    assert list(log.rounds('correction/traffic light/mended')) == ['round 2']
    with pytest.raises(UserError, match='Available are: PSNR, loss_l1_hole, correction/traffic'):
        log.rounds('around1/PSNR')


# --------------------------------------------------------------------------------- errors


def test_unknown_keys_list_what_there_is(tool, work_dir, capsys):
    message = fail(tool, capsys, 'plot_curve', work_dir, '--keys', 'PSRN', '--csv', 'x.csv')
    assert message.startswith("demo has no 'PSRN'. Did you mean PSNR")
    assert message.endswith(
        'Available are: loss, round1_loss_l1, time, data_time, '
        'round0/PSNR, round1/PSNR, round2/PSNR, PSNR'
    )
    message = fail(tool, capsys, 'rounds', work_dir, '--keys', 'FID', '--csv', 'x.csv')
    assert message == "demo has no rounds of 'FID'. Available are: loss_l1, PSNR"


def test_a_cut_last_line_is_left_out_with_a_warning(work_dir, capsys):
    path = work_dir / '20260102_000000/vis_data/scalars.json'
    lines = path.read_text().splitlines()
    path.write_text('\n'.join([*lines[:-1], lines[-1][:20], '']))
    assert list(analyze_logs.read_log(path).curve('PSNR').index) == [20, 40, 60]
    warning = capsys.readouterr().err
    assert warning.startswith(f'warning: {path}, line {len(lines)}, left out: not JSON')


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('{"loss": 1', "not JSON (Expecting ',' delimiter"),
        ('[1, 2]', 'expected an object with the number "step", found \'[1, 2]\''),
        ('', 'not JSON'),
        ('{"loss": 1}', 'expected an object with the number "step"'),
    ],
)
def test_a_broken_line_is_named(tool, work_dir, capsys, line, message):
    path = work_dir / '20260102_000000/vis_data/scalars.json'
    lines = path.read_text().splitlines()
    lines[2] = line
    path.write_text('\n'.join(lines))
    assert f'{path}, line 3: {message}' in fail(tool, capsys, 'cal_train_time', work_dir)


def test_missing_and_empty_logs_are_named(tool, tmp_path, capsys):
    missing = tmp_path / 'nowhere'
    assert fail(tool, capsys, 'cal_train_time', missing) == f'{missing} does not exist'
    (tmp_path / 'empty').mkdir()
    message = fail(tool, capsys, 'cal_train_time', tmp_path / 'empty')
    assert message.startswith(f'{tmp_path / "empty"} has no log: expected vis_data/scalars.json')
    path = write_run(tmp_path / 'run', [])
    message = fail(tool, capsys, 'cal_train_time', tmp_path / 'run')
    assert message == f'{path} has no record: nothing was logged yet'
    path.write_text('{"PSNR": 1.0, "step": 5}\n')
    message = fail(tool, capsys, 'cal_train_time', path)
    assert message == 'scalars.json has no training iteration with its time'


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ([], 'nothing to write: give --out for a plot, --csv for a table, or both'),
        (['--out', 'a.gif'], "--out 'a.gif' should end with one of .png, .jpg, .pdf, .svg"),
        (['--out', 'a.png', '--legend', 'a', 'b'], '--legend has 2 names for 1 logs'),
    ],
)
def test_the_command_line_is_checked_before_anything_is_read(tool, capsys, options, message):
    assert fail(tool, capsys, 'plot_curve', 'nowhere', '--keys', 'PSNR', *options) == message


# ---------------------------------------------------------------------------------- plots


def test_a_line_has_one_color_in_all_panels(work_dir):
    table = analyze_logs.rounds_of(work_dir, ['loss_l1', 'PSNR'])
    panels = analyze_logs.draw(table, 'title').axes
    assert [axes.get_title() for axes in panels] == ['loss_l1', 'PSNR']
    colors = [{line.get_label(): line.get_color() for line in axes.lines} for axes in panels]
    assert list(colors[0]) == ['round 1']
    assert colors[0]['round 1'] == colors[1]['round 1']
    assert len(set(colors[1].values())) == 3
    assert panels[0].get_legend() is None
    assert panels[1].get_legend() is not None


def test_values_that_are_no_numbers_are_gaps_in_the_plot(tool, tmp_path):
    records = [
        {'loss': value, 'flag': True, 'note': 'x', 'step': step}
        for step, value in ((1, 1.0), (2, float('nan')), (3, 2.0))
    ]
    path = write_run(tmp_path / 'run', records)
    arguments = [
        '--keys',
        'loss',
        '--csv',
        str(tmp_path / 'a.csv'),
        '--out',
        str(tmp_path / 'a.png'),
    ]
    tool.main(['plot_curve', str(path), *arguments])
    values = [float(row['value']) for row in table_of(tmp_path / 'a.csv')]
    np.testing.assert_array_equal(values, [1, np.nan, 2])
