"""The images of a data set, and which of them keep their labels."""

from fractions import Fraction

import pytest

from fbinpaint_mm.datasets.image_lists import (
    choose_labeled,
    natural_key,
    parse_ratio,
    scan_folder,
)


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
