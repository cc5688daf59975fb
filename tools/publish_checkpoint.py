"""Makes of a training's checkpoint the file that others download, and its metafile.

Usage: python tools/publish_checkpoint.py CONFIG CHECKPOINT --out DIR [--scores SCORES.json] ...

Optimisers, teacher and discriminator are left out. ``DIR`` gets ``<name>-<hash>.pth`` and
``metafile.yml`` with its SHA-256; add the metafile to ``model-index.yml`` once the weights lie
where ``--url`` says.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from fbinpaint_mm.cli.launch import CONFIGS, check_checkpoint, check_config_file

# Of the last round; the other rounds stay in the file of scores.
METRICS = ('PSNR', 'SSIM', 'LPIPS', 'MAE', 'MAE_hole', 'mIoU', 'mIoU_hole')


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line.

    Args:
        argv: The arguments; those of the process by default.

    Returns:
        The arguments, with every file they name found.
    """
    parser = argparse.ArgumentParser(description='Make a checkpoint ready to be published')
    parser.add_argument('config', help='config file that the checkpoint was trained with')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--out', type=Path, required=True, help='folder to write to')
    parser.add_argument(
        '--url', default='', help='address of the folder in which the weights will lie'
    )
    parser.add_argument('--scores', type=Path, help='what tools/test.py --out SCORES.json wrote')
    parser.add_argument('--dataset', default='', help='data set of the scores, for the metafile')
    args = parser.parse_args(argv)
    try:
        check_config_file(args.config)
        check_checkpoint(args.checkpoint)
    except FileNotFoundError as error:
        parser.error(str(error))
    if bool(args.dataset) != (args.scores is not None):
        parser.error('--scores and --dataset belong together: give both or none')
    args.results = []
    if args.scores is not None:
        try:
            args.results = [
                dict(Task='Inpainting', Dataset=args.dataset, Metrics=read(args.scores))
            ]
        except (OSError, ValueError, KeyError) as error:
            parser.error(
                f'--scores {args.scores}: {error!r}; expected what tools/test.py --out wrote'
            )
    return args


def read(scores: Path) -> dict[str, float]:
    """The scores of the last round in a file that ``tools/test.py --out`` wrote."""
    found = json.loads(scores.read_text())['scores']
    return {name: found[name] for name in METRICS if name in found}


def path_in_repository(config: Path) -> str:
    """Such as ``configs/mix/wgan_celebahq.py``; one from elsewhere belongs into ``configs``."""
    inside = config.relative_to(CONFIGS) if config.is_relative_to(CONFIGS) else Path(config.name)
    return Path(CONFIGS.name, inside).as_posix()


def publish(args: argparse.Namespace) -> dict[str, Any]:
    """Writes the weights and the metafile; says what of training images is in them.

    Args:
        args: From `parse_args`.

    Returns:
        The content of the metafile.

    Raises:
        ValueError: The checkpoint belongs to another config.
        OSError: The disk is full, or the folder cannot be written.
    """
    import yaml
    from mmagic.registry import MODELS
    from mmengine.registry import init_default_scope

    from fbinpaint_mm.checkpoint import check_fits
    from fbinpaint_mm.config_file import read_config
    from fbinpaint_mm.publishing import label_maps_in, metafile, publish_checkpoint
    from fbinpaint_mm.write_file import write_file

    init_default_scope('mmagic')
    check_fits(MODELS.build(read_config(args.config).model), args.checkpoint)
    name = Path(args.config).stem
    path, digest = publish_checkpoint(args.checkpoint, name, args.out)
    weights = '/'.join([args.url.rstrip('/'), path.name]) if args.url else path.name
    config = path_in_repository(Path(args.config).resolve())
    content = metafile(name, config, weights, digest, path.stat().st_size, args.results)
    write_file(args.out / 'metafile.yml', yaml.safe_dump(content, sort_keys=False))
    print(f'{path}: {path.stat().st_size / 1e6:.2f} MB, SHA-256 {digest}')
    if count := label_maps_in(str(path)):
        print(
            f'{path}: holds {count} label maps of training images, for its LayoutMemory; publish '
            'it only where the licence of the data set lets you',
            file=sys.stderr,
        )
    return content


def main(argv: list[str] | None = None) -> None:
    """Publishes what the command line says."""
    args = parse_args(argv)
    try:
        publish(args)
    except (ValueError, OSError) as error:
        raise SystemExit(f'publish_checkpoint.py: {error}') from error


if __name__ == '__main__':
    main()
