"""The example that needs neither torch nor mmagic."""

from __future__ import annotations

import errno
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from fbinpaint_mm.apis.hole_and_map import read_hole
from fbinpaint_mm.export import ExportSettings, export_model
from fbinpaint_mm.picture import read_picture, to_8_bits
from fbinpaint_mm.picture_file import FORMATS

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


@pytest.mark.parametrize('depth', [8, 16])
def test_a_gray_picture_keeps_its_known_pixels(load_tool, folder, tmp_path, depth):
    levels = np.linspace(0, 2**depth - 1, SIZE[0] * SIZE[1]).reshape(SIZE).astype(f'uint{depth}')
    Image.fromarray(levels).save(tmp_path / 'image.png')
    Image.fromarray(np.eye(*SIZE, dtype=np.uint8)).save(tmp_path / 'mask.png')
    names = [tmp_path / name for name in ('image.png', 'mask.png', 'out.png')]
    load_tool('run_onnx').main([str(folder / 'small_initial.onnx'), *map(str, names)])
    expected = to_8_bits(levels)[np.eye(*SIZE) == 0]
    for channel in range(3):
        found = np.asarray(Image.open(names[-1]))[..., channel]
        assert np.array_equal(found[np.eye(*SIZE) == 0], expected)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n', 'is no image of a known format (AV'),
        (b'', 'is no image of a known format (AVIF, BMP, '),
        (None, 'cannot be decoded: '),
    ],
)
@pytest.mark.parametrize('bad', ['image.png', 'mask.png'])
def test_what_is_no_picture_is_named(load_tool, folder, tmp_path, capsys, bad, content, message):
    noise = np.random.default_rng(0).integers(0, 256, SIZE, np.uint8)
    for name in ('image.png', 'mask.png'):
        Image.fromarray(noise).save(tmp_path / name)
    cut = (tmp_path / bad).read_bytes()[:-100]
    (tmp_path / bad).write_bytes(cut if content is None else content)
    names = [tmp_path / name for name in ('image.png', 'mask.png', 'out.png')]
    with pytest.raises(SystemExit, match='2'):
        load_tool('run_onnx').main([str(folder / 'small_initial.onnx'), *map(str, names)])
    assert capsys.readouterr().err.startswith(f'run_onnx.py: {tmp_path / bad} {message}')


def test_a_tiff_on_its_side_is_turned_once(load_tool, tmp_path):
    hole = np.zeros((10, 16), np.uint8)
    hole[:3, :5] = 255
    Image.fromarray(hole).save(tmp_path / 'mask.tif', tiffinfo={0x0112: 6})
    assert np.array_equal(
        load_tool('run_onnx').read_hole(tmp_path / 'mask.tif'), hole.T[:, ::-1] > 0
    )


@pytest.mark.parametrize(('known', 'hole'), [(0, 65535), (0, 32768), (32767, 32768), (300, 301)])
def test_of_16_bit_colors_the_upper_bits_say_where_the_hole_is(load_tool, tmp_path, known, hole):
    deep = np.full((*SIZE, 3), known, np.uint16)
    deep[4:8, :, 1] = hole
    assert cv2.imwrite(str(tmp_path / 'deep.png'), deep)
    expected = read_hole(tmp_path / 'deep.png', read_picture(deep, 'image'))
    assert np.array_equal(load_tool('run_onnx').read_hole(tmp_path / 'deep.png'), expected)


def test_masks_that_pillow_cannot_read_whole_are_refused(load_tool, tmp_path):
    tool = load_tool('run_onnx')
    deep = np.zeros((*SIZE, 3), np.uint16)
    deep[4:8] = 1
    assert cv2.imwrite(str(tmp_path / 'deep.png'), deep)
    Image.fromarray(deep[..., 0] * np.float32(2)).save(tmp_path / 'float.tif')
    for name, message in {
        'deep.png': 'colors of 16 b',
        'float.tif': 'floats from 0.0 to 2',
    }.items():
        with pytest.raises(ValueError, match=f'{name} has {message}'):
            tool.read_hole(tmp_path / name)


