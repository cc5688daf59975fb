"""The metrics of a benchmark: the evaluator's of the data config, and those that are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from mmagic.evaluation.metrics.base_sample_wise_metric import BaseSampleWiseMetric
from mmagic.registry import METRICS
from mmengine.config import Config
from mmengine.evaluator import BaseMetric

from fbinpaint_mm.evaluation.protocol import protocol_of
from fbinpaint_mm.user_error import UserError

DOWNLOAD = 'download'


def metric_configs(
    cfg: Config, split: str = 'test', lpips: str | None = None, fid: str | None = None
) -> list[dict]:
    """Configs of all metrics.

    Args:
        cfg: Config whose ``{split}_evaluator`` counts. mmagic's own metrics in it are put into
            ``PerRound``, which keeps the score of every image.
        split: ``'val'`` or ``'test'``.
        lpips: File or folder with the weights of ``LPIPS``, or ``'download'``, also for one that
            the evaluator has; ``None`` adds no ``LPIPS``.
        fid: The same for ``RoundFID``.

    Returns:
        One config per metric; a benchmark makes ranges of hole areas of the scores of images.

    Raises:
        UserError: There is no metric.
    """
    evaluator = deepcopy(cfg.get(f'{split}_evaluator'))
    configs = [with_rounds(one) for one in evaluator_metrics(evaluator)]
    if lpips is not None:
        default = dict(type='PerRound', metric=dict(type='LPIPS', backbone='alex'))
        set_weights(configs, 'LPIPS', lpips, default)
    if fid is not None:
        set_weights(configs, 'RoundFID', fid, dict(type='RoundFID'))
    if not configs:
        raise UserError(f'the config of the data has no {split}_evaluator: nothing to score with')
    return configs


def set_weights(configs: list[dict], kind: str, given: str, default: dict) -> None:
    """Give weights to the metrics of a kind, in place; without any, add one."""
    if kind not in [class_of(inner(config)).__name__ for config in configs]:
        configs.append(default)
    for one in map(inner, configs):
        if class_of(one).__name__ == kind:
            one['weights'] = None if given == DOWNLOAD else given


def inner(config: dict) -> dict:
    """The config of the metric inside a ``PerRound``; of any other, itself."""
    return config.get('metric', config)


def evaluator_metrics(evaluator: Any) -> Iterator[dict]:
    """Configs of the metrics of an evaluator, in any of the forms that mmengine takes."""
    if isinstance(evaluator, dict) and 'metrics' not in evaluator:
        yield evaluator
    elif isinstance(evaluator, dict):
        yield from evaluator_metrics(evaluator['metrics'])
    else:
        for one in evaluator or []:
            yield from evaluator_metrics(one)


def with_rounds(config: dict) -> dict:
    """The config of a metric that scores every round and keeps the score of every image."""
    kind = class_of(config)
    if not issubclass(kind, BaseSampleWiseMetric) or getattr(kind, 'scores_rounds', False):
        return config
    config.pop('area_bins', None)  # PerRound wants none inside
    return dict(type='PerRound', metric=config)


def class_of(config: Mapping) -> type:
    """The class that a config builds."""
    kind = config['type']
    return METRICS.get(kind) if isinstance(kind, str) else kind


def build_metrics(configs: Sequence[dict]) -> list[BaseMetric]:
    """Build the metrics, their weights loaded.

    Args:
        configs: From ``metric_configs``.

    Returns:
        One metric for each.

    Raises:
        UserError: A metric wants images of its own making, such as those of a generator that
            starts from noise, or two give scores of one name.
    """
    metrics = [METRICS.build(deepcopy(config)) for config in configs]
    for metric in metrics:
        if getattr(metric, 'SAMPLER_MODE', 'normal') != 'normal':
            raise UserError(
                f'{type(metric).__name__} cannot score an inpaintor: it samples images by itself '
                f'({metric.SAMPLER_MODE}); take it out of the evaluator'
            )
    check_names([name for metric in metrics for name in protocol_of(metric)])
    return metrics


def check_names(names: Sequence[str]) -> None:
    """Raises a ``UserError`` if two metrics have one name; a prefix does not tell them apart."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(
            f'the evaluator has two metrics of the name {", ".join(twice)}; a benchmark reports '
            'one score for each name: take one of them out'
        )
