"""Makes weights for our configs of MI-GAN's public ONNX file (Sargsyan et al., ICCV 2023).

Usage: python tools/convert_migan.py migan_pipeline_v2.onnx migan_512_places2.pth
"""

from __future__ import annotations

import argparse
from pathlib import Path


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line.

    Args:
        argv: The arguments; those of the process by default.

    Returns:
        The arguments of `fbinpaint_mm.cli.convert_migan.convert`.
    """
    parser = argparse.ArgumentParser(description="Make weights of MI-GAN's public file")
    parser.add_argument('onnx_file', type=Path, help='migan_pipeline_v2.onnx: Places2, 512 px')
    parser.add_argument('out', type=Path, help='file to write, with the ending .pth')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Converts what the command line says."""
    args = parse_args(argv)
    # Slow: after the command line is checked.
    from fbinpaint_mm.cli.convert_migan import convert
    from fbinpaint_mm.user_error import errors_for_users

    with errors_for_users('convert_migan.py'):
        convert(**vars(args))


if __name__ == '__main__':
    main()
