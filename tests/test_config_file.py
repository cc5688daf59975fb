import os

import pytest
from mmengine.config import Config

from fbinpaint_mm.config_file import merge_options, read_config


@pytest.fixture
def config(tmp_path):
    path = tmp_path / 'config.py'
    path.write_text("root = '{{$FBINPAINT_ROOT:data}}'\nmodel = dict(type='A', width=4)\n")
    return path


def test_options_replace_settings_at_any_depth(config):
    cfg = read_config(config, {'model.width': 8, 'root': 'x'})
    assert (cfg.model, cfg.root) == (dict(type='A', width=8), 'x')


@pytest.mark.parametrize('name', ['train_cfg.max_iters', 'sync_bn', 'model_wrapper_cfg.type'])
def test_a_setting_of_the_runner_may_be_new(config, name):
    assert read_config(config, {name: 5}).to_dict().keys() >= {name.split('.')[0]}


@pytest.mark.parametrize(('value', 'expected'), [(None, 'data'), ('', 'data'), ('own', 'own')])
def test_an_empty_variable_counts_as_unset(config, monkeypatch, value, expected):
    monkeypatch.delenv('FBINPAINT_ROOT', raising=False)
    monkeypatch.setenv('EMPTY_OF_ANOTHER', '')
    if value is not None:
        monkeypatch.setenv('FBINPAINT_ROOT', value)
    assert read_config(config).root == expected
    assert os.environ['EMPTY_OF_ANOTHER'] == ''


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        (
            'modle.width',
            r"option 'modle\.width': neither the config nor a run has a setting 'modle'\. "
            r"Did you mean 'model'\?",
        ),
        ('train_cgf.max_iters', "Did you mean 'train_cfg'"),
        ('xyz', r"a setting 'xyz'\. There are \[.*'model', .*'root'"),
    ],
)
def test_an_option_that_nothing_reads_is_refused(name, message):
    cfg = Config(dict(model=dict(width=4), root='data'))
    with pytest.raises(ValueError, match=message):
        merge_options(cfg, {'model.width': 8, name: 1})
    assert cfg.model.width == 4
