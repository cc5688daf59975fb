"""Draw the first samples of every validation."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from mmagic.registry import HOOKS
from mmagic.structures import DataSample
from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.runner import Runner

from fbinpaint_mm.engine.hooks.utils import is_due, unwrapped_model
from fbinpaint_mm.user_error import UserError
from fbinpaint_mm.visualization.feedback_visualizer import FeedbackVisualizer


@HOOKS.register_module()
class FeedbackVisualizationHook(Hook):
    """Draw the first samples of each validation and test, and some of training.

    mmagic's ``BasicVisualizationHook`` draws every sample of every n-th batch; a validation set of
    a thousand images would spend more time on pictures than on the scores. Here the first samples
    are drawn each time, so that the pictures of different iterations can be compared.

    Of training it draws the batch of some iterations as the model saw it, without another
    forward pass: ``training_labeled_1``, ``training_unlabeled_1``, ``training_labeled_2`` and
    so on. It needs of the (unwrapped) model ``keep_next_samples()`` and
    ``take_training_samples()``, and a :class:`FeedbackVisualizer`; without them it says so once.

    Args:
        max_samples: Pictures per validation or test and per rank; mmagic's visualizers and ours
            write those of rank 0.
        train_interval: Iterations between pictures of training; 0 for none, ``None`` for those
            that a validation follows.
        max_train_samples: Pictures of one training batch, labeled and unlabeled in turn.

    Raises:
        UserError: One of the numbers is negative.
    """

    def __init__(
        self,
        max_samples: int = 8,
        train_interval: int | None = 0,
        max_train_samples: int = 2,
    ) -> None:
        given = dict(
            max_samples=max_samples,
            train_interval=train_interval,
            max_train_samples=max_train_samples,
        )
        for name, value in given.items():
            if value is not None and value < 0:
                raise UserError(f'{name} must not be negative, got {value}')
        self.max_samples = max_samples
        self.train_interval = train_interval
        self.max_train_samples = max_train_samples
        self._left = max_samples

    def before_run(self, runner: Runner) -> None:
        """Make sure that the visualizer draws samples.

        Raises:
            UserError: It is of a kind that takes a name and an image first, as mmengine's does.
        """
        takes = inspect.signature(runner.visualizer.add_datasample).parameters
        if self.max_samples and next(iter(takes), None) != 'data_sample':
            raise UserError(
                f'visualizer is a {type(runner.visualizer).__name__}, expected one that draws a '
                "data_sample, such as dict(type='FeedbackVisualizer'); or set max_samples=0 of "
                'FeedbackVisualizationHook'
            )

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
        data_batch: dict | None = None,
        outputs: Sequence[DataSample] = (),
        mode: str = 'train',
    ) -> None:
        """Draw as many samples of a batch as are still wanted; training never comes here."""
        for data_sample in outputs[: self._left]:
            runner.visualizer.add_datasample(data_sample, step=runner.iter)
        self._left -= len(outputs[: self._left])


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
