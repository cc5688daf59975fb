"""Makes the training label maps of Cityscapes where they are missing.

Keeps the layout of the download, ``leftImg8bit/<split>/<city>`` and ``gtFine/<split>/<city>``, and
writes ``*_gtFine_labelTrainIds.png`` (19 classes, 255 = unknown) beside ``*_gtFine_labelIds.png``
(34 ids) for ``train`` and ``val``. Interrupted runs continue where they stopped.

Usage: python tools/prepare_cityscapes.py data/cityscapes
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from _arguments import number


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line.

    Args:
        argv: The arguments; those of the process by default.

    Returns:
        The arguments of `fbinpaint_mm.datasets.prepare_cityscapes.prepare_cityscapes`.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('root', type=Path, help='folder with leftImg8bit and gtFine')
    parser.add_argument(
        '--num-workers', type=number(int, 1), default=os.cpu_count() or 1, help='processes'
    )
    return parser.parse_args(argv)


def main() -> None:
    """Prepares the download that the command line names."""
    args = parse_args()
    # Slow: after the command line is checked.
    from fbinpaint_mm.datasets.prepare_cityscapes import prepare_cityscapes
    from fbinpaint_mm.user_error import errors_for_users

    with errors_for_users('prepare_cityscapes.py'):
        written = prepare_cityscapes(**vars(args))
    print(f'{written} label maps written; the others were there')


if __name__ == '__main__':
    main()
