import os
import re
from logging.handlers import BufferingHandler

import pytest
from mmengine.config import Config
from mmengine.logging import MMLogger

from fbinpaint_mm import config_file, pretrained
from fbinpaint_mm.config_file import (
    configs_folder,
    find_config,
    merge_options,
    part_of,
    read_config,
)
from fbinpaint_mm.user_error import UserError


@pytest.mark.parametrize(
    ('name', 'file'),
    [
        ('fbinpaint_demo', 'fbinpaint_demo.py'),
        ('fbinpaint_demo.py', 'fbinpaint_demo.py'),
        ('configs/fbinpaint_demo.py', 'fbinpaint_demo.py'),
        ('one_way_demo', 'ablations/one_way_demo.py'),
        ('ablations/one_way_demo', 'ablations/one_way_demo.py'),
    ],
)
def test_a_config_is_found_by_its_name(name, file, repository, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_config(name) == repository / 'configs' / file


def test_a_config_is_found_by_its_path(repository, tmp_path):
    path = tmp_path / 'mine.py'
    path.touch()
    part = repository / 'configs/_base_/default_runtime.py'
    assert [find_config(path), find_config(str(path)), find_config(part)] == [path, path, part]


@pytest.fixture
def configs(tmp_path, monkeypatch):
    folder = tmp_path / 'configs'
    for name in ('demo.py', 'a/other.py', 'a/twice.py', 'b/twice.py', '_base_/demos.py'):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    monkeypatch.setattr(config_file, 'configs_folder', lambda: folder)
    monkeypatch.setattr(pretrained, 'FOLDER', tmp_path)
    return folder


@pytest.mark.parametrize(
    ('name', 'hint'),
    [
        ('configs/dmo.py', 'Did you mean: demo'),
        ('demos', 'Did you mean: demo'),  # a part of others cannot be run
        ('b/other', 'Did you mean: a/other'),
        ('/elsewhere/a/other.py', 'Did you mean: a/other'),
        ('twice', 'Did you mean: a/twice, b/twice'),
        ('teela', 'Did you mean: telea'),
        ('xyz', "They are in '{}'"),
    ],
)
def test_a_missing_config_is_named_with_those_that_may_be_meant(configs, name, hint):
    with pytest.raises(FileNotFoundError) as error:
        find_config(name, others=['telea'])
    told = 'is neither a file nor one of the configs of fbinpaint_mm, nor of its trained models ()'
    assert str(error.value) == f'config {name!r} {told}. {hint.format(configs)}'


def test_a_folder_is_no_config(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"' is a folder, no file, nor one of the configs"):
        find_config(tmp_path)


def test_a_package_without_configs_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setattr(config_file, 'PACKAGE', tmp_path / 'fbinpaint_mm')
    with pytest.raises(FileNotFoundError, match='Install it from a wheel or as an editable clone'):
        configs_folder()


@pytest.mark.parametrize('name', ['a.yaml', 'a.yml', 'a.json', 'a.pkl', 'a'])
@pytest.mark.parametrize('child', [None, 'child.py', 'grandchild.py'])
def test_only_python_is_read_also_as_a_base(tmp_path, name, child):
    marker = tmp_path / 'marker'
    (tmp_path / name).write_text(f"!!python/object/apply:os.system ['touch {marker}']\n")
    (tmp_path / 'child.py').write_text(f"_base_ = ['{name}']\n")
    (tmp_path / 'grandchild.py').write_text("_base_ = 'child.py'\n")
    with pytest.raises(UserError, match=rf"{name}': found a file with the suffix .*'\.py'"):
        read_config(tmp_path / (child or name))
    assert not marker.exists()


@pytest.fixture
def config(tmp_path):
    path = tmp_path / 'config.py'
    path.write_text("root = '{{$FBINPAINT_ROOT:data}}'\nmodel = dict(type='A', width=4)\n")
    return path


def test_options_replace_settings_at_any_depth(config):
    cfg = read_config(config, {'model.width': 8, 'model.more.depth': 2})
    assert cfg.model == dict(type='A', width=8, more=dict(depth=2))


@pytest.mark.parametrize(
    'name',
    [
        *('train_cfg.max_iters', 'work_dir', 'load_from', 'auto_scale_lr.base_batch_size'),
        *('sync_bn', 'model_wrapper_cfg.type', 'runner_type', 'custom_imports.imports'),
    ],
)
def test_what_a_run_reads_may_be_new(config, name):
    assert read_config(config, {name: 5}).to_dict().keys() >= {name.split('.')[0]}


@pytest.mark.parametrize(('value', 'expected'), [(None, 'data'), ('', 'data'), ('own', 'own')])
def test_an_empty_variable_counts_as_unset(config, monkeypatch, value, expected):
    monkeypatch.delenv('FBINPAINT_ROOT', raising=False)
    monkeypatch.setenv('EMPTY_OF_ANOTHER', '')
    if value is not None:
        monkeypatch.setenv('FBINPAINT_ROOT', value)
    assert read_config(config).root == expected
    assert os.environ['EMPTY_OF_ANOTHER'] == ''


def test_a_variable_is_read_without_a_word(config, monkeypatch):
    monkeypatch.setenv('FBINPAINT_ROOT', 'own')
    child = config.with_name('child.py')
    child.write_text("_base_ = 'config.py'\nother = '{{$FBINPAINT_ROOT:x}}'\n")
    handler = BufferingHandler(10)
    logger = MMLogger.get_current_instance()
    logger.addHandler(handler)
    try:
        assert read_config(child).other == 'own'
        logger.info('what follows is said')
    finally:
        logger.removeHandler(handler)
    assert [record.getMessage() for record in handler.buffer] == ['what follows is said']


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        (
            'modle.width',
            r"option 'modle\.width': neither the config nor a run has a setting 'modle'\. "
            r"Did you mean 'model'\?",
        ),
        ('train_cgf.max_iters', "Did you mean 'train_cfg'"),
        ('xyz', r"a setting 'xyz'\. Expected one of .*custom_imports, .*model, .*sync_bn"),
        # Not 'root', which the config has but nothing reads.
        ('roots', r"a setting 'roots'\. Expected one of "),
    ],
)
def test_an_option_that_nothing_reads_is_refused(name, message):
    cfg = Config(dict(model=dict(width=4), root='data'))
    with pytest.raises(UserError, match=message):
        merge_options(cfg, {'model.width': 8, name: 1})
    assert cfg.model.width == 4


