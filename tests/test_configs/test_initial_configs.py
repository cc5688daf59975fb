"""Configs of round 0 alone, and what starts from the checkpoint of one."""

from copy import deepcopy
from pathlib import Path

import pytest
import torch
from mmagic.registry import MODELS
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
NAMES = ('camvid_64px', 'celebahq_64px')


@pytest.fixture
def build(remove_downloads):
    """Builds the model of a config as a Runner does, without downloads and without VGG."""

    def make(cfg, **parts):
        model = deepcopy(cfg.model)
        networks = [network for network in (model.initial, model.guided) if network is not None]
        starts = [deepcopy(network.get('init_cfg')) for network in networks]
        remove_downloads(model)
        for network, start in zip(networks, starts, strict=True):
            network.init_cfg = start
        with DefaultScope.overwrite_default_scope('mmagic'):
            torch.manual_seed(0)
            built = MODELS.build(dict(model, loss_perceptual=None, **parts))
            built.init_weights()
        return built

    return make


@pytest.fixture
def start_from(monkeypatch):
    """Reads the config of a whole inpaintor, with or without a checkpoint to start from."""

    def read(name, checkpoint):
        if checkpoint is None:
            monkeypatch.delenv('FBINPAINT_INITIAL', raising=False)
        else:
            monkeypatch.setenv('FBINPAINT_INITIAL', str(checkpoint))
        return Config.fromfile(CONFIGS / f'fbinpaint_{name}.py')

    return read


def test_there_is_one_for_every_data_set():
    assert sorted(path.stem for path in (CONFIGS / 'inpaintors').glob('*.py')) == [
        f'initial_{name}' for name in NAMES
    ]


@pytest.mark.parametrize('name', NAMES)
def test_trains_round_0_alone_from_its_checkpoint_on(
    name, build, start_from, fabricate_batch, tmp_path
):
    start_from(name, None)
    cfg = Config.fromfile(CONFIGS / f'inpaintors/initial_{name}.py')
    model = build(cfg).train()
    assert cfg.model.start_checkpoint is None
    assert model.loop.guided is model.loop.segmentor is model.teacher is None
    with DefaultScope.overwrite_default_scope('mmagic'):
        wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    losses = model.train_step(fabricate_batch((32, 32), cfg.num_classes), wrapper)
    assert all(torch.isfinite(torch.as_tensor(value)).all() for value in losses.values())
    assert {int(key[5]) for key in losses if key.startswith('round')} == {0}
    assert {'loss_gan', 'loss_disc'} <= losses.keys()
    sample = model.eval().val_step(fabricate_batch((32, 32), cfg.num_classes))[0]
    assert sample.output.round_imgs.shape == (1, 3, 32, 32)

    path = tmp_path / 'initial.pth'
    torch.save(dict(state_dict=model.state_dict()), path)
    whole = start_from(name, path)
    assert whole.model.freeze_initial is True
    assert whole.model.start_checkpoint == str(path)
    started = build(whole)
    for part in ('generator.initial.', 'generator.confidence.', 'disc.'):
        own = {k: v for k, v in started.state_dict().items() if k.startswith(part)}
        assert own
        assert all(torch.equal(value, model.state_dict()[key]) for key, value in own.items())
    loop, image = started.loop.eval(), torch.rand(2, 3, 32, 32) * 2 - 1
    assert not any(parameter.requires_grad for parameter in loop.initial.parameters())
    assert all(parameter.requires_grad for parameter in loop.guided.parameters())
    mask = torch.zeros(2, 1, 32, 32)
    mask[:, :, 8:24, 4:20] = 1
    with torch.no_grad():
        first, *later = loop(image * (1 - mask), mask, 2)
    assert len(later) == 2
    for result in later:
        torch.testing.assert_close(result.raw, first.raw, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize('name', NAMES)
def test_without_a_checkpoint_everything_learns_from_the_start(name, build, start_from):
    cfg = start_from(name, None)
    assert cfg.model.freeze_initial is False
    assert cfg.model.guided.init_cfg is None
    assert cfg.model.start_checkpoint is None
    model = build(cfg)
    assert all(parameter.requires_grad for parameter in model.generator.parameters())


@pytest.mark.parametrize('name', NAMES)
def test_what_reads_the_map_learns_five_times_as_fast(name, build, start_from):
    """Without a start too, which would have zeros in the place of its weights."""
    cfg = start_from(name, None)
    model = build(cfg)
    with DefaultScope.overwrite_default_scope('mmagic'):
        wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    groups = wrapper['generator'].optimizer.param_groups
    rates = {id(parameter): group['lr'] for group in groups for parameter in group['params']}
    found = {name: rates[id(value)] for name, value in model.loop.guided.named_parameters()}
    reading = {name for name in found if 'embeddings' in name or 'modulation.' in name}
    assert {found[name] for name in reading} == {5e-3}
    assert {found[name] for name in found.keys() - reading} == {1e-3}
    assert {rates[id(value)] for value in model.loop.initial.parameters()} == {1e-3}


@pytest.mark.parametrize('name', NAMES)
def test_it_starts_from_no_checkpoint_itself(name, build, start_from):
    """The variable stays set in the shell when one of another data set is trained next."""
    start_from(name, '/no/such/initial.pth')
    cfg = Config.fromfile(CONFIGS / f'inpaintors/initial_{name}.py')
    assert cfg.model.start_checkpoint is None
    assert all(parameter.requires_grad for parameter in build(cfg).loop.initial.parameters())


def test_a_checkpoint_of_another_width_is_refused(build, start_from, tmp_path):
    """It would leave the initial network, which learns no more, with random weights."""
    start_from(NAMES[0], None)
    model = build(Config.fromfile(CONFIGS / f'inpaintors/initial_{NAMES[0]}.py'))
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'initial.pth')
    cfg = start_from(NAMES[0], tmp_path / 'initial.pth')
    for part in ('initial', 'guided'):
        cfg.model[part].base_channels = 8
    with pytest.raises(ValueError, match=r'initial\.pth.* does not fit the inpainting network'):
        build(cfg)


def test_a_checkpoint_of_a_whole_inpaintor_is_refused(build, start_from, tmp_path):
    """Its segmentor would take the place of the one that was asked for."""
    cfg = start_from(NAMES[0], None)
    torch.save(dict(state_dict=build(cfg).state_dict()), tmp_path / 'whole.pth')
    with pytest.raises(ValueError, match=r'whole\.pth.* is not that of a model of round 0 alone'):
        build(start_from(NAMES[0], tmp_path / 'whole.pth'))
