import pytest

from fbinpaint_mm.apis.folder_inpainting.pair_list import read_pairs


def write(tmp_path, text):
    path = tmp_path / 'pairs.csv'
    path.write_text(text, encoding='utf-8')
    return path


def test_paths_are_relative_to_the_list_and_lines_are_numbered(tmp_path):
    text = '\ufeffimage,mask\n\n# two places\nx/a.jpg, masks/a.png\n/abs/b.jpg,../b.png\n'
    first, second = read_pairs(write(tmp_path, text))
    assert first == (tmp_path / 'x/a.jpg', tmp_path / 'masks/a.png', 'x/a.jpg', 4)
    assert str(second.image) == '/abs/b.jpg'
    assert (second.mask, second.name, second.line) == (tmp_path / '../b.png', 'b.jpg', 5)


@pytest.mark.parametrize(
    ('line', 'expected'),
    [
        ('a.jpg  m.png', ('a.jpg', 'm.png')),
        ('a b.jpg\tm.png', ('a b.jpg', 'm.png')),
        ('"a, b.jpg",m.png', ('a, b.jpg', 'm.png')),
        ('"a b.jpg" m.png', ('a b.jpg', 'm.png')),
    ],
)
def test_commas_tabs_and_blanks_separate(tmp_path, line, expected):
    (pair,) = read_pairs(write(tmp_path, line + '\n'))
    assert (pair.image.name, pair.mask.name) == expected


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('a.jpg,m.png\na.jpg\n', r"line 2: found 1 fields \['a.jpg'\], expected 'image,mask'"),
        ('a.jpg,m.png,x\n', 'line 1: found 3 fields'),
        ('a.jpg,\n', 'line 1: found 2 fields'),
        ('# nothing\n', 'has no line'),
    ],
)
def test_a_malformed_list_is_refused_by_line(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read_pairs(write(tmp_path, text))
