"""Every model of ours, ablations too: a step of training and of validation."""

from __future__ import annotations

import os
import re

import pytest
import torch

from tests.test_configs.shipped_configs import (
    differences,
    fabricate_batch,
    image_size,
    names,
    read,
)

# Their model is that of fbinpaint_celebahq or of its ablations, which takes its time.
LIKE_FACES = ('fbinpaint_camvid', 'fbinpaint_cityscapes', 'fbinpaint_custom')
ABLATED_LIKE_FACES = re.compile(r'ablations/.*_(camvid|cityscapes)')
NAMES = [
    name
    for folder in ('.', 'ablations', 'inpaintors')
    for name in names(folder)
    if name not in LIKE_FACES and not ABLATED_LIKE_FACES.fullmatch(name)
]
MAP_LOSSES = {'segmentation', 'prototype', 'consistency', 'semantic'}


def size_of(config, part):
    """Real image size on a GPU or with FBINPAINT_REAL_SIZE; else 32 pixels for the shorter side.

    Full-size models pad those to 128; a step at 256x256 takes one core many seconds.
    """
    size = image_size(config, part)
    assert all(side % 8 == 0 for side in size), 'the small U-Net needs multiples of 8'
    real = torch.cuda.is_available() or 'FBINPAINT_REAL_SIZE' in os.environ
    shrink = 1 if real else max(1, min(size) // 32)
    return tuple(side // shrink // 8 * 8 for side in size)


@pytest.mark.parametrize('name', NAMES)
def test_takes_a_training_and_a_validation_step(name, train):
    config = read(name)
    batch = fabricate_batch(config, size_of(config, 'train'))
    model, losses, changed = train(config, batch)
    for part in ('generator.initial', 'generator.guided', 'generator.segmentor', 'disc'):
        is_there = (config.model.generator | config.model)[part.rpartition('.')[2]] is not None
        assert any(key.startswith(f'{part}.') for key in changed) == is_there, part
    check_losses(config, losses)

    size = size_of(config, 'val')
    with torch.no_grad():
        sample = model.eval().val_step(fabricate_batch(config, size, 'val'))[0]
    rounds = config.model.test_cfg.rounds
    assert sample.output.round_imgs.shape == (rounds + 1, 3, *size)
    has_map = config.model.generator.segmentor is not None
    assert ('round_segs' in sample.output) == has_map
    if 'dictated_seg' in sample:
        assert torch.equal(sample.output.round_segs, sample.gt_seg)


@pytest.mark.parametrize('name', LIKE_FACES)
def test_a_full_size_model_differs_from_that_of_faces_in_what_suits_the_data(name):
    config, faces = read(name), read('fbinpaint_celebahq')
    assert config.optim_wrapper == faces.optim_wrapper
    changed = differences(config.model, faces.model)
    for key in ('data_preprocessor.num_classes', 'generator.segmentor.decode_head.num_classes'):
        assert changed.pop(key, faces.num_classes) == config.num_classes
    # The segmentor reads images of validation as they are.
    changed.pop('generator.map_side', None)
    assert config.model.generator.map_side == max(image_size(config, 'val'))
    assert not changed


def check_losses(config, losses):
    """The last round has the losses of the config and no others, and there is no later one."""
    rounds = config.model.train_cfg.rounds
    expected = {name for name, loss in config.model.losses.items() if loss is not None} - {'gan'}
    expected.add('confidence')
    if 'perceptual' in expected and 'style_weight' in config.model.losses.perceptual:
        expected.add('style')
    if config.model.generator.segmentor is None:
        expected -= MAP_LOSSES
    if not config.train_dataloader.batch_sampler.ratio[1]:
        expected.discard('consistency')  # it is for unlabeled images
    last = f'round{rounds}_loss_'
    assert {key.removeprefix(last) for key in losses if key.startswith(last)} == expected
    assert not any(key.startswith(f'round{rounds + 1}') for key in losses)
    assert {'loss_gan', 'loss_disc'} <= losses.keys() or config.model.disc is None
