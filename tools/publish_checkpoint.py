"""Makes of a training's checkpoint the file that others download, and its metafile.

Usage: python tools/publish_checkpoint.py CONFIG CHECKPOINT --out DIR [--scores SCORES.json] ...

Optimizers, teacher and discriminator are left out. ``DIR`` gets ``<name>-<hash>.pth`` and
``metafile.yml`` with its SHA-256; add the metafile to ``model-index.yml`` once the weights lie
where ``--url`` says.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from _arguments import add_trust


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line.

    Args:
        argv: The arguments; those of the process by default.

    Returns:
        The arguments of `fbinpaint_mm.cli.publishing.publish`.
    """
    parser = argparse.ArgumentParser(description='Make a checkpoint ready to be published')
    add = parser.add_argument
    add('config', help='config file that the checkpoint was trained with')
    add('checkpoint', help='checkpoint file')
    add('--out', type=Path, required=True, help='folder to write to')
    add('--url', default='', help='address of the folder in which the weights will lie')
    add('--scores', type=Path, help='what tools/test.py --out SCORES.json wrote')
    add('--half', action='store_true', help='round weights to float16, for half the size')
    add('--dataset', default='', help='data set of the scores, for the metafile')
    add_trust(parser)
    args = parser.parse_args(argv)
    if bool(args.dataset) != (args.scores is not None):
        parser.error('--scores and --dataset belong together: give both or none')
    return args


def main() -> None:
    """Publishes what the command line says."""
    args = parse_args()
    # Slow: after the command line is checked.
    from fbinpaint_mm.cli.publishing import publish
    from fbinpaint_mm.user_error import errors_for_users

    with errors_for_users('publish_checkpoint.py'):
        publish(**vars(args))


if __name__ == '__main__':
    main()
