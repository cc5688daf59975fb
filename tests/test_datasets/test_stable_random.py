from __future__ import annotations

import numpy as np

from fbinpaint_mm.datasets.stable_random import StableRandom


def test_numbers_are_pinned() -> None:
    random = StableRandom(3, 7)

    assert [random.integer(0, 999) for _ in range(5)] == [742, 203, 413, 560, 238]
    assert random.uniform() == 0.2391819301289112


def test_same_keys_give_the_same_stream_and_others_another() -> None:
    assert StableRandom(1, 2).uniform() == StableRandom(1, 2).uniform()
    assert StableRandom(1, 2).uniform() != StableRandom(2, 1).uniform()


def test_global_state_is_left_alone() -> None:
    np.random.seed(0)
    expected = np.random.random()
    np.random.seed(0)

    StableRandom(5).uniform_array(100)

    assert np.random.random() == expected


def test_ranges() -> None:
    random = StableRandom(0)

    integers = [random.integer(2, 5) for _ in range(200)]
    floats = [random.uniform(-1.0, 3.0) for _ in range(200)]
    array = random.uniform_array(40, 50)

    assert set(integers) == {2, 3, 4, 5}
    assert min(floats) >= -1
    assert max(floats) < 3
    assert array.shape == (40, 50)
    assert array.dtype == np.float64
    assert 0 <= array.min() < 0.02
    assert 0.98 < array.max() < 1
    assert abs(array.mean() - 0.5) < 0.03


def test_choice_and_chance() -> None:
    random = StableRandom(0)

    assert {random.choice('abc') for _ in range(50)} == set('abc')
    assert not any(random.chance(0.0) for _ in range(20))
    assert all(random.chance(1.0) for _ in range(20))
