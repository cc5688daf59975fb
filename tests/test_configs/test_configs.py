"""Every top-level config: it resolves, builds, trains a step and validates a step."""

import os
from itertools import count
from pathlib import Path

import pytest
import torch
from mmagic import registry
from mmengine.config import Config, ConfigDict
from mmengine.registry import DefaultScope
from mmengine.runner import Runner

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
NAMES = sorted(path.name for path in CONFIGS.glob('*.py'))
RUNS = count()


def size_of(dataset):
    """Real image size on a GPU or with FBINPAINT_REAL_SIZE; else 32 pixels for the shorter side.

    DeepLabV3+ and the full-size inpainters take minutes for one step at 256x256 on one core.
    """
    size = dataset.image_size
    size = (size, size) if isinstance(size, int) else tuple(size)
    assert all(side % 8 == 0 for side in size), 'the small U-Net needs multiples of 8'
    real = torch.cuda.is_available() or 'FBINPAINT_REAL_SIZE' in os.environ
    shrink = 1 if real else max(1, min(size) // 32)
    return tuple(side // shrink // 8 * 8 for side in size)


@pytest.fixture
def make_runner(tmp_path, monkeypatch, remove_downloads):
    """The Runner of a config, which builds all but the data sets; nothing is downloaded."""
    # mmengine formats the config with yapf, which takes seconds.
    monkeypatch.setattr(Config, 'pretty_text', property(lambda self: repr(self.to_dict())))

    def make(cfg):
        remove_downloads(cfg.model)
        cfg.work_dir = str(tmp_path)
        cfg.experiment_name = cfg.visualizer.name = f'config_{next(RUNS)}'
        return Runner.from_cfg(cfg)

    return make


@pytest.mark.parametrize('name', NAMES)
def test_takes_a_training_and_a_validation_step(name, make_runner, fabricate_batch):
    cfg = Config.fromfile(CONFIGS / name)
    runner = make_runner(cfg)
    runner.call_hook('before_run')
    wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    model = runner.model.train()
    num_classes = cfg.model.data_preprocessor.num_classes
    assert num_classes == cfg.num_classes

    before = {key: value.clone() for key, value in model.named_parameters()}
    batch = fabricate_batch(size_of(cfg.train_dataloader.dataset), num_classes)
    losses = model.train_step(batch, wrapper)
    assert all(torch.isfinite(torch.as_tensor(value)).all() for value in losses.values())
    assert 'round0_loss_l1_hole' in losses
    changed = [k for k, value in model.named_parameters() if not torch.equal(value, before[k])]
    for part in ('generator.initial.', 'generator.guided.', 'disc.'):
        learning = [key for key in before if key.startswith(part)]
        assert not learning or any(key.startswith(part) for key in changed), part

    size = size_of(cfg.val_dataloader.dataset)
    with torch.no_grad():
        samples = model.eval().val_step(fabricate_batch(size, num_classes))
    assert samples[1].output.round_imgs.shape == (cfg.model.test_cfg.rounds + 1, 3, *size)


@pytest.mark.parametrize('name', NAMES)
def test_builds_as_it_is(name):
    """With its pretrained keys: nothing is downloaded before the weights are initialised."""
    with DefaultScope.overwrite_default_scope('mmagic'):
        model = registry.MODELS.build(Config.fromfile(CONFIGS / name).model)
    assert model.teacher is not None


def leaves(cfg):
    """(registry, config dict) of everything that a Runner would build, but the model."""
    for key in ('train', 'val', 'test'):
        loader = cfg[f'{key}_dataloader']
        yield 'DATASETS', loader.dataset
        yield from (('TRANSFORMS', step) for step in loader.dataset.pipeline)
        yield from (
            ('DATA_SAMPLERS', loader[part])
            for part in ('sampler', 'batch_sampler')
            if part in loader
        )
        yield 'LOOPS', cfg[f'{key}_cfg']
        yield from (('METRICS', metric) for metric in cfg.get(f'{key}_evaluator', []))
    yield from (('HOOKS', hook) for hook in (*cfg.default_hooks.values(), *cfg.custom_hooks))
    yield 'VISUALIZERS', cfg.visualizer
    yield from (('VISBACKENDS', backend) for backend in cfg.visualizer.vis_backends)
    yield from (('PARAM_SCHEDULERS', one) for one in cfg.param_scheduler)
    yield 'OPTIM_WRAPPER_CONSTRUCTORS', dict(type=cfg.optim_wrapper.constructor)
    yield 'MODEL_WRAPPERS', cfg.model_wrapper_cfg
    for wrapper in cfg.optim_wrapper.values():
        if isinstance(wrapper, dict):
            yield 'OPTIM_WRAPPERS', wrapper
            yield 'OPTIMIZERS', wrapper.optimizer


BUILT = ('TRANSFORMS', 'METRICS', 'HOOKS')


@pytest.mark.parametrize('name', NAMES)
def test_everything_in_it_is_registered_and_accepts_its_settings(name, remove_downloads):
    cfg = Config.fromfile(CONFIGS / name)
    assert cfg.custom_imports.imports == ['fbinpaint_mm']
    assert cfg.default_scope == 'mmagic'
    with DefaultScope.overwrite_default_scope('mmagic'):
        for kind, node in leaves(cfg):
            found = getattr(registry, kind)
            assert found.get(node['type']), f'{node["type"]} is not in {kind}'
            if kind in BUILT:
                remove_downloads(node)
                found.build(ConfigDict(node).to_dict())


@pytest.mark.parametrize('name', NAMES)
def test_its_parts_fit_together(name):
    cfg = Config.fromfile(CONFIGS / name)
    optimised = {key for key, value in cfg.optim_wrapper.items() if isinstance(value, dict)}
    has_disc = cfg.model.get('disc') is not None
    assert optimised == ({'generator', 'disc'} if has_disc else {'generator'})
    assert max(one.end for one in cfg.param_scheduler) == cfg.train_cfg.max_iters
    last = max(cfg.param_scheduler, key=lambda one: one.end)
    assert last.begin < last.end
    loader = cfg.train_dataloader
    assert loader.batch_size % sum(loader.batch_sampler.ratio) == 0
    rule = cfg.default_hooks.checkpoint
    names = {metric.get('metric', metric).type for metric in cfg.val_evaluator}
    assert rule.save_best in {one.removeprefix('Finite') for one in names}
    # mmseg's bases leave their own at the top level; the model's must be ours.
    assert cfg.model.data_preprocessor.type == 'SemiSupervisedDataPreprocessor'


def test_paths_come_from_the_environment(monkeypatch):
    variables = dict(CELEBAMASK_HQ='/faces', WEIGHTS='/weights', RESNET50='/resnet50.pth')
    for variable, value in variables.items():
        monkeypatch.setenv(f'FBINPAINT_{variable}', value)
    cfg = Config.fromfile(CONFIGS / 'fbinpaint_celebahq.py')
    assert cfg.train_dataloader.dataset.data_root == '/faces'
    assert cfg.val_dataloader.dataset.data_root == '/faces'
    assert cfg.model.loss_perceptual.weights == '/weights'
    assert cfg.model.segmentor.pretrained == '/resnet50.pth'
    for evaluator in (cfg.val_evaluator, cfg.test_evaluator):
        assert evaluator[-1].metric == dict(type='LPIPS', backbone='alex', weights='/weights')
    for variable in variables:
        monkeypatch.delenv(f'FBINPAINT_{variable}')
    cfg = Config.fromfile(CONFIGS / 'fbinpaint_celebahq.py')
    assert cfg.train_dataloader.dataset.data_root == 'data/celebamask_hq'
    assert cfg.model.loss_perceptual.weights == ''
    assert cfg.model.segmentor.pretrained == 'open-mmlab://resnet50_v1c'


def test_the_template_for_own_images_has_no_layouts():
    """They are for aligned images; nothing says that those of users are."""
    assert Config.fromfile(CONFIGS / 'fbinpaint_custom.py').model.recorrection.layout is None
