"""The bridge that lets one metric run under mmagic's and under mmengine's evaluator."""

from __future__ import annotations

from collections.abc import Mapping

from mmagic.evaluation.metrics.base_sample_wise_metric import BaseSampleWiseMetric


class SampleWiseMetric(BaseSampleWiseMetric):
    """mmagic's sample-wise metric, callable by both kinds of evaluator.

    mmagic's ``Evaluator`` calls ``prepare(model, dataloader)`` and then ``evaluate()``, mmengine's
    calls ``evaluate(size)``; mmagic's own metrics refuse the second. ``self.results`` holds one
    entry per image, so that the entries of all ranks, less the padding of the last batch, can be
    collected and every image counts once.
    """

    def evaluate(self, size: int | None = None) -> dict[str, float]:
        """Reduce the results of all ranks to scores.

        Args:
            size: Number of images in the whole data set; by default the one found by ``prepare``.

        Returns:
            Name of each score -> its value, the same on every rank.
        """
        if size is not None:
            self.size = size
        return super().evaluate()


def sample_name(sample: Mapping) -> str:
    """How an error or a file names one sample: the path of its image, else its index."""
    for key in ('gt_path', 'img_path', 'sample_idx'):
        if sample.get(key) is not None:
            return str(sample[key])
    return 'a sample without gt_path'
