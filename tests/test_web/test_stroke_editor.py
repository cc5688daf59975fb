from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

gradio = pytest.importorskip('gradio', reason='the page needs the extra [demo]')

from gradio.components.image_editor import EditorData  # noqa: E402
from gradio.data_classes import FileData  # noqa: E402

from fbinpaint_mm.web import stroke_editor  # noqa: E402

# Pillow starts Ghostscript for it.
EPS = b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n'


@pytest.fixture
def read(tmp_path):
    """What an editor makes of layers: arrays, or contents of files."""
    editor = stroke_editor.make_editor('strokes', '#ff0000')

    def preprocess(*layers, **more):
        files = []
        for number, layer in enumerate(layers):
            path = tmp_path / f'layer_{number}.png'
            if isinstance(layer, bytes):
                path.write_bytes(layer)
            else:
                Image.fromarray(layer).save(path)
            files.append(FileData(path=str(path)))
        more = dict(background=None, composite=None) | more
        return editor.preprocess(EditorData(layers=files, **more))

    return preprocess


def test_strokes_are_read(read):
    strokes = np.random.default_rng(0).integers(0, 256, (30, 40, 4), np.uint8)
    (layer,) = read(strokes)['layers']
    assert np.array_equal(layer, strokes)


def test_nothing_painted_is_no_layer(read):
    assert read()['layers'] == []
    assert stroke_editor.make_editor('strokes', '#ff0000').preprocess(None) is None


def test_what_lies_below_the_strokes_is_not_opened(read, tmp_path):
    (tmp_path / 'below.png').write_bytes(EPS)
    below = FileData(path=str(tmp_path / 'below.png'))
    value = read(background=below, composite=below)
    assert value == dict(background=None, layers=[], composite=None)


@pytest.mark.parametrize(
    ('layers', 'message'),
    [
        # One pixel more than 2048 x 2048: 36 kB in the file, 16 MiB when decoded.
        ([np.zeros((1, 2**22 + 1), np.uint8)], '4194305x1 pixels; expected up to 4194304'),
        ([np.zeros((1, 1), np.uint8)] * 3, '3 layers; expected up to 2'),
        ([EPS], 'picture of the strokes is no image of a known format'),
        ([b'\x89PNG'], 'picture of the strokes is no image of a known format'),
    ],
)
def test_what_no_browser_sends_is_refused_without_a_traceback(read, layers, message):
    with pytest.raises(gradio.Error, match=message) as error:
        read(*layers)
    assert not error.value.print_exception


def test_strokes_that_are_gone_are_said(tmp_path):
    file = FileData(path=str(tmp_path / 'gone.png'))
    payload = EditorData(background=None, layers=[file], composite=None)
    with pytest.raises(gradio.Error, match='no longer on the server') as error:
        stroke_editor.make_editor('strokes', '#ff0000').preprocess(payload)
    assert str(tmp_path) not in str(error.value)


def test_the_browser_takes_it_for_the_editor_of_gradio():
    editor = stroke_editor.make_editor('strokes', '#ff0000')
    assert editor.get_block_name() == 'imageeditor'
    assert not Path(stroke_editor.__file__).with_suffix('.pyi').exists()