def test_a_picture_of_floats_is_refused(load_tool, tmp_path):
    Image.fromarray(np.ones(SIZE, np.float32)).save(tmp_path / 'float.tif')
    with pytest.raises(ValueError, match=r'float\.tif has float values; expected 8 or 16 bits'):
        load_tool('run_onnx').read_image(tmp_path / 'float.tif')


def test_it_opens_the_formats_of_the_package(load_tool):
    assert load_tool('run_onnx').FORMATS == FORMATS


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
        'other.onnx': "is no file of tools/export.py: metadata 'kind': found None, expected 'unr",
    }.items():
        with pytest.raises(ValueError, match=message):
            tool.load(tmp_path / name)


@pytest.mark.parametrize(('name', 'shape'), [('y', [1, 3, *SIZE]), ('composite', [1, 3, 2, 2])])
def test_a_model_that_gives_no_picture_is_refused(load_tool, tmp_path, name, shape):
    import onnx
    from onnx import TensorProto, helper

    out = helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    zeros = helper.make_tensor('zeros', TensorProto.FLOAT, shape, np.zeros(shape).ravel())
    node = helper.make_node('Constant', [], [name], value=zeros)
    opset = [helper.make_opsetid('', 17)]
    graph = helper.make_graph([node], 'other', [], [out])
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    helper.set_model_props(model, METADATA | dict(kind='unrolled'))
    onnx.save(model, tmp_path / 'x.onnx')
    image, hole = np.zeros((*SIZE, 3), np.uint8), np.ones(SIZE, bool)
    with pytest.raises(ValueError, match=r'x\.onnx gives no composite of the size of the image'):
        load_tool('run_onnx').inpaint(tmp_path / 'x.onnx', image, hole, None)


METADATA = dict(
    kind='initial',
    rounds='2',
    height='16',
    width='24',
    size_divisor='8',
    next_round_file='small_round.onnx',
)


@pytest.mark.parametrize(
    ('changed', 'message'),
    [
        (dict(kind='evil'), "'kind': found 'evil', expected 'unrolled', 'initial' or 'round'"),
        (dict(rounds='1000000000'), "'rounds': found '1000000000', expected a whole .* 0 to 100"),
        (dict(rounds='abc'), "'rounds': found 'abc'"),
        (dict(rounds=''), "'rounds': found ''"),
        (dict(rounds='-1'), "'rounds': found '-1'"),
        (dict(rounds='9' * 5000), "'rounds': found '999"),
        (dict(height='100000'), "'height': found '100000', expected a whole .* from 1 to 8192"),
        (dict(height='dynamic'), "'height': found 'dynamic'"),
        (dict(width='0'), "'width': found '0'"),
        (dict(size_divisor='0'), "'size_divisor': found '0', expected a whole .* from 1 to 8192"),
        (dict(size_divisor='1.5'), "'size_divisor': found '1.5'"),
        (dict(next_round_file='../exported/small_round.onnx'), 'expected a file beside it'),
        (dict(next_round_file='/etc/passwd'), "'next_round_file': found '/etc/passwd'"),
        (dict(next_round_file='..'), 'expected a file beside it'),
        (dict(next_round_file=''), 'expected a file beside it'),
        (dict(next_round_file='link.onnx'), 'expected a file beside it'),
    ],
)
def test_a_file_is_not_believed_what_it_says_about_itself(load_tool, tmp_path, changed, message):
    tool, folder = load_tool('run_onnx'), tmp_path / 'exported'
    folder.mkdir()
    (folder / 'link.onnx').symlink_to(tmp_path / 'elsewhere.onnx')
    path = folder / 'small_initial.onnx'
    assert tool.read_metadata(path, None, METADATA).next_round == folder / 'small_round.onnx'
    with pytest.raises(ValueError, match=message):
        tool.read_metadata(path, None, METADATA | changed)


