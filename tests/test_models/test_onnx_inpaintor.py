"""Small ONNX files in which the hole tells what a file was given."""

from __future__ import annotations

import pytest
import torch
from mmagic.structures import DataSample

from fbinpaint_mm.models import ClassicalInpaintor, OnnxInpaintor
from fbinpaint_mm.user_error import UserError

onnx = pytest.importorskip('onnx')
pytest.importorskip('onnxruntime')

WIDTH_IN_HOLE = """
<ir_version: 8, opset_import: ["": 17]>
initial (float[N,3,H,W] image, float[N,1,H,W] mask)
    => (float[N,3,H,W] composite, float[N,1,H,W] confidence) {
    one = Constant <value_float = 1.0> ()
    three = Constant <value_ints = [3]> ()
    shape = Shape (image)
    side = Gather (shape, three)
    width = Cast <to = 1> (side)
    confidence = Sub (one, mask)
    known = Mul (image, confidence)
    unknown = Mul (width, mask)
    composite = Add (known, unknown)
}"""
ONE_MORE = """
<ir_version: 8, opset_import: ["": 17]>
round (float[N,3,H,W] image, float[N,1,H,W] mask,
       float[N,3,H,W] previous_composite, float[N,1,H,W] previous_confidence)
    => (float[N,3,H,W] composite, float[N,1,H,W] confidence) {
    composite = Add (previous_composite, mask)
    confidence = Identity (previous_confidence)
}"""
PIPELINE = """
<ir_version: 8, opset_import: ["": 17]>
pipeline (uint8[N,3,H,W] image, uint8[N,1,H,W] mask) => (uint8[N,3,H,W] result) {
    one = Constant <value_ints = [1]> ()
    green = Gather <axis = 1> (image, one)
    zero = Sub (mask, mask)
    result = Concat <axis = 1> (mask, green, zero)
}"""
METADATA = dict(
    kind='unrolled',
    rounds='2',
    height='dynamic',
    width='dynamic',
    size_divisor='8',
    checkpoint_sha256='a',
)


@pytest.fixture
def write(tmp_path):
    """Writes a file from ONNX's text form, with the metadata of the exporter."""

    def run(text, name='model.onnx', **metadata):
        model = onnx.parser.parse_model(text)
        onnx.helper.set_model_props(model, metadata)
        onnx.save(model, tmp_path / name)
        return str(tmp_path / name)

    return run


@pytest.fixture
def batch():
    image = torch.randint(0, 256, (3, 12, 20), generator=torch.Generator().manual_seed(0)).byte()
    mask = torch.zeros(1, 12, 20, dtype=torch.uint8)
    mask[:, 3:9, 5:14] = 1
    inputs = torch.where(mask == 1, 127.5, image)
    sample = DataSample(gt_img=image, mask=mask, metainfo=dict(gt_path='a.png', sample_idx=0))
    return dict(inputs=[inputs], data_samples=[sample])


def inpaint(path, batch):
    """Pixels of the hole (3, P), and whether the known ones are those of the image."""
    (sample,) = OnnxInpaintor(path).val_step(batch)
    hole = sample.mask[0] == 1
    predicted = sample.output.pred_img
    assert torch.equal(predicted[:, ~hole], sample.gt_img[:, ~hole].float())
    return predicted[:, hole]


def test_any_size_is_padded_to_a_multiple(write, batch):
    assert (inpaint(write(WIDTH_IN_HOLE, **METADATA), batch) == 24).all()


def test_a_fixed_size_is_padded_to_and_not_exceeded(write, batch):
    fixed = METADATA | dict(height='16', width='32')
    assert (inpaint(write(WIDTH_IN_HOLE, **fixed), batch) == 32).all()
    message = r'takes images of 16 x 16 \(height x width\) at most, found a side of 20; .*--dynamic'
    with pytest.raises(UserError, match=message):
        inpaint(write(WIDTH_IN_HOLE, **fixed | dict(width='16')), batch)


def test_rounds_of_two_files_are_those_that_the_first_recommends(write, batch):
    write(ONE_MORE, 'next.onnx', **METADATA | dict(kind='round'))
    per_round = METADATA | dict(kind='initial', next_round_file='next.onnx')
    for rounds in (0, 3):
        path = write(WIDTH_IN_HOLE, **per_round | dict(rounds=str(rounds)))
        assert (inpaint(path, batch) == 24 + rounds).all()


def test_rounds_of_other_weights_are_refused(write):
    write(ONE_MORE, 'next.onnx', **METADATA | dict(kind='round', checkpoint_sha256='b'))
    per_round = METADATA | dict(kind='initial', next_round_file='next.onnx')
    with pytest.raises(UserError, match=r"next\.onnx' does not go on from '.*model\.onnx'"):
        OnnxInpaintor(write(WIDTH_IN_HOLE, **per_round))


def test_the_pipeline_of_migan_gets_rgb_and_255_where_pixels_are_known(write, batch):
    (sample,) = OnnxInpaintor(write(PIPELINE)).val_step(batch)
    hole = sample.mask[0] == 1
    blue, green, red = sample.output.fake_res
    assert (red == 255 * (~hole)).all()  # its mask
    assert (blue == 0).all()
    # What is in the hole is not read, but continued.
    (telea,) = ClassicalInpaintor('telea').val_step(batch)
    assert torch.equal(green, telea.output.pred_img[1])


def test_other_files_are_refused(write, tmp_path):
    with pytest.raises(UserError, match=r'neither the pipeline of MI-GAN nor .* found kind None'):
        OnnxInpaintor(write(WIDTH_IN_HOLE))
    with pytest.raises(UserError, match="found kind 'round' in its metadata"):
        OnnxInpaintor(write(ONE_MORE, **METADATA | dict(kind='round')))
    (tmp_path / 'text.onnx').write_text('hello')
    with pytest.raises(UserError, match=r"text\.onnx' cannot be run: "):
        OnnxInpaintor(str(tmp_path / 'text.onnx'))
    with pytest.raises(FileNotFoundError, match=r'absent\.onnx'):
        OnnxInpaintor(str(tmp_path / 'absent.onnx'))


def test_it_runs_on_as_many_threads_as_torch_and_learns_nothing(write, batch):
    model = OnnxInpaintor(write(PIPELINE))
    assert model.session.get_session_options().intra_op_num_threads == torch.get_num_threads()
    with pytest.raises(UserError, match=r"OnnxInpaintor\('.*model\.onnx'\) has nothing to learn"):
        model.train_step(batch, None)
