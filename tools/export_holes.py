"""Write the fixed holes of validation or test as PNGs and as a list.

Every hole becomes ``OUT/<image stem>.png`` (255 = hole), so that other methods can be scored on
the same (image, hole) pairs; ``HoleFromFolder(pairing='stem')`` reads them back. ``OUT/holes.csv``
lists sample, image and area.

Example:
    python tools/export_holes.py configs/fbinpaint_demo.py --split val --out work_dirs/holes
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import cv2
from mmengine.config import DictAction
from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS, init_default_scope


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line.

    Args:
        argv: The arguments; those of the process by default.

    Returns:
        config, split, out, cfg_options.
    """
    parser = argparse.ArgumentParser(description='Write fixed holes as PNGs and as a list')
    parser.add_argument('config', help='config file')
    parser.add_argument('--split', default='test', choices=('val', 'test'), help='default: test')
    parser.add_argument('--out', required=True, help='folder to write to')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={})
    return parser.parse_args(argv)


def export_holes(dataset: BaseDataset, out: str | Path) -> int:
    """Write the hole of every sample.

    Args:
        dataset: Data set whose samples have ``mask`` (1,H,W), ``gt_path``, ``sample_idx`` and
            ``hole_area``.
        out: Folder to write to.

    Returns:
        Number of holes written.

    Raises:
        ValueError: Two images have the same stem, so that one hole would replace another.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    stems: dict[str, str] = {}
    with (out / 'holes.csv').open('w', newline='') as file:
        writer = csv.writer(file)
        writer.writerow(('sample_idx', 'image', 'hole', 'area'))
        for index in range(len(dataset)):
            sample = dataset[index]['data_samples']
            stem = Path(sample.gt_path).stem
            if stem in stems:
                raise ValueError(
                    f'{sample.gt_path} and {stems[stem]} have the same stem and would share '
                    f'{stem}.png; give the images different names.'
                )
            stems[stem] = sample.gt_path
            cv2.imwrite(str(out / f'{stem}.png'), sample.mask[0].numpy() * 255)
            row = (sample.sample_idx, sample.gt_path, f'{stem}.png', f'{sample.hole_area:.6f}')
            writer.writerow(row)
    return len(stems)


def main(argv: list[str] | None = None) -> None:
    """Write the holes that the command line asks for."""
    args = parse_args(argv)
    from fbinpaint_mm.config_file import read_config  # slow, so the command line is checked first

    init_default_scope('mmagic')
    config = read_config(args.config, args.cfg_options)
    dataset = DATASETS.build(config[f'{args.split}_dataloader'].dataset)
    print(f'{export_holes(dataset, args.out)} holes written to {args.out}')


if __name__ == '__main__':
    main()
