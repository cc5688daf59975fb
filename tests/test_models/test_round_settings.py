import pytest

from fbinpaint_mm.models.round_settings import (
    check_settings_fit,
    check_something_learns,
    checked_settings,
)


def test_defaults_and_the_rounds_of_training_are_those_of_the_test():
    train, test = checked_settings(None, None)
    assert (train['rounds'], train['only_last_learns'], test['rounds']) == (2, False, 2)
    given = dict(rounds=3)
    train, test = checked_settings(given, dict(map_temperature=0.5))
    assert (train['rounds'], test) == (3, dict(rounds=3, map_temperature=0.5))
    assert checked_settings(given, dict(rounds=1))[1]['rounds'] == 1
    assert given == dict(rounds=3)


@pytest.mark.parametrize('rounds', [-1, None, '2', 1.5, True, False])
def test_rounds_are_whole_numbers(rounds):
    for name, given in (
        ('train_cfg', (dict(rounds=rounds), None)),
        ('test_cfg', (None, dict(rounds=rounds))),
    ):
        with pytest.raises(
            ValueError,
            match=rf'^{name}\.rounds must be a whole number of 0 or more, got {rounds!r}$',
        ):
            checked_settings(*given)


def test_unknown_keys_are_named():
    with pytest.raises(
        ValueError, match=r"^train_cfg takes rounds, .*; found \['mixing', 'round'\]$"
    ):
        checked_settings(dict(round=1, mixing=True), None)
    with pytest.raises(
        ValueError, match=r"^test_cfg takes rounds, map_temperature; found \['x'\]$"
    ):
        checked_settings(None, dict(x=1))


@pytest.mark.parametrize(
    ('train', 'test', 'options', 'message'),
    [
        (dict(only_last_learns=True), {}, dict(detach_rounds=False), 'needs detach_rounds=True'),
        (
            dict(rounds=0),
            {},
            dict(freeze_initial=True),
            r'rounds=0 \(of train_cfg\): nothing would',
        ),
        (
            dict(rounds=1),
            dict(rounds=0),
            dict(has_guided=False),
            r'needs train_cfg\.rounds=0, got 1',
        ),
        (
            dict(rounds=0),
            dict(rounds=2),
            dict(has_guided=False),
            r'needs test_cfg\.rounds=0, got 2',
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused(train, test, options, message):
    usual = dict(detach_rounds=True, has_guided=True, freeze_initial=False)
    settings = checked_settings(train, test)
    with pytest.raises(ValueError, match=message):
        check_settings_fit(*settings, **usual | options)
    check_settings_fit(*checked_settings(None, None), **usual)


def test_round_0_alone_learns_unless_it_is_frozen():
    check_something_learns(0, False, 'x')
    check_something_learns(1, True, 'x')
    with pytest.raises(ValueError, match=r'^freeze_initial=True and rounds=0 \(of x\)'):
        check_something_learns(0, True, 'x')
