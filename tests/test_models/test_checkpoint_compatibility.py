"""A checkpoint of version 0.1 loads, and gives what it gave there.

``tests/data/checkpoint_0_1.pth`` was written by commit 871380a, with the flat constructor of that
time, ``refine='initial'`` and the networks of ``tests/small_inpaintor.py``.
"""

import pytest
import torch
from mmagic.registry import MODELS
from mmengine.config import Config


@pytest.fixture(scope='module')
def old(repository):
    return torch.load(repository / 'tests/data/checkpoint_0_1.pth', weights_only=True)


@pytest.fixture(scope='module')
def model(repository, old):
    small = Config.fromfile(repository / 'tests/small_inpaintor.py').to_dict()
    config = small['model']
    config.update(disc=small['disc'])
    config['losses'].update(gan=small['gan'])
    layout = dict(type='LayoutMemory', capacity=4, size=16, coarse_size=8)
    config['generator']['recorrection'].update(layout=layout)
    model = MODELS.build(config).eval()
    assert set(old['state_dict']) == set(model.state_dict())
    model.load_state_dict(old['state_dict'])
    return model


@torch.no_grad()
def test_rounds_are_those_of_the_old_version(model, old):
    mask = old['mask'].float()
    masked = old['images'].float() * (1 - mask)
    rounds = model.loop(masked, mask, 2)
    composites = torch.stack([one.composite for one in rounds])[..., ::2, ::2]
    logits = torch.stack([one.semantics.logits for one in rounds[1:]])[..., ::2, ::2]
    torch.testing.assert_close(composites, old['expected']['composites'], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(logits, old['expected']['logits'], rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_the_teacher_is_that_of_the_old_version(model, old):
    said = model.teacher(old['images'].float(), model.loop.memory.prototypes, model.loop.strength)
    expected = old['expected']['teacher_weight']
    torch.testing.assert_close(said.weight[..., ::2, ::2], expected, rtol=1e-4, atol=1e-5)
