import json
from pathlib import Path

import pytest
import torch
import yaml
from mmagic.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from fbinpaint_mm.checkpoint import load_fitting_checkpoint


@pytest.fixture
def tool(load_tool):
    return load_tool('publish_checkpoint')


@pytest.fixture
def config(repository):
    return str(repository / 'tests/test_benchmark/small_config.py')


@pytest.fixture
def model(config):
    init_default_scope('mmagic')
    return MODELS.build(Config.fromfile(config).model)


@pytest.fixture
def checkpoint(model, tmp_path):
    path = str(tmp_path / 'iter_1.pth')
    torch.save(dict(state_dict=model.state_dict(), meta=dict(iter=1)), path)
    return path


def test_what_is_published_fits_its_config(tool, config, checkpoint, model, tmp_path, capsys):
    scores = tmp_path / 'scores.json'
    scores.write_text(json.dumps(dict(scores={'PSNR': 20.5, 'round0/PSNR': 19.0, 'mIoU': 3.0})))
    options = ['--out', str(tmp_path / 'new'), '--url', 'https://x.org/m/', '--scores', str(scores)]
    tool.publish(tool.parse_args([config, checkpoint, *options, '--dataset', 'scenes']))
    (weights,) = (tmp_path / 'new').glob('small_config-*.pth')
    init = {name: value.clone() for name, value in model.generator.state_dict().items()}
    for parameter in model.parameters():
        torch.nn.init.zeros_(parameter)
    load_fitting_checkpoint(model, str(weights))
    assert all(torch.equal(v, init[k]) for k, v in model.generator.state_dict().items())
    (entry,) = yaml.safe_load((tmp_path / 'new/metafile.yml').read_text())['Models']
    assert entry['Weights'] == f'https://x.org/m/{weights.name}'
    assert entry['Results'][0]['Metrics'] == {'PSNR': 20.5, 'mIoU': 3.0}
    assert entry['Metadata']['SHA256'] in capsys.readouterr().out


@pytest.mark.parametrize(
    ('config', 'expected'),
    [
        ('{repository}/configs/mix/wgan_celebahq.py', 'configs/mix/wgan_celebahq.py'),
        ('/elsewhere/own.py', 'configs/own.py'),
    ],
)
def test_metafile_names_the_config_as_the_repository_does(tool, repository, config, expected):
    path = Path(config.format(repository=repository))
    assert tool.path_in_repository(path) == expected


def test_label_maps_in_it_are_told(tool, config, checkpoint, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr('fbinpaint_mm.publishing.label_maps_in', lambda path: 7)
    tool.publish(tool.parse_args([config, checkpoint, '--out', str(tmp_path / 'new')]))
    assert 'holds 7 label maps of training images' in capsys.readouterr().err


def test_a_checkpoint_of_another_model_is_refused(tool, config, tmp_path):
    torch.save(dict(state_dict={'generator.x': torch.ones(1)}), tmp_path / 'a.pth')
    args = tool.parse_args([config, str(tmp_path / 'a.pth'), '--out', str(tmp_path / 'new')])
    with pytest.raises(ValueError, match='does not belong to this config'):
        tool.publish(args)
    assert not (tmp_path / 'new').exists()


def test_a_folder_that_cannot_be_written_is_named_in_one_line(tool, config, checkpoint, tmp_path):
    (tmp_path / 'new').write_text('a file')
    with pytest.raises(SystemExit, match=r'^publish_checkpoint\.py: .*/new') as error:
        tool.main([config, checkpoint, '--out', str(tmp_path / 'new')])
    assert '\n' not in str(error.value)


@pytest.mark.parametrize(
    ('argv', 'message'),
    [
        (['missing.py', 'x.pth'], "config file 'missing.py' does not exist"),
        (['{config}', 'x.pth'], "checkpoint 'x.pth' does not exist"),
        (
            ['{config}', '{checkpoint}', '--scores', '{checkpoint}', '--dataset', 'scenes'],
            'expected what tools/test.py',
        ),
        (['{config}', '{checkpoint}', '--scores', '{checkpoint}'], '--scores and --dataset belong'),
        (['{config}', '{checkpoint}', '--dataset', 'scenes'], '--scores and --dataset belong'),
    ],
)
def test_mistakes_are_found_at_once(tool, config, checkpoint, tmp_path, capsys, argv, message):
    argv = [text.format(config=config, checkpoint=checkpoint) for text in argv]
    with pytest.raises(SystemExit):
        tool.parse_args([*argv, '--out', str(tmp_path)])
    assert message in capsys.readouterr().err
