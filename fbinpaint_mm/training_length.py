"""The same training in another number of iterations, and with another ramp of the feedback."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import accumulate, pairwise
from typing import Any

from mmengine.config import Config

from fbinpaint_mm.user_error import UserError

# Iterations in settings of mmengine's schedulers, of our hooks, and of train_cfg of mmagic's
# inpaintors.
SCHEDULER_KEYS = ('begin', 'end', 'T_max', 'total_iters', 'total_steps', 'step_size', 'milestones')
HOOK_KEYS = {
    'FeedbackHook': ('start', 'ramp'),
    'MeanTeacherHook': ('ramp',),
    'EMAHook': ('begin_iter',),
}
RAMP_HOOKS = ('FeedbackHook', 'MeanTeacherHook')
MODEL_KEYS = ('start_iter', 'iter_tc', 'iter_td')
# Begins of names of schedulers whose step depends on the number of steps or of scores before it.
UNSCALABLE = ('Exponential', 'ReduceOnPlateau', 'ReduceLR')
SPANS = ('T_max', 'total_iters', 'total_steps')  # of those, lengths from the begin on
# Begins of names of schedulers that lead to the end of the training.
ANNEALING = ('Cosine', 'Poly', 'OneCycle')
# Begins of names of schedulers that act as warm-ups. In a single iteration they would begin and
# never rise: their first factor would stay for good.
WARMUPS = ('Linear', 'Constant')


def set_max_iters(cfg: Config, iterations: int) -> None:
    """Makes a training so long, every schedule in proportion, in place.

    Learning-rate schedules by iteration, the ramps of ``FeedbackHook`` and ``MeanTeacherHook``, the
    begin of ``EMAHook`` and the phases of mmagic's inpaintors keep their share of the training.
    Intervals of validations, checkpoints and logs stay.

    Args:
        cfg: The whole config, for its own number of iterations.
        iterations: Number of iterations, at least 1.

    Raises:
        UserError: The config does not train, or by epochs, or has a scheduler by iteration that
            cannot be scaled.
    """
    share = iterations / own_iterations(cfg)
    cfg.train_cfg.max_iters = iterations
    for scheduler in each_scheduler(cfg.get('param_scheduler')):
        scale_scheduler(scheduler, share)
    for hook in cfg.get('custom_hooks') or []:
        scale_keys(hook, HOOK_KEYS.get(type_name(hook), ()), share)
    scale_keys(_phases(cfg), MODEL_KEYS, share)


def set_feedback_ramp(cfg: Config, iterations: int) -> None:
    """Lets feedback and teacher act in full after so many iterations, in place.

    Args:
        cfg: The whole config.
        iterations: Number of iterations, at least 0.

    Raises:
        UserError: No hook of the config has such a ramp.
    """
    hooks = [hook for hook in cfg.get('custom_hooks') or [] if type_name(hook) in RAMP_HOOKS]
    if not hooks:
        raise UserError(f"option 'feedback_ramp': custom_hooks has none of {', '.join(RAMP_HOOKS)}")
    for hook in hooks:
        hook['ramp'] = iterations


def check_length(cfg: Config) -> None:
    """Makes sure that a training has a length, and validates at some time.

    Args:
        cfg: The whole config.

    Raises:
        UserError: A number in ``train_cfg`` is no whole one of 1 or more.
    """
    settings = cfg.get('train_cfg') or {}
    for key in ('max_iters', 'max_epochs', 'val_interval'):
        value = settings.get(key, 1)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise UserError(
                f'train_cfg.{key}: found {value!r}, expected a whole number of 1 or more'
            )


def length_warning(cfg: Config) -> str | None:
    """What does not fit the length of a training, as when ``train_cfg.max_iters`` is set alone.

    Args:
        cfg: The whole config.

    Returns:
        A sentence that names each schedule of learning rates, ramp and phase that does not end with
        the training or before it, and each annealing that ends before it; None if all fits.
    """
    length = (cfg.get('train_cfg') or {}).get('max_iters')
    misfits = [] if length is None else list(dict.fromkeys(_misfits(cfg, length)))
    if not misfits:
        return None
    return (
        f'training ends at iteration {length}, but {", ".join(misfits)}: set max_iters, which '
        'schedules and ramps follow, instead of train_cfg.max_iters'
    )


def _misfits(cfg: Config, length: int) -> Iterator[str]:
    for scheduler in each_scheduler(cfg.get('param_scheduler')):
        last = _last_iteration(scheduler)
        too_short = type_name(scheduler).startswith(ANNEALING) and last < length
        if last > max(length, 2) or (last and too_short):  # a warm-up takes two iterations
            yield f'the {type_name(scheduler)} of param_scheduler at {last}'
    for hook in cfg.get('custom_hooks') or []:
        last = sum(hook.get(key) or 0 for key in HOOK_KEYS.get(type_name(hook), ()))
        if last > length + 1:  # start and ramp may both be rounded up
            yield f'the {type_name(hook)} of custom_hooks begins to act in full at {last}'
    phases = _phases(cfg)
    for key in MODEL_KEYS:
        if (phases.get(key) or 0) > length:
            yield f'model.train_cfg.{key} is {phases[key]}'


def _phases(cfg: Config) -> dict:
    return (cfg.get('model') or {}).get('train_cfg') or {}


def _last_iteration(scheduler: dict) -> int:
    """Where a scheduler by iteration ends; 0 for one that does not, or by epochs."""
    if scheduler.get('by_epoch', True):
        return 0
    if scheduler.get('end') is not None:
        return scheduler['end']
    lengths = [scheduler[key] for key in SPANS if scheduler.get(key)]
    if lengths:
        return scheduler.get('begin', 0) + lengths[0]
    return max(scheduler.get('milestones') or [0])


def own_iterations(cfg: Config) -> int:
    """Number of iterations that a config was made for.

    Raises:
        UserError: It does not train, or by epochs, or for none.
    """
    check_length(cfg)
    settings = cfg.get('train_cfg') or {}
    if 'max_iters' not in settings:
        raise UserError(
            'the config has no train_cfg.max_iters, so its length cannot be changed; train with '
            "train_cfg=dict(type='IterBasedTrainLoop', max_iters=...), or, in a benchmark, give "
            'the entry a checkpoint'
        )
    return settings['max_iters']


def each_scheduler(schedulers: Any) -> Iterator[dict]:
    """All schedulers of a config: one, a list, or such for each optimizer by name."""
    if isinstance(schedulers, dict) and 'type' in schedulers:
        yield schedulers
    elif isinstance(schedulers, dict):
        for one in schedulers.values():
            yield from each_scheduler(one)
    elif isinstance(schedulers, list | tuple):
        for one in schedulers:
            yield from each_scheduler(one)


def scale_scheduler(scheduler: dict, share: float) -> None:
    """Scales a scheduler by iteration, in place; it acts for at least one iteration, a warm-up two.

    Raises:
        UserError: It is one of ``UNSCALABLE``, and the number of iterations changes.
    """
    if scheduler.get('by_epoch', True):
        return
    if share != 1:
        check_scalable(scheduler)
    if 'periods' in scheduler:
        scale_periods(scheduler, share)
    scale_keys(scheduler, SCHEDULER_KEYS, share)
    least = 2 if type_name(scheduler).startswith(WARMUPS) else 1
    if 'end' in scheduler:
        scheduler['end'] = max(scheduler['end'], scheduler.get('begin', 0) + least)
    for key in ('T_max', 'total_iters', 'total_steps', 'step_size'):
        if key in scheduler:
            scheduler[key] = max(scheduler[key], 1)


def check_scalable(scheduler: dict) -> None:
    """Raises a ``UserError`` for one of ``UNSCALABLE``."""
    name = type_name(scheduler)
    if name.startswith(UNSCALABLE):
        raise UserError(
            f'param_scheduler has a {name} with by_epoch=False, which cannot be brought to another '
            'number of iterations in proportion; use one with a begin and an end, such as '
            'MultiStepLR, CosineAnnealingLR or PolyLR, or train all entries for '
            "the config's own train_cfg.max_iters"
        )


def type_name(settings: Mapping[str, Any]) -> str:
    """Name of what settings build, which they give as a name, with or without scope, or a class.

    Empty for settings without a type, which mmengine refuses when it builds them.
    """
    kind = settings.get('type', '')
    return getattr(kind, '__name__', str(kind)).rpartition('.')[2]


def scale_periods(scheduler: dict, share: float) -> None:
    """Scales the lengths of the cycles of ``CosineRestartLR``, in place, ``begin`` still unscaled.

    The ends of the cycles are rounded, not their lengths: their sum must not fall short of ``end``,
    where mmengine would fail.
    """
    ends = accumulate(scheduler['periods'], initial=scheduler.get('begin', 0))
    borders = [round(end * share) for end in ends]
    scheduler['periods'] = [max(1, after - before) for before, after in pairwise(borders)]


def scale_keys(settings: dict, keys: tuple[str, ...], share: float) -> None:
    """Multiplies numbers of iterations, or lists of them, in place and rounds them."""
    for key in keys:
        value = settings.get(key)
        if isinstance(value, list | tuple):
            settings[key] = [round(one * share) for one in value]
        elif value is not None:
            settings[key] = round(value * share)
