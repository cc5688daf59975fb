"""``train_cfg`` and ``test_cfg`` of the model, checked."""

from __future__ import annotations

from typing import Any

TRAIN_DEFAULTS = dict(rounds=2, only_last_learns=False, label_mixing=False, checkpoint_rounds=False)
TEST_DEFAULTS = dict(map_temperature=1.0)


def checked_settings(
    train_cfg: dict | None, test_cfg: dict | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both with their defaults; the rounds of the test are those of training.

    Args:
        train_cfg: As of :class:`FeedbackRecorrectionInpaintor`, in part or ``None``.
        test_cfg: Likewise.

    Returns:
        Copies with every key.

    Raises:
        ValueError: For an unknown key, or rounds that are no whole number of 0 or more.
    """
    train_cfg = _with_defaults('train_cfg', train_cfg, TRAIN_DEFAULTS)
    defaults = dict(rounds=train_cfg['rounds'], **TEST_DEFAULTS)
    return train_cfg, _with_defaults('test_cfg', test_cfg, defaults)


def check_settings_fit(
    train_cfg: dict[str, Any],
    test_cfg: dict[str, Any],
    detach_rounds: bool,
    has_guided: bool,
    freeze_initial: bool,
) -> None:
    """Refuses rounds that cannot run, or from which nothing would learn.

    Args:
        train_cfg: From :func:`checked_settings`.
        test_cfg: Likewise.
        detach_rounds: See :class:`FeedbackRecorrectionLoop`.
        has_guided: Whether there is a network for rounds 1..R.
        freeze_initial: Whether that of round 0 learns no more.

    Raises:
        ValueError: If two of them contradict each other.
    """
    if train_cfg['only_last_learns'] and not detach_rounds:
        raise ValueError('train_cfg.only_last_learns=True needs detach_rounds=True, found False')
    check_something_learns(train_cfg['rounds'], freeze_initial, 'train_cfg')
    for name, settings in dict(train_cfg=train_cfg, test_cfg=test_cfg).items():
        if settings['rounds'] and not has_guided:
            raise ValueError(f'guided=None needs {name}.rounds=0, got {settings["rounds"]}')


def check_something_learns(rounds: int, freeze_initial: bool, origin: str) -> None:
    """Refuses round 0 alone, in training, where that learns no more.

    Args:
        rounds: R >= 0.
        freeze_initial: Whether the initial network learns no more.
        origin: Who asks for R, for the message.

    Raises:
        ValueError: If it is so.
    """
    if freeze_initial and rounds == 0:
        raise ValueError(f'freeze_initial=True and rounds=0 (of {origin}): nothing would learn')


def _with_defaults(name: str, given: dict | None, defaults: dict[str, Any]) -> dict[str, Any]:
    settings = defaults | dict(given or {})
    unknown = sorted(set(settings) - set(defaults))
    if unknown:
        raise ValueError(f'{name} takes {", ".join(defaults)}; found {unknown}')
    rounds = settings['rounds']
    # To Python, True is the whole number 1; here it is a switch that someone looked for.
    if not isinstance(rounds, int) or isinstance(rounds, bool) or rounds < 0:
        raise ValueError(f'{name}.rounds must be a whole number of 0 or more, got {rounds!r}')
    return settings
