"""The optimizers of a config: precision, learning rates, and none for a part that is not there."""

from __future__ import annotations

from collections.abc import Iterator

from mmengine.config import Config
from mmengine.device import get_device

from fbinpaint_mm.user_error import UserError


def drop_idle_optimizers(cfg: Config) -> None:
    """Removes the optimizer of a part that is switched off, such as ``model.disc=None``.

    Args:
        cfg: Changed in place.
    """
    wrappers, model = cfg.get('optim_wrapper') or {}, cfg.get('model') or {}
    for name in [key for key in wrappers if key in model and model[key] is None]:
        wrappers.pop(name)


def enable_amp(cfg: Config, dtype: str | None = None) -> None:
    """Turns every optimizer wrapper of a config into one with automatic mixed precision.

    Args:
        cfg: Changed in place. ``optim_wrapper`` is one wrapper, or a dict that has wrappers at
            any depth (``generator=dict(...), disc=dict(...)``).
        dtype: 'float16', or 'bfloat16', which needs no scaling of the loss; None for float16 on a
            GPU and bfloat16 on a CPU.

    Raises:
        UserError: The device does not have this precision, there is no wrapper, or one is of a
            type without a counterpart.
    """
    device = get_device()
    dtype = dtype or ('bfloat16' if device == 'cpu' else 'float16')
    if device == 'mps' or (device, dtype) == ('cpu', 'float16'):
        raise UserError(
            f'--amp: mmengine has no mixed precision in {dtype} on {device!r}. '
            + ('Leave the option out.' if device == 'mps' else 'Use --amp-dtype bfloat16.')
        )
    wrappers = list(_find_wrappers(cfg.get('optim_wrapper') or {}, 'optim_wrapper'))
    if not wrappers:
        raise UserError('--amp: the config has no optim_wrapper with an optimizer.')
    for name, wrapper in wrappers:
        _make_amp(name, wrapper, dtype)


def _find_wrappers(node: dict, name: str) -> Iterator[tuple[str, dict]]:
    """Dicts below ``node`` that have an optimizer, with their dotted names."""
    if 'optimizer' in node:
        yield name, node
        return
    for key, child in node.items():
        if isinstance(child, dict):
            yield from _find_wrappers(child, f'{name}.{key}')


def _make_amp(name: str, wrapper: dict, dtype: str) -> None:
    kind = wrapper.get('type', 'OptimWrapper')
    kind = kind if isinstance(kind, str) else kind.__name__
    if kind not in ('OptimWrapper', 'AmpOptimWrapper', 'BFloat16OptimWrapper'):
        raise UserError(f'--amp: {name} is of type {kind!r}; only OptimWrapper can be replaced.')
    wrapper.pop('dtype', None)
    if dtype == 'bfloat16':
        wrapper.pop('loss_scale', None)
        wrapper['type'] = 'BFloat16OptimWrapper'
    else:
        wrapper['type'] = 'AmpOptimWrapper'
        wrapper.setdefault('loss_scale', 'dynamic')


def enable_auto_scale_lr(cfg: Config) -> None:
    """Scales learning rates by real batch size / the batch size that the config was made for.

    Args:
        cfg: Changed in place.

    Raises:
        UserError: The config does not say what batch size it was made for.
    """
    if 'base_batch_size' not in (cfg.get('auto_scale_lr') or {}):
        raise UserError(
            '--auto-scale-lr needs auto_scale_lr=dict(base_batch_size=...) in the config: '
            'the total batch size that its learning rates were chosen for.'
        )
    cfg.auto_scale_lr.enable = True
