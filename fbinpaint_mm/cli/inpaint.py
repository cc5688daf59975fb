"""What tools/inpaint.py does."""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path

from fbinpaint_mm.apis import FeedbackInpainter
from fbinpaint_mm.apis.folder_inpainting import (
    FolderInpainter,
    Job,
    MaskSource,
    OutputFiles,
    find_images,
    generated_mask,
    list_jobs,
    mask_from_alpha,
    mask_from_color,
    mask_from_file,
)
from fbinpaint_mm.apis.load_model import load_config
from fbinpaint_mm.checkpoint import check_checkpoint
from fbinpaint_mm.fingerprint import config_content, fingerprint, local_file
from fbinpaint_mm.pretrained import is_pretrained, needed_checkpoint, pretrained_names
from fbinpaint_mm.safe_loading import loading
from fbinpaint_mm.user_error import INTERRUPTED, UserError, errors_for_users
from fbinpaint_mm.write_file import check_writable

CHECKPOINTS = ('.pth', '.pt', '.ckpt')  # endings by which one is told from a picture
# Arguments that results depend on, besides config and checkpoint.
DECIDING = (
    *('mask', 'mask_from_alpha', 'mask_color', 'mask_tolerance', 'generate_mask', 'seed', 'area'),
    *('mask_dilate', 'rounds', 'max_side', 'format', 'quality'),
)


def inpaint_files(args: argparse.Namespace) -> int:
    """Inpaints what a command line asks for, and prints what became of it.

    Args:
        args: Of tools/inpaint.py, which describes them.

    Returns:
        Exit status: 0; 1 if a picture failed; 130 after an interruption by the user.

    Raises:
        SystemExit: With one sentence and status 2 after a mistake of the user, before a picture is
            inpainted; with ``--verbose`` the error itself.
    """
    try:
        errors = nullcontext() if args.verbose else errors_for_users('inpaint.py')
        with errors, loading(args.trust_checkpoint):
            checkpoint, inputs = split_inputs(args.config, args.inputs)
            folder_inpainter = build_folder_inpainter(args, checkpoint)
            jobs = find_jobs(args, inputs)
            check_writable(args.out)
            summary = folder_inpainter.run(jobs)
    except KeyboardInterrupt:
        print('interrupted before the first picture', file=sys.stderr)
        return INTERRUPTED
    print(summary)
    return INTERRUPTED if summary.is_interrupted else int(bool(summary.failed))


def split_inputs(config: str, inputs: list[str]) -> tuple[str, list[str]]:
    """Checkpoint and pictures; behind the name of a trained model they are mostly pictures only.

    Args:
        config: Name of a trained model, or a config.
        inputs: What follows it, at least one.

    Raises:
        UserError: No picture is left.
    """
    if is_pretrained(config) and Path(inputs[0]).suffix.lower() not in CHECKPOINTS:
        return needed_checkpoint(config, None), inputs
    checkpoint, *pictures = inputs
    if not pictures:
        raise UserError(
            f'no picture behind {config} {checkpoint}; expected CONFIG CHECKPOINT INPUT, or NAME '
            f'INPUT with the name of a trained model ({", ".join(pretrained_names())})'
        )
    return needed_checkpoint(config, checkpoint), pictures


def build_folder_inpainter(args: argparse.Namespace, checkpoint: str) -> FolderInpainter:
    """What does the work; the model itself is built when there is a picture to inpaint.

    Args:
        args: Of tools/inpaint.py.
        checkpoint: Path or address.

    Raises:
        FileNotFoundError: There is no such config or checkpoint.
        UserError: Nothing reads an option of ``--cfg-options``.
    """
    config = load_config(args.config, args.cfg_options)
    check_checkpoint(checkpoint)
    outputs = OutputFiles(
        quality=args.quality,
        drop_alpha=args.mask_from_alpha,
        masks=args.mask is None or args.mask_dilate > 0,
        maps=args.save_maps,
        rounds=args.save_rounds,
        side_by_side=args.side_by_side,
    )
    return FolderInpainter(
        lambda: FeedbackInpainter(config, checkpoint, args.device),
        choose_mask_source(args),
        args.out,
        outputs,
        checkpoint=local_file(checkpoint),
        overwrite=args.overwrite,
        dilation=args.mask_dilate,
        options=dict(rounds=args.rounds, max_side=args.max_side),
        settings=fingerprint(
            config_content(config), checkpoint, *(getattr(args, name) for name in DECIDING)
        ),
    )


def choose_mask_source(args: argparse.Namespace) -> MaskSource:
    """Where holes come from."""
    if args.mask_from_alpha:
        return mask_from_alpha
    if args.mask_color:
        return partial(mask_from_color, color=args.mask_color, tolerance=args.mask_tolerance)
    if args.generate_mask:
        area = tuple(args.area)
        return partial(generated_mask, kind=args.generate_mask, seed=args.seed, area=area)
    return mask_from_file


def find_jobs(args: argparse.Namespace, inputs: list[str]) -> list[Job]:
    """What is to be done, one job for each picture.

    Args:
        args: Of tools/inpaint.py.
        inputs: Files and folders.

    Raises:
        FileNotFoundError: An input holds no picture, or a mask is missing.
        UserError: No picture is left, or one has several masks.
    """
    if args.mask is not None and not args.mask.exists():
        raise FileNotFoundError(f'--mask {str(args.mask)!r} does not exist')
    excluded = [folder for folder in (args.out, args.mask) if folder is not None]
    images = find_images(inputs, args.recursive, excluded)
    jobs = list_jobs(images, args.format, args.mask, args.skip_missing)
    if not jobs:
        raise UserError('no image is left to inpaint')
    return jobs
