"""Exports a trained model to ONNX or TorchScript, and compares the files with PyTorch.

Usage: python tools/export.py CONFIG CHECKPOINT --out DIR [--format onnx] [--mode unrolled] ...
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mmengine.config import Config, DictAction

from fbinpaint_mm.cli.launch import check_checkpoint, check_config_file, check_writable

if TYPE_CHECKING:
    from fbinpaint_mm.export import ExportedFile, ExportSettings


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line, and checks what can be checked without the model.

    Args:
        argv: The arguments; those of the process by default.

    Returns:
        The arguments, with every file they name found and the output folder writable.
    """
    parser = argparse.ArgumentParser(description='Export a model to ONNX or TorchScript')
    parser.add_argument('config', help='config file')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--out', required=True, help='folder to write to')
    parser.add_argument('--format', choices=('onnx', 'torchscript'), default='onnx')
    parser.add_argument(
        '--mode',
        choices=('unrolled', 'per-round'),
        default='unrolled',
        help='all rounds in one file, or a file for round 0 and one for each further round',
    )
    parser.add_argument('--rounds', type=int, help="default: the config's test_cfg.rounds")
    parser.add_argument(
        '--size',
        type=int,
        nargs=2,
        metavar=('H', 'W'),
        default=(256, 256),
        help='height and width of the images (default: 256 256)',
    )
    parser.add_argument(
        '--dynamic', action='store_true', help='height and width may change from call to call'
    )
    parser.add_argument(
        '--tolerance',
        type=float,
        default=1e-3,
        help='largest difference from PyTorch, as a share of the range (default: %(default)s)',
    )
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={})
    args = parser.parse_args(argv)
    try:
        check_config_file(args.config)
        check_local(args.checkpoint)
        check_writable(Path(args.out))
    except OSError as error:
        parser.error(str(error))
    return args


def check_local(checkpoint: str) -> None:
    """Makes sure that the checkpoint is a file, whose hash can be taken.

    Args:
        checkpoint: Path.

    Raises:
        FileNotFoundError: It is not there, or it is an address.
    """
    check_checkpoint(checkpoint)
    if not Path(checkpoint).is_file():
        raise FileNotFoundError(f'checkpoint {checkpoint!r} is an address: download it first')


def export(args: argparse.Namespace) -> list[ExportedFile]:
    """Exports what the command line says.

    Args:
        args: From `parse_args`.

    Returns:
        The files.

    Raises:
        ImportError: A package that the format needs is not installed.
        ValueError: Settings, checkpoint or model do not fit.
        ExportError: A file cannot be made, or gives something else than PyTorch.
    """
    # Slow, so the command line is checked first.
    from fbinpaint_mm.apis.load_model import class_metainfo, load_model
    from fbinpaint_mm.config_file import read_config
    from fbinpaint_mm.export import export_model, make_writer

    cfg = read_config(args.config, args.cfg_options)
    settings = make_settings(args, cfg)
    make_writer(settings)  # a missing package is named before the model is built
    model = load_model(cfg, args.checkpoint)
    classes = class_metainfo(cfg).get('classes', ())
    name = Path(args.config).stem
    return export_model(model, settings, Path(args.out), name, Path(args.checkpoint), classes)


def make_settings(args: argparse.Namespace, cfg: Config) -> ExportSettings:
    """Settings of the command line, completed by the config.

    Args:
        args: From `parse_args`.
        cfg: The whole config.

    Returns:
        The settings.

    Raises:
        ValueError: A value is out of range.
    """
    from fbinpaint_mm.export import ExportSettings

    rounds = args.rounds
    if rounds is None:
        rounds = (cfg.model.get('test_cfg') or {}).get('rounds', 2)
    return ExportSettings(
        format=args.format,
        mode=args.mode,
        rounds=rounds,
        size=tuple(args.size),
        dynamic=args.dynamic,
        tolerance=args.tolerance,
    )


def report(file: ExportedFile) -> str:
    """One line for each file and for each of its outputs.

    Args:
        file: A file that has passed.
    """
    megabytes = file.path.stat().st_size / 1e6
    sizes = ', '.join('x'.join(map(str, size)) for size in file.sizes)
    lines = [f'{file.path}: {megabytes:.1f} MB, written in {file.seconds:.1f} s']
    lines += [
        f'  {name}: differs from PyTorch by {value:.2g} of its range at most'
        for name, value in file.differences.items()
    ]
    return '\n'.join([*lines, f'  compared on random images and holes of {sizes} (N x H x W)'])


def main(argv: list[str] | None = None) -> None:
    """Exports, or ends with a message and a non-zero status, and then leaves no file behind."""
    args = parse_args(argv)
    try:
        files = export(args)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        sys.exit(f'export: {error}')
    print('\n'.join(map(report, files)))


if __name__ == '__main__':
    main()
