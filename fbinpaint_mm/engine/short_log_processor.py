"""Lines of the log that fit on a screen; the numbers left out go to the visualizer."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from mmagic.engine.runner import LogProcessor
from mmagic.registry import LOG_PROCESSORS
from mmengine.runner import Runner

from fbinpaint_mm.evaluation.score_series import ScoreName

MOST_TERMS = 3
TIMES = ('time', 'data_time')


@LOG_PROCESSORS.register_module()
class ShortLogProcessor(LogProcessor):
    """mmagic's ``LogProcessor`` with short lines, and a time left in every one of training.

    A line of training has the learning rates, the seconds of an iteration, the most memory of a GPU
    that was in use, the total loss and its ``MOST_TERMS`` largest terms, summed over rounds and
    named as in ``model.losses``. That of a validation or test has the scores of the final result.
    All numbers, under ``train/``, ``val/`` and ``test/``, go to TensorBoard and ``scalars.json``.

    Args:
        **kwargs: What mmengine's ``LogProcessor`` takes, but for ``log_with_hierarchy``.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(log_with_hierarchy=True, **kwargs)

    def get_log_after_iter(self, runner: Runner, batch_idx: int, mode: str) -> tuple[dict, str]:
        """Numbers and line of an iteration; see mmengine's."""
        tag, text = super().get_log_after_iter(runner, batch_idx, mode)
        if mode != 'train':
            return tag, text
        values = without_prefix(tag, mode)
        parts = [
            head_of(text),
            *format_rates(values),
            *format_time(runner),
            *([f'memory {values["memory"]} MB'] if 'memory' in values else []),
            format_losses(values),
        ]
        return tag, '  '.join(parts)

    def get_log_after_epoch(
        self, runner: Runner, batch_idx: int, mode: str, with_non_scalar: bool = False
    ) -> tuple[dict, str]:
        """Numbers and line of a whole validation or test; see mmengine's."""
        tag, text = super().get_log_after_epoch(runner, batch_idx, mode, with_non_scalar)
        scores = [
            f'{name} {self._format(value)}'
            for name, value in without_prefix(tag, mode).items()
            if is_final(name)
        ]
        return tag, '  '.join([head_of(text), *scores])

    def _format(self, value: Any) -> str:
        return f'{value:.{self.num_digits}f}' if isinstance(value, float) else str(value)


def without_prefix(tag: Mapping[str, Any], mode: str) -> dict[str, Any]:
    """The numbers by their names without ``train/``, ``val/`` or ``test/``."""
    return {name.removeprefix(f'{mode}/'): value for name, value in tag.items()}


def head_of(text: str) -> str:
    """``Iter(train) [ 50/400]`` of a line of mmengine."""
    return text.partition(']  ')[0] + ']'


def is_final(name: str) -> bool:
    """Whether a score is one of the final result over all images."""
    score = ScoreName.parse(name)
    return name not in TIMES and (score.round, score.bin, score.statistic) == (None, None, None)


def format_rates(values: Mapping[str, float]) -> list[str]:
    """Learning rate of every optimizer; where a config scales it by layers, the unscaled one."""
    names = [name for name in values if name.endswith('lr') and not name.endswith('base_lr')]
    bases = [name.removesuffix('lr') + 'base_lr' for name in names]
    return [
        f'{name} {values.get(base, values[name]):.1e}'
        for name, base in zip(names, bases, strict=True)
    ]


def format_time(runner: Runner) -> list[str]:
    """Time left and seconds per iteration; nothing without a timer hook.

    Both are means since the start, without the first iteration, which warms up. The timer hook
    counts what follows a validation, its metrics and pictures, as part of the next iteration, so
    that little is missing from the time left.
    """
    times = runner.message_hub.log_scalars.get('train/time')
    if times is None:
        return []
    seconds = times.mean(max(1, len(times.data[0]) - 1))
    left = timedelta(seconds=round(seconds * (runner.max_iters - runner.iter - 1)))
    return [f'eta {left}', f'{seconds:.2f} s']


def format_losses(values: Mapping[str, float]) -> str:
    """The total loss and its largest terms.

    Args:
        values: Logged numbers by name. The total is ``loss``; terms have ``loss_`` in their name.
            A discriminator's losses, ``loss_disc`` and mmagic's ``real_loss``, are no part of it.

    Returns:
        Such as ``loss 15.53 (l1_hole 7.77, segmentation 4.61, l1_valid 1.36)``; the terms alone
        without a total.
    """
    terms: defaultdict[str, float] = defaultdict(float)
    for name, value in values.items():
        if 'loss_' in name and name != 'loss_disc':
            terms[re.sub(r'(round\d+_)?loss_', '', name)] += value
    largest = sorted(terms, key=lambda name: abs(terms[name]), reverse=True)[:MOST_TERMS]
    named = ', '.join(f'{name} {terms[name]:.4g}' for name in largest)
    if 'loss' not in values:
        return named
    return f'loss {values["loss"]:.4g}' + (f' ({named})' if named else '')
