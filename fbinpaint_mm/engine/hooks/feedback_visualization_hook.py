"""Draw the first samples of every validation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmagic.engine.hooks import BasicVisualizationHook
from mmagic.registry import HOOKS
from mmagic.structures import DataSample
from mmengine.dist import master_only
from mmengine.runner import Runner

from fbinpaint_mm.engine.hooks.utils import is_due, unwrapped_model
from fbinpaint_mm.user_error import UserError
from fbinpaint_mm.visualization.feedback_visualizer import FeedbackVisualizer


@HOOKS.register_module()
class FeedbackVisualizationHook(BasicVisualizationHook):
    """mmagic's ``BasicVisualizationHook`` that stops after a number of samples, and sees training.

    mmagic's hook draws every sample of every n-th batch; a validation set of a thousand images
    would spend more time on pictures than on the scores. The first samples are drawn each time, so
    that the pictures of different iterations can be compared.

    Of training it draws the batch of some iterations as the model saw it, without another
    forward pass: ``training_labeled_1``, ``training_unlabeled_1``, ``training_labeled_2`` and
    so on. It needs of the (unwrapped) model ``keep_next_samples()`` and
    ``take_training_samples()``, and a :class:`FeedbackVisualizer`; without them it says so once.

    Args:
        max_samples: Pictures per validation or test and per rank; mmagic's visualizers and ours
            write those of rank 0.
        interval: Draw from every n-th batch, and from all of them in the last validation of a
            training; 0 for none.
        on_val: Draw during validation.
        on_test: Draw during test.
        train_interval: Iterations between pictures of training; 0 for none, ``None`` for those
            that a validation follows.
        max_train_samples: Pictures of one training batch, labeled and unlabeled in turn.

    Raises:
        UserError: One of the numbers is negative.
    """

    def __init__(
        self,
        max_samples: int = 8,
        interval: int = 1,
        on_val: bool = True,
        on_test: bool = True,
        train_interval: int | None = 0,
        max_train_samples: int = 2,
    ) -> None:
        given = dict(
            max_samples=max_samples,
            interval=interval,
            train_interval=train_interval,
            max_train_samples=max_train_samples,
        )
        for name, value in given.items():
            if value is not None and value < 0:
                raise UserError(f'{name} must not be negative, got {value}')
        super().__init__(interval=interval, on_val=on_val, on_test=on_test)
        self.max_samples = max_samples
        self.train_interval = train_interval
        self.max_train_samples = max_train_samples
        self._left = max_samples

    @master_only
    def before_train(self, runner: Runner) -> None:
        """Draw nothing of a training that cannot be drawn, and say so."""
        model = unwrapped_model(runner.model)
        able = hasattr(model, 'keep_next_samples') and hasattr(model, 'take_training_samples')
        able = able and isinstance(runner.visualizer, FeedbackVisualizer)
        if self.train_interval != 0 and not able:
            runner.logger.info(
                'FeedbackVisualizationHook draws no pictures of training: it needs a model that '
                'keeps its samples and a FeedbackVisualizer, found '
                f'{type(model).__name__} and {type(runner.visualizer).__name__}'
            )
            self.train_interval = 0

    @master_only
    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: dict | None = None
    ) -> None:
        """Ask the model to keep the samples of an iteration that will be drawn."""
        if is_due(runner, self.train_interval):
            model: Any = unwrapped_model(runner.model)
            model.keep_next_samples()

    @master_only
    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Draw samples of the batch, labeled and unlabeled in turn."""
        if not is_due(runner, self.train_interval):
            return
        # None under a wrapper that trains by its own step and not by the model's.
        model: Any = unwrapped_model(runner.model)
        samples = model.take_training_samples() or ()
        for name, sample in named_in_turn(samples)[: self.max_train_samples]:
            runner.visualizer.add_datasample(sample, step=runner.iter + 1, name=f'training_{name}')

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
        interval = self._interval
        if interval and mode == 'val' and runner.iter >= runner.max_iters:
            interval = 1  # the pictures of the finished model are all there
        if not (wanted and self._left and self.every_n_inner_iters(batch_idx, interval)):
            return
        drawn = outputs[: self._left]
        for data_sample in drawn:
            runner.visualizer.add_datasample(data_sample, step=runner.iter)
        self._left -= len(drawn)


def named_in_turn(samples: Sequence[DataSample]) -> list[tuple[str, DataSample]]:
    """Labeled and unlabeled samples of a batch in turn, with a name for each.

    Args:
        samples: Each with ``is_labeled``, a 0-d bool tensor.

    Returns:
        ``('labeled_1', ...), ('unlabeled_1', ...), ('labeled_2', ...)`` and so on.
    """
    groups: dict[str, list[DataSample]] = {'labeled': [], 'unlabeled': []}
    for sample in samples:
        groups['labeled' if sample.is_labeled else 'unlabeled'].append(sample)
    numbered = [
        (index, name, sample)
        for name, group in groups.items()
        for index, sample in enumerate(group, 1)
    ]
    numbered.sort(key=lambda entry: entry[0])  # stable: labeled before unlabeled
    return [(f'{name}_{index}', sample) for index, name, sample in numbered]
