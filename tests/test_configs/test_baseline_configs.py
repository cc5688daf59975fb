"""Every baseline: a step of training and of validation, under the protocol of our own config."""

import json
import os
from argparse import Namespace
from copy import deepcopy
from functools import cache
from pathlib import Path

import pytest
import torch
from mmagic.registry import MODELS, TRANSFORMS
from mmengine.config import Config, ConfigDict
from mmengine.hub import get_config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

from fbinpaint_mm.cli import launch

REPOSITORY = Path(__file__).resolve().parents[2]
CONFIGS = REPOSITORY / 'configs'
SMALL = ('demo', 'small')  # without VGG16
NAMES = sorted(  # equal models side by side
    (path.stem for path in (CONFIGS / 'baselines').glob('*.py')),
    key=lambda name: (name.split('_')[0], name.endswith(SMALL), name.endswith('64px'), name),
)
MMAGIC = dict(
    aot='aot_gan/aot-gan_smpgan_4xb4_places-512x512.py',
    deepfillv1='deepfillv1/deepfillv1_4xb4_celeba-256x256.py',
    deepfillv2='deepfillv2/deepfillv2_8xb2_celeba-256x256.py',
    gl='global_local/gl_8xb12_celeba-256x256.py',
    pconv='partial_conv/pconv_stage1_8xb1_celeba-256x256.py',
)
DATASETS = (
    *('celebahq', 'cityscapes', 'camvid', 'demo'),
    *('celebahq_small', 'camvid_small', 'celebahq_64px', 'camvid_64px'),
)
WITH_BOX = WITH_FIXED_SIZE = ('gl', 'deepfillv1')  # local and fully connected discriminators


@cache
def load(name):
    """A config as tools/train.py loads it; read once, to be left as it is."""
    path = str(CONFIGS / f'{name}.py')
    return launch.load_config(
        Namespace(config=path, launcher='none', cfg_options={}, work_dir='unused')
    )


def baseline(name):
    return load(f'baselines/{name}')


def split_name(name):
    method, _, data = name.partition('_')
    return method, data


def image_size(dataset):
    size = dataset.image_size
    return (size, size) if isinstance(size, int) else tuple(size)


@pytest.fixture(autouse=True)
def _scope_and_seed():
    with DefaultScope.overwrite_default_scope('mmagic'), torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def test_every_method_is_there_for_every_data_set():
    assert set(NAMES) == {f'{method}_{data}' for method in MMAGIC for data in DATASETS}


@pytest.mark.parametrize('name', NAMES)
def test_protocol_is_that_of_our_config(name):
    """Data, holes, metrics, length, validations, batches and course of the learning rate."""
    method, data = split_name(name)
    config, ours = deepcopy(baseline(name)), deepcopy(load(f'fbinpaint_{data}'))
    tail = config.train_dataloader.dataset.pop('pipeline')
    expected = ours.train_dataloader.dataset.pop('pipeline')
    assert tail[: len(expected) - 1] == expected[:-1]
    for key in (
        *('train_dataloader', 'val_dataloader', 'test_dataloader', 'val_evaluator'),
        *('test_evaluator', 'train_cfg', 'val_cfg', 'test_cfg', 'param_scheduler'),
        *('randomness', 'visualizer', 'model_wrapper_cfg', 'env_cfg', 'custom_imports'),
    ):
        assert config[key] == ours[key], key
    assert [hook.type for hook in config.custom_hooks] == [
        'FeedbackVisualizationHook',
        'RoundReportHook',
        'DivergenceHook',
        'CorruptFileHook',
        'InterruptHook',
    ]
    if method in WITH_BOX:
        assert [step.type for step in tail[-2:]] == ['HoleBoundingBox', 'PackSemanticInputs']
        assert (tail[-2].size,) * 2 == tuple(config.model.train_cfg.local_size)
        assert tail[-1].meta_keys == ['mask_bbox']
    else:
        assert tail[-1] == expected[-1]


