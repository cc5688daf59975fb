"""From the name of a config to a model that is ready to inpaint."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from mmagic.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.dataset import BaseDataset
from mmengine.logging import print_log
from mmengine.registry import DefaultScope

from fbinpaint_mm.checkpoint import check_finite_weights, load_fitting_checkpoint
from fbinpaint_mm.config_file import merge_options, read_config
from fbinpaint_mm.config_mistakes import mistakes_in_settings
from fbinpaint_mm.models import FeedbackRecorrectionInpaintor
from fbinpaint_mm.safe_loading import trusting
from fbinpaint_mm.user_error import UserError

NAMING = ('type', 'metainfo', 'num_classes')  # settings of a data set that name its classes
# Parts that serve training only, some of which would download weights.
WITHOUT_TRAINING = dict(disc=None, teacher=None, losses=None)
_building = threading.RLock()


@contextmanager
def _mmagic_scope() -> Iterator[None]:
    """One thread at a time: the default scope of mmengine's registries is one for all."""
    with _building, DefaultScope.overwrite_default_scope('mmagic'):
        yield


def load_config(config: str | os.PathLike[str] | Config, options: dict | None = None) -> Config:
    """Reads a config.

    Args:
        config: Path of a config file; name of one of the package's, with or without its folder and
            ``.py``, or of a trained model; or a config already read.
        options: Settings that replace those of the config, by their dotted names.

    Returns:
        The config.

    Raises:
        FileNotFoundError: If it is neither a file nor a name. The message suggests some.
        TypeError: If it is of another type.
        UserError: If nothing reads an option.
    """
    if isinstance(config, (str, os.PathLike)):
        return read_config(config, options)
    if not isinstance(config, Config):
        raise TypeError(f'config: found {type(config).__name__}, expected a path, a name or Config')
    config = config.copy()
    merge_options(config, options or {})
    return config


def load_model(
    config: Config, checkpoint: str | None, trust: bool = False
) -> FeedbackRecorrectionInpaintor:
    """Builds the model of a config, without what serves training only, and loads its weights.

    Args:
        config: The whole config. It is not changed.
        checkpoint: Path or address of the checkpoint; ``None`` for random weights.
        trust: Whether the checkpoint, and others that the config names, may run programs.

    Returns:
        The model, in evaluation mode, on the CPU.

    Raises:
        FileNotFoundError: If there is no such checkpoint.
        UserError: If the config has no model of ours, nothing can be built from it, the checkpoint
            is of other classes or of another config, holds values that are not finite, or could run
            a program and is not trusted.
    """
    model_config = config.get('model') or {}
    kind = model_config.get('type')
    model_class = MODELS.module_dict.get(kind) if isinstance(kind, str) else kind
    if model_class is None or not issubclass(model_class, FeedbackRecorrectionInpaintor):
        raise UserError(
            f'the config must have a model of type FeedbackRecorrectionInpaintor, found {kind!r}'
        )
    with trusting(trust):
        with mistakes_in_settings(config), _mmagic_scope():
            model = MODELS.build({**model_config, **WITHOUT_TRAINING})
        if checkpoint is not None:
            classes = class_metainfo(config).get('classes') if model.loop.num_classes else None
            load_fitting_checkpoint(model, checkpoint, classes or ())
            check_finite_weights(model, checkpoint)
    if checkpoint is None:
        print_log(
            'No checkpoint is given: the model has random weights.', 'current', logging.WARNING
        )
    return model.eval()


def class_metainfo(config: Config) -> dict:
    """What the data set of a config says about its classes; no file of it is touched.

    Args:
        config: The whole config.

    Returns:
        mmengine's ``metainfo``, with ``classes`` and ``palette``; empty without a data set of
        mmengine's kind.
    """
    dataset = dataset_config(config)
    if dataset is None:
        return {}
    with mistakes_in_settings(config), _mmagic_scope():
        kind = dataset['type']
        kind = DATASETS.get(kind) if isinstance(kind, str) else kind
        if kind is None or not issubclass(kind, BaseDataset):
            return {}
        unread = dict(lazy_init=True, pipeline=[])
        try:
            return DATASETS.build({**dataset, **unread}).metainfo
        except TypeError:  # a benchmark has options for the data sets of other configs
            naming = {key: dataset[key] for key in NAMING if key in dataset}
            return DATASETS.build({**naming, **unread}).metainfo


def dataset_image_size(config: Config) -> tuple[int, int] | None:
    """Height and width in pixels of the images of a config's data set; ``None`` if it says none."""
    size = (dataset_config(config) or {}).get('image_size')
    return (size, size) if isinstance(size, int) else size and tuple(size)


def dataset_config(config: Config, stages: Sequence[str] = ('test', 'val', 'train')) -> dict | None:
    """The data set of the first of some stages that has one, without wrappers; else ``None``."""
    loaders = (config.get(f'{stage}_dataloader') for stage in stages)
    loader = next((one for one in loaders if one), None)
    if isinstance(loader, list):  # mmagic tests on several data sets, one after another
        loader = loader[0]
    dataset = loader and loader['dataset']
    # Wrappers, such as RepeatDataset or ConcatDataset, hold one or several.
    while dataset and not {'dataset', 'datasets'}.isdisjoint(dataset):
        dataset = dataset['dataset'] if 'dataset' in dataset else dataset['datasets'][0]
    return dataset
