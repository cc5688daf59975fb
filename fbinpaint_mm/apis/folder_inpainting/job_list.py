"""What has to be done, known before anything is done."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from fbinpaint_mm.apis.folder_inpainting.encoding import SUFFIX_OF_FORMAT, format_of_suffix
from fbinpaint_mm.apis.folder_inpainting.job import Job
from fbinpaint_mm.apis.folder_inpainting.mask_matching import match_masks
from fbinpaint_mm.apis.folder_inpainting.pair_list import Pair

LISTED = 10
EXTRAS = ('masks', 'maps', 'rounds', 'side_by_side')  # folders of what OutputFiles adds


class MissingFilesError(FileNotFoundError):
    """Files that jobs need are not there; the message lists the first ten."""

    def __init__(self, what: str, missing: list[str]) -> None:
        more = [f'... and {len(missing) - LISTED} more'] if len(missing) > LISTED else []
        lines = [f'{len(missing)} {what}:', *missing[:LISTED], *more]
        super().__init__('\n  '.join(lines) + '\nAdd them, or leave them out with --skip-missing')


def jobs_of_images(images: Mapping[Path, str], form: str) -> list[Job]:
    """Jobs whose masks are made from something else than files.

    Args:
        images: Name of every picture, from ``find_images``.
        form: ``'keep'``, or the format of the results: ``'png'``, ``'jpg'`` or ``'webp'``.

    Returns:
        One job for each picture.
    """
    return [Job(path, output_name(name, form)) for path, name in images.items()]


def jobs_of_mask_files(
    images: Mapping[Path, str], masks: Path, form: str, skip_missing: bool = False
) -> list[Job]:
    """Jobs with one mask for all pictures, or with a folder of masks.

    Args:
        images: Name of every picture, from ``find_images``.
        masks: File, or folder in which ``match_masks`` looks.
        form: As in ``jobs_of_images``.
        skip_missing: Leave out pictures without a mask.

    Returns:
        One job for each picture.

    Raises:
        MissingFilesError: Pictures have no mask.
        ValueError: A picture has several masks.
    """
    if masks.is_file():
        pictures = [path for path in images if path.resolve() != masks.resolve()]
        matched = dict.fromkeys(pictures, masks)
    else:
        matched = match_masks(images, masks)
    missing = [str(path) for path, mask in matched.items() if mask is None]
    if missing and not skip_missing:
        raise MissingFilesError(f'images have no mask of their name in {masks}', missing)
    found = {path: mask for path, mask in matched.items() if mask is not None}
    return [Job(path, output_name(images[path], form), mask) for path, mask in found.items()]


def jobs_of_pairs(pairs: Iterable[Pair], form: str, skip_missing: bool = False) -> list[Job]:
    """Jobs of a list of pictures and masks.

    Args:
        pairs: From ``read_pairs``.
        form: As in ``jobs_of_images``.
        skip_missing: Leave out pairs of which a file is missing.

    Returns:
        One job for each pair.

    Raises:
        MissingFilesError: Files are missing. The message has the numbers of their lines.
    """
    pairs = list(pairs)
    missing = {
        f'line {pair.line}: {path}': pair
        for pair in pairs
        for path in (pair.image, pair.mask)
        if not path.is_file()
    }
    if missing and not skip_missing:
        raise MissingFilesError('files of the list do not exist', list(missing))
    complete = [pair for pair in pairs if pair not in missing.values()]
    return [Job(pair.image, output_name(pair.name, form), pair.mask) for pair in complete]


def output_name(name: str, form: str) -> str:
    """Name of the result of a picture: of the same format if it is one that can be written."""
    path = PurePosixPath(name)
    wanted = (format_of_suffix(path.suffix) or 'png') if form == 'keep' else form
    if format_of_suffix(path.suffix) == wanted:
        return str(path)
    return str(path.with_suffix(SUFFIX_OF_FORMAT[wanted]))


def check_outputs(jobs: Iterable[Job], out: Path, extras: Collection[str] = ()) -> None:
    """Refuse jobs that would overwrite each other's results, or their inputs.

    Maps, masks and rounds do not have the picture's suffix, so two pictures must differ in more.

    Args:
        jobs: All jobs.
        out: Folder of the results.
        extras: Folders below it that get a PNG of every picture too, from ``extra_folders``.

    Raises:
        ValueError: Two jobs would write the same file, or one would write an input, or among the
            maps and masks.
    """
    jobs = list(jobs)
    writers: dict[str, Job] = {}
    for job in jobs:
        other = writers.setdefault(job.stem, job)
        if other is not job:
            raise ValueError(
                f'{other.image} and {job.image} would both write {out / other.output} or what '
                'belongs to it; rename one, or give them different folders with --out'
            )
        if PurePosixPath(job.output).parts[0] in EXTRAS and '/' in job.output:
            raise ValueError(
                f'the result of {job.image} would be written among the '
                f'{PurePosixPath(job.output).parts[0]} of {out}; rename its folder'
            )
    _check_inputs(jobs, out, extras)


def _check_inputs(jobs: Sequence[Job], out: Path, extras: Collection[str]) -> None:
    inputs = {path.resolve() for job in jobs for path in (job.image, job.mask) if path is not None}
    for job in jobs:
        for name in (job.output, *(f'{extra}/{job.stem}.png' for extra in extras)):
            if (out / name).resolve() in inputs:
                raise ValueError(
                    f'the result of {job.image} would overwrite the input {out / name}; give '
                    'another folder with --out'
                )
