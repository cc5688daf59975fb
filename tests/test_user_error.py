from __future__ import annotations

import errno

import pytest
from mmagic.registry import MODELS
from torch.utils.data import DataLoader, Dataset

from fbinpaint_mm.user_error import UserError, errors_for_users, in_one_line, require_extra


@pytest.mark.parametrize(
    ('error', 'message'),
    [
        (UserError('model.width: found -1'), 'model.width: found -1'),
        (FileNotFoundError('no folder photos'), 'no folder photos'),
        (
            PermissionError(errno.EACCES, 'Permission denied', 'a.txt'),
            "[Errno 13] Permission denied: 'a.txt'",
        ),
    ],
)
def test_a_mistake_of_the_user_ends_in_a_sentence(capsys, error, message):
    with pytest.raises(SystemExit) as end, errors_for_users('train.py'):
        raise error
    assert end.value.code == 2
    assert capsys.readouterr().err == f'train.py: {message}\n'


def test_so_does_one_in_a_part_of_a_model(capsys):
    """A registry raises what the constructor raised."""

    @MODELS.register_module(name='RefusingPart', force=True)
    class RefusingPart:
        def __init__(self):
            raise UserError('RefusingPart: found 0')

    try:
        with pytest.raises(SystemExit), errors_for_users('train.py'):
            MODELS.build(dict(type='RefusingPart'))
    finally:
        MODELS.module_dict.pop('RefusingPart')
    assert capsys.readouterr().err == 'train.py: RefusingPart: found 0\n'


class Broken(Dataset):
    def __len__(self):
        return 1

    def __getitem__(self, index):
        raise UserError('1.png: found no image')


def test_so_does_one_in_a_worker_process(capsys):
    with pytest.raises(SystemExit), errors_for_users('train.py'):
        next(iter(DataLoader(Broken(), num_workers=1)))
    assert capsys.readouterr().err == 'train.py: 1.png: found no image\n'


@pytest.mark.parametrize(
    'error',
    [ValueError('a bug'), RuntimeError('anything'), OSError(errno.EPIPE, 'Broken pipe')],
)
def test_other_errors_keep_their_traceback(error):
    with pytest.raises(type(error), match=error.args[-1]), errors_for_users('train.py'):
        raise error


@pytest.mark.parametrize(
    ('error', 'expected'),
    [
        (UserError('no hole\n  in a.png'), 'no hole in a.png'),
        (FileNotFoundError('no folder photos'), 'no folder photos'),
        (KeyError('mask'), "KeyError: 'mask'"),
        (RuntimeError('out of\nmemory'), 'RuntimeError: out of memory'),
        (UserError(), 'UserError: '),
        (ValueError('a bug'), 'ValueError: a bug'),
    ],
)
def test_the_type_is_told_where_the_message_alone_says_little(error, expected):
    assert in_one_line(error) == expected


def test_missing_packages_of_an_extra_are_named_with_the_command():
    require_extra('export', ['json'])
    with pytest.raises(UserError) as error:
        require_extra('export', ['json', 'not_there', 'nor_this'])
    assert str(error.value) == (
        "not_there, nor_this: not installed. Run: pip install 'fbinpaint_mm[export]'"
    )
