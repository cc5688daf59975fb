"""The images of a data set, and which of them keep their labels."""

import os
from fractions import Fraction

import pytest

from fbinpaint_mm.datasets.image_lists import (
    choose_labeled,
    natural_key,
    parse_ratio,
    read_labeled_list,
    scan_folder,
    walk_folders,
)
from fbinpaint_mm.user_error import UserError


def test_natural_key():
    stems = ['b/10', 'b/9', 'a', '10', '9', '09', '00e1', '0e1']
    assert sorted(stems, key=natural_key) == ['00e1', '0e1', '09', '9', '10', 'a', 'b/9', 'b/10']


def test_scan_folder_follows_links_and_ignores_other_files(tmp_path):
    (tmp_path / 'real/city').mkdir(parents=True)
    (tmp_path / 'real/city/2.PNG').touch()
    (tmp_path / 'real/city/notes.txt').touch()
    (tmp_path / 'images').mkdir()
    (tmp_path / 'images/linked').symlink_to(tmp_path / 'real/city')
    found = scan_folder(str(tmp_path / 'images'), ('.png',), 'img_path')
    assert found == {'linked/2': str(tmp_path / 'images/linked/2.PNG')}


def test_links_in_a_circle_end_and_every_folder_comes_once(tmp_path):
    (tmp_path / 'images/city').mkdir(parents=True)
    for index in range(4):
        (tmp_path / f'images/city/{index}.png').touch()
    for name in ('a', 'b'):
        (tmp_path / f'images/{name}').symlink_to(tmp_path / 'images')
    (tmp_path / 'images/also').symlink_to(tmp_path / 'images/city')
    (tmp_path / 'images/city/up').symlink_to('..')
    found = scan_folder(str(tmp_path / 'images'), ('.png',), 'img_path')
    # By their own names, although a link comes first in the alphabet.
    assert list(found) == ['city/0', 'city/1', 'city/2', 'city/3']


def test_a_linked_folder_outside_is_entered_once(tmp_path):
    (tmp_path / 'disk/sub').mkdir(parents=True)
    (tmp_path / 'images').mkdir()
    for name in ('one', 'two'):
        (tmp_path / 'images' / name).symlink_to(tmp_path / 'disk')
    (tmp_path / 'disk/back').symlink_to(tmp_path / 'images')
    images = str(tmp_path / 'images')
    assert list(walk_folders(images)) == [images, f'{images}/one', f'{images}/one/sub']


def test_hidden_files_and_folders_are_no_images(tmp_path):
    folder = tmp_path / '.data/images'  # the user names this one
    for name in ('0.jpg', '._0.jpg', '.0.jpg.part', '.ipynb_checkpoints/0-checkpoint.jpg'):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    assert list(scan_folder(str(folder), ('.jpg',), 'img_path')) == ['0']


@pytest.mark.parametrize('mark', [b'', b'\xef\xbb\xbf'])
def test_a_list_may_come_from_windows(tmp_path, mark):
    (tmp_path / 'list.txt').write_bytes(mark + b'000\r\n\r\n# comment\r\n001\r\n')
    listed = read_labeled_list(tmp_path / 'list.txt', ['000', '001', '002'], 'labeled_list')
    assert listed == {'000', '001'}


def test_a_list_in_another_encoding_is_named(tmp_path):
    (tmp_path / 'list.txt').write_bytes('000\r\n'.encode('utf-16'))
    with pytest.raises(UserError, match=r"labeled_list='.*list\.txt' is no UTF-8 text; save it as"):
        read_labeled_list(tmp_path / 'list.txt', ['000'], 'labeled_list')


@pytest.mark.parametrize(
    ('ratio', 'expected'), [('1/8', (1, 8)), (' 1 / 3', (1, 3)), (0.125, (1, 8)), (1, (1, 1))]
)
def test_parse_ratio(ratio, expected):
    assert parse_ratio(ratio) == Fraction(*expected)


def test_choice_is_pinned_to_the_names():
    stems = [f'{i:05d}' for i in range(16)]
    chosen = choose_labeled(stems, '1/4', seed=0)
    # A changed choice would silently change every published split.
    assert chosen == {'00005', '00008', '00014', '00015'}
    assert choose_labeled(stems[::-1], '1/4', seed=0) == chosen


def test_names_that_are_no_utf_8_are_chosen_too():
    name = os.fsdecode(b'caf\xe9')
    assert choose_labeled([name], 1, seed=0) == {name}
