"""What another method made of the same images and holes: a folder of pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from csv import DictReader
from pathlib import Path

import numpy as np
import torch
from mmagic.structures import DataSample
from mmengine.model import BaseModel
from torch import Tensor

from fbinpaint_mm.benchmark.pairs import truth_of
from fbinpaint_mm.benchmark.picture_files import picture_name
from fbinpaint_mm.evaluation.metrics.sample_wise_metric import sample_name
from fbinpaint_mm.evaluation.score_series import name_some
from fbinpaint_mm.fingerprint import file_content
from fbinpaint_mm.picture import read_picture, to_network
from fbinpaint_mm.user_error import UserError

HOLE_LIST = 'holes.csv'
Size = tuple[int, int]


class ResultFolder(BaseModel):
    """Looks up the result of each image instead of computing it.

    Known pixels of a result are copied from the image, as those of every model are, so that only
    what the method made of the hole counts.

    Args:
        folder: With ``<stem of the image>.png`` for each image, 8 or 16 bits, gray or color.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def forward(
        self, inputs: list[Tensor], data_samples: list[DataSample], mode: str = 'predict'
    ) -> list[DataSample]:
        """The results of a batch.

        Args:
            inputs: Not used.
            data_samples: Samples with ``gt_img`` (3, H, W) in 0..255, ``mask`` (1, H, W), not 0 in
                the hole, and ``gt_path``.
            mode: ``'predict'``.

        Returns:
            For each a sample whose ``output`` has ``pred_img``, (3, H, W) float32 BGR in 0..255.
        """
        return [self._answer(sample) for sample in data_samples]

    def _answer(self, sample: DataSample) -> DataSample:
        truth = truth_of(sample)
        result = torch.from_numpy(read_result(self.folder / picture_name(sample_name(truth))))
        image = torch.where(truth['mask'] != 0, result.permute(2, 0, 1), truth['gt_img'].float())
        return DataSample(output=DataSample(pred_img=image))


def read_result(path: Path) -> np.ndarray:
    """A picture as metrics take it.

    Args:
        path: Of any format that `read_picture` knows; transparency is left out.

    Returns:
        (H, W, 3) float32 BGR in 0..255.

    Raises:
        FileNotFoundError: There is none.
        UserError: It cannot be read.
    """
    return to_network(read_picture(path, 'result').pixels)


def check_results(folder: Path, sizes: Mapping[str, Size], is_subset: bool = False) -> None:
    """Makes sure that a folder has one readable result of the right size for each image.

    Args:
        folder: Where the PNGs are.
        sizes: Name of each image -> its height and width.
        is_subset: Whether the data set has more images, whose results may be there too.

    Raises:
        UserError: Images share a name, or results are missing, of another size, or of no image;
            the first ones are named.
        OSError: A result cannot be read.
    """
    expected: dict[str, str] = {}
    for sample in sizes:
        other = expected.setdefault(picture_name(sample), sample)
        if other != sample:
            raise UserError(
                f'{folder}: the result of {sample} and that of {other} would both be called '
                f'{picture_name(sample)}; give the images different names'
            )
    found = {path.name for path in folder.glob('[!.]*.png')}
    there = {name: sizes[sample] for name, sample in expected.items() if name in found}
    problems = {
        'missing': sorted(expected.keys() - found),
        'of no image': [] if is_subset else sorted(found - expected.keys()),
        'of another size': list(wrong_sizes(folder, there)),
    }
    told = [f'{len(some)} {what} ({name_some(some)})' for what, some in problems.items() if some]
    if told:
        raise UserError(
            f'{folder}: results do not fit the {len(sizes)} images: {"; ".join(told)}. Expected is '
            '<stem of the image>.png for each, as tools/export_holes.py calls the inputs'
        )


def wrong_sizes(folder: Path, sizes: Mapping[str, Size]) -> Iterator[str]:
    """The results of another size, with both sizes (height x width)."""
    for name, size in sizes.items():
        found = read_picture(folder / name, 'result').size
        if found != size:
            yield '{} is {} x {}, expected {} x {}'.format(name, *found, *size)


def check_holes(folder: Path, hashes: Mapping[str, str]) -> bool:
    """Makes sure that results are of these images and holes, where a list says what they are of.

    Args:
        folder: With a copy of ``holes.csv`` of ``tools/export_holes.py``, or without.
        hashes: Name of each image -> its ``pixel_hash``.

    Returns:
        Whether there is such a list.

    Raises:
        UserError: Images or holes are others, or not in the list; the first ones are named.
    """
    path = folder / HOLE_LIST
    if not path.is_file():
        return False
    with path.open(newline='', encoding='utf-8') as file:
        listed = {row.get('hole'): row.get('sha256') for row in DictReader(file)}
    other = [name for name, found in hashes.items() if listed.get(picture_name(name)) != found]
    if other:
        raise UserError(
            f'{path}: {len(other)} of {len(hashes)} images, or their holes, are not those of the '
            f'benchmark ({name_some(other)}): inpaint what tools/export_holes.py writes for its '
            'config and split'
        )
    return True


def folder_content(folder: Path) -> dict[str, str]:
    """Hash of each result by file name."""
    return {path.name: file_content(path) for path in sorted(folder.glob('[!.]*.png'))}