def test_what_is_missing_in_the_metadata_is_named_with_the_file(load_tool, folder, tmp_path):
    import onnx

    model = onnx.load(folder / 'small_initial.onnx')
    del model.metadata_props[1:]
    onnx.save(model, tmp_path / 'x.onnx')
    with pytest.raises(ValueError, match=r"x\.onnx is no .*'rounds': found '', expected a whole"):
        load_tool('run_onnx').load(tmp_path / 'x.onnx')


def test_a_further_round_of_other_weights_is_refused(load_tool, folder, tmp_path):
    import onnx

    shutil.copy(folder / 'small_initial.onnx', tmp_path)
    model = onnx.load(folder / 'small_round.onnx')
    for entry in model.metadata_props:
        entry.value = 'f00' if entry.key == 'checkpoint_sha256' else entry.value
    onnx.save(model, tmp_path / 'small_round.onnx')
    image, hole = np.zeros((*SIZE, 3), np.uint8), np.ones(SIZE, bool)
    with pytest.raises(
        ValueError, match=r'small_round\.onnx is not the further round of .*initial'
    ):
        load_tool('run_onnx').inpaint(tmp_path / 'small_initial.onnx', image, hole, None)


def test_values_that_are_no_numbers_are_no_picture(load_tool, folder, tmp_path):
    import onnx

    model = onnx.load(folder / 'small_rounds2.onnx')
    for weights in model.graph.initializer:
        if 'initial' in weights.name and weights.data_type == onnx.TensorProto.FLOAT:
            broken = np.full_like(onnx.numpy_helper.to_array(weights), np.nan)
            weights.CopyFrom(onnx.numpy_helper.from_array(broken, weights.name))
    onnx.save(model, tmp_path / 'nan.onnx')
    image, hole = np.zeros((*SIZE, 3), np.uint8), np.ones(SIZE, bool)
    with pytest.raises(ValueError, match=r'nan\.onnx gives NaN or infinite values: .*composite'):
        load_tool('run_onnx').inpaint(tmp_path / 'nan.onnx', image, hole, None)


@pytest.mark.parametrize(
    ('out', 'message'),
    [
        ('o.jpg', 'expected a name that ends in .png'),
        ('o', 'expected a name that ends in .png'),
        ('no/o.png', 'expected a file name in a folder that exists'),
        ('folder.png', 'expected a file name in a folder that exists'),
        ('image.png', 'image.png is read, or written twice: choose another name'),
        ('link.png', 'link.png is read, or written twice: choose another name'),
        ('map.png', 'map.png is read, or written twice: choose another name'),
    ],
)
def test_a_result_that_cannot_be_is_told_first(load_tool, tmp_path, capsys, out, message):
    (tmp_path / 'folder.png').mkdir()
    (tmp_path / 'link.png').symlink_to(tmp_path / 'image.png')
    names = [str(tmp_path / name) for name in ('x.onnx', 'image.png', 'mask.png', out)]
    with pytest.raises(SystemExit) as end:
        load_tool('run_onnx').main([*names, '--map', str(tmp_path / 'map.png')])
    assert end.value.code == 2
    assert capsys.readouterr().err.endswith(f'{message}\n')


def test_a_full_disk_leaves_the_older_result(load_tool, inpaint, tmp_path, monkeypatch, capsys):
    before = inpaint('small_initial.onnx')[2]
    names = {path.name for path in tmp_path.iterdir()}

    def refuse(*_):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr('os.replace', refuse)
    with pytest.raises(SystemExit):
        inpaint('small_initial.onnx', SIZE, '--rounds', '0')
    assert capsys.readouterr().err.endswith('out.png cannot be written: No space left on device\n')
    assert np.array_equal(np.asarray(Image.open(tmp_path / 'out.png')), before)
    assert {path.name for path in tmp_path.iterdir()} == names


def test_a_result_is_not_written_through_a_link(inpaint, tmp_path):
    (tmp_path / 'thesis.txt').write_text('precious')
    (tmp_path / 'out.png').symlink_to(tmp_path / 'thesis.txt')
    inpaint('small_initial.onnx')
    assert (tmp_path / 'thesis.txt').read_text() == 'precious'


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
