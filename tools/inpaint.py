"""Inpaints pictures: a file, a folder, a glob or a list of pictures and masks.

Usage: python tools/inpaint.py CONFIG CHECKPOINT INPUT ... --mask FILE_OR_FOLDER --out DIR ...

Example:
    python tools/inpaint.py fbinpaint_demo work_dirs/fbinpaint_demo/iter_400.pth photos \
        --generate-mask irregular --area 0.1 0.3 --out work_dirs/inpainted --side-by-side
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from inpaint_arguments import check_arguments, parse_args, quiet

if TYPE_CHECKING:
    from fbinpaint_mm.apis.folder_inpainting import FolderInpainter, Job, MaskSource, Settings

USAGE_ERROR, INTERRUPTED = 2, 130  # as argparse and a shell report them


def list_jobs(args: argparse.Namespace) -> list[Job]:
    """What is to be done.

    Args:
        args: From `parse_args`.

    Returns:
        One job for each picture.

    Raises:
        FileNotFoundError: An input holds no picture, or a mask is missing.
        ValueError: Names are ambiguous, or results would overwrite something.
    """
    from fbinpaint_mm.apis import folder_inpainting as folders

    if args.pairs:
        pairs = folders.read_pairs(args.pairs)
        jobs = folders.jobs_of_pairs(pairs, args.format, args.skip_missing)
    else:
        excluded = [folder for folder in (args.out, args.mask) if folder is not None]
        images = folders.find_images(args.inputs, args.recursive, excluded)
        jobs = (
            folders.jobs_of_mask_files(images, args.mask, args.format, args.skip_missing)
            if args.mask
            else folders.jobs_of_images(images, args.format)
        )
    if not jobs:
        raise ValueError('no image is left to inpaint')
    extras = folders.extra_folders(make_settings(args), choose_mask_source(args))
    folders.check_outputs(jobs, args.out, extras)
    return jobs


def choose_mask_source(args: argparse.Namespace) -> MaskSource:
    """Where holes come from."""
    from fbinpaint_mm.apis import folder_inpainting as folders

    if args.mask_from_alpha:
        return folders.MaskFromAlpha()
    if args.mask_color:
        return folders.MaskFromColor(args.mask_color, args.mask_tolerance)
    if args.generate_mask:
        return folders.GeneratedMask(args.generate_mask, args.seed, tuple(args.area))
    return folders.MaskFromFile()


def make_settings(args: argparse.Namespace) -> Settings:
    """What is made of every picture."""
    from fbinpaint_mm.apis import folder_inpainting as folders

    return folders.Settings(
        rounds=args.rounds,
        tolerance=args.tolerance,
        max_side=args.max_side,
        dilation=args.mask_dilate,
        form=args.format,
        quality=args.quality,
        save_maps=args.save_maps,
        save_rounds=args.save_rounds,
        side_by_side=args.side_by_side,
    )


def build_folder_inpainter(args: argparse.Namespace) -> FolderInpainter:
    """What does the work; the model itself is built when there is a picture to inpaint."""
    from fbinpaint_mm.apis import FeedbackInpainter
    from fbinpaint_mm.apis import folder_inpainting as folders

    model = (args.config, args.checkpoint)
    return folders.FolderInpainter(
        lambda: FeedbackInpainter(*model, device=args.device, cfg_options=args.cfg_options),
        folders.model_identity(*model, args.cfg_options),
        choose_mask_source(args),
        make_settings(args),
        args.out,
        overwrite=args.overwrite,
    )


def main(argv: list[str] | None = None) -> int:
    """Inpaints what the command line asks for.

    Args:
        argv: The arguments; those of the process by default.

    Returns:
        Exit status: 0; 1 if a picture failed; 2 if nothing could be started; 130 after an
        interruption by the user.
    """
    args = parse_args(argv)
    try:
        check_arguments(args)
        with quiet(not args.verbose):  # imports are slow, so the command line is checked first
            jobs = list_jobs(args)
            summary = build_folder_inpainter(args).run(jobs)
    except (ValueError, OSError) as error:
        if args.verbose:
            raise
        print(f'inpaint.py: error: {error}', file=sys.stderr)
        return USAGE_ERROR
    except KeyboardInterrupt:
        print('interrupted before the first picture', file=sys.stderr)
        return INTERRUPTED
    print(summary)
    return INTERRUPTED if summary.is_interrupted else int(bool(summary.failed))


if __name__ == '__main__':
    sys.exit(main())
