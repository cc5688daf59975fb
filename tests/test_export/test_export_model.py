"""What is in the files, run by onnxruntime and by a process without this package."""

from __future__ import annotations

import hashlib
import json
import resource
import signal
from copy import deepcopy

import numpy as np
import onnx
import pytest
import torch
from mmagic.structures import DataSample
from mmengine.config import Config

from fbinpaint_mm.export import ExportError, ExportSettings, UnrolledRounds
from fbinpaint_mm.export.export_model import FORMATS, MODES, describe
from fbinpaint_mm.export.onnx_format import OnnxFormat
from fbinpaint_mm.export.torchscript_format import METADATA_FILE
from fbinpaint_mm.models import OnnxInpaintor
from fbinpaint_mm.user_error import UserError

NO_SEMANTICS = dict(segmentor=None, feedback=None, recorrection=None)
LEVELS = 0.02  # of 255: rounding errors of float32, and none that anybody sees


def check_round(found, own, mask, image, number):
    """A round of an exported file against the same round of the model itself."""
    composites, maps, confidences = own
    np.testing.assert_allclose(found['composite'], composites[:, number], rtol=0, atol=LEVELS)
    known = np.broadcast_to(mask.numpy() == 0, image.shape)
    assert np.array_equal(found['composite'][known], image.numpy()[known])
    np.testing.assert_allclose(found['confidence'], confidences[:, number], rtol=0, atol=1e-4)
    if maps is not None and number:
        probabilities = found['map']
        np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)
        ids = maps[:, number - 1].reshape(mask.shape)
        chosen = np.take_along_axis(probabilities, ids, axis=1)[:, 0]
        np.testing.assert_allclose(chosen, probabilities.max(1), rtol=0, atol=1e-4)


def run_rounds(run_onnx, files, image, mask, rounds):
    """Rounds 0..R of per-round files, as a user runs them."""
    states = [run_onnx(files[0].path, image=image, mask=mask)]
    for _ in range(rounds):
        previous = {f'previous_{name}': value for name, value in states[-1].items()}
        states.append(run_onnx(files[1].path, image=image, mask=mask, **previous))
    return states


def test_unrolled_rounds_give_what_the_model_gives(model, unrolled, run_onnx, own_rounds, picture):
    image, mask = picture
    found = run_onnx(unrolled.path, image=image, mask=mask)
    own = own_rounds(model, image, mask, 2)
    check_round(found, own, mask, image, 2)
    apart = np.abs(own[0][:, 2] - own[0][:, 1]).max()
    assert apart > 10 * LEVELS, 'rounds that do not differ prove nothing'


def test_one_round_per_call_gives_what_the_model_gives(
    model, per_round, run_onnx, own_rounds, picture
):
    image, mask = picture
    own = own_rounds(model, image, mask, 3)
    states = run_rounds(run_onnx, per_round, image, mask, 3)
    for number, state in enumerate(states):
        check_round(state, own, mask, image, number)
    assert not states[0]['map'].any()


@pytest.mark.parametrize('parts', ['one_way', 'no_semantics'])
def test_models_with_parts_switched_off(build, export, run_onnx, own_rounds, picture, parts):
    model = build(**(dict(feedback=None) if parts == 'one_way' else NO_SEMANTICS))
    image, mask = picture
    (file,) = export(model, rounds=2)
    found = run_onnx(file.path, image=image, mask=mask)
    check_round(found, own_rounds(model, image, mask, 2), mask, image, 2)
    assert ('map' in found) == (parts == 'one_way')


@pytest.mark.parametrize('parts', ['one_way', 'no_semantics'])
@pytest.mark.parametrize('dynamic', [True, False])
def test_rounds_take_the_state_before_even_if_they_read_none_of_its_images(
    build, export, run_onnx, own_rounds, picture, parts, dynamic
):
    """All models are called in the same way; torch leaves out inputs that are not read."""
    off = dict(feedback=None) if parts == 'one_way' else NO_SEMANTICS
    model = build(**off)
    files = export(model, mode='per-round', dynamic=dynamic)
    image, mask = picture
    own = own_rounds(model, image, mask, 2)
    states = run_rounds(run_onnx, files, image, mask, 2)
    for number, state in enumerate(states):
        check_round(state, own, mask, image, number)
    assert np.array_equal(states[2]['composite'], states[1]['composite'])
    outputs = [entry.name for entry in onnx.load(files[0].path).graph.output]
    inputs = [entry.name for entry in onnx.load(files[1].path).graph.input]
    assert inputs == ['image', 'mask', *(f'previous_{name}' for name in outputs)]