HELPERS = dict(
    image_size=128,
    root='data',
    pipeline=[dict(type='Load')],
    norm=dict(type='BN'),
    lone=3,
    train_dataloader=dict(
        dataset=dict(image_size=128, data_root='data', pipeline=[dict(type='Load')])
    ),
    model=dict(width=3, layers=[dict(norm=dict(type='BN')), dict(norm_cfg=dict(type='BN'))]),
)


@pytest.mark.parametrize(
    ('name', 'place'),
    [
        ('image_size', ', e.g. train_dataloader.dataset.image_size'),
        ('root', ', e.g. train_dataloader.dataset.data_root'),
        ('pipeline.0.type', ', e.g. train_dataloader.dataset.pipeline.0.type'),
        ('norm.type', ', e.g. model.layers.0.norm.type'),
        ('lone', ''),  # that another number is the same says nothing
    ],
)
def test_a_variable_of_a_config_is_refused_with_where_it_went(name, place):
    cfg = Config(HELPERS)
    told = 'used only while the config is read; set what it went into'
    with pytest.raises(UserError, match=f'^{re.escape(f"option {name!r}: {told}{place}")}$'):
        merge_options(cfg, {name: 1})
    assert cfg.to_dict() == HELPERS


@pytest.mark.parametrize(
    ('name', 'place'),
    [
        ('num_classes', 'model.'),
        ('image_size', 'train_dataloader.dataset.image_size'),
        ('train_pipeline', 'train_dataloader.dataset.pipeline'),
        ('segmentor.decode_head', 'model.generator.segmentor.decode_head'),
    ],
)
def test_variables_of_our_configs_are_refused_and_what_they_went_into_is_not(
    repository, name, place
):
    path = repository / 'configs/fbinpaint_demo.py'
    with pytest.raises(UserError, match=rf'set what it went into, e\.g\. {place}') as error:
        read_config(path, {name: None})
    read_config(path, {str(error.value).rpartition(' ')[2]: None})


