"""Small models in which every part has an effect, and what is exported of them."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch
from mmagic.registry import MODELS
from mmagic.structures import DataSample
from mmengine.config import Config

from fbinpaint_mm.export import ExportSettings, export_model

CLASSES = ['sky', 'road', 'tree', 'car', 'house']


def make_effective(loop, seed=5):
    """Random weights and prototypes: some parts start at zero, where nothing shows.

    Scaled so that images seldom leave their range, where all weights give the same, and the
    feedback moves the map.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in loop.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.2)
        for network in filter(None, (loop.initial, loop.guided)):
            for name, parameter in network.to_image.named_parameters():
                parameter.mul_(0.3 if name.endswith('weight') else 1)
        if loop.feedback is not None:
            for parameter in loop.feedback.parameters():
                parameter.mul_(2.5)
        if loop.memory is not None:
            shape = loop.memory.prototypes.shape
            loop.memory.prototypes.copy_(torch.randn(shape, generator=generator))


@pytest.fixture(scope='session')
def build(repository):
    """Builds the small inpaintor of the tests; keywords replace parts of its generator.

    Its networks must be ours to be made effective.
    """
    small = Config.fromfile(repository / 'tests/small_inpaintor.py').model.to_dict()
    small.update(teacher=None, losses=None)

    def build_effective(effective=True, model=None, **parts):
        generator = {**small['generator'], **parts}
        model = MODELS.build({**small, **(model or {}), 'generator': generator}).eval()
        if effective:
            make_effective(model.loop)
        return model

    return build_effective


@pytest.fixture(scope='session')
def model(build):
    return build()


@pytest.fixture(scope='session')
def checkpoint(model, tmp_path_factory):
    path = tmp_path_factory.mktemp('checkpoint') / 'iter_1.pth'
    torch.save(dict(state_dict=model.state_dict()), path)
    return path


@pytest.fixture(scope='session')
def export(checkpoint, tmp_path_factory):
    """Exports a model and gives the files; ``out`` is a new folder by default."""

    def run(model, out=None, classes=CLASSES, **settings):
        settings = ExportSettings(**{'size': (16, 24), **settings})
        out = out or tmp_path_factory.mktemp('exported')
        return export_model(model, settings, out, 'small', checkpoint, classes)

    return run


@pytest.fixture(scope='session')
def unrolled(model, export):
    """All rounds of the small model, R = 2, for any size."""
    return export(model, rounds=2, dynamic=True)[0]


@pytest.fixture(scope='session')
def per_round(model, export):
    """Round 0 and a further round of the small model, for any size."""
    return export(model, mode='per-round', dynamic=True)


@pytest.fixture
def picture():
    """(2, 3, 16, 24) RGB in whole numbers of 0..255, and two different holes."""
    generator = torch.Generator().manual_seed(0)
    image = torch.randint(0, 256, (2, 3, 16, 24), generator=generator).float()
    mask = torch.zeros(2, 1, 16, 24)
    mask[0, :, 4:12, 4:12] = 1
    mask[1, :, :8, 10:] = 1
    return image, mask


@pytest.fixture(scope='session')
def run_onnx():
    """Runs a file on tensors by name, and gives tensors by name."""

    def run(path, **inputs):
        session = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
        given = {name: np.asarray(value) for name, value in inputs.items()}
        names = [entry.name for entry in session.get_outputs()]
        return dict(zip(names, session.run(names, given), strict=True))

    return run


@pytest.fixture(scope='session')
def own_rounds():
    """The model's own way from 8-bit images to rounds: preprocessor, loop, back to 0..255.

    Returns RGB composites (N, R+1, 3, H, W), class ids (N, R, H, W) and confidences
    (N, R+1, 1, H, W).
    """

    def run(model, image, mask, rounds):
        bgr = image.flip(1) * (1 - mask) + 127.5 * mask
        samples = [
            DataSample(mask=hole, gt_img=one) for hole, one in zip(mask, image.flip(1), strict=True)
        ]
        data = model.data_preprocessor(dict(inputs=[*bgr], data_samples=samples), False)
        with torch.no_grad():
            found = [s.output for s in model(**data, mode='predict', rounds=rounds)]
        maps = torch.stack([one.round_segs for one in found]) if 'round_segs' in found[0] else None
        return (
            torch.stack([one.round_imgs for one in found]).flip(2).numpy(),
            None if maps is None else maps.numpy(),
            torch.stack([one.round_confidences for one in found]).numpy(),
        )

    return run