def test_other_sizes_and_batches_than_the_example(model, unrolled, run_onnx, own_rounds, picture):
    image, mask = (torch.cat([part, part.flip(3)], dim=2)[:1] for part in picture)
    assert image.shape == (1, 3, 32, 24)
    found = run_onnx(unrolled.path, image=image, mask=mask)
    check_round(found, own_rounds(model, image, mask, 2), mask, image, 2)
    assert len({(h, w) for _, h, w in unrolled.sizes}) == 3
    assert {n for n, _, _ in unrolled.sizes} == {1, 2, 3}


def test_what_is_in_the_hole_is_never_read(unrolled, run_onnx, picture):
    image, mask = picture
    found = run_onnx(unrolled.path, image=image, mask=mask)
    other = run_onnx(unrolled.path, image=image.where(mask == 0, 255.0), mask=mask * 255)
    assert all(np.array_equal(found[name], other[name]) for name in found)


def test_the_feedback_is_part_of_the_file(build, export, unrolled, run_onnx, picture):
    """It reaches the decode head by torch hooks, which an exporter might leave behind."""
    image, mask = picture
    found = run_onnx(unrolled.path, image=image, mask=mask)
    other = build()
    with torch.no_grad():
        for projection in other.loop.feedback.projections:
            projection.weight.neg_()
    files = export(other, rounds=2)
    changed = run_onnx(files[0].path, image=image, mask=mask)
    assert np.abs(found['map'] - changed['map']).max() > 0.01
    assert np.abs(found['composite'] - changed['composite']).max() > 10 * LEVELS


@pytest.mark.parametrize('is_shared', [False, True])
@pytest.mark.parametrize('mode', MODES)
def test_migan_whose_rounds_merge_gives_what_the_model_gives_at_any_size(
    build, export, run_onnx, own_rounds, picture, mode, is_shared
):
    network = dict(type='MIGANEncoderDecoder', channels=(4, 6, 8), noise_size=16)
    networks = dict(initial=None if is_shared else network, guided=network)
    model = build(**networks, model=dict(test_cfg=dict(merge_sigma=2.0)))
    for name, noise in model.loop.named_buffers():
        if name.endswith('noise'):
            noise.normal_()
    files = export(model, mode=mode, rounds=2, dynamic=True)
    larger = tuple(torch.cat([part, part.flip(3)], dim=2)[:1] for part in picture)
    for image, mask in (picture, larger):
        own = own_rounds(model, image, mask, 2)
        if mode == 'unrolled':
            found = run_onnx(files[0].path, image=image, mask=mask)
        else:
            found = run_rounds(run_onnx, files, image, mask, 2)[-1]
        check_round(found, own, mask, image, 2)
        assert np.abs(own[0][:, 2] - own[0][:, 0]).max() > 10 * LEVELS


def test_an_exported_file_reduces_no_image_for_the_segmentor(build, export, run_onnx, picture):
    image, mask = picture
    model, reducing = build(), build(map_side=32)
    expected = run_onnx(export(model)[0].path, image=image, mask=mask)
    found = run_onnx(export(reducing)[0].path, image=image, mask=mask)
    assert np.array_equal(found['map'], expected['map'])
    assert reducing.loop.map_side == 32, 'it is as before'


