"""Draw the first samples of every validation."""

from __future__ import annotations

from collections.abc import Sequence

from mmagic.engine.hooks import BasicVisualizationHook
from mmagic.registry import HOOKS
from mmagic.structures import DataSample
from mmengine.runner import Runner


@HOOKS.register_module()
class FeedbackVisualizationHook(BasicVisualizationHook):
    """mmagic's ``BasicVisualizationHook`` that stops after a number of samples.

    mmagic's hook draws every sample of every n-th batch; a validation set of a thousand images
    would spend more time on pictures than on the scores. The first samples are drawn each time, so
    that the pictures of different iterations can be compared.

    Args:
        max_samples: Pictures per validation or test and per rank; mmagic's visualisers and ours
            write those of rank 0.
        interval: Draw from every n-th batch.
        on_val: Draw during validation.
        on_test: Draw during test.

    Raises:
        ValueError: ``max_samples`` is negative.
    """

    def __init__(
        self, max_samples: int = 8, interval: int = 1, on_val: bool = True, on_test: bool = True
    ) -> None:
        if max_samples < 0:
            raise ValueError(f'max_samples must not be negative, got {max_samples}')
        super().__init__(interval=interval, on_val=on_val, on_test=on_test)
        self.max_samples = max_samples
        self._left = max_samples

    def before_val_epoch(self, runner: Runner) -> None:
        """Start counting anew."""
        self._left = self.max_samples

    def before_test_epoch(self, runner: Runner) -> None:
        """Start counting anew."""
        self._left = self.max_samples

    def _after_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None,
        outputs: Sequence[DataSample],
        mode: str = 'train',
    ) -> None:
        """Draw as many of the batch's samples as are still wanted."""
        wanted = {'val': self._on_val, 'test': self._on_test}.get(mode, False)
        if not (wanted and self._left and self.every_n_inner_iters(batch_idx, self._interval)):
            return
        drawn = outputs[: self._left]
        for data_sample in drawn:
            runner.visualizer.add_datasample(data_sample, step=runner.iter)
        self._left -= len(drawn)
