"""The configs of the package as their tests read them, and data for their models."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from mmagic.registry import TRANSFORMS
from mmengine.config import Config

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'


def names(folder: str = '.') -> list[str]:
    """Names of the configs in a folder, as :func:`read` takes them."""
    paths = (path.relative_to(CONFIGS) for path in sorted((CONFIGS / folder).glob('*.py')))
    return [path.with_suffix('').as_posix() for path in paths]


def read(name: str) -> Config:
    """A config by its path below ``configs/``, to change freely."""
    return deepcopy(_read(name))


@cache
def _read(name: str) -> Config:
    return Config.fromfile(CONFIGS / f'{name}.py')


def remove_downloads(node: Any) -> None:
    """Change a part of a config in place so that nothing is fetched: random weights instead."""
    if isinstance(node, list):
        for child in node:
            remove_downloads(child)
    if not isinstance(node, dict):
        return
    if 'pretrained' in node:
        node['pretrained'] = None
    if (node.get('init_cfg') or {}).get('type') == 'Pretrained':
        node['init_cfg'] = None
    if node.get('type') in (
        'VGGPerceptualLoss',
        'LPIPS',
        'LPIPSLoss',
        'mmagic.TorchvisionMobileNetV2',
    ):
        node['weights'] = 'none'
    for child in node.values():
        remove_downloads(child)


def differences(config: Mapping, base: Mapping, prefix: str = '') -> dict[str, Any]:
    """The settings of a config, by dotted names, that another one has otherwise."""
    found = {}
    for key in {*config, *base}:
        one, other = config.get(key), base.get(key)
        if isinstance(one, dict) and isinstance(other, dict):
            found |= differences(one, other, f'{prefix}{key}.')
        elif one != other:
            found[f'{prefix}{key}'] = one
    return found


def image_size(config: Config, part: str) -> tuple[int, int]:
    """Height and width of the images in ``'train'`` or ``'val'``."""
    size = config[f'{part}_dataloader'].dataset.image_size
    return (size, size) if isinstance(size, int) else tuple(size)


def fabricate_batch(
    config: Config, size: tuple[int, int], part: str = 'train', number: int = 2
) -> dict[str, list]:
    """Images of random pixels, as the data loader of a config packs and collates them.

    Labeled ones and, where the config trains with them, one unlabeled image.
    """
    loader = config[f'{part}_dataloader']
    types = [step.type for step in loader.dataset.pipeline]
    pack = [
        TRANSFORMS.build(step) for step in loader.dataset.pipeline[types.index('GetMaskedImage') :]
    ]
    ratio = (loader.get('batch_sampler') or {}).get('ratio', (1, 0))
    packed = []
    for index in range(number):
        is_labeled = index == 0 or ratio[1] == 0
        results = _fabricate_sample(size, config.get('num_classes', 3), is_labeled)
        results.update(sample_idx=index, gt_path=f'{index}.png')
        for step in pack:
            results = step(results)
        packed.append(results)
    return {key: [one[key] for one in packed] for key in ('inputs', 'data_samples')}


def _fabricate_sample(size: tuple[int, int], num_classes: int, is_labeled: bool) -> dict[str, Any]:
    mask = np.zeros((*size, 1), np.float32)
    mask[size[0] // 4 : size[0] // 2, size[1] // 4 : size[1] // 2] = 1
    labels = np.random.randint(0, num_classes, (*size, 1)).astype(np.uint8)
    return dict(
        gt=np.random.randint(0, 256, (*size, 3)).astype(np.uint8),
        mask=mask,
        gt_seg=labels if is_labeled else np.full_like(labels, 255),
        is_labeled=is_labeled,
    )
