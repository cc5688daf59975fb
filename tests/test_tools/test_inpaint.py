from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image

from fbinpaint_mm.apis import FeedbackInpainter
from fbinpaint_mm.apis.folder_inpainting import (
    OutputFiles,
    generated_mask,
    mask_from_alpha,
    mask_from_color,
    mask_from_file,
)
from fbinpaint_mm.cli.inpaint import build_folder_inpainter, choose_mask_source
from fbinpaint_mm.picture import read_picture


@pytest.fixture(scope='module')
def model(small_config, inpainter, tmp_path_factory):
    """Config file and checkpoint of a small model."""
    folder = tmp_path_factory.mktemp('model')
    config, checkpoint = folder / 'small.py', folder / 'small.pth'
    small_config.dump(config)
    torch.save(dict(state_dict=inpainter.model.state_dict()), checkpoint)
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
        mask_path = tmp_path / name.replace('photos', 'masks')
        mask_path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(mask_path.with_name(f'{path.stem}_mask.png'))
    cut = tmp_path / 'photos/cut.jpg'
    cut.write_bytes(cut.read_bytes()[:1000])
    return tmp_path


@pytest.fixture
def tool(load_tool):
    return load_tool('inpaint')


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
        '0 inpainted, 2 finished earlier (--overwrite makes them again), 1 failed'
        in capsys.readouterr().out
    )


def test_a_checkpoint_of_another_config_ends_with_its_message(tool, model, folder, capsys):
    argv = [*model, str(folder / 'photos/a.png'), '--generate-mask', 'box']
    argv += ['--out', str(folder / 'out'), '--device', 'cpu']
    with pytest.raises(SystemExit) as end:
        tool.main([*argv, '--cfg-options', 'model.generator.initial.base_channels=8'])
    assert end.value.code == 2
    assert 'does not belong to this config' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--mask', '{folder}/none'], "/none' does not exist"),
        (
            ['--generate-mask', 'box', '--cfg-options', 'work_dir=x', '--out', '{folder}/out/f'],
            "--out '{folder}/out/f' cannot be made: ",
        ),
        (
            ['--generate-mask', 'box', '--cfg-options', 'work_dir=x', '--out', '{folder}/out/f/g'],
            "--out '{folder}/out/f/g' cannot be made: ",
        ),
        (
            ['--generate-mask=box', '--cfg-options', 'model.generatr.x=1', '--out={folder}/new'],
            "model.generatr: nothing takes this setting. Did you mean 'generator'?",
        ),
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
    argv = [*model, str(folder / 'photos/a.png'), '--out', str(folder / 'out'), *options]
    with pytest.raises(SystemExit) as end:
        tool.main(argv)
    assert end.value.code == 2
    assert message.format(folder=folder) in capsys.readouterr().err
    assert [path.name for path in (folder / 'out').iterdir()] == ['f']


@pytest.mark.parametrize(
    ('replaced', 'message'),
    [
        (dict(config='fbinpaint_dmo'), "config 'fbinpaint_dmo' .* Did you mean"),
        (dict(checkpoint='none.pth'), "checkpoint 'none.pth' does not exist"),
        (dict(image='none.png'), "'none.png' does not exist; expected a file, a folder or a glob"),
        (dict(image='none*.png'), r"'none\*.png' holds no image"),
    ],
)
def test_what_does_not_exist_is_named(tool, model, folder, capsys, replaced, message):
    given = dict(config=model[0], checkpoint=model[1], image=str(folder / 'photos/a.png'))
    argv = [*(given | replaced).values(), '--generate-mask', 'box', '--out', str(folder / 'out')]
    with pytest.raises(SystemExit) as end:
        tool.main(argv)
    assert end.value.code == 2
    assert re.search(f'^inpaint.py: .*{message}', capsys.readouterr().err)
    assert not (folder / 'out').exists()


