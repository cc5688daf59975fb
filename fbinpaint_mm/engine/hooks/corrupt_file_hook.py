"""Counts the corrupt files that a training skips."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmagic.registry import HOOKS
from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.runner import Runner

from fbinpaint_mm.engine.hooks.utils import is_due


@HOOKS.register_module()
class CorruptFileHook(Hook):
    """Logs how many samples the training data set has passed over, and at the end which.

    The data set itself names each one in the log when it finds it (``on_corrupt='skip'`` of
    :class:`SemanticInpaintingDataset`); a rank other than the first one has no log, therefore the
    hook collects from all. It needs of the data set, or of the data sets inside it,
    ``corrupt_indices`` and ``get_data_info(index)['gt_path']``; others are left alone.

    The number is the scalar ``data/corrupt``, counted before each validation, and there from the
    first corrupt file on.
    """

    priority = 'ABOVE_NORMAL'

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        """Log the number."""
        if not is_due(runner, None):
            return
        number = len(_corrupt_paths(runner))
        if number:
            runner.message_hub.update_scalar('train/data/corrupt', number)

    def after_train(self, runner: Runner) -> None:
        """Log the names."""
        paths = _corrupt_paths(runner)
        if paths:
            runner.logger.warning(
                f'{len(paths)} corrupt samples were skipped in this training:\n' + '\n'.join(paths)
            )


def _corrupt_paths(runner: Runner) -> list[str]:
    """Image paths of the samples that any rank has passed over."""
    paths = {
        dataset.get_data_info(index)['gt_path']
        for dataset in _inner_datasets(runner.train_dataloader.dataset)
        for index in dataset.corrupt_indices
    }
    return sorted(set().union(*all_gather_object(paths)))


def _inner_datasets(dataset: Any) -> Iterator[Any]:
    """The data sets that count, also in mmengine's wrappers around one or several."""
    if hasattr(dataset, 'corrupt_indices'):
        yield dataset
        return
    inner = getattr(dataset, 'datasets', None) or [getattr(dataset, 'dataset', None)]
    for one in inner:
        if one is not None:
            yield from _inner_datasets(one)
