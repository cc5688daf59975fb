"""Trained models by name: a tiny one, published as the package's own are."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fbinpaint_mm import pretrained
from fbinpaint_mm.apis import FeedbackInpainter
from fbinpaint_mm.benchmark.entry import parse_entry
from fbinpaint_mm.cli.export import export_checkpoint
from fbinpaint_mm.cli.publishing import publish
from fbinpaint_mm.cli.running import run_test, run_training
from fbinpaint_mm.config_file import find_package_config
from fbinpaint_mm.user_error import UserError
from fbinpaint_mm.web.serve import copy_examples

DEMO = 'fbinpaint_demo'


@pytest.fixture(scope='module')
def models(tmp_path_factory):
    """A folder of trained models with one, ``tiny``, and the checkpoint that it was made of."""
    folder = tmp_path_factory.mktemp('models')
    inpainter = FeedbackInpainter(DEMO, device='cpu')
    weights, generator = inpainter.model.state_dict(), torch.Generator().manual_seed(1)
    for value in weights.values():
        if value.is_floating_point():
            value += 0.02 * torch.randn(value.shape, generator=generator)
    meta = dict(iter=7, dataset_meta=dict(classes=inpainter.classes))
    torch.save(dict(state_dict=weights, meta=meta), folder / 'iter_7.pth')
    publish(DEMO, str(folder / 'iter_7.pth'), folder / 'tiny', half=True)
    return folder


@pytest.fixture(autouse=True)
def _only_tiny(models, monkeypatch):
    monkeypatch.setattr(pretrained, 'FOLDER', models)


@pytest.fixture
def picture():
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    hole = np.zeros((64, 64), bool)
    hole[20:44, 16:40] = True
    return image, hole


def test_a_name_brings_config_and_weights(models, picture):
    by_name = FeedbackInpainter(Path('tiny'), device='cpu').inpaint(*picture)
    trained = FeedbackInpainter(DEMO, models / 'iter_7.pth', device='cpu').inpaint(*picture)
    untrained = FeedbackInpainter(DEMO, device='cpu').inpaint(*picture)
    differences = [
        np.abs(by_name.image - one.image.astype(float)).max() for one in (trained, untrained)
    ]
    assert differences[0] <= 1 < differences[1]  # half precision, and other weights


def test_what_is_published_is_of_half_precision_but_for_statistics(models):
    (file,) = (models / 'tiny').glob(f'{DEMO}-*.pth')
    loaded = torch.load(file, weights_only=True)
    floats = [value for value in loaded['state_dict'].values() if value.is_floating_point()]
    assert {value.dtype for value in floats if value.ndim > 1} == {torch.float16}
    assert {value.dtype for value in floats if value.ndim < 2} == {torch.float32}
    assert len(loaded['meta']['dataset_meta']['classes']) == 10


def test_names_and_other_checkpoints_mix(models):
    (file,) = map(str, (models / 'tiny').glob('*.pth'))
    assert pretrained.checkpoint_of('tiny', None) == file
    assert pretrained.checkpoint_of(DEMO, 'tiny') == file
    assert pretrained.checkpoint_of('tiny', 'mine.pth') == 'mine.pth'
    assert pretrained.checkpoint_of(DEMO, None) is None
    assert pretrained.checkpoint_of(find_package_config(f'{DEMO}.py'), None) is None


def test_a_file_or_folder_of_that_name_is_in_no_ones_way(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'tiny').touch()
    assert FeedbackInpainter('tiny', device='cpu').classes[0] == 'sky'


def test_an_unknown_name_lists_those_that_exist():
    with pytest.raises(FileNotFoundError, match=r"'tine' .*trained models \(tiny\).* mean: tiny$"):
        FeedbackInpainter('tine')


def test_a_config_of_other_classes_is_refused():
    with pytest.raises(UserError, match=r'tiny.*other classes .*found sky, .*; expected backgr'):
        FeedbackInpainter('fbinpaint_celebahq_64px', 'tiny')


def test_export_takes_the_name(tmp_path):
    settings = dict(format='torchscript', mode='unrolled', dynamic=False, tolerance=1e-3)
    (file,) = export_checkpoint('tiny', None, str(tmp_path), {}, 1, (64, 64), **settings)
    assert file.path.name.startswith('tiny_rounds1')


def test_training_starts_from_the_weights(models, tmp_path):
    options = dict(max_iters=1, train_dataloader=dict(num_workers=0, persistent_workers=False))
    quick = {'optim_wrapper.generator.optimizer.lr': 0.0, 'val_dataloader.dataset.num_scenes': 2}
    run_training('tiny', str(tmp_path), cfg_options=options | quick)
    trained = torch.load(tmp_path / 'iter_1.pth', weights_only=False)['state_dict']
    (file,) = (models / 'tiny').glob('*.pth')
    published = torch.load(file, weights_only=True)['state_dict']
    learned = [key for key, value in published.items() if key.endswith('.weight')]
    assert learned
    for key in learned:
        assert torch.allclose(trained[key], published[key].float()), key  # at a rate of zero


def test_a_start_that_is_asked_for_comes_before_that_of_the_name(tmp_path, capsys):
    with pytest.raises(SystemExit):
        run_training('tiny', str(tmp_path), cfg_options=dict(load_from='mine.pth'))
    assert 'mine.pth' in capsys.readouterr().err


def test_test_and_benchmark_take_the_name(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = {'test_dataloader.dataset.num_scenes': 2, 'test_dataloader.num_workers': 0}
    options['test_dataloader.persistent_workers'] = False
    run_test('tiny', out='scores.json', cfg_options=options)
    assert json.loads(Path('scores.json').read_text())['scores']['PSNR_count'] == 2
    entry = parse_entry('ours=tiny')
    assert (entry.name, entry.source) == ('ours', 'tiny')
    assert entry.checkpoint == pretrained.checkpoint_of('tiny', None)
    assert not entry.is_trained
    with pytest.raises(SystemExit):
        run_test(DEMO)
    assert re.search(f"'{DEMO}' needs a checkpoint behind it.* \\(tiny\\)", capsys.readouterr().err)


def test_inpaint_takes_the_name(picture, tmp_path, load_tool, capsys):
    image, hole = picture
    Image.fromarray(image).save(tmp_path / 'photo.png')
    Image.fromarray(hole).save(tmp_path / 'mask.png')
    options = ['--mask', str(tmp_path / 'mask.png'), '--out', str(tmp_path / 'out')]
    tool = load_tool('inpaint')
    assert tool.main(['tiny', str(tmp_path / 'photo.png'), *options]) == 0
    result = np.asarray(Image.open(tmp_path / 'out/photo.png'))
    assert np.array_equal(result[~hole], image[~hole])
    assert not np.array_equal(result[hole], image[hole])
    with pytest.raises(SystemExit):  # it is a checkpoint of the user's own
        tool.main(['tiny', str(tmp_path / 'mine.pth'), str(tmp_path / 'photo.png'), *options])
    assert re.search(r"checkpoint '.*mine\.pth' does not exist", capsys.readouterr().err)
    with pytest.raises(SystemExit):
        tool.main([DEMO, str(tmp_path / 'photo.png'), *options])
    error = capsys.readouterr().err
    assert re.search(r'no picture behind fbinpaint_demo .*photo\.png; expected .* \(tiny\)', error)


def test_the_page_offers_the_pictures_beside_the_model(models, picture, tmp_path, monkeypatch):
    copy = shutil.copytree(models, tmp_path / 'models')
    monkeypatch.setattr(pretrained, 'FOLDER', copy)
    Image.fromarray(picture[0]).save(copy / 'tiny/portrait.jpg')
    (copied,) = copy_examples('tiny', tmp_path)
    assert copied == tmp_path / 'portrait.jpg'
    assert copied.read_bytes() == (copy / 'tiny/portrait.jpg').read_bytes()
    assert copy_examples(DEMO, tmp_path) == []
