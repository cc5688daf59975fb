"""With how many images, labels and iterations the entries of a benchmark were trained."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from copy import deepcopy

from mmagic.registry import DATASETS
from mmengine.config import Config

from fbinpaint_mm.benchmark.entry import Entry
from fbinpaint_mm.benchmark.pairs import build_dataset
from fbinpaint_mm.benchmark.planning import PlannedRun
from fbinpaint_mm.datasets import SemanticInpaintingDataset
from fbinpaint_mm.pretrained import is_shipped
from fbinpaint_mm.user_error import in_one_line


def describe_training(
    entry: Entry, plan: Sequence[PlannedRun], logger: logging.Logger
) -> dict[str, int]:
    """What is known of the training of an entry, by this benchmark or an earlier one.

    Args:
        entry: With its config.
        plan: Its runs.
        logger: Told what cannot be found out: it is not needed for scores.

    Returns:
        ``iterations``: of the benchmark's training, or those that the checkpoint names; ``images``
        of the training data of the config, and how many of them are ``labeled``. Nothing for a
        model of the package: its card tells, and the data of the config are the user's.
    """
    if is_shipped(entry.checkpoint):
        return {}
    facts: dict[str, int] = {}
    try:
        facts.update(count_iterations(entry, plan))
        facts.update(count_images(entry.cfg))
    except Exception as error:
        logger.info('%s: its training is not known in full: %s', entry.name, in_one_line(error))
    return facts


def count_iterations(entry: Entry, plan: Sequence[PlannedRun]) -> dict[str, int]:
    """``iterations`` of the training; nothing for a checkpoint that does not name them."""
    trainings = [run.training for run in plan if run.training is not None]
    if trainings:
        return dict(iterations=trainings[0].iterations)
    iterations = entry.meta.get('iter')
    return dict(iterations=iterations) if isinstance(iterations, int) else {}


def count_images(cfg: Config) -> dict[str, int]:
    """``images`` of the training data, and those ``labeled`` where the data set tells them apart.

    Args:
        cfg: Config of an entry.

    Returns:
        Nothing for a config that does not train, or on several data loaders.
    """
    loader = cfg.get('train_dataloader')
    if not isinstance(loader, dict):
        return {}
    settings = deepcopy(loader['dataset'])
    kind = settings['type']
    kind = DATASETS.get(kind) if isinstance(kind, str) else kind
    if issubclass(kind, SemanticInpaintingDataset):
        settings['check'] = 'off'  # reading every file takes long, and the training does it
    dataset = build_dataset(settings, None)
    facts = dict(images=len(dataset))
    if hasattr(dataset, 'labeled_indices'):
        facts['labeled'] = len(dataset.labeled_indices)
    return facts
