import re

import pytest

from fbinpaint_mm.models.round_settings import (
    check_parts_fit,
    check_something_learns,
    checked_settings,
)
from fbinpaint_mm.user_error import UserError

PART = dict(type='Any')
NO_NETWORK = dict(guided=None, segmentor=None)  # of rounds


def test_defaults_and_the_rounds_of_training_are_those_of_the_test():
    train, test = checked_settings(None, None)
    assert (train['rounds'], train['only_last_learns'], test['rounds']) == (2, False, 2)
    given = dict(rounds=3)
    train, test = checked_settings(given, dict(map_temperature=0.5))
    expected = dict(rounds=3, map_temperature=0.5, merge_sigma=None)
    assert (train['rounds'], test) == (3, expected)
    assert checked_settings(given, dict(rounds=1))[1]['rounds'] == 1
    assert given == dict(rounds=3)


@pytest.mark.parametrize('rounds', [-1, None, '2', 1.5, True, False])
def test_rounds_are_whole_numbers(rounds):
    for name, given in (
        ('train_cfg', (dict(rounds=rounds), None)),
        ('test_cfg', (None, dict(rounds=rounds))),
    ):
        with pytest.raises(
            UserError,
            match=rf'^{name}\.rounds must be a whole number of 0 or more, got {rounds!r}$',
        ):
            checked_settings(*given)


def test_switches_are_true_or_false():
    """Text would be taken for True."""
    message = r"^train_cfg\.label_mixing must be True or False, got 'no'$"
    with pytest.raises(UserError, match=message):
        checked_settings(dict(label_mixing='no'), None)
    assert checked_settings(dict(label_mixing=True), None)[0]['label_mixing'] is True


def test_unknown_keys_are_named():
    with pytest.raises(
        UserError, match=r"^train_cfg takes rounds, .*; found \['mixing', 'round'\]$"
    ):
        checked_settings(dict(round=1, mixing=True), None)
    with pytest.raises(
        UserError, match=r"^test_cfg takes rounds, map_temperature, .*; found \['x'\]$"
    ):
        checked_settings(None, dict(x=1))


def check(generator=None, losses=None, teacher=None, disc=None, train=None, test=None):
    generator = dict(guided=PART, segmentor=PART) | (generator or {})
    check_parts_fit(generator, losses or {}, teacher, disc, *checked_settings(train, test))


@pytest.mark.parametrize(
    ('parts', 'message'),
    [
        (
            dict(disc=PART),
            'disc is given, but no loss reads it: give losses.gan, or set it to None',
        ),
        (
            dict(teacher=PART, losses=dict(consistency=None)),
            'teacher is given, but no loss reads it: give losses.consistency or losses.semantic, '
            'or set it to None',
        ),
        (
            dict(losses=dict(gan=PART)),
            'losses.gan needs disc: give one, or set the loss to None',
        ),
        (
            dict(losses=dict(consistency=PART)),
            'losses.consistency needs teacher: give one, or set the loss to None',
        ),
        (
            dict(losses=dict(semantic=PART)),
            'losses.semantic needs teacher: give one, or set the loss to None',
        ),
        (
            dict(generator=dict(segmentor=None), teacher=PART, losses=dict(semantic=PART)),
            'teacher needs generator.segmentor: give one, or set teacher, losses.consistency and '
            'losses.semantic to None',
        ),
        (
            dict(generator=dict(freeze_initial=True), train=dict(rounds=0)),
            'freeze_initial=True and rounds=0 (of train_cfg): nothing would learn',
        ),
        (
            dict(generator=NO_NETWORK, train=dict(rounds=1), test=dict(rounds=0)),
            'guided=None without a segmentor needs train_cfg.rounds=0, got 1',
        ),
        (
            dict(generator=NO_NETWORK, train=dict(rounds=0), test=dict(rounds=2)),
            'guided=None without a segmentor needs test_cfg.rounds=0, got 2',
        ),
    ],
)
def test_parts_that_contradict_each_other_are_refused(parts, message):
    with pytest.raises(UserError, match=f'^{re.escape(message)}$'):
        check(**parts)


@pytest.mark.parametrize(
    'parts',
    [
        {},
        dict(disc=PART, losses=dict(gan=PART)),
        dict(disc=[PART, PART], losses=dict(gan=PART)),
        dict(teacher=PART, losses=dict(semantic=PART)),
        dict(teacher=PART, losses=dict(consistency=PART)),
        dict(generator=dict(freeze_initial=True)),
        dict(generator=NO_NETWORK, train=dict(rounds=0), test=dict(rounds=0)),
        dict(generator=dict(guided=None), train=dict(rounds=2), test=dict(rounds=1)),
    ],
)
def test_parts_that_fit_are_taken(parts):
    check(**parts)


def test_round_0_alone_learns_unless_it_is_frozen():
    check_something_learns(0, False, 'x')
    check_something_learns(1, True, 'x')
    with pytest.raises(UserError, match=r'^freeze_initial=True and rounds=0 \(of x\)'):
        check_something_learns(0, True, 'x')
