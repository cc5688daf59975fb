import hashlib
import json
from pathlib import Path

import pytest
import torch
import yaml
from mmagic.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from fbinpaint_mm.checkpoint import load_fitting_checkpoint
from fbinpaint_mm.cli.publishing import (
    inference_checkpoint,
    path_in_repository,
    publish,
    read_scores,
    write_weights,
)
from fbinpaint_mm.user_error import UserError


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


def test_what_is_published_fits_its_config(config, checkpoint, model, tmp_path, capsys):
    scores = tmp_path / 'scores.json'
    scores.write_text(json.dumps(dict(scores={'PSNR': 20.5, 'round0/PSNR': 19.0, 'mIoU': 3.0})))
    publish(config, checkpoint, tmp_path / 'new', 'https://x.org/m/', scores, 'scenes')
    (weights,) = (tmp_path / 'new').glob('small_config-*.pth')
    init = {name: value.clone() for name, value in model.generator.state_dict().items()}
    for parameter in model.parameters():
        torch.nn.init.zeros_(parameter)
    load_fitting_checkpoint(model, str(weights))
    assert all(torch.equal(v, init[k]) for k, v in model.generator.state_dict().items())
    content = yaml.safe_load((tmp_path / 'new/metafile.yml').read_text())
    (entry,) = content['Models']
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert entry['Weights'] == f'https://x.org/m/{weights.name}'
    assert entry['Results'] == [
        dict(Task='Inpainting', Dataset='scenes', Metrics={'PSNR': 20.5, 'mIoU': 3.0})
    ]
    assert entry['Metadata'] == {'SHA256': digest, 'File Size (bytes)': weights.stat().st_size}
    assert content['Collections'][0]['Name'] == entry['In Collection']
    assert digest in capsys.readouterr().out


def test_without_scores_and_address_the_metafile_has_none(config, checkpoint, tmp_path):
    publish(config, checkpoint, tmp_path / 'new')
    (entry,) = yaml.safe_load((tmp_path / 'new/metafile.yml').read_text())['Models']
    assert entry['Results'] == []
    assert (tmp_path / 'new' / entry['Weights']).is_file()


@pytest.mark.parametrize(
    ('config', 'expected'),
    [
        ('{repository}/configs/mix/wgan_celebahq.py', 'configs/mix/wgan_celebahq.py'),
        ('/elsewhere/own.py', 'configs/own.py'),
    ],
)
def test_metafile_names_the_config_as_the_repository_does(repository, config, expected):
    assert path_in_repository(Path(config.format(repository=repository))) == expected


def test_a_checkpoint_of_another_model_is_refused(config, tmp_path):
    torch.save(dict(state_dict={'generator.x': torch.ones(1)}), tmp_path / 'a.pth')
    with pytest.raises(UserError, match='does not belong to this config'):
        publish(config, str(tmp_path / 'a.pth'), tmp_path / 'new')
    assert not list((tmp_path / 'new').iterdir())


def test_weights_that_are_not_finite_are_refused(config, checkpoint, tmp_path):
    loaded = torch.load(checkpoint)
    key = next(key for key in loaded['state_dict'] if key.startswith('generator.'))
    loaded['state_dict'][key].view(-1)[0] = torch.nan
    torch.save(loaded, checkpoint)
    with pytest.raises(UserError, match=rf"1 of \d+ entries hold NaN .*first '{key}'"):
        publish(config, checkpoint, tmp_path / 'new')
    assert not list((tmp_path / 'new').iterdir())


def test_a_folder_that_cannot_be_is_told_before_the_checkpoint_is_read(config, tmp_path):
    (tmp_path / 'file').write_text('mine')
    (tmp_path / 'a.pth').write_text('no checkpoint')
    with pytest.raises(UserError, match=f"--out '{tmp_path}/file'"):
        publish(config, str(tmp_path / 'a.pth'), tmp_path / 'file')


def test_another_file_of_scores_is_refused(tmp_path):
    others = ('{"scores": 5}', '{"scores": {"PSNR": [1]}}', '{"scores": {"PSNR": "good"}}')
    for content in ('no JSON', '{"PSNR": 20.5}', '[1]', *others):
        (tmp_path / 'a.json').write_text(content)
        with pytest.raises(UserError, match=r'a\.json: .* expected what tools/test\.py --out'):
            read_scores(tmp_path / 'a.json')


def test_a_score_that_is_not_finite_is_refused(tmp_path):
    (tmp_path / 'a.json').write_text('{"scores": {"SSIM": 0.5, "PSNR": NaN}}')
    with pytest.raises(UserError, match=r'a\.json: PSNR is not a finite number'):
        read_scores(tmp_path / 'a.json')


@pytest.fixture
def trained(tmp_path):
    state = {
        'generator.initial.weight': torch.arange(6.0).view(2, 3).t(),
        'teacher.segmentor.weight': torch.ones(100),
        'disc.weight': torch.ones(100),
    }
    path = tmp_path / 'iter_3.pth'
    meta = dict(iter=3, seed=0, cfg='a = 1', hook_msgs=dict(last_ckpt='somewhere'))
    torch.save(dict(state_dict=state, meta=meta, optimizer=dict(a=1), message_hub={}), path)
    return str(path)


def test_only_what_inference_needs_is_published(trained):
    published = inference_checkpoint(trained)
    assert list(published) == ['state_dict', 'meta']
    assert list(published['state_dict']) == ['generator.initial.weight']
    weight = published['state_dict']['generator.initial.weight']
    assert weight.tolist() == [[0, 3], [1, 4], [2, 5]]
    assert weight.is_contiguous()
    # Neither the config, which has paths of the machine, nor any of mmengine's records.
    assert sorted(published['meta']) == ['fbinpaint_mm_version', 'iter', 'seed']


def test_only_tensors_and_numbers_under_their_own_names_are_published(tmp_path):
    state = {'module.generator.x': torch.ones(2), 'module.teacher.x': torch.ones(2), 'number': 5}
    for meta in (None, [1], dict(iter='many', seed=torch.ones(1))):
        torch.save(dict(state_dict=state, meta=meta), tmp_path / 'a.pth')
        published = inference_checkpoint(str(tmp_path / 'a.pth'))
        assert list(published['state_dict']) == ['generator.x']
        assert list(published['meta']) == ['fbinpaint_mm_version']


def test_a_model_without_a_generator_is_published_as_a_whole(tmp_path):
    torch.save(dict(state_dict=dict(weight=torch.ones(2))), tmp_path / 'a.pth')
    assert list(inference_checkpoint(str(tmp_path / 'a.pth'))['state_dict']) == ['weight']


def test_the_name_of_the_file_has_its_hash_and_torch_loads_it_safely(trained, tmp_path):
    path, digest = write_weights(trained, 'model', tmp_path / 'new')
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert path.name == f'model-{digest[:8]}.pth'
    assert list(torch.load(path, weights_only=True)) == ['state_dict', 'meta']


def test_bare_weights_are_refused(tmp_path):
    torch.save(dict(weight=torch.ones(2)), tmp_path / 'a.pth')
    with pytest.raises(UserError, match=r'a\.pth: found weight, expected a checkpoint of a tr'):
        inference_checkpoint(str(tmp_path / 'a.pth'))
