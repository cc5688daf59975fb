import hashlib

import pytest
import torch

from fbinpaint_mm.publishing import (
    inference_checkpoint,
    label_maps_in,
    metafile,
    publish_checkpoint,
)


@pytest.fixture
def checkpoint(tmp_path):
    state = {
        'generator.initial.weight': torch.arange(6.0).view(2, 3).t(),
        'teacher.segmentor.weight': torch.ones(100),
        'disc.weight': torch.ones(100),
    }
    path = tmp_path / 'iter_3.pth'
    meta = dict(iter=3, seed=0, cfg='a = 1', hook_msgs=dict(last_ckpt='somewhere'))
    torch.save(dict(state_dict=state, meta=meta, optimizer=dict(a=1), message_hub={}), path)
    return str(path)


def test_only_what_inference_needs_is_published(checkpoint):
    published = inference_checkpoint(checkpoint)
    assert list(published) == ['state_dict', 'meta']
    assert list(published['state_dict']) == ['generator.initial.weight']
    weight = published['state_dict']['generator.initial.weight']
    assert weight.tolist() == [[0, 3], [1, 4], [2, 5]]
    assert weight.is_contiguous()
    # Neither the config, which has paths of the machine, nor any of mmengine's records.
    assert sorted(published['meta']) == ['fbinpaint_mm_version', 'iter', 'seed']


def test_a_model_without_a_generator_is_published_as_a_whole(tmp_path):
    torch.save(dict(state_dict=dict(weight=torch.ones(2))), tmp_path / 'a.pth')
    assert list(inference_checkpoint(str(tmp_path / 'a.pth'))['state_dict']) == ['weight']


def test_the_name_of_the_file_has_its_hash_and_torch_loads_it_safely(checkpoint, tmp_path):
    path, digest = publish_checkpoint(checkpoint, 'model', tmp_path / 'new')
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert path.name == f'model-{digest[:8]}.pth'
    assert list(torch.load(path, weights_only=True)) == ['state_dict', 'meta']


def test_bare_weights_are_refused(tmp_path):
    torch.save(dict(weight=torch.ones(2)), tmp_path / 'a.pth')
    with pytest.raises(ValueError, match=r'a\.pth: found weight, expected a checkpoint of a tr'):
        inference_checkpoint(str(tmp_path / 'a.pth'))


def test_the_metafile_names_the_hash_and_the_address():
    results = [dict(Task='Inpainting', Dataset='demo', Metrics=dict(PSNR=20.0))]
    content = metafile('demo', 'configs/demo.py', 'https://x/demo-ab.pth', 'ab' * 32, 7, results)
    (model,) = content['Models']
    assert model['Metadata'] == {'SHA256': 'ab' * 32, 'File Size (bytes)': 7}
    assert model['Weights'] == 'https://x/demo-ab.pth'
    assert model['Results'] == results
    assert content['Collections'][0]['Name'] == model['In Collection']


def test_label_maps_of_training_images_are_counted(tmp_path):
    keys = torch.tensor([7, -1, 9])
    for name, state in (('with', {'generator.recorrection.layout.keys': keys}), ('without', {})):
        torch.save(dict(state_dict=state), tmp_path / name)
    assert label_maps_in(str(tmp_path / 'with')) == 2
    assert label_maps_in(str(tmp_path / 'without')) == 0
