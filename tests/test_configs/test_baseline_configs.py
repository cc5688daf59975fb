"""Every baseline: a step of training and of validation, under the protocol of our own config."""

from __future__ import annotations

import json
import os

import pytest
import torch
from mmagic.registry import MODELS
from mmengine.config import Config
from mmengine.hub import get_config

from fbinpaint_mm.models.networks import build_inpainting_network
from tests.test_configs.shipped_configs import (
    CONFIGS,
    fabricate_batch,
    image_size,
    names,
    read,
)

MMAGIC = dict(
    aot='aot_gan/aot-gan_smpgan_4xb4_places-512x512.py',
    deepfillv1='deepfillv1/deepfillv1_4xb4_celeba-256x256.py',
    deepfillv2='deepfillv2/deepfillv2_8xb2_celeba-256x256.py',
    gl='global_local/gl_8xb12_celeba-256x256.py',
    pconv='partial_conv/pconv_stage1_8xb1_celeba-256x256.py',
)
FULL, SHORT = ('celebahq', 'cityscapes', 'camvid'), ('demo', 'celebahq_64px', 'camvid_64px')
SHORT_METHODS = ('aot', 'deepfillv2', 'gl')
MIGAN = 'migan'  # with our losses
PERCEPTUAL = dict(
    aot=('loss_out_percep', 'loss_out_style'),
    pconv=('loss_out_percep', 'loss_out_style'),
    migan=('round0_loss_perceptual',),
)
WITH_BOX = WITH_FIXED_SIZE = ('gl', 'deepfillv1')  # local and fully connected discriminators
CASES = [(method, data) for method in (*MMAGIC, MIGAN) for data in FULL] + [
    (method, data) for method in SHORT_METHODS for data in SHORT
]


def baseline(method, data):
    return read(f'baselines/{method}_{data}')


def test_every_method_is_there():
    assert set(names('baselines')) == {f'baselines/{method}_{data}' for method, data in CASES}


@pytest.mark.parametrize(('method', 'data'), CASES)
def test_protocol_is_that_of_our_config(method, data):
    """Data, holes, metrics, length, validations, batches and course of the learning rate."""
    config, ours = baseline(method, data), read(f'fbinpaint_{data}')
    tail = config.train_dataloader.dataset.pop('pipeline')
    expected = ours.train_dataloader.dataset.pop('pipeline')
    assert tail[: len(expected) - 1] == expected[:-1]
    for key in (
        *('train_dataloader', 'val_dataloader', 'test_dataloader', 'val_evaluator'),
        *('test_evaluator', 'train_cfg', 'val_cfg', 'test_cfg', 'param_scheduler'),
        *('randomness', 'visualizer', 'model_wrapper_cfg', 'env_cfg', 'custom_imports'),
    ):
        assert config[key] == ours[key], key
    assert config.custom_hooks == ours.custom_hooks[-len(config.custom_hooks) :]
    assert not any('Feedback' in hook.type for hook in config.custom_hooks[1:])
    if method in WITH_BOX:
        assert [step.type for step in tail[-2:]] == ['HoleBoundingBox', 'PackSemanticInputs']
        assert tail[-2].size == config.model.train_cfg.local_size
        assert tail[-1].meta_keys == ['mask_bbox']
    else:
        assert tail[-1] == expected[-1]


def shapes_of(build):
    """Of the weights of a module, which is not made for real."""
    with torch.device('meta'):
        return {key: value.shape for key, value in build().state_dict().items()}


@pytest.mark.parametrize('method', MMAGIC)
def test_networks_losses_and_optimizers_are_those_of_mmagic(method):
    """So that its published checkpoints fit, also for the networks that our loop can have."""
    config, theirs = baseline(method, 'celebahq'), get_config(f'mmagic::{MMAGIC[method]}')
    published = shapes_of(lambda: MODELS.build(theirs.model.encdec))
    assert shapes_of(lambda: MODELS.build(config.model.encdec)) == published
    base = Config.fromfile(CONFIGS / f'_base_/networks/mmagic_{method}.py')
    assert set(base.keys()) == {'network'}, 'nothing else of mmagic is inherited'
    mixed = shapes_of(lambda: build_inpainting_network(base.network, None, 'initial').network)
    assert mixed == published
    discs = config.model.disc, theirs.model.disc
    if any(discs):
        ours, published = (shapes_of(lambda disc=disc: MODELS.build(disc)) for disc in discs)
        assert ours == published

    changed = {key for key in theirs.model if config.model[key] != theirs.model[key]}
    assert changed <= {'data_preprocessor', 'encdec', 'disc', 'loss_composed_percep', '_scope_'}
    losses = [model.get('loss_composed_percep') or {} for model in (config.model, theirs.model)]
    for key in ('perceptual_weight', 'style_weight'):
        assert losses[0].get(key) == losses[1].get(key)
    assert without_scope(config.optim_wrapper) == without_scope(theirs.optim_wrapper)


def without_scope(node):
    if not isinstance(node, dict):
        return node
    return {key: without_scope(value) for key, value in node.items() if key != '_scope_'}


def learning_rates(config):
    wrappers = config.optim_wrapper
    wrappers = [wrappers] if 'optimizer' in wrappers else [wrappers.generator, wrappers.get('disc')]
    return [wrapper.optimizer.lr for wrapper in wrappers if wrapper]


