from __future__ import annotations

import logging
import os
from dataclasses import replace

import numpy as np
import pytest
import torch
from mmengine.config import Config
from PIL import Image

from fbinpaint_mm.benchmark.entry import Entry
from fbinpaint_mm.benchmark.planning import PlannedRun
from fbinpaint_mm.benchmark.trained_with import count_images, describe_training
from fbinpaint_mm.benchmark.training import Training, scale_training
from fbinpaint_mm.pretrained import checkpoint_of


@pytest.fixture
def describe(caplog):
    caplog.set_level(logging.INFO)

    def run(entry, training=None):
        plan = [PlannedRun(entry, 'abc', training=training)]
        return describe_training(entry, plan, logging.getLogger('test_trained_with'))

    return run


def test_a_checkpoint_says_its_iterations_and_the_config_its_images(describe, cfg, tmp_path):
    path = tmp_path / 'best.pth'
    torch.save(dict(state_dict={}, meta=dict(iter=300)), path)
    cfg.train_dataloader.dataset.labeled_ratio = '1/4'
    entry = Entry('small', 'small.py', str(path), cfg)
    assert describe(entry) == dict(iterations=300, images=4, labeled=1)
    torch.save(dict(weight=torch.ones(1)), path)
    assert describe(replace(entry)) == dict(images=4, labeled=1)


def test_the_data_of_a_user_are_not_those_of_a_shipped_model(describe, cfg):
    shipped = checkpoint_of('faces', None)
    for path in (shipped, os.path.relpath(shipped)):
        assert describe(Entry('faces', 'faces', path, cfg)) == {}


def test_a_training_of_the_benchmark_has_its_own_length(describe, cfg, tmp_path):
    training = Training(scale_training(cfg, 7, seed=0), tmp_path, 'cpu')
    found = describe(Entry('small', 'small.py', cfg=cfg), training)
    assert found == dict(iterations=7, images=4, labeled=4)


def test_what_does_not_learn_has_no_training(describe, caplog):
    assert describe(Entry('telea', 'telea', cfg=Config(dict(model={})))) == {}
    assert caplog.messages == []


def test_data_that_is_not_there_costs_nothing_else(describe, cfg, tmp_path, caplog):
    dataset = dict(type='SemanticInpaintingDataset', data_root=str(tmp_path / 'gone'))
    cfg.train_dataloader.dataset = dataset
    entry = Entry('small', 'small.py', cfg=cfg)
    training = Training(scale_training(cfg, 7, seed=0), tmp_path, 'cpu')
    assert describe(entry, training) == dict(iterations=7)
    (message,) = caplog.messages
    assert message.startswith('small: its training is not known in full: data_prefix.img_path: no')


def test_images_are_counted_without_being_read(cfg, tmp_path):
    for index in range(3):
        (tmp_path / f'{index}.png').write_text('no picture')
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / '0.png')
    cfg.train_dataloader.dataset = dict(
        type='SemanticInpaintingDataset', data_root=str(tmp_path), check='full'
    )
    assert count_images(cfg) == dict(images=3, labeled=0)
    assert cfg.train_dataloader.dataset.check == 'full'