def test_an_interruption_has_the_status_of_a_shell(tool, model, folder, monkeypatch, capsys):
    def interrupt(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(FeedbackInpainter, 'inpaint', interrupt)
    argv = [*model, str(folder / 'photos/a.png'), '--generate-mask', 'box']
    assert tool.main([*argv, '--out', str(folder / 'out'), '--device', 'cpu']) == 130
    assert 'the same command goes on from here' in capsys.readouterr().out
    assert list((folder / 'out').iterdir()) == []


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ([], 'one of the arguments --mask --mask-from-alpha --mask-color'),
        (['--mask', 'm', '--mask-from-alpha'], 'not allowed with argument'),
        (['--mask-color', 'pink'], "'pink' is no color; expected one like '#ff00ff'"),
        (['--mask', 'm', '--seed', '1'], '--seed has an effect only with --generate-mask'),
        (['--mask', 'm', '--mask-tolerance', '0'], 'has an effect only with --mask-color'),
        (['--generate-mask', 'box', '--area', '0.4', '0.1'], 'expected 0 < LOW < HIGH <= 1'),
        (['--generate-mask', 'box', '--rounds', '-1'], '-1 is out of range, expected 0 or more'),
        (['--generate-mask', 'box', '--max-side', '0'], '0 is out of range, expected 1 or more'),
        (['--generate-mask', 'box', '--quality', '0'], '0 is out of range, expected 1 to 100'),
        (['--mask', 'm', '--format', 'png', '--quality', '9'], '--format png has no --quality;'),
        (['--mask', 'm', '--quality', '9'], '--format lossless has no --quality; choose keep, jpg'),
        (['--generate-mask', 'box', '--rounds', '1.5'], "invalid int value: '1.5'"),
    ],
)
def test_arguments_that_contradict_each_other_are_refused(tool, capsys, options, message):
    with pytest.raises(SystemExit) as error:
        tool.parse_args(['config', 'checkpoint', 'a.png', '--out', 'out', *options])
    assert error.value.code == 2
    assert message in capsys.readouterr().err


def test_inputs_may_stand_between_options(tool):
    argv = ['config', 'checkpoint', '--mask', 'm', 'a.png', '--out', 'out', 'b.png']
    assert tool.parse_args(argv).inputs == ['checkpoint', 'a.png', 'b.png']


def test_an_input_is_needed(tool, capsys):
    with pytest.raises(SystemExit):
        tool.parse_args(['faces', '--out', 'out', '--mask', 'm'])
    assert 'the following arguments are required: INPUT' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('options', 'function', 'settings'),
    [
        (['--mask', 'm'], mask_from_file, {}),
        (['--mask-from-alpha'], mask_from_alpha, {}),
        (
            ['--mask-color', '#0a00Ff', '--mask-tolerance', '3'],
            mask_from_color,
            dict(color=(10, 0, 255), tolerance=3),
        ),
        (
            ['--generate-mask', 'irregular', '--seed', '7'],
            generated_mask,
            dict(kind='irregular', seed=7, area=(0.1, 0.4)),
        ),
    ],
)
def test_every_way_to_get_a_mask_has_its_source(tool, options, function, settings):
    args = tool.parse_args(['config', 'checkpoint', 'a.png', '--out', 'out', *options])
    source = choose_mask_source(args)
    if settings:
        assert isinstance(source, partial)
        assert source.keywords == settings
    assert getattr(source, 'func', source) is function


def test_the_kinds_and_formats_are_those_of_the_package(tool):
    from fbinpaint_mm.apis.folder_inpainting.encoding import PILLOW_FORMATS
    from fbinpaint_mm.apis.folder_inpainting.mask_sources import KINDS

    assert tuple(KINDS) == tool.KINDS
    assert ('lossless', 'keep', *PILLOW_FORMATS) == tool.FORMATS


def test_every_setting_of_the_command_line_reaches_the_pictures(tool, model):
    options = ['--rounds', '3', '--max-side', '20', '--mask-dilate', '2']
    options += ['--format', 'jpg', '--quality', '50', '--save-maps', '--save-rounds', '--overwrite']
    argv = [*model, 'a.png', '--out', 'out', '--mask', 'm', '--side-by-side', *options]
    found = build_folder_inpainter(tool.parse_args(argv), model[1])
    assert found.outputs == OutputFiles(
        quality=50, masks=True, maps=True, rounds=True, side_by_side=True
    )
    assert found.options == dict(rounds=3, max_side=20)
    assert (found.dilation, found.overwrite, str(found.checkpoint)) == (2, True, model[1])


@pytest.mark.parametrize(
    'options',
    [
        ['--rounds', '0'],
        ['--max-side', '20'],
        ['--mask-dilate', '1'],
        ['--format', 'jpg'],
        ['--cfg-options', 'model.test_cfg.merge_sigma=1.0'],
    ],
)
def test_what_changes_results_changes_the_settings_they_are_known_by(tool, model, options):
    argv = [*model, 'a.png', '--out', 'out', '--mask', 'm']

    def settings(*more):
        return build_folder_inpainter(tool.parse_args([*argv, *more]), model[1]).settings

    assert settings() == settings('--save-maps', '--skip-missing') != settings(*options)