@pytest.mark.parametrize('method', MMAGIC)
def test_networks_losses_and_optimisers_are_mmagics(method):
    config, theirs = baseline(f'{method}_celebahq'), get_config(f'mmagic::{MMAGIC[method]}')
    for part in ('encdec', 'disc'):
        shapes = []
        for model in (config.model, theirs.model):
            with torch.device('meta'):
                module = MODELS.build(model[part]) if model[part] else torch.nn.Module()
            shapes.append({key: value.shape for key, value in module.state_dict().items()})
        assert shapes[0] == shapes[1], part  # so that mmagic's checkpoints fit
    changed = {key for key in theirs.model if config.model[key] != theirs.model[key]}
    assert changed <= {'data_preprocessor', 'encdec', 'disc', 'loss_composed_percep', '_scope_'}
    for key in ('perceptual_weight', 'style_weight'):
        losses = [model.get('loss_composed_percep') or {} for model in (config.model, theirs.model)]
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


@pytest.mark.parametrize('short', ['demo', 'camvid_64px'])
@pytest.mark.parametrize('method', MMAGIC)
def test_short_schedules_raise_learning_rates_as_ours(method, short):
    ours = load(f'fbinpaint_{short}'), load('fbinpaint_camvid')
    factor = learning_rates(ours[0])[0] / learning_rates(ours[1])[0]
    full, small = (learning_rates(baseline(f'{method}_{data}')) for data in ('camvid', short))
    assert small == pytest.approx([factor * rate for rate in full])
    assert factor == 5


@pytest.mark.parametrize('name', [name for name in NAMES if name.endswith('64px')])
def test_a_start_of_ours_is_not_that_of_a_baseline(name, monkeypatch):
    for part in ('INITIAL', 'SEGMENTOR'):
        monkeypatch.setenv(f'FBINPAINT_{part}', 'ours.pth')
    config = Config.fromfile(CONFIGS / f'baselines/{name}.py')
    assert 'ours.pth' not in str(config.model)


@pytest.mark.parametrize('name', [name for name in NAMES if name.startswith('gl_')])
def test_the_phases_of_gl_scale_with_the_schedule(name):
    config = baseline(name)
    phases, length = config.model.train_cfg, config.train_cfg.max_iters
    assert phases.iter_tc == pytest.approx(length * 40 / 300, abs=1)
    assert phases.iter_td == pytest.approx(length * 50 / 300, abs=1)


def make_batch(config, fabricate_batch, size):
    """Fabricated images, packed by the training pipeline of the config."""
    pipeline = config.train_dataloader.dataset.pipeline
    names = [step.type for step in pipeline]
    steps = [TRANSFORMS.build(step) for step in pipeline[names.index('GetMaskedImage') :]]
    batch = fabricate_batch(size, 3)
    packed = []
    for sample in batch['data_samples']:
        results = dict(is_labeled=sample.is_labeled, gt_path=sample.gt_path, sample_idx=0)
        for key, field in (('gt', 'gt_img'), ('mask', 'mask'), ('gt_seg', 'gt_seg')):
            results[key] = sample.get(field).permute(1, 2, 0).numpy()
        for step in steps:
            results = step(results)
        packed.append(results)
    return {key: [one[key] for one in packed] for key in ('inputs', 'data_samples')}


def first_of(batch):
    return {key: values[:1] for key, values in batch.items()}


@pytest.fixture(scope='module')
def last():
    """What ``train`` did last."""
    return {}


@pytest.fixture
def train(last, remove_downloads):
    """Trains the model of a config; equal models that come one after the other share the steps."""

    def run(config, batch):
        settings = deepcopy(dict(model=config.model, optim_wrapper=config.optim_wrapper))
        remove_downloads(settings)
        key = repr(settings)
        if key not in last:
            last.clear()
            last[key] = take_steps(ConfigDict(settings), batch)
        return last[key]

    return run


def take_steps(config, batch):
    """A step of the generator, one of the discriminators, one of both: whatever a method does."""
    model = MODELS.build(config.model).train()
    wrapper = build_optim_wrapper(model, config.optim_wrapper)
    before = {key: value.clone() for key, value in model.named_parameters()}
    losses = model.train_step(deepcopy(batch), wrapper)
    if config.model.train_cfg.disc_step == 2:  # the generator in every second step
        losses = model.train_step(deepcopy(batch), wrapper)
    if 'iter_td' in config.model.train_cfg:  # the discriminators after the generator
        model.cur_iter = config.model.train_cfg.iter_td + 1
        losses |= model.train_step(deepcopy(batch), wrapper)
    changed = {k for k, value in model.named_parameters() if not torch.equal(value, before[k])}
    model.zero_grad()
    return model, losses, changed


