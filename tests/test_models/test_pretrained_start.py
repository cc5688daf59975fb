"""What parts start from is read as it is written; a file that is no checkpoint says so."""

import pytest
import torch
from mmengine.model import BaseModule
from torch import nn

from fbinpaint_mm.models.pretrained_start import entries_of_checkpoint, pretrained_starts

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
    with pytest.raises(ValueError, match=r"notes\.pth' cannot be read: .*start of the segmentor"):
        entries_of_checkpoint(str(path), '', 'the segmentor')


def test_a_file_that_is_absent_is_named_with_its_part():
    with pytest.raises(FileNotFoundError, match=r'/no/such\.pth.*start of the segmentor'):
        entries_of_checkpoint('/no/such.pth', '', 'the segmentor')
