"""Writes the fixed holes of a data set, so that other methods are scored on the same pairs."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS, init_default_scope

from fbinpaint_mm.config_file import part_of, read_config
from fbinpaint_mm.config_mistakes import mistakes_in_settings
from fbinpaint_mm.user_error import UserError


def export_config_holes(
    config: str, split: str, out: Path, cfg_options: Mapping[str, Any] | None = None
) -> None:
    """Writes the holes of a config's data set and says how many there are.

    Args:
        config: Path or name of the config.
        split: 'val' or 'test'.
        out: Folder to write to.
        cfg_options: Settings that replace those of the config.

    Raises:
        FileNotFoundError: There is no such config, or its data are not there.
        UserError: See `export_holes`.
    """
    init_default_scope('mmagic')
    cfg = read_config(config, cfg_options)
    with mistakes_in_settings(cfg):
        dataset = DATASETS.build(part_of(cfg, f'{split}_dataloader').dataset)
    print(f'{export_holes(dataset, out)} holes written to {out}')


def export_holes(dataset: BaseDataset, out: Path) -> int:
    """Writes the hole of every sample: ``<image stem>.png``, 255 = hole, and ``holes.csv``.

    Args:
        dataset: Data set whose samples have ``mask`` (1, H, W), ``gt_path``, ``sample_idx`` and
            ``hole_area``.
        out: Folder to write to.

    Returns:
        Number of holes written.

    Raises:
        UserError: Two images have the same stem, so that one hole would replace another.
    """
    out.mkdir(parents=True, exist_ok=True)
    images: dict[str, str] = {}
    with (out / 'holes.csv').open('w', newline='') as file:
        writer = csv.writer(file)
        writer.writerow(('sample_idx', 'image', 'hole', 'area'))
        for index in range(len(dataset)):
            sample = dataset[index]['data_samples']
            name = f'{Path(sample.gt_path).stem}.png'
            if name in images:
                raise UserError(
                    f'{sample.gt_path} and {images[name]} have the same stem and would share '
                    f'{name}; give the images different names.'
                )
            images[name] = sample.gt_path
            cv2.imwrite(str(out / name), sample.mask[0].numpy() * 255)
            writer.writerow((sample.sample_idx, sample.gt_path, name, f'{sample.hole_area:.6f}'))
    return len(images)
