"""Writes the fixed holes of validation or test, and the masked images, as PNGs and as a list.

Every hole becomes ``OUT/<image stem>.png`` (255 = hole), every masked image
``OUT_inputs/<image stem>.png``, at the size of the test. ``tools/benchmark.py NAME=FOLDER/`` scores
what another method makes of them; ``HoleFromFolder(pairing='stem')`` reads the holes back.
``OUT/holes.csv`` lists sample, image, area, and a hash of image and hole; with a copy of it in
FOLDER, the benchmark also checks that results are of its own images and holes.

Usage: python tools/export_holes.py configs/fbinpaint_demo.py --split val --out work_dirs/holes
"""

from __future__ import annotations

import argparse
from pathlib import Path

from _arguments import add_cfg_options


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line.

    Args:
        argv: The arguments; those of the process by default.

    Returns:
        The arguments of `fbinpaint_mm.cli.export_holes.export_config_holes`.
    """
    parser = argparse.ArgumentParser(description='Write fixed holes and masked images')
    add = parser.add_argument
    add('config', help='config file, or the name of one of the configs of this package')
    add('--split', default='test', choices=('val', 'test'), help='default: test')
    add(
        '--out',
        type=Path,
        required=True,
        help='folder of the holes; the masked images go to OUT_inputs',
    )
    add_cfg_options(parser)
    return parser.parse_args(argv)


def main() -> None:
    """Writes the holes that the command line asks for."""
    args = parse_args()
    # Slow: after the command line is checked.
    from fbinpaint_mm.cli.export_holes import export_config_holes
    from fbinpaint_mm.user_error import errors_for_users

    with errors_for_users('export_holes.py'):
        export_config_holes(**vars(args))


if __name__ == '__main__':
    main()
