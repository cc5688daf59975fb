"""What parts start from is read as it is written; a file that is no checkpoint says so."""

from __future__ import annotations

import logging
from copy import deepcopy

import pytest
import torch
from mmagic.registry import MODELS
from mmengine.logging import MMLogger
from mmengine.model import BaseModule
from mmengine.runner import save_checkpoint
from torch import Tensor, nn

from fbinpaint_mm.models.networks import MIGANEncoderDecoder, SemanticGuidedEncoderDecoder
from fbinpaint_mm.models.pretrained_start import (
    check_network_checkpoint,
    entries_of_checkpoint,
    pretrained_starts,
)
from fbinpaint_mm.user_error import UserError

NAMES = ('net.a', 'net.b.c', 'network.a', 'a')


@pytest.fixture
def save(tmp_path):
    def write(*names):
        path = str(tmp_path / 'x.pth')
        state = {name: torch.full((2,), float(index)) for index, name in enumerate(names)}
        torch.save(dict(state_dict=state), path)
        return path

    return write


def read(path, prefix):
    return {key: value.tolist() for key, value in entries_of_checkpoint(path, prefix, 'x').items()}


@pytest.mark.parametrize('prefix', ['net', 'net.'])
def test_entries_under_a_prefix_lose_it(save, prefix):
    """And those of another part, whose name only begins alike, are not among them."""
    assert read(save(*NAMES), prefix) == {'a': [0, 0], 'b.c': [1, 1]}


def test_without_a_prefix_all_entries_are_given(save):
    expected = {name: [index, index] for index, name in enumerate(NAMES)}
    assert read(save(*NAMES), '') == expected


def test_a_prefix_that_no_name_has_gives_nothing(save):
    assert read(save(*NAMES), 'ne') == {}


def test_names_of_a_distributed_run_are_those_of_a_single_one(save):
    path = save(*(f'module.{name}' for name in NAMES))
    assert read(path, 'net') == {'a': [0, 0], 'b.c': [1, 1]}


@pytest.mark.parametrize(
    ('init_cfg', 'expected'),
    [
        (None, []),
        (dict(type='Xavier', layer='Conv2d'), []),
        (dict(type='Pretrained', checkpoint='a.pth'), [('a.pth', '')]),
        (dict(type='Pretrained', checkpoint='a.pth', prefix=None), [('a.pth', '')]),
        (
            [
                dict(type='Pretrained', checkpoint='a.pth', prefix='net.'),
                dict(type='Xavier', layer='Conv2d'),
                dict(type='Pretrained', checkpoint='b.pth'),
            ],
            [('a.pth', 'net.'), ('b.pth', '')],
        ),
    ],
)
def test_starts_are_those_of_the_init_cfg(init_cfg, expected):
    assert list(pretrained_starts(BaseModule(init_cfg))) == expected


def test_a_module_of_torch_alone_starts_from_nothing():
    assert list(pretrained_starts(nn.Linear(1, 1))) == []


def test_a_file_that_is_no_checkpoint_is_named_with_its_part(tmp_path):
    path = tmp_path / 'notes.pth'
    path.write_text('hello, this is a text')
    with pytest.raises(UserError, match=r"notes\.pth' cannot be read: .*start of the segmentor"):
        entries_of_checkpoint(str(path), '', 'the segmentor')


def test_a_file_that_is_absent_is_named_with_its_part():
    with pytest.raises(FileNotFoundError, match=r'/no/such\.pth.*start of the segmentor'):
        entries_of_checkpoint('/no/such.pth', '', 'the segmentor')


PREFIX = 'generator.initial'


@pytest.fixture
def start(tmp_path):
    """Makes the config of a start from an initial network; ``spoil`` changes the weights first."""

    def make(spoil=None, **options):
        made = SemanticGuidedEncoderDecoder(guided=False, num_classes=0, **SMALL | options)
        state = {f'{PREFIX}.{key}': value for key, value in made.state_dict().items()}
        if spoil is not None:
            spoil(state)
        torch.save(dict(state_dict=state), tmp_path / 'start.pth')
        return dict(type='Pretrained', checkpoint=str(tmp_path / 'start.pth'), prefix=PREFIX)

    return make


SMALL = dict(base_channels=4, dilations=(1, 2))


def guided(init_cfg):
    return SemanticGuidedEncoderDecoder(guided=True, num_classes=3, init_cfg=init_cfg, **SMALL)


