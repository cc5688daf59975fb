"""The command line, and one small benchmark from end to end."""

from __future__ import annotations

import importlib.util
import json
import re

import pandas as pd
import pytest
import torch

from fbinpaint_mm.benchmark import benchmark_runner, command
from fbinpaint_mm.user_error import UserError


@pytest.fixture
def tool(load_tool):
    return load_tool('benchmark')


@pytest.fixture
def config(repository):
    return str(repository / 'tests/test_benchmark/small_config.py')


@pytest.fixture
def refused(tool, capsys, tmp_path):
    """The message with which the command line is refused."""

    def run(*argv):
        with pytest.raises(SystemExit) as end:
            tool.main(['--out', str(tmp_path), *map(str, argv)])
        assert end.value.code == 2
        return capsys.readouterr().err

    return run


# ------------------------------------------------------------------------------ arguments


@pytest.mark.parametrize(
    ('argv', 'message'),
    [
        (['telea'], 'no entry has a config that says which images to use: give --data CONFIG'),
        (['telea', 'telea'], "2 entries are called 'telea'"),
        (['telea', '--only', 'ours'], "--only 'ours' is not an entry; there are telea"),
        (['telea', '--seeds', '1'], '--equal and --seeds are about training: give --train'),
        (['telea', '--train', '0'], '0 is out of range, expected 1 or more'),
        (['telea', '--train', '5', '--seeds', '1', '1'], '--seeds has a seed twice'),
        (
            ['telea', '--train', '5', '--equal', 'flops', '--no-speed'],
            '--equal flops needs measured speed: leave out --no-speed',
        ),
        (['telea', '--train', '5'], '--train: every entry has its checkpoint, or does not learn'),
        (['telea', '--sizes', '64', '--train', '5'], '--sizes only measures the speed'),
        (['telea', '--with-training'], 'at each of --sizes: give them as well'),
        (['telea', '--sizes', '64', '--latex'], '--sizes scores nothing: leave out --columns'),
        (['telea', '--figures', 'png'], "invalid choice: 'png' (choose from"),
        (['telea', '--sizes', '0'], '0 is out of range, expected 1 or more'),
        (['telea', '--rounds', '-1'], '-1 is out of range, expected 0 or more'),
        (['missing.py', '--train', '5'], "config 'missing.py' is neither a file nor one of"),
        (['telea', '--data', 'missing.py'], "config 'missing.py' is neither a file nor one of"),
    ],
)
def test_mistakes_are_found_before_any_work(refused, argv, message):
    assert message in refused(*argv)


def test_mistakes_about_configs_are_found_before_any_work(refused, config, tmp_path):
    assert 'has no checkpoint: write ' in refused(config)
    assert "config 'telea_.py' is neither a file nor one of" in refused('telea_.py')
    assert "config 'teela' is neither a file nor one of" in refused('teela')
    assert 'Did you mean: navier_stokes' in refused('navier_stoke')
    without_weights = refused('telea', '--data', config, '--lpips', tmp_path)
    assert 'Put one of alexnet_features_torchvision.pth' in without_weights
    assert "checkpoint 'no.pth' does not exist" in refused(f'{config}:no.pth')
    mistyped = refused('telea', '--data', config, '--cfg-options', 'modle.freeze_initial=True')
    assert "option 'modle.freeze_initial'" in mistyped
    assert "Did you mean 'model'?" in mistyped
    message = refused('telea', '--data', config, '--reference', 'ours')
    assert "--reference 'ours' is not an entry; there are telea" in message
    only = ('--only', 'telea', '--reference', 'mean_color')
    message = refused('telea', 'mean_color', '--data', config, *only)
    assert "--reference 'mean_color' is not an entry; left by --only are telea" in message


def test_onnx_files_that_cannot_be_run_are_found_before_any_work(refused, tmp_path, monkeypatch):
    assert "'no.onnx': there is no such file" in refused('no.onnx')
    path = tmp_path / 'text.onnx'
    path.write_text('hello')
    assert f"benchmark.py: '{path}' cannot be run: " in refused(f'migan={path}', '--sizes', 32)
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, 'find_spec', lambda name: None if name == 'onnxruntime' else find(name)
    )
    assert "onnxruntime: not installed. Run: pip install 'fbinpaint_mm[export]'" in refused(path)


def test_folders_of_results_are_refused_where_they_make_no_sense(refused, tmp_path):
    results = tmp_path / 'images/lama'
    results.mkdir(parents=True)
    assert f"there is no folder '{tmp_path}/no/'" in refused(f'a={tmp_path}/no/')
    assert 'holds results, whose speed cannot be measured' in refused(results, '--sizes', 32)
    message = f"entry 'lama': {results} lies in --out {tmp_path}, where the benchmark replaces"
    assert message in refused(results)


