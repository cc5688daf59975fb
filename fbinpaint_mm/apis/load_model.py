"""From the name of a config to a model that is ready to inpaint."""

from __future__ import annotations

import logging
import os

from mmagic.registry import DATASETS, MODELS
from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.registry import DefaultScope

from fbinpaint_mm.checkpoint import load_fitting_checkpoint
from fbinpaint_mm.config_file import merge_options, read_config
from fbinpaint_mm.config_mistakes import mistakes_in_settings
from fbinpaint_mm.models import FeedbackRecorrectionInpaintor
from fbinpaint_mm.user_error import UserError

# Parts that serve training only, some of which would download weights.
WITHOUT_TRAINING = dict(disc=None, teacher=None, losses=None)


def load_config(config: str | os.PathLike[str] | Config, options: dict | None = None) -> Config:
    """Reads a config.

    Args:
        config: Path of a config file; name of one of the package's, with or without its folder and
            ``.py``; or a config already read.
        options: Settings that replace those of the config, by their dotted names.

    Returns:
        The config.

    Raises:
        FileNotFoundError: If it is neither a file nor a name. The message suggests some.
        UserError: If nothing reads an option.
    """
    if not isinstance(config, Config):
        return read_config(config, options)
    config = config.copy()
    merge_options(config, options or {})
    return config


def load_model(config: Config, checkpoint: str | None) -> FeedbackRecorrectionInpaintor:
    """Builds the model of a config, without what serves training only, and loads its weights.

    Args:
        config: The whole config. It is not changed.
        checkpoint: Path or address of the checkpoint; ``None`` for random weights.

    Returns:
        The model, in evaluation mode, on the CPU.

    Raises:
        FileNotFoundError: If there is no such checkpoint.
        UserError: If the config has no model of ours, nothing can be built from it, or the
            checkpoint is of another config.
    """
    model_config = config.get('model') or {}
    kind = model_config.get('type')
    model_class = MODELS.module_dict.get(kind) if isinstance(kind, str) else kind
    if model_class is None or not issubclass(model_class, FeedbackRecorrectionInpaintor):
        raise UserError(
            f'the config must have a model of type FeedbackRecorrectionInpaintor, found {kind!r}'
        )
    with mistakes_in_settings(config), DefaultScope.overwrite_default_scope('mmagic'):
        model = MODELS.build({**model_config, **WITHOUT_TRAINING})
    if checkpoint is None:
        print_log(
            'No checkpoint is given: the model has random weights.', 'current', logging.WARNING
        )
    else:
        load_fitting_checkpoint(model, str(checkpoint))
    return model.eval()


def class_metainfo(config: Config) -> dict:
    """What the data set of a config says about its classes; no file of it is touched.

    Args:
        config: The whole config.

    Returns:
        mmengine's ``metainfo``, with ``classes`` and ``palette``; empty without a data set.
    """
    dataset = _dataset_config(config)
    if dataset is None:
        return {}
    with mistakes_in_settings(config), DefaultScope.overwrite_default_scope('mmagic'):
        return DATASETS.build({**dataset, 'lazy_init': True, 'pipeline': []}).metainfo


def dataset_image_size(config: Config) -> tuple[int, int] | None:
    """Height and width in pixels of the images of a config's data set; ``None`` if it says none."""
    size = (_dataset_config(config) or {}).get('image_size')
    return (size, size) if isinstance(size, int) else size and tuple(size)


def _dataset_config(config: Config) -> dict | None:
    """The data set of the test, else of the validation, else of the training."""
    loaders = (config.get(f'{stage}_dataloader') for stage in ('test', 'val', 'train'))
    dataset = next((loader.dataset for loader in loaders if loader), None)
    while dataset is not None and 'dataset' in dataset:  # a wrapper, such as RepeatDataset
        dataset = dataset.dataset
    return dataset
