from fractions import Fraction

import pytest

from fbinpaint_mm.datasets.labeled_split import choose_labeled, parse_ratio


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
