from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from fbinpaint_mm.apis import FeedbackInpainter
from fbinpaint_mm.apis.folder_inpainting import (
    GeneratedMask,
    MaskFromAlpha,
    MaskFromColor,
    MaskFromFile,
)
from fbinpaint_mm.apis.picture import read_picture


@pytest.fixture(scope='module')
def model(repository, tmp_path_factory):
    """Config file and checkpoint of a small model."""
    folder = tmp_path_factory.mktemp('model')
    small = Config.fromfile(repository / 'tests/small_inpaintor.py').model
    config, checkpoint = folder / 'small.py', folder / 'small.pth'
    Config(dict(model=small.to_dict())).dump(config)
    torch.manual_seed(0)
    network = FeedbackInpainter(str(config), device='cpu').model
    torch.save(dict(state_dict=network.state_dict()), checkpoint)
    return str(config), str(checkpoint)


@pytest.fixture
def folder(tmp_path):
    """Three photographs, of which one is cut off, and masks."""
    random = np.random.default_rng(0)
    mask = np.zeros((40, 56), np.uint8)
    mask[10:30, 20:44] = 255
    for name in ('photos/a.png', 'photos/sub/b.jpg', 'photos/cut.jpg'):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (40, 56, 3), np.uint8)).save(path)
        (tmp_path / 'masks').mkdir(exist_ok=True)
        Image.fromarray(mask).save(tmp_path / 'masks' / f'{path.stem}_mask.png')
    cut = tmp_path / 'photos/cut.jpg'
    cut.write_bytes(cut.read_bytes()[:1000])
    return tmp_path


@pytest.fixture
def tool(load_tool):
    return load_tool('inpaint')


@pytest.fixture
def arguments(load_tool):
    return load_tool('inpaint_arguments')


def test_a_folder_is_inpainted_and_a_second_call_finds_it_finished(
    model, folder, repository, tool, capsys
):
    argv = [*model, str(folder / 'photos'), '--recursive', '--mask', str(folder / 'masks')]
    argv += ['--out', str(folder / 'out'), '--device', 'cpu', '--save-maps', '--side-by-side']
    done = subprocess.run(
        [sys.executable, str(repository / 'tools/inpaint.py'), *argv],
        capture_output=True,
        text=True,
        env={**os.environ, 'PYTHONPATH': str(repository)},
    )
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == f'2 inpainted, 1 failed; results in {folder / "out"}'
    assert lines[-1].startswith(
        f'FAILED {folder}/photos/cut.jpg (mask {folder}/masks/cut_mask.png)'
    )
    assert len(lines) == 3  # with the note about JPEG
    assert '3/3' in done.stderr  # the progress bar, and nothing that the libraries say
    assert not [line for line in done.stderr.split('\r') if line and 'image/s' not in line]

    before, after = (
        read_picture(folder / part / 'a.png', 'image').pixels for part in ('photos', 'out')
    )
    known = np.asarray(Image.open(folder / 'masks/a_mask.png')) == 0
    assert np.array_equal(after[known], before[known])
    assert not np.array_equal(after[~known], before[~known])
    assert Image.open(folder / 'out/maps/sub/b.png').size == (56, 40)
    assert (folder / 'out/side_by_side/a.png').is_file()

    assert tool.main(argv) == 1
    assert (
        '0 inpainted, 2 finished earlier and left as they are, 1 failed' in capsys.readouterr().out
    )


def test_the_command_line_is_checked_before_the_slow_imports(repository, tmp_path):
    code = (
        'import sys, inpaint\n'
        "argv = ['fbinpaint_demo', 'none.pth', 'x.png', '--mask', 'm', '--out', 'o']\n"
        'status = inpaint.main(argv)\n'
        "print(status, sorted({'torch', 'mmagic', 'fbinpaint_mm'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, '-c', code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, 'PYTHONPATH': f'{repository / "tools"}:{repository}'},
    )
    assert done.stdout == '2 []\n'
    assert "inpaint.py: error: checkpoint 'none.pth' does not exist" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_of_another_config_ends_with_its_message(tool, model, folder, capsys):
    argv = [*model, str(folder / 'photos/a.png'), '--generate-mask', 'box']
    argv += ['--out', str(folder / 'out'), '--device', 'cpu']
    status = tool.main([*argv, '--cfg-options', 'model.initial.base_channels=8'])
    assert status == 2
    assert 'does not belong to this config' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--mask', '{folder}/none'], "/none' does not exist"),
        (['--mask', '{folder}/photos/sub'], '1 images have no mask of their name in'),
        (
            ['--generate-mask', 'box', '--cfg-options', 'work_dir=x', '--out', '{folder}/out/f'],
            'is a file',
        ),
        (['--pairs', '{folder}/none.csv'], "/none.csv' does not exist"),
        (
            ['--mask={folder}/masks/a.png', '--mask-dilate=2', '--out={folder}', '--format=webp'],
            'would overwrite the input {folder}/masks/a.png',
        ),
    ],
)
def test_what_is_missing_is_told_before_anything_is_made(
    tool, model, folder, capsys, options, message
):
    (folder / 'out').mkdir()
    for name in ('out/f', 'masks/a.png'):
        (folder / name).touch()
    options = [option.format(folder=folder) for option in options]
    inputs = [] if '--pairs' in options else [str(folder / 'photos/a.png')]
    status = tool.main([*model, *inputs, '--out', str(folder / 'out'), *options])
    assert status == 2
    assert message.format(folder=folder) in capsys.readouterr().err
    assert [path.name for path in (folder / 'out').iterdir()] == ['f']


