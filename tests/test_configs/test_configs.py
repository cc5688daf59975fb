"""The files of ``configs/``: what they inherit, that all in them is registered and fits."""

from __future__ import annotations

import ast
import re

import pytest
from mmagic import registry
from mmengine.config import Config, ConfigDict
from PIL import Image

from fbinpaint_mm.optimizer_settings import drop_idle_optimizers
from tests.test_configs.shipped_configs import (
    CONFIGS,
    differences,
    names,
    read,
    remove_downloads,
)

PRODUCTS = names()
RUNNABLE = [
    name
    for folder in (
        *('.', 'ablations', 'baselines', 'comparisons', 'inpaintors', 'maps', 'mix', 'segmentors'),
    )
    for name in names(folder)
]
PACKAGE = 'fbinpaint_mm'
FILES = sorted(CONFIGS.rglob('*.py'))


def bases_of(path):
    """The files of our own that one inherits, and the whole names of others."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], 'id', None) == '_base_':
            for base in ast.literal_eval(node.value):
                prefix, _, name = base.rpartition('::')
                if prefix in ('', PACKAGE):
                    folder = CONFIGS if prefix else path.parent
                    yield (folder / name).resolve().relative_to(CONFIGS)
                else:
                    yield base


def protocols_of(path):
    """The protocols that a config inherits, over any number of steps."""
    own = [base for base in bases_of(path) if not isinstance(base, str)]
    found = {base.stem for base in own if base.parts[:2] == ('_base_', 'protocols')}
    return found.union(*(protocols_of(CONFIGS / base) for base in own if not found))


def test_every_file_begins_with_what_it_is():
    assert [path for path in FILES if not path.read_text().startswith('# ')] == []


def test_bases_inherit_bases_only():
    for path in FILES:
        if '_base_' in path.relative_to(CONFIGS).parts:
            for base in bases_of(path):
                assert isinstance(base, str) or base.parts[0] == '_base_', path


def items_by_number(text):
    """Where Python code takes items or slices of lists, not values of dictionaries by name."""
    found = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Subscript)]
    return [
        ast.unparse(node)
        for node in found
        if not isinstance(getattr(node.slice, 'value', None), str)
    ]


def test_no_item_of_a_list_is_addressed_by_its_number():
    """A child that did would change another item as soon as its base gets one more."""
    for path in FILES:
        assert items_by_number(path.read_text()) == [], path


@pytest.mark.parametrize('code', ['x[3]', 'x[-1]', 'x[:-1]', 'x[1:]', 'x[0:2]', 'model["a"].b[0]'])
def test_an_item_by_its_number_is_found(code):
    assert items_by_number(f'y = {code}; z = [*{code}]') == [code.replace('"', "'")] * 2
    assert items_by_number('model["generator"].update(size=[1], rounds=[-1])') == []


@pytest.mark.parametrize('folder', ['.', 'ablations', 'baselines', 'maps'])
def test_data_and_schedule_are_those_of_the_protocol_in_the_name(folder):
    for name in names(folder):
        expected = re.search(r'[a-z]+(_small|_64px)?$', name).group()
        assert protocols_of(CONFIGS / f'{name}.py') == {expected}, name


def parts_of(config):
    """(registry, config) of everything that a Runner builds, but the model."""
    for part in ('train', 'val', 'test'):
        loader = config[f'{part}_dataloader']
        yield 'DATASETS', loader.dataset
        yield from (('TRANSFORMS', step) for step in loader.dataset.pipeline)
        samplers = (loader.get('sampler'), loader.get('batch_sampler'))
        yield from (('DATA_SAMPLERS', sampler) for sampler in samplers if sampler)
        yield 'LOOPS', config[f'{part}_cfg']
        yield from (('METRICS', metric) for metric in config.get(f'{part}_evaluator', []))
    yield from (('HOOKS', hook) for hook in (*config.default_hooks.values(), *config.custom_hooks))
    yield 'VISUALIZERS', config.visualizer
    yield from (('VISBACKENDS', backend) for backend in config.visualizer.vis_backends)
    yield from (('PARAM_SCHEDULERS', one) for one in config.param_scheduler)
    yield 'MODEL_WRAPPERS', config.model_wrapper_cfg
    wrappers = config.optim_wrapper
    if 'constructor' in wrappers:
        yield 'OPTIM_WRAPPER_CONSTRUCTORS', dict(type=wrappers.constructor)
    for wrapper in [wrappers, *wrappers.values()]:
        if 'optimizer' in wrapper:
            yield 'OPTIM_WRAPPERS', dict(type=wrapper.get('type', 'OptimWrapper'))
            yield 'OPTIMIZERS', wrapper.optimizer


def test_everything_in_them_is_registered_and_accepts_its_settings():
    checked = set()
    for name in RUNNABLE:
        config = read(name)
        assert config.custom_imports.imports == ['fbinpaint_mm']
        assert config.default_scope == 'mmagic'
        for kind, node in parts_of(config):
            if (kind, repr(node)) in checked:
                continue
            checked.add((kind, repr(node)))
            assert getattr(registry, kind).get(node['type']), f'{name}: no {node["type"]} in {kind}'
            if kind in ('TRANSFORMS', 'METRICS', 'HOOKS'):
                remove_downloads(node)
                getattr(registry, kind).build(ConfigDict(node).to_dict())


@pytest.mark.parametrize('name', RUNNABLE)
def test_parts_fit_together(name):
    config = read(name)
    drop_idle_optimizers(config)  # as every tool does
    loader, model, wrappers = config.train_dataloader, config.model, config.optim_wrapper
    if loader.get('batch_sampler'):
        assert loader.batch_size % sum(loader.batch_sampler.ratio) == 0
    assert max(one.end for one in config.param_scheduler) == config.train_cfg.max_iters
    last = max(config.param_scheduler, key=lambda one: one.end)
    assert last.begin < last.end
    scores = {metric.get('metric', metric).type for metric in config.val_evaluator}
    best = config.default_hooks.checkpoint.save_best
    of_maps = {'mmseg.IoUMetric': 'mIoU', 'HoleIoU': 'aAcc_hole'}
    assert best in {of_maps.get(score, score.removeprefix('Finite')) for score in scores}
    if model.type != 'FeedbackRecorrectionInpaintor':
        return
    optimized = {key for key, value in wrappers.items() if isinstance(value, dict)}
    assert optimized == ({'generator'} if model.disc is None else {'generator', 'disc'})
    # mmseg's bases leave their own at the top level; the model's must be ours.
    assert model.data_preprocessor.type == 'SemiSupervisedDataPreprocessor'
    num_classes = config.get('num_classes')  # None without semantics
    assert model.data_preprocessor.num_classes == num_classes
    head = (model.generator.get('segmentor') or {}).get(
        'decode_head', dict(num_classes=num_classes)
    )
    assert head['num_classes'] == num_classes


def test_paths_come_from_the_environment_and_reach_what_inherits_them(monkeypatch):
    variables = dict(
        CELEBAMASK_HQ='/faces', WEIGHTS='/weights', MIGAN='/migan.pth', RESNET50='/resnet50.pth'
    )
    for variable, value in variables.items():
        monkeypatch.setenv(f'FBINPAINT_{variable}', value)
    migan = dict(type='Pretrained', checkpoint='/migan.pth')
    assert paths_of('fbinpaint_celebahq') == ('/faces', '/weights', migan, '/weights')
    assert dense_backbone() == '/resnet50.pth'
    for variable in variables:
        monkeypatch.delenv(f'FBINPAINT_{variable}')
    expected = ('data/celebamask_hq', 'download', None, 'download')
    assert paths_of('fbinpaint_celebahq') == expected
    assert dense_backbone() == 'open-mmlab://resnet50_v1c'


def paths_of(name):
    """Folder of the data, and where the weights of losses, networks, segmentor are."""
    config = Config.fromfile(CONFIGS / f'{name}.py')
    root = config.train_dataloader.dataset.data_root
    assert config.val_dataloader.dataset.data_root == root
    weights = config.test_evaluator[-1].metric.weights
    assert config.val_evaluator[-1].metric.weights == weights
    generator = config.model.generator
    assert config.model.losses.perceptual.weights == weights
    return root, weights, generator.guided.init_cfg, generator.segmentor.backbone.weights


def dense_backbone():
    config = Config.fromfile(CONFIGS / 'mix/deeplabv3plus_celebahq.py')
    return config.model.generator.segmentor.pretrained


TEMPLATES = ('fbinpaint_custom', 'fbinpaint_custom_small')


@pytest.mark.parametrize('name', TEMPLATES)
def test_a_template_can_be_copied_anywhere(name, tmp_path):
    copy = tmp_path / 'mine.py'
    text = (CONFIGS / f'{name}.py').read_text()
    copy.write_text(text.replace("'data/my_images'", "'elsewhere'").replace("'animal'", "'cat'"))
    config = Config.fromfile(copy)
    for part in ('train', 'val', 'test'):
        dataset = config[f'{part}_dataloader'].dataset
        assert dataset.data_root == 'elsewhere'
        assert dataset.metainfo.classes == ('background', 'cat', 'plant')
        prefix = {'train': 'train'}.get(part, 'val')
        assert dataset.data_prefix == dict(
            img_path=f'images/{prefix}', seg_map_path=f'annotations/{prefix}'
        )
    assert 'unlabeled_prefix' not in dataset
    assert not differences(config.model, read(name).model)


def test_the_small_template_trains_on_a_folder_of_images(tmp_path, make_runner):
    for split, number in dict(train=2, val=1, unlabeled=2).items():
        for index in range(number):
            for folder, mode in dict(images='RGB', annotations='L').items():
                path = tmp_path / folder / split / f'{index}.png'
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new(mode, (80, 70), 1).save(path)
    copy = tmp_path / 'mine.py'
    text = (CONFIGS / 'fbinpaint_custom_small.py').read_text()
    copy.write_text(text.replace("'data/my_images'", repr(str(tmp_path))))
    runner = make_runner(Config.fromfile(copy))
    runner.train()
    dataset = runner.train_dataloader.dataset
    assert (dataset.labeled_indices, dataset.unlabeled_indices) == ([0, 1], [2, 3])
    assert runner.message_hub.get_scalar('val/round2/PSNR').current() > 0
    assert list((tmp_path / 'run').glob('iter_1.pth'))


def test_the_small_template_needs_no_download():
    config = read('fbinpaint_custom_small')
    before = repr(config)
    remove_downloads(config)
    assert repr(config) == before