@pytest.mark.parametrize('data', SHORT)
@pytest.mark.parametrize('method', SHORT_METHODS)
def test_short_schedules_scale_learning_rates_as_ours_and_the_phases_of_gl(method, data):
    short, full = baseline(method, data), baseline(method, 'camvid')
    ours = [learning_rates(read(f'fbinpaint_{name}'))[0] for name in (data, 'camvid')]
    # The demo, of 400 iterations, takes three times more.
    assert ours[0] == pytest.approx((15 if data == 'demo' else 5) * ours[1])
    assert learning_rates(short) == pytest.approx([5 * rate for rate in learning_rates(full)])
    for phase in ('iter_tc', 'iter_td') if method == 'gl' else ():
        scale = short.train_cfg.max_iters / full.train_cfg.max_iters
        expected = full.model.train_cfg[phase] * scale
        assert short.model.train_cfg[phase] == pytest.approx(expected, abs=1)


REAL_SIZE = 'FBINPAINT_REAL_SIZE' in os.environ


def training_size(method, config):
    """Real size where a model is tied to it, or on request; otherwise smaller, to save time."""
    size = image_size(config, 'train')
    is_tied = method in WITH_FIXED_SIZE or REAL_SIZE
    return size if is_tied else tuple(min(side, 72) for side in size)


def validation_size(config):
    """Half of 256 pixels and more: a network that takes half of a size takes all of it."""
    size = image_size(config, 'val')
    return tuple(side // 2 for side in size) if min(size) > 128 and not REAL_SIZE else size


@pytest.mark.parametrize(('method', 'data'), [case for case in CASES if case[1] != 'demo'])
def test_takes_a_training_and_a_validation_step(method, data, train):
    config = baseline(method, data)
    size = training_size(method, config)
    number = 1 if max(size) > 128 else 2  # large ones take their time
    model, losses, changed = train(config, fabricate_batch(config, size, number=number))

    assert any('l1' in key for key in losses)
    assert any(key.startswith('generator.') for key in changed)
    has_disc = config.model.disc is not None
    assert any(key.startswith('disc.') for key in changed) == has_disc
    assert any('loss_g_fake' in key or 'loss_gan' in key for key in losses) == has_disc
    of_features = {key for key in losses if 'percep' in key or 'style' in key}
    assert of_features >= set(PERCEPTUAL.get(method, ()))
    assert bool(of_features) == (method in PERCEPTUAL)

    size = validation_size(config)
    with torch.no_grad():
        batch = fabricate_batch(config, size, 'val', number=1)
        sample = model.eval().val_step(batch)[0]
    predicted, known = sample.output.pred_img, (sample.mask == 0).expand(3, -1, -1)
    assert predicted.shape == (3, *size)
    assert 0 <= predicted.min() <= predicted.max() <= 255
    torch.testing.assert_close(predicted[known], sample.gt_img[known].float(), atol=1e-3, rtol=0)
    assert torch.equal(predicted[~known], sample.output.fake_res[~known])


@pytest.mark.parametrize('data', FULL)
def test_migan_is_round_0_of_our_config_under_its_losses_of_images(data, monkeypatch):
    """And starts from nothing but the weights of its authors."""
    monkeypatch.setenv('FBINPAINT_MIGAN', '/migan.pth')
    monkeypatch.setenv('FBINPAINT_INITIAL', '/no/such/initial.pth')
    config, ours = (
        Config.fromfile(CONFIGS / f'{name}.py')
        for name in (f'baselines/{MIGAN}_{data}', f'fbinpaint_{data}')
    )
    start = dict(type='Pretrained', checkpoint='/migan.pth')
    assert config.model.generator.initial == dict(ours.model.generator.guided, init_cfg=start)
    assert config.get('load_from') is None
    changed = {key for key in ours.model if config.model[key] != ours.model[key]}
    parts = {'data_preprocessor', 'generator', 'teacher', 'losses', 'train_cfg', 'test_cfg'}
    assert changed == parts
    of_maps = ('segmentation', 'consistency', 'prototype', 'semantic')
    assert config.model.losses == {**ours.model.losses, **dict.fromkeys(of_maps)}
    adapted = without_scope(ours.optim_wrapper)
    adapted['generator'].pop('paramwise_cfg')
    assert config.optim_wrapper == adapted


def test_aot_starts_where_it_can_learn():
    """Not with every output at the ends of the Tanh, as with mmagic's initialization."""
    model = MODELS.build(baseline('aot', 'demo').model)
    model.init_weights()
    with torch.no_grad():
        raw = model.generator(torch.rand(1, 4, 64, 64) * 2 - 1)
    assert raw.std() > 0
    assert raw.abs().max() < 0.9


@pytest.mark.parametrize('method', SHORT_METHODS)
def test_a_runner_of_the_demo_trains_validates_and_reports(method, make_runner, tmp_path):
    config = baseline(method, 'demo')
    config.default_hooks.checkpoint.save_optimizer = False
    config.val_dataloader.dataset.num_scenes = 2
    runner = make_runner(config)
    before = {key: value.clone() for key, value in runner.model.generator.state_dict().items()}
    runner.train()

    folder = tmp_path / 'run'
    scores = json.loads((folder / 'round_scores.json').read_text())['iterations']['1']
    assert {'PSNR', 'SSIM', 'MAE', 'MAE_hole'} <= set(scores)
    assert not any('round' in name or 'mIoU' in name for name in scores)
    assert 5 < scores['PSNR'] < 40
    assert len(list(folder.glob('*/vis_data/vis_image/*_iter_1.png'))) == 2
    saved = torch.load(folder / 'iter_1.pth', weights_only=False)['state_dict']
    assert any(not torch.equal(saved[f'generator.{key}'], value) for key, value in before.items())
