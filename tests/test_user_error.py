from __future__ import annotations

import errno

import pytest
import torch
from mmagic.registry import MODELS
from mmengine.runner.checkpoint import load_checkpoint
from torch.utils.data import DataLoader, Dataset

from fbinpaint_mm.user_error import UserError, errors_for_users, in_one_line, require_extra


@pytest.mark.parametrize(
    ('error', 'message'),
    [
        (UserError('model.width: found -1'), 'model.width: found -1'),
        (FileNotFoundError('no folder photos'), 'no folder photos'),
        (OSError(errno.ENOENT, 'No such', 'a.txt'), "'a.txt': there is no such file or folder"),
        (OSError(errno.EEXIST, 'File exists', 'a'), "'a': found a file, expected a folder"),
        (OSError(errno.EISDIR, 'Is a dir', 'a'), "'a': found a folder, expected a file"),
        (
            OSError(errno.ENOTDIR, 'No dir', 'a/b'),
            "'a/b': found a file, expected a folder, here or",
        ),
        (
            OSError(errno.EACCES, 'Denied', 'a.txt'),
            "'a.txt': no permission to read or to write here",
        ),
        (OSError(errno.ENOSPC, 'cannot write 3 MiB', 'a.txt'), "'a.txt': cannot write 3 MiB"),
    ],
)
def test_a_mistake_of_the_user_ends_in_a_sentence(capsys, error, message):
    with pytest.raises(SystemExit) as end, errors_for_users('train.py'):
        raise error
    assert end.value.code == 2
    text = capsys.readouterr().err
    assert text.startswith(f'train.py: {message}')
    assert text.count('\n') == 1


def test_a_variable_asks_for_the_traceback(monkeypatch):
    monkeypatch.setenv('FBINPAINT_TRACEBACK', '1')
    with pytest.raises(UserError, match='width: found 0'), errors_for_users('train.py'):
        raise UserError('width: found 0')


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


def test_so_does_a_download_without_a_network(capsys):
    address = 'http://127.0.0.1:9/weights.pth'  # the port that refuses
    with pytest.raises(SystemExit), errors_for_users('train.py'):
        load_checkpoint(torch.nn.Linear(1, 1), address)
    (line,) = capsys.readouterr().err.splitlines()[-1:]
    assert line.startswith(f'train.py: {address} could not be downloaded: <urlopen error')
    assert 'give the path of one' in line


class Broken(Dataset):
    def __len__(self):
        return 1

    def __init__(self, error):
        self.error = error

    def __getitem__(self, index):
        raise self.error


@pytest.mark.parametrize(
    ('error', 'message'),
    [
        (UserError('1.png: found no image'), '1.png: found no image'),
        (PermissionError(errno.EACCES, 'Denied', '1.png'), "[Errno 13] Denied: '1.png'"),
    ],
)
def test_so_does_one_in_a_worker_process(capsys, error, message):
    with pytest.raises(SystemExit), errors_for_users('train.py'):
        next(iter(DataLoader(Broken(error), num_workers=1)))
    assert capsys.readouterr().err == f'train.py: {message}\n'


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
