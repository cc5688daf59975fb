"""Prepares the CelebAMask-HQ download for training.

Reads ``CelebA-HQ-img/0.jpg ... 29999.jpg`` and the per-part masks
``CelebAMask-HQ-mask-anno/{0..14}/00000_skin.png``; writes, at the chosen size,
``images/{train,val}/00000.jpg`` and ``annotations/{train,val}/00000.png``, whose pixels are class
ids 0 to 18. The first 29,000 images in CelebA-HQ order are ``train``, the last 1,000 are ``val``,
the test set. ``--split official`` makes ``train``, ``val`` and ``test`` of CelebA instead, by
``CelebA-HQ-to-CelebA-mapping.txt``. Interrupted runs continue where they stopped.

Usage: python tools/prepare_celebamask_hq.py downloads/CelebAMask-HQ data/celebamask_hq --size 256
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
        The arguments of `fbinpaint_mm.datasets.prepare_celebamask_hq.prepare_celebamask_hq`.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add('download', type=Path, help='folder that CelebAMask-HQ.zip was unpacked to')
    add('output', type=Path, help='folder to write to, such as data/celebamask_hq')
    add('--size', type=number(int, 1), default=256, help='side in pixels (default 256)')
    add('--num-images', type=number(int, 1), default=30000, help='default 30000')
    add('--split', choices=['last', 'official'], default='last', help='default last')
    add('--num-val', type=number(int, 1), help='last images, default 1000; with --split last')
    add('--num-workers', type=number(int, 1), default=os.cpu_count() or 1, help='processes')
    return parser.parse_args(argv)


def main() -> None:
    """Prepares the download that the command line names."""
    args = parse_args()
    # Slow: after the command line is checked.
    from fbinpaint_mm.datasets.prepare_celebamask_hq import prepare_celebamask_hq
    from fbinpaint_mm.user_error import errors_for_users

    with errors_for_users('prepare_celebamask_hq.py'):
        written = prepare_celebamask_hq(**vars(args))
    print(f'{written} faces written, {args.num_images - written} were there; in {args.output}')


if __name__ == '__main__':
    main()