REAL_SIZE = 'FBINPAINT_REAL_SIZE' in os.environ


def training_size(name):
    """Real size where a model is tied to it, or on request; otherwise smaller, to save time."""
    size = image_size(baseline(name).train_dataloader.dataset)
    tied = name.startswith(WITH_FIXED_SIZE) or REAL_SIZE
    return size if tied else tuple(min(side, 72) for side in size)


def validation_size(name):
    """Half of 256 pixels and more: a network that takes half of a size takes all of it."""
    size = image_size(baseline(name).val_dataloader.dataset)
    return tuple(side // 2 for side in size) if min(size) > 128 and not REAL_SIZE else size


@pytest.mark.parametrize('name', NAMES)
def test_takes_a_training_and_a_validation_step(name, train, fabricate_batch):
    config = baseline(name)
    batch = make_batch(config, fabricate_batch, training_size(name))
    if max(training_size(name)) > 128:  # takes its time
        batch = first_of(batch)
    model, losses, changed = train(config, batch)

    assert all(torch.isfinite(torch.as_tensor(value)).all() for value in losses.values())
    assert any('l1' in key for key in losses)
    assert any(key.startswith('generator.') for key in changed)
    assert any(key.startswith('disc.') for key in changed) == (config.model.disc is not None)
    assert any('loss_g_fake' in key for key in losses) == (config.model.disc is not None)
    has_vgg = name.startswith(('aot', 'pconv')) and not name.endswith(SMALL)
    assert ('loss_out_percep' in losses) == ('loss_out_style' in losses) == has_vgg

    size = validation_size(name)
    with torch.no_grad():
        sample = model.eval().val_step(first_of(fabricate_batch(size, 3)))[0]
    predicted, known = sample.output.pred_img, (sample.mask == 0).expand(3, -1, -1)
    assert predicted.shape == (3, *size)
    assert 0 <= predicted.min() <= predicted.max() <= 255
    torch.testing.assert_close(predicted[known], sample.gt_img[known].float(), atol=1e-3, rtol=0)
    assert torch.equal(predicted[~known], sample.output.fake_res[~known])


def test_aot_starts_where_it_can_learn():
    """Not with every output at the ends of the Tanh, as with mmagic's initialisation."""
    model = MODELS.build(baseline('aot_demo').model)
    model.init_weights()
    with torch.no_grad():
        raw = model.generator(torch.rand(1, 4, 64, 64) * 2 - 1)
    assert raw.std() > 0
    assert raw.abs().max() < 0.9


@pytest.mark.parametrize('method', MMAGIC)
def test_a_runner_trains_validates_and_reports(method, tmp_path, monkeypatch):
    # mmengine formats the config with yapf, which takes seconds.
    monkeypatch.setattr(Config, 'pretty_text', property(lambda self: repr(self.to_dict())))
    config = deepcopy(baseline(f'{method}_demo'))
    config.work_dir = str(tmp_path)
    config.experiment_name = config.visualizer.name = f'baseline_{method}'
    config.default_hooks.checkpoint.update(save_optimizer=False)
    config.train_cfg.update(max_iters=2, val_interval=2)
    config.train_dataloader.batch_size = 2
    config.val_dataloader.dataset.num_scenes = 2
    for loader in (config.train_dataloader, config.val_dataloader):
        loader.update(num_workers=0, persistent_workers=False)
    runner = Runner.from_cfg(config)
    before = {key: value.clone() for key, value in runner.model.generator.state_dict().items()}
    runner.train()

    scores = json.loads((tmp_path / 'round_scores.json').read_text())['iterations']['2']
    assert {'PSNR', 'SSIM', 'MAE', 'MAE_hole'} <= set(scores)
    assert not any('round' in name or 'mIoU' in name for name in scores)
    assert 5 < scores['PSNR'] < 40
    assert len(list(tmp_path.glob('*/vis_data/vis_image/*_iter_2.png'))) == 2
    saved = torch.load(tmp_path / 'iter_2.pth', weights_only=False)['state_dict']
    assert any(not torch.equal(saved[f'generator.{key}'], value) for key, value in before.items())