def test_a_guided_network_may_start_from_an_initial_one_and_is_not_changed(start):
    network = guided(start())
    before = {key: value.clone() for key, value in network.state_dict().items()}
    check_network_checkpoint(network)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(base_channels=8), r'stem\.conv\.conv\.bias: .*shape torch\.Size\(\[16\]\)'),
        (dict(dilations=(1,)), r"[1-9]\d* entries are missing \['trunk\.1\..*, 0 are unknown"),
        (dict(dilations=(1, 2, 4)), r"0 entries are missing \[\], \d+ are unknown \['trunk\.2\."),
        (dict(spoil=dict.clear), r"\d+ entries are missing \['stem\."),
    ],
)
def test_another_network_is_refused(start, options, message):
    with pytest.raises(UserError, match=rf"(?s)start\.pth' \(entries '{PREFIX}'\).*{message}"):
        check_network_checkpoint(guided(start(**options)))


MIGAN = dict(channels=(4, 6, 8), noise_size=16, embedding_channels=2)


@pytest.fixture
def migan_start(tmp_path):
    """Makes the config of a start from weights such as tools/convert_migan.py writes."""

    def make(without='', **options):
        state = dict(MIGANEncoderDecoder(**MIGAN | options).state_dict())
        state.pop(without, None)
        torch.save(dict(state_dict=state), tmp_path / 'migan.pth')
        return dict(type='Pretrained', checkpoint=str(tmp_path / 'migan.pth'))

    return make


def guided_migan(init_cfg):
    return MIGANEncoderDecoder(guided=True, num_classes=3, init_cfg=init_cfg, **MIGAN)


def test_both_slots_of_migan_start_from_weights_of_an_initial_network(migan_start):
    start = migan_start()
    check_network_checkpoint(MIGANEncoderDecoder(init_cfg=start, **MIGAN))
    network = guided_migan(start)
    check_network_checkpoint(network)
    network.init_weights()
    state = torch.load(start['checkpoint'])['state_dict']
    assert torch.equal(network.decoder[1].conv1.noise, state['decoder.1.conv1.noise'])
    assert not network.from_image.weight[:, 4:].any()
    assert torch.equal(network.from_image.weight[:, :4], state['from_image.weight'])


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(channels=(4, 6, 10)), r'size mismatch for encoder\.1\.conv2\.pointwise\.weight'),
        (dict(noise_size=32), r'size mismatch for decoder\.0\.conv1\.noise: .*32, 32\]'),
        (dict(noise_size=0), r"4 entries are missing \['decoder\.0\.conv1\.noise'\], 0 are unk"),
        (dict(num_classes=3), r"0 entries are missing \[\], 18 are unknown \['modulation\.0\.emb"),
        (dict(without='to_image.0.bias'), r"1 entries are missing \['to_image\.0\.bias'\]"),
    ],
)
def test_other_weights_of_migan_are_refused(migan_start, options, message):
    network = MIGANEncoderDecoder(init_cfg=migan_start(**options), **MIGAN)
    with pytest.raises(UserError, match=rf"(?s)migan\.pth' .*{message}.*tools/convert_migan\.py"):
        check_network_checkpoint(network)


def test_a_whole_inpaintor_is_no_start_of_round_0(start):
    """The configs load discriminator and confidence of the file, and with them all that fits."""

    def add_guided(state):
        state['generator.guided.stem.weight'] = torch.zeros(1)

    whole = start(add_guided)
    with pytest.raises(UserError, match=r"that of a whole inpaintor, with 1 entries of 'gen.*guid"):
        check_network_checkpoint(guided(whole))
    check_network_checkpoint(
        SemanticGuidedEncoderDecoder(guided=False, num_classes=0, init_cfg=whole, **SMALL)
    )


def test_an_absent_network_file_is_named(start):
    network = guided(start() | dict(checkpoint='/no/such/file.pth'))
    with pytest.raises(FileNotFoundError, match=r'/no/such/file\.pth.*of an inpainting network'):
        check_network_checkpoint(network)


def test_other_networks_and_starts_are_left_alone():
    check_network_checkpoint(None)
    check_network_checkpoint(nn.Conv2d(3, 3, 1))
    check_network_checkpoint(guided(None))


@pytest.fixture
def trained(small) -> nn.Module:
    """A segmentor of mmseg with an auxiliary head, of numbers that no initialization gives."""
    config = deepcopy(small['generator']['segmentor'])
    config['auxiliary_head'] = dict(deepcopy(config['decode_head']), in_index=0, in_channels=8)
    segmentor = MODELS.build(config)
    with torch.no_grad():
        for value in segmentor.state_dict().values():
            value.copy_(torch.rand_like(value.float()) + 40)
    return segmentor


@pytest.fixture
def file(trained, tmp_path) -> str:
    """As mmseg's Runner writes it."""
    path = str(tmp_path / 'iter_80000.pth')
    meta = dict(dataset_meta=dict(classes=('a', 'b')), iter=80000)
    save_checkpoint(dict(meta=meta, state_dict=trained.state_dict(), optimizer={}), path)
    return path


@pytest.fixture
def messages(caplog) -> list[str]:
    logger = MMLogger.get_current_instance()
    logger.addHandler(caplog.handler)
    yield caplog
    logger.removeHandler(caplog.handler)


