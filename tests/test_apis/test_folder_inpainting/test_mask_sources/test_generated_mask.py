import hashlib
from pathlib import Path

import numpy as np
import pytest

from fbinpaint_mm.apis.folder_inpainting import GeneratedMask, Job
from fbinpaint_mm.apis.picture import Picture


def hole(source, name='a.png', size=(64, 96)):
    return source.hole(Job(Path(name), 'any.png'), Picture(np.zeros(size, np.uint8)))


def test_the_hole_is_the_same_on_every_machine():
    digest = hashlib.sha256(np.packbits(hole(GeneratedMask('mixed', seed=3))).tobytes())
    assert digest.hexdigest().startswith('a4cecd5c30394520')


def test_the_hole_depends_on_seed_and_name_only():
    source = GeneratedMask('irregular')
    first = hole(source)
    assert first.dtype == bool
    assert np.array_equal(first, hole(source, 'other/folder/a.jpg'))
    assert not np.array_equal(first, hole(source, 'b.png'))
    assert not np.array_equal(first, hole(GeneratedMask('irregular', seed=1)))


def test_an_accented_name_is_one_name_however_it_is_stored():
    source = GeneratedMask()
    assert np.array_equal(hole(source, 'caf\u00e9.png'), hole(source, 'cafe\u0301.png'))


@pytest.mark.parametrize('kind', ['irregular', 'box', 'mixed'])
def test_the_area_lies_in_the_range(kind):
    source = GeneratedMask(kind, area=(0.2, 0.25))
    areas = [hole(source, f'{index}.png').mean() for index in range(20)]
    assert 0.2 < min(areas) < max(areas) < 0.25


def corners(mask):
    """Whether three of four neighbouring pixels are hole: steps of round shapes, rare in boxes."""
    blocks = mask[:-1, :-1].astype(int) + mask[1:, :-1] + mask[:-1, 1:] + mask[1:, 1:]
    return np.isin(blocks, (1, 3)).sum()


def test_boxes_are_straight_and_strokes_are_not():
    names = [f'{index}.png' for index in range(10)]
    boxes = [corners(hole(GeneratedMask('box'), name)) for name in names]
    strokes = [corners(hole(GeneratedMask('irregular'), name)) for name in names]
    assert max(boxes) < min(strokes)


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(kind='oval'), "found 'oval', expected one of irregular, box, mixed"),
        (dict(area=(0.4, 0.1)), r'found \(0.4, 0.1\), expected 0 < low < high <= 1'),
        (dict(area=(0, 0.1)), r'found \(0, 0.1\)'),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        GeneratedMask(**settings)


def test_what_decides_the_hole_is_told():
    job = Job(Path('x/a.png'), 'a.png')
    assert GeneratedMask('box', 5, (0.1, 0.2)).identity(job) == [
        'generated',
        'box',
        5,
        (0.1, 0.2),
        'a',
    ]