@pytest.mark.parametrize(
    ('name', 'place'),
    [
        ('model.part.layer.width', 'model.part'),
        ('model.more.part.width', 'model.more.part'),
        ('model.parts.1.width', 'model.parts.1'),
    ],
)
def test_a_setting_of_what_is_switched_off_is_refused(name, place):
    settings = dict(part=None, more=dict(part=None), parts=[dict(width=4), None])
    message = f"option '{name}': {place} is None in this config, .*; give {place}.type too"
    with pytest.raises(UserError, match=message):
        merge_options(Config(dict(model=settings)), {name: 8})


def test_what_is_switched_off_is_switched_on_by_its_type():
    cfg = Config(dict(model=dict(part=None, parts=[dict(width=4), None])))
    options = {'model.part.width': 8, 'model.part.type': 'A', 'model.parts.0.width': 5}
    merge_options(cfg, options)
    assert cfg.model == dict(part=dict(type='A', width=8), parts=[dict(width=5), None])


@pytest.mark.parametrize(
    ('option', 'message'),
    [
        ('model.parts.2.width', r'model\.parts is a list of items 0 to 1$'),
        ('model.parts.first.width', r'model\.parts is a list of items 0 to 1$'),
        ('model.parts.2', r'model\.parts is a list of items 0 to 1$'),
        ('model.parts.0.width.x', r'model\.parts\.0\.width is 4, which has no settings$'),
        ('model', 'found 8, expected settings, or items of a list$'),
        ('model.parts.1', 'found 8, expected settings, or items of a list$'),
    ],
)
def test_an_option_that_fits_nowhere_is_refused(option, message):
    cfg = Config(dict(model=dict(parts=[dict(width=4), dict(width=5)])))
    with pytest.raises(UserError, match=f"^option '{option}': {message}"):
        merge_options(cfg, {option: 8})


def test_a_text_in_place_of_a_number_is_refused_where_no_class_knows():
    settings = dict(optim_wrapper=dict(type='A', clip_grad=dict(max_norm=1.0, norm='l2')), model={})
    message = (
        r"^option 'optim_wrapper\.clip_grad\.max_norm': found 'x', expected a number, as 1\.0$"
    )
    with pytest.raises(UserError, match=message):
        merge_options(Config(settings), {'optim_wrapper.clip_grad.max_norm': 'x'})
    cfg = Config(dict(model=dict(type='A', width=4, deep=True)))
    options = {'model.width': 'wide', 'model.deep': False, 'work_dir': 'x'}
    merge_options(cfg, options)
    assert cfg.model == dict(type='A', width='wide', deep=False)


def test_an_interval_that_is_no_number_is_refused(config):
    text = "custom_hooks = [dict(type='A', val_interval='x')]\n"
    config.write_text(config.read_text() + text)
    message = r"^custom_hooks\.0\.val_interval: found 'x', expected a whole number$"
    with pytest.raises(UserError, match=message):
        read_config(config)
    assert read_config(config, {'custom_hooks.0.val_interval': 3}).model.width == 4
    config.write_text("log_processor = dict(window_size='x')\n")
    with pytest.raises(UserError, match=r"^log_processor\.window_size: found 'x'"):
        read_config(config)


@pytest.mark.parametrize(
    ('option', 'message'),
    [
        ('env_cfg.cudnn_benchmrk', r"Did you mean 'cudnn_benchmark'\?$"),
        ('auto_scale_lr.x', 'Expected one of enable, base_batch_size$'),
    ],
)
def test_a_setting_that_mmengine_would_pass_over_is_refused(config, option, message):
    with pytest.raises(UserError, match=f'^{option}: nothing takes this setting. {message}'):
        read_config(config, {option: 1})
    read_config(config, {'env_cfg.cudnn_benchmark': True, 'auto_scale_lr.enable': False})


def test_a_part_that_a_config_must_have_is_named_with_the_file(config):
    cfg = read_config(config)
    assert part_of(cfg, 'model').width == 4
    with pytest.raises(UserError, match=r"config\.py' has no val_dataloader$"):
        part_of(cfg, 'val_dataloader')
