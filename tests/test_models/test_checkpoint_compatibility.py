"""A checkpoint of version 0.1 loads, and gives what it gave there.

``tests/data/checkpoint_0_1.pth`` was written by commit 871380a, with the flat constructor of that
time, ``refine='initial'`` and the networks of ``tests/small_inpaintor.py``. It holds label maps,
which are left out since; the images and maps without them are those of commit 78b1336.
"""

import pytest
import torch
from mmagic.registry import MODELS
from mmengine.config import Config

from fbinpaint_mm.checkpoint import load_fitting_checkpoint


@pytest.fixture(scope='module')
def old(repository):
    return torch.load(repository / 'tests/data/checkpoint_0_1.pth', weights_only=True)


@pytest.fixture(scope='module')
def model(repository, old):
    small = Config.fromfile(repository / 'tests/small_inpaintor.py').to_dict()
    config = small['model']
    config.update(disc=small['disc'])
    config['losses'].update(gan=small['gan'])
    model = MODELS.build(config).eval()
    left_out = set(old['state_dict']) ^ set(model.state_dict())
    names = ('labels', 'shares', 'keys', 'next_place')
    assert left_out == {f'generator.recorrection.layout.{name}' for name in names}
    load_fitting_checkpoint(model, str(repository / 'tests/data/checkpoint_0_1.pth'))
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