@pytest.mark.parametrize('name', ['images/telea/photo.png', 'strip.png', 'results.csv'])
def test_files_of_others_are_not_replaced(refused, config, tmp_path, name):
    photo = tmp_path / name
    photo.parent.mkdir(parents=True, exist_ok=True)
    photo.write_bytes(b'mine')
    top = name.partition('/')[0]
    assert f'--out {tmp_path}: it holds {top}, which no benchmark made' in refused(
        'telea', '--data', config
    )
    assert photo.read_bytes() == b'mine'


def test_out_is_named_if_it_cannot_be_a_folder(refused, config, tmp_path):
    (tmp_path / 'file').write_text('mine')
    arguments = ('telea', '--data', config, '--out', tmp_path / 'file')
    assert f"--out '{tmp_path}/file' " in refused(*arguments)


def test_two_benchmarks_do_not_share_a_folder(refused, config, tmp_path, monkeypatch):
    def held(folder):
        raise UserError(f'{folder} is in use')

    monkeypatch.setattr(command, 'locked_folder', held)
    for options in (('--data', config), ('--sizes', 32)):
        assert refused('telea', *options) == f'benchmark.py: {tmp_path} is in use\n'


def test_arguments_stand_in_a_file(tool, refused, tmp_path):
    file = tmp_path / 'arguments.txt'
    file.write_text("telea  # a method\n\n--train 5\n--cfg-options a.b='[1, 2]'\n")
    args = tool.parse_args([f'@{file}', '--out', 'there', '--train', '6'])
    assert (args.entries, args.iterations) == (['telea'], 6)
    assert args.cfg_options == {'a.b': [1, 2]}
    assert args.argv[:4] == ['telea', '--train', '5', '--cfg-options'], 'for the report'
    assert f"No such file or directory: '{tmp_path / 'no.txt'}'" in refused(f'@{tmp_path}/no.txt')
    file.write_text("telea 'a\n")
    assert f'@{file}: No closing quotation' in refused(f'@{file}')


def test_an_interruption_says_how_to_go_on(tool, argv, monkeypatch, capsys):
    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, 'run_benchmark', interrupt)
    assert tool.main(argv) == 130
    assert 'interrupted; the same command goes on from here' in capsys.readouterr().err


