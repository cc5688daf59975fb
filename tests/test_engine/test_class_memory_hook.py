from __future__ import annotations

import json
import logging
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from mmagic.registry import HOOKS
from mmengine.logging import MessageHub
from mmengine.visualization import Visualizer
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import nn

from fbinpaint_mm.engine.hooks.class_memory_hook import (
    ClassMemoryHook,
    angles_between,
    class_names,
)
from fbinpaint_mm.models.feedback import ClassMemory
from fbinpaint_mm.user_error import UserError


def make_visualizer(folder, *kinds):
    # Of its own each time: mmengine writes the folder into the configs.
    backends = [{'type': kind} for kind in kinds]
    return Visualizer(f'{folder} {kinds}', vis_backends=backends, save_dir=str(folder))


@pytest.fixture
def memory():
    """Two of three classes seen, at a right angle."""
    memory = ClassMemory(num_classes=3, channels=4)
    memory.prototypes[0, 0] = memory.prototypes[1, 1] = 1
    memory.updates[:2] = 5
    return memory


@pytest.fixture
def runner(tmp_path, memory):
    visualizer = make_visualizer(tmp_path, 'LocalVisBackend', 'TensorboardVisBackend')
    visualizer.dataset_meta = {'classes': ('sky', 'road', 'car'), 'palette': [(1, 2, 3)] * 3}
    model = nn.Module()
    model.class_memory = memory
    return SimpleNamespace(
        model=model,
        iter=0,
        max_iters=8,
        train_loop=SimpleNamespace(val_interval=3),
        visualizer=visualizer,
        message_hub=MessageHub(str(tmp_path)),
        logger=logging.getLogger('class_memory'),
    )


@pytest.fixture
def no_pictures(monkeypatch):
    picture = np.zeros((4, 4, 3), np.uint8)
    for name in ('draw_prototype_map', 'draw_cosines'):
        monkeypatch.setattr(f'{ClassMemoryHook.__module__}.{name}', lambda *_: picture)


def train(hook, runner, iterations):
    for index in range(iterations):
        hook.after_train_iter(runner, index)
        runner.iter += 1


def scalars_of(tmp_path):
    lines = (tmp_path / 'vis_data/scalars.json').read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_both_backends_get_pictures_and_numbers(runner, memory, tmp_path):
    hook = ClassMemoryHook(interval=2)
    train(hook, runner, 2)
    memory.prototypes[1] = torch.tensor([0.0, 3, 3, 0])
    memory.prototypes[2, 2] = 0.5
    memory.updates[2] = 1
    train(hook, runner, 3)
    hook.after_train(runner)
    runner.visualizer.close()
    assert scalars_of(tmp_path) == [
        {'class_memory/seen': 2, 'step': 2},
        {
            'class_memory/seen': 3,
            'class_memory/moved/sky': 0.0,
            'class_memory/moved/road': pytest.approx(45),
            'step': 4,
        },
    ]
    folder = tmp_path / 'vis_data/vis_image'
    assert sorted(path.name for path in folder.iterdir()) == [
        *('class_memory_cosines_2.png', 'class_memory_cosines_4.png'),
        *('class_memory_map_2.png', 'class_memory_map_4.png'),
    ]
    events = EventAccumulator(str(tmp_path / 'vis_data'), size_guidance={'images': 0}).Reload()
    for name in ('class_memory_map', 'class_memory_cosines'):
        assert [event.step for event in events.Images(name)] == [2, 4]
        local = cv2.imread(str(folder / f'{name}_4.png'))
        encoded = np.frombuffer(events.Images(name)[-1].encoded_image_string, np.uint8)
        assert np.array_equal(cv2.imdecode(encoded, cv2.IMREAD_COLOR), local)
    assert [event.value for event in events.Scalars('class_memory/moved/road')] == [45]


def test_projector_gets_the_prototypes_that_there_are(runner, tmp_path):
    runner.iter = 7
    ClassMemoryHook().after_train(runner)
    assert (
        'tensor_name: "class_memory:00007"'
        in (tmp_path / 'vis_data/projector_config.pbtxt').read_text()
    )
    folder = tmp_path / 'vis_data/00007/class_memory'
    assert (folder / 'metadata.tsv').read_text().split() == ['sky', 'road']
    assert np.loadtxt(folder / 'tensors.tsv').tolist() == [[1, 0, 0, 0], [0, 1, 0, 0]]


@pytest.mark.usefixtures('no_pictures')
def test_a_resumed_run_goes_on_from_the_log_before(runner, memory, tmp_path):
    train(ClassMemoryHook(interval=1), runner, 1)
    resumed = MessageHub(f'{tmp_path} resumed')
    resumed.load_state_dict(runner.message_hub.state_dict())
    runner.message_hub = resumed
    memory.prototypes[0] = torch.tensor([1.0, 0, 1, 0])
    train(ClassMemoryHook(interval=1), runner, 1)
    assert scalars_of(tmp_path)[-1]['class_memory/moved/sky'] == pytest.approx(45)


def test_no_class_seen_is_a_number_and_no_picture(runner, memory, tmp_path):
    memory.prototypes.zero_()
    memory.updates.zero_()
    hook = ClassMemoryHook(interval=1)
    train(hook, runner, 1)
    hook.after_train(runner)
    assert scalars_of(tmp_path) == [{'class_memory/seen': 0, 'step': 1}]
    assert not list(tmp_path.glob('vis_data/**/*.png'))
    assert not list(tmp_path.glob('vis_data/projector_config.pbtxt'))


def test_classes_without_names_and_colors_get_some(runner, memory, tmp_path):
    runner.visualizer.dataset_meta = {'classes': ('sky',)}
    train(ClassMemoryHook(interval=2), runner, 2)
    assert len(list(tmp_path.glob('vis_data/**/*.png'))) == 2
    assert class_names(runner, memory) == ['sky', 'class 1', 'class 2']


@pytest.mark.parametrize('memory', [None])
def test_without_a_memory_it_does_nothing_and_says_so_once(runner, memory, tmp_path, caplog):
    caplog.set_level(logging.INFO, logger='class_memory')
    hook = HOOKS.build({'type': 'ClassMemoryHook', 'interval': 1})
    hook.before_train(runner)
    train(hook, runner, 2)
    hook.after_train(runner)
    assert [record.message for record in caplog.records] == [
        'ClassMemoryHook does nothing: Module has no class memory'
    ]
    assert not list(tmp_path.glob('vis_data/*'))


def test_only_tensorboard_has_a_projector(runner, tmp_path):
    runner.visualizer = make_visualizer(tmp_path, 'LocalVisBackend')
    ClassMemoryHook().after_train(runner)
    assert not list(tmp_path.glob('vis_data/projector_config.pbtxt'))


@pytest.mark.usefixtures('no_pictures')
def test_by_default_it_goes_with_the_validations(runner, tmp_path):
    train(ClassMemoryHook(), runner, 8)
    assert [one['step'] for one in scalars_of(tmp_path)] == [3, 6, 8]


def test_interval_is_checked():
    with pytest.raises(UserError, match='interval of ClassMemoryHook must be at least 1, got 0'):
        ClassMemoryHook(interval=0)


def test_small_angles_are_exact():
    angle = 1e-7
    before = torch.tensor([[1.0, 0], [1, 0], [1, 0], [0, 0]], dtype=torch.float64)
    after = torch.tensor([[1, angle], [-2, 0], [0, 3], [1, 0]], dtype=torch.float64)
    found = angles_between(before, after)
    np.testing.assert_allclose(found[:3], [np.rad2deg(angle), 180, 90], rtol=1e-9)
    assert found[3].isnan()
