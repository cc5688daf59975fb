"""The example that needs neither torch nor mmagic."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from fbinpaint_mm.apis.hole_and_map import read_hole
from fbinpaint_mm.export import ExportSettings, export_model
from fbinpaint_mm.picture import read_picture

SIZE = (16, 24)
WITHOUT_TORCH = """
import json, runpy, sys
for name in ('torch', 'mmagic', 'mmengine', 'fbinpaint_mm'):
    sys.modules[name] = None  # importing it fails
script, sys.argv = sys.argv[1], sys.argv[1:]
runpy.run_path(script, run_name='__main__')
"""


@pytest.fixture(scope='module')
def folder(inpainter, tmp_path_factory):
    """Both kinds of files; only the unrolled one takes every size."""
    folder = tmp_path_factory.mktemp('exported')
    checkpoint = folder / 'iter_1.pth'
    checkpoint.touch()
    for mode, dynamic in {'unrolled': True, 'per-round': False}.items():
        settings = ExportSettings(mode=mode, rounds=2, size=SIZE, dynamic=dynamic)
        export_model(inpainter.model, settings, folder, 'small', checkpoint, ())
    return folder


@pytest.fixture
def inpaint(load_tool, folder, tmp_path):
    """Runs the tool on a random picture; returns picture, hole and result, uint8 and bool."""
    tool = load_tool('run_onnx')

    def run(file, size=SIZE, *options):
        rng = np.random.default_rng(0)
        image = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        hole = np.zeros(size, bool)
        hole[4:12, 6:18] = True
        Image.fromarray(image).save(tmp_path / 'image.png')
        Image.fromarray(hole).save(tmp_path / 'mask.png')
        names = [tmp_path / name for name in ('image.png', 'mask.png', 'out.png')]
        tool.main([str(folder / file), *map(str, names), *options])
        return image, hole, np.asarray(Image.open(names[-1]))

    return run


def own_rounds(model, image, hole, rounds):
    """Class ids and composite of the loop itself, (H, W) and (H, W, 3) float RGB in 0..255."""
    mask = torch.from_numpy(hole).float()[None, None]
    planes = torch.from_numpy(image).permute(2, 0, 1)[None].float().flip(1)
    with torch.no_grad():
        last = model.loop((planes / 127.5 - 1) * (1 - mask), mask, rounds)[-1]
    composite = (last.composite.flip(1)[0].permute(1, 2, 0) + 1) * 127.5
    ids = last.semantics.logits.argmax(1)[0].numpy() if rounds else None
    return ids, composite.numpy()


@pytest.mark.parametrize(
    ('file', 'options', 'rounds'),
    [
        ('small_rounds2.onnx', [], 2),
        ('small_initial.onnx', [], 2),
        ('small_initial.onnx', ['--rounds', '0'], 0),
        ('small_initial.onnx', ['--rounds', '3'], 3),
    ],
)
def test_it_inpaints_as_the_model_does(inpainter, inpaint, tmp_path, file, options, rounds):
    image, hole, found = inpaint(file, SIZE, *options, '--map', str(tmp_path / 'map.png'))
    ids, expected = own_rounds(inpainter.model, image, hole, rounds)
    assert np.array_equal(found[~hole], image[~hole])
    # Half a level of rounding to 8 bits, and what float32 leaves.
    assert np.abs(found[hole] - expected[hole]).max() < 0.51
    assert not np.array_equal(found[hole], image[hole])
    if rounds:
        agreeing = (np.asarray(Image.open(tmp_path / 'map.png')) == ids).mean()
        assert agreeing > 0.99  # ties may fall either way


@pytest.mark.parametrize(
    ('file', 'size'), [('small_rounds2.onnx', (17, 25)), ('small_initial.onnx', (15, 19))]
)
def test_odd_sizes_are_padded_and_cut(inpaint, file, size):
    image, hole, found = inpaint(file, size)
    assert found.shape == image.shape
    assert np.array_equal(found[~hole], image[~hole])


def test_a_photograph_is_turned_upright(load_tool, inpaint, folder, tmp_path):
    image, _, expected = inpaint('small_initial.onnx')
    exif = Image.Exif()
    exif[0x0112] = 3  # stored upside down
    Image.fromarray(image[::-1, ::-1]).save(tmp_path / 'image.png', exif=exif)
    names = [tmp_path / name for name in ('image.png', 'mask.png', 'turned.png')]
    load_tool('run_onnx').main([str(folder / 'small_initial.onnx'), *map(str, names)])
    assert np.array_equal(np.asarray(Image.open(names[-1])), expected)


@pytest.mark.parametrize(
    ('known', 'hole', 'dtype'),
    [
        (False, True, bool),
        (0, 1, 'uint8'),
        (0, 255, 'uint8'),
        (127, 128, 'uint8'),
        (0, 1, 'uint16'),
        (300, 65535, 'uint16'),
        (32767, 32768, 'uint16'),
    ],
)
def test_masks_are_read_as_the_package_does(load_tool, tmp_path, known, hole, dtype):
    expected = np.eye(5, 7, dtype=bool)
    values = np.where(expected, hole, known).astype(dtype)
    Image.fromarray(values).save(tmp_path / 'mask.png')
    found = load_tool('run_onnx').read_hole(tmp_path / 'mask.png')
    assert np.array_equal(found, expected)
    picture = read_picture(np.zeros((5, 7), np.uint8), 'image')
    assert np.array_equal(found, read_hole(tmp_path / 'mask.png', picture))


def test_a_mask_without_a_hole_returns_the_image_and_says_so(load_tool, folder, tmp_path, capsys):
    image = np.random.default_rng(0).integers(0, 256, (*SIZE, 3), dtype=np.uint8)
    Image.fromarray(image).save(tmp_path / 'image.png')
    Image.new('L', SIZE[::-1]).save(tmp_path / 'mask.png')
    names = [tmp_path / name for name in ('image.png', 'mask.png', 'out.png')]
    load_tool('run_onnx').main([str(folder / 'small_initial.onnx'), *map(str, names)])
    assert np.array_equal(np.asarray(Image.open(names[-1])), image)
    expected = f'run_onnx.py: no hole in {names[1]}: the image stays as it is\n'
    assert capsys.readouterr().err == expected


@pytest.mark.parametrize(
    ('file', 'size', 'options', 'message'),
    [
        ('small_initial.onnx', (20, 24), [], 'the image is 20x24 (height x width) and the model'),
        ('small_round.onnx', SIZE, [], 'this file continues from an earlier round'),
        ('small_rounds2.onnx', SIZE, ['--rounds', '1'], 'the file has 2 rounds, not 1'),
        ('small_initial.onnx', SIZE, ['--rounds', '-1'], 'rounds must be 0 or more, got -1'),
    ],
)
def test_what_does_not_fit_ends_in_a_message(inpaint, capsys, file, size, options, message):
    with pytest.raises(SystemExit):
        inpaint(file, size, *options)
    assert capsys.readouterr().err.startswith(f'run_onnx.py: {message}')


def test_a_mask_of_another_size_and_a_missing_file_are_named(load_tool, folder, tmp_path, capsys):
    tool = load_tool('run_onnx')
    Image.new('RGB', (24, 16)).save(tmp_path / 'image.png')
    Image.new('L', (8, 8)).save(tmp_path / 'mask.png')
    model = str(folder / 'small_initial.onnx')
    for image, message in {'image.png': 'image and mask differ', 'no.png': 'No such file'}.items():
        arguments = [model, tmp_path / image, tmp_path / 'mask.png', tmp_path / 'out.png']
        with pytest.raises(SystemExit):
            tool.main([*map(str, arguments)])
        assert message in capsys.readouterr().err
    assert not (tmp_path / 'out.png').exists()


def test_other_files_are_no_models(load_tool, tmp_path):
    import onnx
    from onnx import TensorProto, helper

    tool = load_tool('run_onnx')
    (tmp_path / 'text.onnx').write_text('text')
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in 'xy')
    graph = helper.make_graph([helper.make_node('Relu', ['x'], ['y'])], 'other', [x], [y])
    opset = [helper.make_opsetid('', 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), tmp_path / 'other.onnx')
    for name, message in {
        'text.onnx': 'is not an ONNX file that can be run',
        'other.onnx': 'was not written by tools/export.py: it has no metadata',
    }.items():
        with pytest.raises(ValueError, match=message):
            tool.load(tmp_path / name)


def test_missing_onnxruntime_is_named(load_tool, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, 'onnxruntime', None)
    with pytest.raises(ImportError, match=r'^onnxruntime: not installed\. Run: pip install onnxr'):
        load_tool('run_onnx').load(folder / 'small_round.onnx')


def test_it_runs_without_torch_and_mmagic(inpaint, folder, repository, tmp_path):
    *_, expected = inpaint('small_initial.onnx')
    command = [sys.executable, '-c', WITHOUT_TORCH, repository / 'tools/run_onnx.py']
    command += [folder / 'small_initial.onnx']
    command += [tmp_path / name for name in ('image.png', 'mask.png', 'again.png')]
    subprocess.run([*map(str, command)], check=True)
    assert np.array_equal(np.asarray(Image.open(tmp_path / 'again.png')), expected)
