import pytest

from fbinpaint_mm.user_error import in_one_line


@pytest.mark.parametrize(
    ('error', 'expected'),
    [
        (ValueError('no hole\n  in a.png'), 'no hole in a.png'),
        (FileNotFoundError('no folder photos'), 'no folder photos'),
        (KeyError('mask'), "KeyError: 'mask'"),
        (RuntimeError('out of\nmemory'), 'RuntimeError: out of memory'),
        (ValueError(), 'ValueError: '),
    ],
)
def test_the_type_is_told_where_the_message_alone_says_little(error, expected):
    assert in_one_line(error) == expected