def test_no_gpu_is_no_cuda(refused, config, monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    message = refused('telea', '--data', config, '--device', 'cuda')
    assert '--device cuda: torch finds no GPU' in message


def test_options_change_every_config_and_settings_have_defaults(
    tool, config, tmp_path, monkeypatch
):
    monkeypatch.delenv('FBINPAINT_WEIGHTS', raising=False)  # would be the default of --lpips
    argv = [
        f'a={config}',
        'telea',
        '--out',
        str(tmp_path),
        '--train',
        '4',
        '--lpips',
        '--cfg-options',
    ]
    args = tool.parse_args([*argv, 'test_dataloader.dataset.num_scenes=7', 'model.disc=None'])
    entries = command.read_entries(args)
    assert [entry.name for entry in entries] == ['a', 'telea']
    assert entries[1].cfg.model == dict(type='ClassicalInpaintor', method='telea')
    path, cfg = command.find_data(args, entries)
    assert (path, cfg.test_dataloader.dataset.num_scenes) == (config, 7)
    settings = command.build_settings(args, entries)
    assert (settings.reference, settings.seeds, settings.equal) == ('a', (0,), 'iterations')
    assert (settings.iterations, settings.lpips, settings.fid) == (4, 'download', None)
    assert settings.command[-2:] == ['test_dataloader.dataset.num_scenes=7', 'model.disc=None']


def test_the_data_may_come_from_another_config(tool, config, tmp_path):
    argv = ['telea', '--out', str(tmp_path), '--data', config]
    args = tool.parse_args([*argv, '--cfg-options', 'test_dataloader.batch_size=1'])
    path, cfg = command.find_data(args, command.read_entries(args))
    assert (path, cfg.test_dataloader.batch_size) == (config, 1)


def test_rounds_are_those_of_models_that_have_them(tool, config, tmp_path):
    entries = [f'a={config}', 'baselines/migan_camvid', 'telea']
    args = tool.parse_args([*entries, '--out', str(tmp_path), '--train', '1'])
    assert command.read_entries(args)[0].cfg.model.test_cfg.rounds == 1
    args.rounds = 3
    ours, migan, telea = command.read_entries(args)
    assert ours.cfg.model.test_cfg.rounds == 3
    assert migan.cfg.model.test_cfg.rounds == 0, 'it has no guided network'
    assert 'test_cfg' not in telea.cfg.model


def test_sizes_need_neither_data_nor_checkpoints(tool, config, tmp_path, monkeypatch):
    measured = []
    monkeypatch.setattr(command, 'run_size_sweep', lambda *a: measured.append(a) or 0)
    assert tool.main(['telea', f'a={config}', '--sizes', '64', '32', '--out', str(tmp_path)]) == 0
    ((entries, sizes, settings),) = measured
    assert [entry.name for entry in entries] == ['telea', 'a']
    assert (sizes, settings.reference) == ([64, 32], 'telea')


# -------------------------------------------------------------------------- end to end


@pytest.fixture(scope='module')
def out(tmp_path_factory):
    return tmp_path_factory.mktemp('benchmark')


@pytest.fixture
def argv(out, config):
    entries = [f'ours={config}', 'telea', 'mean_color']
    options = ['--train', '2', '--no-speed', '--device', 'cpu', '--out', str(out)]
    return [*entries, *options]


def test_a_benchmark_trains_scores_and_reports(tool, argv, out, capsys):
    assert tool.main(argv) == 0
    results = json.loads((out / 'results.json').read_text())
    assert list(results['entries']) == ['ours', 'telea', 'mean_color']
    assert results['reference'] == 'ours'
    (run,) = results['entries']['ours']['runs']
    assert (run['seed'], run['training']['iterations']) == (0, 2)
    assert min(run['training'][key] for key in ('seconds', 'cpu_seconds')) > 0
    assert torch.load(run['checkpoint'], weights_only=False)['meta']['iter'] == 2
    scores = pd.DataFrame(results['scores']).set_index(['entry', 'metric', 'round', 'bin'])
    rounds = scores.loc['ours', 'PSNR'].index.get_level_values('round')
    assert list(rounds.unique()) == [0, 1, 'final']
    assert scores.loc['telea', 'PSNR', 'final', 'all']['count'] == 4
    assert scores.loc['ours', 'mIoU_hole', 'final', 'all']['mean'] >= 0
    for name in ('results.md', 'results.csv', 'contact_sheet.png', 'benchmark.log'):
        assert (out / name).is_file(), name
    folders = sorted(path.name for path in (out / 'images').iterdir())
    assert folders == ['input', 'mean_color', 'ours', 'telea', 'truth']
    log = (out / 'benchmark.log').read_text()
    for name in ('ours', 'telea', 'mean_color'):
        assert re.search(rf' INFO {name}: PSNR \d', log), name
    assert log.endswith(f'Report: {out / "results.md"}\n')
    assert f'Report: {out / "results.md"}\n' in capsys.readouterr().err


def test_a_second_call_measures_nothing(tool, argv, out, monkeypatch):
    if not (out / 'results.json').is_file():
        pytest.skip('needs the benchmark of the test before')
    before = json.loads((out / 'results.json').read_text())
    monkeypatch.setattr(benchmark_runner, 'build_model', None)
    monkeypatch.setattr('fbinpaint_mm.benchmark.training.call_in_process', None)
    assert tool.main([*argv, '--columns', 'PSNR', 'iterations', '--latex', '--figures', 'svg']) == 0
    after = json.loads((out / 'results.json').read_text())
    assert after['entries'] == before['entries']
    assert (out / 'area.svg').is_file()
    lines = (out / 'results.tex').read_text().splitlines()
    assert r' & PSNR $\uparrow$ & iterations \\' in lines
    assert any(line.startswith('ours & ') and line.endswith(r' & 2 \\') for line in lines)


def test_a_failure_is_reported_and_ends_in_status_1(tool, config, tmp_path, capsys):
    wrong = tmp_path / 'wrong.pth'
    torch.save(dict(state_dict={'generator.x': torch.zeros(1)}), wrong)
    argv = ['mean_color', f'{config}:{wrong}', '--no-speed', '--device', 'cpu']
    assert tool.main([*argv, '--out', str(tmp_path / 'out')]) == 1
    entries = json.loads((tmp_path / 'out/results.json').read_text())['entries']
    assert entries['mean_color']['error'] is None
    assert 'does not belong to this config' in entries['small_config']['error']
    report = (tmp_path / 'out/results.md').read_text()
    assert 'does not belong to this config' in report
    said = capsys.readouterr().err
    assert said.strip().splitlines()[-1].startswith('small_config failed: checkpoint ')
    assert said.count('does not belong to this config') == 2, 'when it happens and at the end'
    assert 'Traceback' not in said
    assert 'The prefix is not set' not in said