def test_the_benchmark_runs_the_files(model, unrolled, per_round, own_rounds, picture):
    image, mask = picture
    own = own_rounds(model, image, mask, 2)[0][:, 2]
    bgr = image.flip(1)
    samples = [DataSample(gt_img=one, mask=hole) for one, hole in zip(bgr, mask, strict=True)]
    for file in (unrolled, per_round[0]):
        batch = dict(inputs=[*bgr.where(mask == 0, 127.5)], data_samples=deepcopy(samples))
        found = [one.output.pred_img for one in OnnxInpaintor(str(file.path)).val_step(batch)]
        np.testing.assert_allclose(torch.stack(found).flip(1), own, rtol=0, atol=LEVELS)


def test_torchscript_gives_what_the_model_gives(model, export, own_rounds, picture):
    """Compared by the exporter in a fresh process; here with the model's own way."""
    image, mask = picture
    file = export(model, format='torchscript', rounds=1, dynamic=True)[0]
    assert file.path.name == 'small_rounds1.pt'
    extra = {METADATA_FILE: ''}
    network = torch.jit.load(file.path, _extra_files=extra)
    names = json.loads(json.loads(extra[METADATA_FILE])['outputs'])
    with torch.no_grad():
        found = {n: x.numpy() for n, x in zip(names, network(image, mask), strict=True)}
    check_round(found, own_rounds(model, image, mask, 1), mask, image, 1)


def test_the_file_says_what_it_is(unrolled, per_round, checkpoint):
    model = onnx.load(unrolled.path)
    told = {entry.key: entry.value for entry in model.metadata_props}
    assert told['checkpoint_sha256'] == hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    assert json.loads(told['classes']) == ['sky', 'road', 'tree', 'car', 'house']
    assert json.loads(told['inputs'])['image'].startswith('float32 (N,3,H,W) RGB 0..255')
    assert (told['kind'], told['rounds'], told['opset']) == ('unrolled', '2', '17')
    assert (told['height'], told['size_divisor']) == ('dynamic', '4')
    assert told['torch_version'] == torch.__version__
    told = {e.key: e.value for e in onnx.load(per_round[0].path).metadata_props}
    assert told['next_round_file'] == per_round[1].path.name == 'small_round.onnx'