def initialized(small: dict, checkpoint: str, prefix: str | None = None, **head: int) -> nn.Module:
    config = deepcopy(small['model'])
    segmentor = config['generator']['segmentor']
    pretrained = dict(type='Pretrained', checkpoint=checkpoint)
    segmentor['init_cfg'] = pretrained | ({} if prefix is None else dict(prefix=prefix))
    segmentor['decode_head'].update(head)
    config['data_preprocessor']['num_classes'] = segmentor['decode_head']['num_classes']
    model = MODELS.build(config)
    model.init_weights()
    return model


def assert_holds(segmentor: nn.Module, state: dict[str, Tensor]) -> None:
    for name, value in segmentor.state_dict().items():
        assert torch.equal(value, state[name]), name


def test_student_and_teacher_hold_it_without_its_auxiliary_head(small, file, trained, messages):
    model = initialized(small, file)
    state = trained.state_dict()
    assert any(name.startswith('auxiliary_head.') for name in state)
    assert_holds(model.loop.segmentor, state)
    assert_holds(model.teacher.segmentor, state)
    number = sum(name.startswith('auxiliary_head.') for name in state)
    expected = f'{file}: {number} entries of auxiliary_head.* are ignored'
    found = [one for one in messages.records if expected in one.getMessage()]
    assert [one.levelno for one in found] == [logging.WARNING]


def test_segmentor_of_one_of_our_own_checkpoints(small, trained, tmp_path):
    path = str(tmp_path / 'ours.pth')
    state = {f'generator.segmentor.{key}': value for key, value in trained.state_dict().items()}
    save_checkpoint(dict(state_dict=state | {'generator.strength': torch.ones(())}), path)
    assert_holds(
        initialized(small, path, 'generator.segmentor.').loop.segmentor, trained.state_dict()
    )
    with pytest.raises(UserError, match=r'found nothing, expected .* or set init_cfg\.prefix'):
        initialized(small, path)


def test_an_absent_segmentor_file_is_named(small):
    with pytest.raises(FileNotFoundError, match=r'/no/such/file\.pth.*start of the segmentor'):
        initialized(small, '/no/such/file.pth')


def test_another_number_of_classes_is_refused(small, file):
    message = (
        r"segmentor checkpoint '.*iter_80000\.pth' does not fit .*: 2 of \d+ entries are missing or"
        r" of another shape, 0 are unknown; 'decode_head\.conv_seg\.weight': found \(5, 8, 1, 1\), "
        r'expected \(7, 8, 1, 1\)\. It has 5 classes: set decode_head\.num_classes to that\. To '
        r"keep only its backbone, .*segmentor\.backbone\.init_cfg=.*prefix='backbone\.'\)"
    )
    with pytest.raises(UserError, match=message):
        initialized(small, file, num_classes=7)


def test_its_backbone_can_be_kept_for_other_classes(small, file, trained):
    """What the message advises."""
    config = deepcopy(small['model'])
    segmentor = config['generator']['segmentor']
    segmentor['backbone']['init_cfg'] = dict(type='Pretrained', checkpoint=file, prefix='backbone.')
    segmentor['decode_head']['num_classes'] = 7
    config['data_preprocessor']['num_classes'] = 7
    model = MODELS.build(config)
    model.init_weights()
    state = {k[9:]: v for k, v in trained.state_dict().items() if k.startswith('backbone.')}
    assert_holds(model.loop.segmentor.backbone, state)
    assert_holds(model.teacher.segmentor.backbone, state)


def test_parts_of_another_architecture_are_refused(small, trained, tmp_path):
    path = str(tmp_path / 'other.pth')
    save_checkpoint(dict(state_dict=trained.state_dict() | {'neck.weight': torch.ones(3)}), path)
    message = r"0 of \d+ .* 1 are unknown; 'neck\.weight': found \(3,\), expected nothing\."
    with pytest.raises(UserError, match=message):
        initialized(small, path)


def test_a_file_without_batch_counters_is_taken(small, trained, tmp_path):
    path = str(tmp_path / 'old.pth')
    state = {k: v for k, v in trained.state_dict().items() if 'num_batches' not in k}
    save_checkpoint(dict(state_dict=state), path)
    weight = initialized(small, path).loop.segmentor.decode_head.conv_seg.weight
    assert torch.equal(weight, trained.decode_head.conv_seg.weight)


def test_neither_is_one_with_a_single_network_for_all_rounds(start):
    def only_guided(state):
        state.clear()
        state['generator.guided.stem.weight'] = torch.zeros(1)

    with pytest.raises(UserError, match=r"that of a whole inpaintor, with 1 entries of 'gen.*guid"):
        check_network_checkpoint(guided(start(only_guided)))
