"""Writes fixed holes and masked images, so that other methods are scored on the same pairs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmagic.structures import DataSample
from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS, init_default_scope

from fbinpaint_mm.config_file import part_of, read_config
from fbinpaint_mm.config_mistakes import mistakes_in_settings
from fbinpaint_mm.datasets.partly_labeled_dataset import name_with_hole
from fbinpaint_mm.user_error import UserError
from fbinpaint_mm.write_file import check_writable, write_file

COLUMNS = ('sample_idx', 'image', 'hole', 'area', 'sha256')  # of holes.csv


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
    check_writable(out)
    count = export_holes(dataset, out)
    print(f'{count} holes written to {out}, the masked images to {inputs_folder(out)}')


def inputs_folder(out: Path) -> Path:
    """Folder of the masked images, beside that of the holes, whose pictures are read as holes."""
    out = out.resolve() if out.name in ('', '..') else out
    return out.with_name(f'{out.name}_inputs')


def export_holes(dataset: BaseDataset, out: Path) -> int:
    """Writes the hole of every sample: ``<image stem>.png``, 255 = hole, and ``holes.csv``.

    Of several holes of one image, all but the first have ``_hole1``, ... behind the stem.

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
        UserError: Two images have the same stem, so that one hole would replace another; or a
            folder is that of the images, or has pictures that no export made, or that one of other
            images or holes made. Nothing is replaced.
        OSError: The disk is full or refuses.
    """
    # Names and pixels are those that a benchmark expects, which imports what is slow.
    from fbinpaint_mm.benchmark.picture_files import picture_name
    from fbinpaint_mm.benchmark.result_folder import HOLE_LIST

    begin_list(out / HOLE_LIST)
    rows: dict[str, Sequence[Any]] = {}
    for index in range(len(dataset)):
        sample = dataset[index]['data_samples']
        name = picture_name(name_with_hole(sample.gt_path, sample.get('hole_index', 0)))
        if name in rows:
            raise UserError(
                f'{sample.gt_path} and {rows[name][1]} have the same stem and would share {name}; '
                'give the images different names.'
            )
        rows[name] = export_sample(sample, out, name)
    write_list(rows.values(), out / HOLE_LIST)
    return len(rows)


def begin_list(path: Path) -> None:
    """Writes a list of nothing, by which an interrupted export can be repeated.

    Raises:
        UserError: The folders of holes and inputs belong to somebody else.
    """
    if not path.exists():
        check_free(path.parent)
        check_free(inputs_folder(path.parent))
        write_list([], path)
    elif not path.read_bytes().startswith(','.join(COLUMNS).encode()):
        raise UserError(f'{path}: no export made this file; choose another folder')


def check_free(folder: Path) -> None:
    """Raises a ``UserError`` if a folder has pictures, since no export made them."""
    found = next(folder.glob('*.png'), None)
    if found is not None:
        raise UserError(
            f'{folder} has pictures that no export made, such as {found.name}, and that might be '
            'replaced; choose another folder'
        )


def write_new(pixels: np.ndarray, path: Path, image: str) -> None:
    """Writes a picture, unless an earlier export has.

    Args:
        pixels: (H, W) gray or (H, W, 3) RGB, uint8.
        path: Where to write.
        image: Path of the image that it is made of.

    Raises:
        UserError: Another picture has that name, or the image is in that folder.
        OSError: The disk is full or refuses.
    """
    from fbinpaint_mm.benchmark.picture_files import encode_png

    # Drawn scenes have names only.
    if Path(image).is_file() and Path(image).resolve().parent == path.resolve().parent:
        raise UserError(f'{path.parent} is the folder of {image}; choose another one')
    content = encode_png(pixels)
    if not path.exists():
        write_file(path, content)
    elif path.read_bytes() != content:
        raise UserError(
            f'{path}: found another picture than that of this export, which replaces none; choose '
            'another folder'
        )


def export_sample(sample: DataSample, out: Path, name: str) -> Sequence[Any]:
    """Writes hole and masked image of one sample; returns its line of ``holes.csv``."""
    from fbinpaint_mm.benchmark.pairs import pixel_hash, truth_of
    from fbinpaint_mm.benchmark.picture_files import masked_image, to_pixels

    truth = truth_of(sample)
    image = masked_image(truth['gt_img'], truth['mask'])
    hole = (truth['mask'][0] != 0).byte().numpy() * 255
    write_new(hole, out / name, sample.gt_path)
    write_new(to_pixels(image), inputs_folder(out) / name, sample.gt_path)
    area = f'{sample.hole_area:.6f}'
    return sample.sample_idx, sample.gt_path, name, area, pixel_hash(truth)


def write_list(rows: Iterable[Sequence[Any]], path: Path) -> None:
    """Writes ``holes.csv`` in one step."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    writer.writerows([COLUMNS, *rows])
    write_file(path, text.getvalue())
