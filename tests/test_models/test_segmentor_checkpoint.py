"""A checkpoint of mmseg in the student and the teacher."""

from __future__ import annotations

import logging
from copy import deepcopy

import pytest
import torch
from mmagic.registry import MODELS
from mmengine.config import Config
from mmengine.logging import MMLogger
from mmengine.runner import save_checkpoint
from torch import Tensor, nn


@pytest.fixture
def small(repository) -> dict:
    return Config.fromfile(repository / 'tests/small_inpaintor.py').model.to_dict()


@pytest.fixture
def trained(small) -> nn.Module:
    """A segmentor of mmseg with an auxiliary head, of numbers that no initialisation gives."""
    config = deepcopy(small['segmentor'])
    config['auxiliary_head'] = dict(deepcopy(config['decode_head']), in_index=0, in_channels=8)
    segmentor = MODELS.build(config)
    with torch.no_grad():
        for value in segmentor.state_dict().values():
            value.copy_(torch.rand_like(value.float()) + 40)
    return segmentor


@pytest.fixture
def file(trained, tmp_path) -> str:
    """As mmseg's Runner writes it."""
    path = str(tmp_path / 'iter_80000.pth')
    meta = dict(dataset_meta=dict(classes=('a', 'b')), iter=80000)
    save_checkpoint(dict(meta=meta, state_dict=trained.state_dict(), optimizer={}), path)
    return path


@pytest.fixture
def messages(caplog) -> list[str]:
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


def initialised(small: dict, checkpoint: str, prefix: str | None = None, **head: int) -> nn.Module:
    config = deepcopy(small)
    pretrained = dict(type='Pretrained', checkpoint=checkpoint)
    config['segmentor']['init_cfg'] = pretrained | ({} if prefix is None else dict(prefix=prefix))
    config['segmentor']['decode_head'].update(head)
    config['data_preprocessor']['num_classes'] = config['segmentor']['decode_head']['num_classes']
    model = MODELS.build(config)
    model.init_weights()
    return model


def assert_holds(segmentor: nn.Module, state: dict[str, Tensor]) -> None:
    for name, value in segmentor.state_dict().items():
        assert torch.equal(value, state[name]), name


def test_student_and_teacher_hold_it_without_its_auxiliary_head(small, file, trained, messages):
    model = initialised(small, file)
    state = trained.state_dict()
    assert any(name.startswith('auxiliary_head.') for name in state)
    assert_holds(model.loop.segmentor, state)
    assert_holds(model.teacher.segmentor, state)
    number = sum(name.startswith('auxiliary_head.') for name in state)
    expected = f'{file}: {number} entries of auxiliary_head.* are ignored'
    found = [one for one in messages.records if expected in one.getMessage()]
    assert [one.levelno for one in found] == [logging.WARNING]


def test_segmentor_of_one_of_our_own_checkpoints(small, trained, tmp_path):
    path = str(tmp_path / 'ours.pth')
    state = {f'generator.segmentor.{key}': value for key, value in trained.state_dict().items()}
    save_checkpoint(dict(state_dict=state | {'generator.strength': torch.ones(())}), path)
    assert_holds(
        initialised(small, path, 'generator.segmentor.').loop.segmentor, trained.state_dict()
    )
    with pytest.raises(ValueError, match=r'found nothing, expected .* or set init_cfg\.prefix'):
        initialised(small, path)


def test_an_absent_file_is_named(small):
    with pytest.raises(FileNotFoundError, match=r'/no/such/file\.pth.*start of the segmentor'):
        initialised(small, '/no/such/file.pth')


def test_another_number_of_classes_is_refused(small, file):
    message = (
        r"segmentor checkpoint '.*iter_80000\.pth' does not fit .*: 2 of \d+ entries are missing or"
        r" of another shape, 0 are unknown; 'decode_head\.conv_seg\.weight': found \(5, 8, 1, 1\), "
        r'expected \(7, 8, 1, 1\)\. It has 5 classes: set decode_head\.num_classes to that\. To '
        r"keep only its backbone, .*segmentor\.backbone\.init_cfg=.*prefix='backbone\.'\)"
    )
    with pytest.raises(ValueError, match=message):
        initialised(small, file, num_classes=7)


def test_its_backbone_can_be_kept_for_other_classes(small, file, trained):
    """What the message advises."""
    config = deepcopy(small)
    config['segmentor']['backbone']['init_cfg'] = dict(
        type='Pretrained', checkpoint=file, prefix='backbone.'
    )
    config['segmentor']['decode_head']['num_classes'] = 7
    config['data_preprocessor']['num_classes'] = 7
    model = MODELS.build(config)
    model.init_weights()
    state = {k[9:]: v for k, v in trained.state_dict().items() if k.startswith('backbone.')}
    assert_holds(model.loop.segmentor.backbone, state)
    assert_holds(model.teacher.segmentor.backbone, state)


def test_parts_of_another_architecture_are_refused(small, trained, tmp_path):
    path = str(tmp_path / 'other.pth')
    save_checkpoint(dict(state_dict=trained.state_dict() | {'neck.weight': torch.ones(3)}), path)
    message = r"0 of \d+ .* 1 are unknown; 'neck\.weight': found \(3,\), expected nothing\."
    with pytest.raises(ValueError, match=message):
        initialised(small, path)


def test_a_file_without_batch_counters_is_taken(small, trained, tmp_path):
    path = str(tmp_path / 'old.pth')
    state = {k: v for k, v in trained.state_dict().items() if 'num_batches' not in k}
    save_checkpoint(dict(state_dict=state), path)
    weight = initialised(small, path).loop.segmentor.decode_head.conv_seg.weight
    assert torch.equal(weight, trained.decode_head.conv_seg.weight)
