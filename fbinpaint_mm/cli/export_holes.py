"""Writes fixed holes and masked images, so that other methods are scored on the same pairs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmagic.structures import DataSample
from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS, init_default_scope

from fbinpaint_mm.config_file import part_of, read_config
from fbinpaint_mm.config_mistakes import mistakes_in_settings
from fbinpaint_mm.user_error import UserError
from fbinpaint_mm.write_file import write_file


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
    at the size of the test, mid gray in the hole. The list has a hash of each image and hole, by
    which the benchmark tells results of other ones.

    Args:
        dataset: Data set whose samples have ``gt_img`` (3, H, W) in 0..255, ``mask`` (1, H, W),
            ``gt_path``, ``sample_idx`` and ``hole_area``.
        out: Folder to write to: a new one, or that of an earlier export.

    Returns:
        Number of holes written.

    Raises:
        UserError: Two images have the same stem, so that one hole would replace another, or a
            folder has pictures that no export made.
        OSError: The disk is full or refuses.
    """
    # Names and pixels are those that a benchmark expects, which imports what is slow.
    from fbinpaint_mm.benchmark.picture_files import picture_name
    from fbinpaint_mm.benchmark.result_folder import HOLE_LIST

    if not (out / HOLE_LIST).exists():
        check_free(out)
        check_free(inputs_folder(out))
    rows: dict[str, Sequence[Any]] = {}
    write_list([], out / HOLE_LIST)  # so that an interrupted export can be repeated
    for index in range(len(dataset)):
        sample = dataset[index]['data_samples']
        name = picture_name(sample.gt_path)
        if name in rows:
            raise UserError(
                f'{sample.gt_path} and {rows[name][1]} have the same stem and would share {name}; '
                'give the images different names.'
            )
        rows[name] = export_sample(sample, out, name)
    write_list(rows.values(), out / HOLE_LIST)
    return len(rows)


def check_free(folder: Path) -> None:
    """Raises a ``UserError`` if a folder has pictures, since no export made them."""
    found = next(folder.glob('*.png'), None)
    if found is not None:
        raise UserError(
            f'{folder} has pictures that no export made, such as {found.name}, and that might be '
            'replaced; choose another folder'
        )


def export_sample(sample: DataSample, out: Path, name: str) -> Sequence[Any]:
    """Writes hole and masked image of one sample; returns its line of ``holes.csv``."""
    from fbinpaint_mm.benchmark.pairs import pixel_hash, truth_of
    from fbinpaint_mm.benchmark.picture_files import masked_image, to_pixels, write_png

    truth = truth_of(sample)
    image = masked_image(truth['gt_img'], truth['mask'])
    write_png((truth['mask'][0] != 0).byte().numpy() * 255, out / name)
    write_png(to_pixels(image), inputs_folder(out) / name)
    area = f'{sample.hole_area:.6f}'
    return sample.sample_idx, sample.gt_path, name, area, pixel_hash(truth)


def write_list(rows: Iterable[Sequence[Any]], path: Path) -> None:
    """Writes ``holes.csv`` in one step."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    writer.writerows([('sample_idx', 'image', 'hole', 'area', 'sha256'), *rows])
    write_file(path, text.getvalue())
