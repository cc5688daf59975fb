"""``train_cfg`` and ``test_cfg`` of the model, checked."""

from __future__ import annotations

from typing import Any

from fbinpaint_mm.user_error import UserError

TRAIN_DEFAULTS = dict(rounds=2, only_last_learns=False, label_mixing=False, checkpoint_rounds=False)
TEST_DEFAULTS = dict(map_temperature=1.0, merge_sigma=None)


def checked_settings(
    train_cfg: dict | None, test_cfg: dict | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both with their defaults; the rounds of the test are those of training.

    Args:
        train_cfg: Some of these keys, or ``None``.

            * ``rounds``, R in training (default 2); ``FeedbackHook`` may change it while training.
            * ``only_last_learns`` (default False): rounds 1..R-1 of a step only lead to round R,
              without a graph and without losses; to be used with a ``FeedbackHook`` that cycles R,
              so that every round has its turn at little more than the cost of one.
            * ``label_mixing`` (default False): in the last round the guided network reads its map
              mixed with the label map, or with the teacher's soft maps (all of them in a share
              ``trust`` of the steps, none in the others; without ``losses.consistency`` there are
              none), see :func:`mix_labels`.
            * ``checkpoint_rounds`` (default False): activation checkpointing of rounds and of their
              perceptual features.
        test_cfg: Likewise: ``rounds``, R in validation, test and inference (default: as in
            training), ``map_temperature`` (default 1) and ``merge_sigma`` (default ``None``), see
            :class:`FeedbackRecorrectionLoop`.

    Returns:
        Copies with every key.

    Raises:
        UserError: For an unknown key, rounds that are no whole number of 0 or more, or a switch
            that is neither True nor False.
    """
    train_cfg = _with_defaults('train_cfg', train_cfg, TRAIN_DEFAULTS)
    defaults = dict(rounds=train_cfg['rounds'], **TEST_DEFAULTS)
    return train_cfg, _with_defaults('test_cfg', test_cfg, defaults)


# Which losses need which part of the model, and are its only use.
NEEDED_BY = dict(disc=('gan',), teacher=('consistency', 'semantic'))


def check_parts_fit(
    generator: dict,
    losses: dict[str, Any],
    teacher: dict | None,
    disc: dict | list[dict] | None,
    train_cfg: dict[str, Any],
    test_cfg: dict[str, Any],
) -> None:
    """Refuses a part without its losses, a loss without its part, and rounds that cannot run.

    Args:
        generator: As of :class:`FeedbackRecorrectionInpaintor`, as the next three.
        losses: Likewise.
        teacher: Likewise.
        disc: Likewise.
        train_cfg: From :func:`checked_settings`.
        test_cfg: Likewise.

    Raises:
        UserError: If two of them contradict each other.
    """
    for name, part in dict(disc=disc, teacher=teacher).items():
        _check_part(name, part, losses)
    if teacher is not None and generator.get('segmentor') is None:
        raise UserError(
            'teacher needs generator.segmentor: give one, or set teacher, losses.consistency and '
            'losses.semantic to None'
        )
    check_something_learns(train_cfg['rounds'], generator.get('freeze_initial', False), 'train_cfg')
    for name, settings in dict(train_cfg=train_cfg, test_cfg=test_cfg).items():
        makes_rounds = generator.get('guided') is not None or generator.get('segmentor') is not None
        if settings['rounds'] and not makes_rounds:
            raise UserError(
                f'guided=None without a segmentor needs {name}.rounds=0, got {settings["rounds"]}'
            )


def _check_part(name: str, part: Any, losses: dict[str, Any]) -> None:
    given = [loss for loss in NEEDED_BY[name] if losses.get(loss) is not None]
    if part is None and given:
        raise UserError(f'losses.{given[0]} needs {name}: give one, or set the loss to None')
    if part is not None and not given:
        needing = ' or '.join(f'losses.{loss}' for loss in NEEDED_BY[name])
        raise UserError(f'{name} is given, but no loss reads it: give {needing}, or set it to None')


def check_something_learns(rounds: int, freeze_initial: bool, origin: str) -> None:
    """Refuses round 0 alone, in training, where that learns no more.

    Args:
        rounds: R >= 0.
        freeze_initial: Whether the initial network learns no more.
        origin: Who asks for R, for the message.

    Raises:
        UserError: If it is so.
    """
    if freeze_initial and rounds == 0:
        raise UserError(f'freeze_initial=True and rounds=0 (of {origin}): nothing would learn')


def _with_defaults(name: str, given: dict | None, defaults: dict[str, Any]) -> dict[str, Any]:
    settings = defaults | dict(given or {})
    unknown = sorted(set(settings) - set(defaults))
    if unknown:
        raise UserError(f'{name} takes {", ".join(defaults)}; found {unknown}')
    rounds = settings['rounds']
    # To Python, True is the whole number 1; here it is a switch that someone looked for.
    if not isinstance(rounds, int) or isinstance(rounds, bool) or rounds < 0:
        raise UserError(f'{name}.rounds must be a whole number of 0 or more, got {rounds!r}')
    for key, default in defaults.items():
        if isinstance(default, bool) and not isinstance(settings[key], bool):
            raise UserError(f'{name}.{key} must be True or False, got {settings[key]!r}')
    return settings
