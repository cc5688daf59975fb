"""Writes fixed holes and masked images, so that other methods are scored on the same pairs."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS, init_default_scope

from fbinpaint_mm.config_file import part_of, read_config
from fbinpaint_mm.config_mistakes import mistakes_in_settings
from fbinpaint_mm.user_error import UserError


def export_config_holes(
    config: str, split: str, out: Path, cfg_options: Mapping[str, Any] | None = None
) -> None:
    """Writes holes and masked images of a config's data set, and says how many there are.

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
    count = export_holes(dataset, out)
    print(f'{count} holes written to {out}, the masked images to {inputs_folder(out)}')


def inputs_folder(out: Path) -> Path:
    """Folder of the masked images, beside that of the holes, whose pictures are read as holes."""
    out = out.resolve() if out.name in ('', '..') else out
    return out.with_name(f'{out.name}_inputs')


def export_holes(dataset: BaseDataset, out: Path) -> int:
    """Writes the hole of every sample: ``<image stem>.png``, 255 = hole, and ``holes.csv``.

    Beside ``out``, a folder with ``_inputs`` behind its name gets the images under the same names,
    at the size of the test, mid gray in the hole.

    Args:
        dataset: Data set whose samples have ``gt_img`` (3, H, W) in 0..255, ``mask`` (1, H, W),
            ``gt_path``, ``sample_idx`` and ``hole_area``.
        out: Folder to write to.

    Returns:
        Number of holes written.

    Raises:
        UserError: Two images have the same stem, so that one hole would replace another.
        OSError: The disk is full or refuses.
    """
    # Names and pixels are those that a benchmark expects, which imports what is slow.
    from fbinpaint_mm.benchmark.pairs import truth_of
    from fbinpaint_mm.benchmark.picture_files import (
        masked_image,
        picture_name,
        to_pixels,
        write_png,
    )

    out.mkdir(parents=True, exist_ok=True)
    inputs = inputs_folder(out)
    images: dict[str, str] = {}
    with (out / 'holes.csv').open('w', newline='') as file:
        writer = csv.writer(file)
        writer.writerow(('sample_idx', 'image', 'hole', 'area'))
        for index in range(len(dataset)):
            sample = dataset[index]['data_samples']
            name = picture_name(sample.gt_path)
            if name in images:
                raise UserError(
                    f'{sample.gt_path} and {images[name]} have the same stem and would share '
                    f'{name}; give the images different names.'
                )
            images[name] = sample.gt_path
            truth = truth_of(sample)
            write_png((truth['mask'][0] != 0).byte().numpy() * 255, out / name)
            write_png(to_pixels(masked_image(truth['gt_img'], truth['mask'])), inputs / name)
            writer.writerow((sample.sample_idx, sample.gt_path, name, f'{sample.hole_area:.6f}'))
    return len(images)
