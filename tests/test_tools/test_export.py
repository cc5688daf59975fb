from __future__ import annotations

import pytest
import torch

from fbinpaint_mm.user_error import UserError


@pytest.fixture(scope='module')
def files(small_config, inpainter, tmp_path_factory):
    """Config and checkpoint of the small model, as a training leaves them."""
    folder = tmp_path_factory.mktemp('trained')
    small_config.dump(folder / 'small.py')
    torch.save(dict(state_dict=inpainter.model.state_dict()), folder / 'iter_1.pth')
    return [str(folder / 'small.py'), str(folder / 'iter_1.pth')]


@pytest.fixture
def run(load_tool, files, tmp_path):
    """Runs the tool on the small model; what it writes goes to the test's folder."""
    tool = load_tool('export')
    base = [*files, '--out', str(tmp_path), '--size', '16', '24']
    return lambda *arguments: tool.main([*base, *arguments])


def test_files_are_written_and_the_differences_printed(run, tmp_path, capsys):
    run('--mode', 'per-round', '--rounds', '3')
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        'small_initial.onnx', 'small_round.onnx',
    ]  # fmt: skip
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f'{tmp_path}/small_initial.onnx: ')
    assert sum('differs from PyTorch by' in line for line in lines) == 6
    assert lines[-1].endswith('images and holes of 2x16x24, 1x16x24, 3x16x24 (N x H x W)')


def test_the_files_name_the_classes_of_the_config_and_its_rounds(run, tmp_path):
    import onnx

    run()
    told = {e.key: e.value for e in onnx.load(tmp_path / 'small_rounds2.onnx').metadata_props}
    assert told['classes'] == '["sky", "road", "tree", "car", "wall"]'
    assert told['rounds'] == '2'


def test_a_difference_beyond_the_tolerance_ends_in_an_error_without_files(run, tmp_path, capsys):
    with pytest.raises(SystemExit) as error:
        run('--tolerance', '1e-12')
    assert error.value.code == 2
    assert capsys.readouterr().err.startswith('export.py: differs from PyTorch by more than 1e-12')
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--rounds', '0'], "rounds: found 0, mode 'unrolled' needs 1 to 100"),
        (['--size', '18', '24'], 'size 18 24 (height, width): the model needs multiples of 4'),
        (
            ['--cfg-options', 'model.generator.initial.base_channels=8'],
            'does not belong to this config',
        ),
        (['--cfg-options', 'model.type=GLInpaintor'], "found 'GLInpaintor'"),
    ],
)
def test_what_does_not_fit_ends_in_a_message(run, tmp_path, capsys, arguments, message):
    with pytest.raises(SystemExit):
        run(*arguments)
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ('replaced', 'message'),
    [
        ({0: 'missing.py'}, "config 'missing.py' is neither a file nor one of the configs"),
        ({1: 'no.pth'}, "there is no file 'no.pth'"),
        ({1: 'https://x.org/a.pth'}, "no file 'https://x.org/a.pth'; download one that has an"),
        ({3: 'file'}, 'found a file, expected a folder'),
        ({3: 'file/x'}, 'found a file, expected a folder, here or above'),
    ],
)
def test_files_are_checked_before_the_model_is_built(
    load_tool, files, tmp_path, monkeypatch, capsys, replaced, message
):
    monkeypatch.setattr('fbinpaint_mm.cli.export.load_model', None)  # its call is another error
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'file').touch()
    arguments = [replaced.get(i, a) for i, a in enumerate([*files, '--out', str(tmp_path / 'out')])]
    with pytest.raises(SystemExit):
        load_tool('export').main(arguments)
    assert message in capsys.readouterr().err


def test_a_missing_package_is_named_before_the_model_is_built(run, monkeypatch, capsys):
    def absent(extra, modules):
        raise UserError(f'{modules[0]}: not installed')

    monkeypatch.setattr('fbinpaint_mm.export.onnx_format.require_extra', absent)
    monkeypatch.setattr('fbinpaint_mm.cli.export.load_model', None)
    with pytest.raises(SystemExit):
        run()
    assert capsys.readouterr().err == 'export.py: onnx: not installed\n'