# ------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize('name', [*FORMATS])
def test_a_file_that_differs_is_not_left_behind(model, export, tmp_path, monkeypatch, name):
    def run_wrongly(self, path, batches):
        assert path.is_file()
        return [[out.numpy() + 0.5 for out in model_outputs(batch)] for batch in batches]

    def model_outputs(batch):
        image, mask = batch
        n, _, h, w = image.shape
        return image, torch.zeros(n, 5, h, w), torch.ones_like(mask)

    monkeypatch.setattr(FORMATS[name], 'run', run_wrongly)
    with pytest.raises(ExportError, match=r'differs from PyTorch by more than 0\.001 .*: .*map'):
        export(model, out=tmp_path, format=name, mode='per-round')
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_does_not_run_is_not_left_behind(model, export, tmp_path, monkeypatch):
    def fail(self, path, batches):
        raise RuntimeError('no kernel')

    monkeypatch.setattr(OnnxFormat, 'run', fail)
    with pytest.raises(ExportError, match=r'small_initial\.onnx does not run: no kernel'):
        export(model, out=tmp_path, mode='per-round')
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('name', ['onnx', 'torchscript'])
def test_a_full_disk_is_told_with_the_file_and_nothing_is_left(model, export, tmp_path, name):
    """torch itself ends the process, or raises an error without the file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(OSError, match='File too large') as error:
            export(model, tmp_path, format=name, mode='per-round')
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert 'small_initial' in error.value.filename
    assert list(tmp_path.iterdir()) == []


def test_what_torch_cannot_write_is_told_in_one_line(model, export, tmp_path, monkeypatch):
    def refuse(*args, **options):
        raise torch.onnx.errors.OnnxExporterError(
            'Unsupported: pooling. Please feel free to request it  [Caused by the value ...'
        )

    monkeypatch.setattr(torch.onnx, 'export', refuse)
    with pytest.raises(ExportError) as error:
        export(model, out=tmp_path, mode='per-round')
    assert str(error.value) == (
        'initial cannot be written as onnx: Unsupported: pooling; TorchScript may hold it'
    )
    assert list(tmp_path.iterdir()) == []


def test_an_invalid_file_of_torch_is_not_left_behind(model, export, tmp_path, monkeypatch):
    def refuse(proto, full_check):
        raise onnx.checker.ValidationError('no type')

    monkeypatch.setattr(onnx.checker, 'check_model', refuse)
    with pytest.raises(ExportError, match=r'cannot be written as onnx: torch wrote .*: no type'):
        export(model, out=tmp_path, mode='per-round')
    assert list(tmp_path.iterdir()) == []


def test_a_size_that_does_not_fit_names_the_next_one(model, export, tmp_path):
    with pytest.raises(UserError, match=r'size 18 24 .* multiples of 4, .* takes is 20 24'):
        export(model, out=tmp_path, size=(18, 24))


def test_a_model_of_an_initial_network_alone_is_refused(build, export):
    alone = build(False, dict(train_cfg=dict(rounds=0)), guided=None, **NO_SEMANTICS)
    with pytest.raises(UserError, match='has no guided network, and so no rounds'):
        export(alone, mode='per-round')


def test_networks_that_work_image_by_image_are_refused(build, export, repository):
    base = repository / 'configs/_base_/models/mmagic_deepfillv1.py'
    network = Config.fromfile(base).model.encdec.to_dict()
    message = "initial network: DeepFill's contextual attention"
    with pytest.raises(UserError, match=message):
        export(build(initial=network, effective=False))


@pytest.mark.parametrize('name', ['mean', 'std'])
def test_another_range_of_values_is_refused(build, export, name):
    preprocessor = dict(type='SemiSupervisedDataPreprocessor', num_classes=5)
    model = build(model=dict(data_preprocessor=preprocessor | {name: [127.5, 100, 127.5]}))
    with pytest.raises(UserError, match=rf'found .*{name} .*100\.0.*, an exported file has 127'):
        export(model)


def test_another_model_is_refused(export):
    with pytest.raises(UserError, match=r'FeedbackRecorrectionInpaintor, found Linear'):
        export(torch.nn.Linear(1, 1))


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [
        (dict(format='tflite'), r"format: found 'tflite', expected one of \('onnx', 'torchscript'"),
        (dict(mode='rolled'), r"mode: found 'rolled', expected one of \('unrolled', 'per-round'"),
        (dict(rounds=0), r"rounds: found 0, mode 'unrolled' needs 1 to 100; round 0 alone is the"),
        (dict(rounds=101), r"rounds: found 101, mode 'unrolled' needs 1 to 100"),
        (dict(rounds='many'), r"rounds: found 'many', mode 'unrolled' needs 1 to 100"),
        (dict(size=(64, 8200)), r'size: found \(64, 8200\), expected height and width in 1'),
        (dict(mode='per-round', rounds=-1), r"found -1, mode 'per-round' needs 0 to 100$"),
        (dict(size=(64, 0)), r'size: found \(64, 0\), expected height and width in 1\.\.8192'),
        (dict(tolerance=0.0), r'tolerance: found 0.0, expected a positive number'),
        (dict(tolerance=float('nan')), r'tolerance: found nan, expected a positive number'),
    ],
)
def test_what_cannot_be_is_refused(wrong, message):
    with pytest.raises(UserError, match=message):
        ExportSettings(**wrong)


def test_round_0_alone_can_be_recommended():
    assert ExportSettings(mode='per-round', rounds=0).rounds == 0


@pytest.fixture
def told(model, checkpoint):
    settings = ExportSettings(rounds=1, size=(16, 24), format='torchscript')
    return lambda *classes: describe(UnrolledRounds(model, 1), settings, classes, checkpoint)


def test_classes_without_names_are_numbered(told):
    assert json.loads(told('a', 'b', 'c', 'd', 'e')['classes']) == ['a', 'b', 'c', 'd', 'e']
    assert json.loads(told('only one')['classes']) == ['0', '1', '2', '3', '4']


def test_a_fixed_size_and_a_file_without_opset(told):
    found = told()
    assert (found['height'], found['width'], found['opset']) == ('16', '24', 'none')
    assert all(isinstance(value, str) for value in found.values())