def test_an_input_that_matches_nothing_is_refused(tool, model, tmp_path, capsys):
    argv = [*model, f'{tmp_path}/*.png', '--generate-mask', 'box', '--out', str(tmp_path / 'out')]
    assert tool.main(argv) == 2
    assert "*.png' does not exist, nor does it match anything" in capsys.readouterr().err


def test_an_interruption_has_the_status_of_a_shell(tool, model, folder, monkeypatch, capsys):
    def interrupt(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(FeedbackInpainter, 'inpaint', interrupt)
    argv = [*model, str(folder / 'photos/a.png'), '--generate-mask', 'box']
    assert tool.main([*argv, '--out', str(folder / 'out'), '--device', 'cpu']) == 130
    assert 'the same command goes on from here' in capsys.readouterr().out
    assert [path.name for path in (folder / 'out').iterdir()] == []


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ([], 'one of the arguments --mask --mask-from-alpha --mask-color'),
        (['--mask', 'm', '--mask-from-alpha'], 'not allowed with argument'),
        (['--mask-color', 'pink'], "'pink' is no colour; expected one like '#ff00ff'"),
        (['--mask', 'm', '--seed', '1'], '--seed has an effect only with --generate-mask'),
        (['--mask', 'm', '--mask-tolerance', '0'], 'has an effect only with --mask-color'),
        (['--generate-mask', 'box', '--area', '0.4', '0.1'], 'expected 0 < LOW < HIGH <= 1'),
        (['--generate-mask', 'box', '--rounds', '-1'], '-1 is negative'),
        (['--generate-mask', 'box', '--tolerance', '1.5'], '1.5 is not in 0..1'),
        (['--generate-mask', 'box', '--max-side', '0'], '0 is not a positive number'),
        (['--generate-mask', 'box', '--quality', '0'], '0 is not in 1..100'),
        (['--mask', 'm', '--format', 'png', '--quality', '9'], 'is always lossless'),
        (['--pairs', 'list.csv'], 'give INPUT, or --pairs LIST in its place'),
    ],
)
def test_arguments_that_contradict_each_other_are_refused(arguments, capsys, options, message):
    with pytest.raises(SystemExit) as error:
        arguments.parse_args(['config', 'checkpoint', 'a.png', '--out', 'out', *options])
    assert error.value.code == 2
    assert message in capsys.readouterr().err


def test_inputs_may_stand_between_options(arguments):
    argv = ['config', 'checkpoint', '--mask', 'm', 'a.png', '--out', 'out', 'b.png']
    assert arguments.parse_args(argv).inputs == ['a.png', 'b.png']


@pytest.mark.parametrize(
    ('options', 'kind', 'identity'),
    [
        (['--mask', 'm'], MaskFromFile, None),
        (['--mask-from-alpha'], MaskFromAlpha, 'alpha'),
        (
            ['--mask-color', '#0a00Ff', '--mask-tolerance', '3'],
            MaskFromColor,
            ['color', (10, 0, 255), 3],
        ),
        (
            ['--generate-mask', 'irregular', '--seed', '7'],
            GeneratedMask,
            ['generated', 'irregular', 7, (0.1, 0.4), 'a'],
        ),
    ],
)
def test_every_way_to_get_a_mask_has_its_source(arguments, tool, options, kind, identity):
    from fbinpaint_mm.apis.folder_inpainting import jobs_of_images

    args = arguments.parse_args(['config', 'checkpoint', 'a.png', '--out', 'out', *options])
    source = tool.choose_mask_source(args)
    assert type(source) is kind
    if identity is not None:
        (job,) = jobs_of_images({args.out.with_name('a.png'): 'a.png'}, 'keep')
        assert source.identity(job) == identity


def test_the_kinds_and_formats_are_those_of_the_package(arguments):
    from fbinpaint_mm.apis.folder_inpainting.encoding import SUFFIX_OF_FORMAT
    from fbinpaint_mm.apis.folder_inpainting.mask_sources.generated_mask import KINDS

    assert tuple(KINDS) == arguments.KINDS
    assert ('keep', *SUFFIX_OF_FORMAT) == arguments.FORMATS


def test_every_setting_of_the_command_line_reaches_the_pictures(tool, arguments):
    options = ['--rounds', '3', '--tolerance', '0.1', '--max-side', '20', '--mask-dilate', '2']
    options += ['--format', 'jpg', '--quality', '50', '--save-maps', '--save-rounds']
    argv = ['config', 'checkpoint', 'a.png', '--out', 'out', '--mask', 'm', '--side-by-side']
    found = asdict(tool.make_settings(arguments.parse_args([*argv, *options])))
    assert found == dict(
        rounds=3,
        tolerance=0.1,
        max_side=20,
        dilation=2,
        form='jpg',
        quality=50,
        save_maps=True,
        save_rounds=True,
        side_by_side=True,
    )
