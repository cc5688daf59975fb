"""What exactly a score measures, so that numbers can be compared with those of others."""

from __future__ import annotations

from typing import Any

from mmagic.evaluation.metrics.base_sample_wise_metric import BaseSampleWiseMetric
from mmengine.evaluator import BaseMetric

from fbinpaint_mm.evaluation.score_series import higher_is_better

# Of mmagic's own metrics, by the name they report; read from their code.
MMAGIC_FACTS: dict[str, dict[str, Any]] = {
    'PSNR': dict(unit='dB', data_range='0..255, not rounded', max='infinity'),
    'SSIM': dict(
        unit='',
        data_range='0..255, not rounded',
        window='11x11 Gaussian, sigma 1.5, no padding, mean over the three colors',
    ),
    'MAE': dict(unit='', data_range='0..1 (0..255 / 255), not rounded'),
    'MSE': dict(unit='', data_range='0..1 (0..255 / 255), not rounded'),
}
# Fields of a model's output, see mmagic's inpaintors.
IMAGES = {'pred_img': 'composite', 'fake_img': 'composite', 'fake_res': 'raw'}
# Settings of mmagic's metrics that change the score, and their values that do not.
NEUTRAL = {'crop_border': 0, 'convert_to': None, 'scaling': 1}


def describe_image_metric(metric: BaseSampleWiseMetric, **facts: Any) -> dict[str, Any]:
    """What a metric that compares two images measures.

    Args:
        metric: The metric.
        **facts: ``unit``, ``data_range`` and what else is particular to it; they come before what
            the metric's attributes say.

    Returns:
        The facts and ``color_order``, ``image`` ('composite': known pixels copied from the
        input; 'raw': as the network gave it), ``region``, ``higher_is_better`` and every setting
        that changes the score.
    """
    changed = {
        name: getattr(metric, name)
        for name, neutral in NEUTRAL.items()
        if getattr(metric, name, neutral) != neutral
    }
    usual = {
        'color_order': metric.channel_order,
        'image': IMAGES.get(metric.pred_key, metric.pred_key),
        'region': 'whole image' if metric.mask_key is None else 'hole',
        'higher_is_better': getattr(metric, 'higher_is_better', higher_is_better(metric.metric)),
        **changed,
    }
    return {**facts, **{name: fact for name, fact in usual.items() if name not in facts}}


def protocol_of(metric: BaseMetric) -> dict[str, dict[str, Any]]:
    """What each score of a metric measures.

    Args:
        metric: Any metric: ours, one of mmagic's, or a foreign one.

    Returns:
        Name of the score, without prefix -> facts; empty for a metric about which nothing is
        known.
    """
    if hasattr(metric, 'protocol'):
        return metric.protocol()
    if isinstance(metric, BaseSampleWiseMetric):
        facts = MMAGIC_FACTS.get(metric.metric, {})
        return {metric.metric: describe_image_metric(metric, **facts)}
    return {}


def protocol_of_loop(loop: Any) -> dict[str, dict[str, Any]]:
    """What each score of a validation or test measures.

    Args:
        loop: mmagic's ``MultiValLoop`` or ``MultiTestLoop``, mmengine's ``ValLoop`` or
            ``TestLoop``, or ``None``.

    Returns:
        Name of the score, with its prefix and without round -> facts.
    """
    protocol = {}
    for metric in metrics_of_loop(loop):
        prefix = getattr(metric, 'prefix', None)
        for name, facts in protocol_of(metric).items():
            protocol[f'{prefix}/{name}' if prefix else name] = facts
    return protocol


def metrics_of_loop(loop: Any) -> list[BaseMetric]:
    """All metrics of a validation or test.

    Args:
        loop: As for ``protocol_of_loop``.

    Returns:
        The metrics of all its evaluators, in order.
    """
    evaluators = getattr(loop, 'evaluators', None) or [getattr(loop, 'evaluator', None)]
    return [metric for one in evaluators for metric in getattr(one, 'metrics', None) or []]
