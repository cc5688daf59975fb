"""What the data sets share: which samples are labeled, and what stands in for a corrupt one."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any

import torch
from mmengine.dataset import BaseDataset, force_full_init
from mmengine.logging import print_log
from torch import Tensor

from fbinpaint_mm.datasets.file_checks import CorruptFileError
from fbinpaint_mm.user_error import UserError

CORRUPT_ACTIONS = ('raise', 'skip')


class PartlyLabeledDataset(BaseDataset):
    """A data set whose samples say in ``is_labeled`` whether they have a label map.

    Args:
        holes_per_image: how many samples in a row show each image, for a test with several fixed
            holes. If more than one, they have the ``sample_idx`` of the image and a ``hole_index``
            of 0, 1, ...; hole 0 is the one of a data set with one hole per image.
        **kwargs: of ``mmengine.dataset.BaseDataset``.

    Raises:
        UserError: ``metainfo`` names classes that are not names, or colors for another number; or
            ``holes_per_image`` is below 1.
    """

    def __init__(self, holes_per_image: int = 1, **kwargs: Any) -> None:
        if holes_per_image < 1:
            raise UserError(f'holes_per_image={holes_per_image}: expected 1 or more')
        self.holes_per_image = holes_per_image
        super().__init__(**kwargs)

    def __len__(self) -> int:
        return super().__len__() * self.holes_per_image

    def get_data_info(self, idx: int) -> dict:
        """One sample before the pipeline; see the class for its keys."""
        if self.holes_per_image == 1:
            return super().get_data_info(idx)
        image, hole = divmod(range(len(self))[idx], self.holes_per_image)
        return {**super().get_data_info(image), 'hole_index': hole}

    @classmethod
    def _load_metainfo(cls, metainfo: Mapping | None = None) -> dict:
        loaded = super()._load_metainfo(metainfo)
        # Of other classes than the data set's own, its palette says nothing.
        palette = loaded['palette'] if 'palette' in (metainfo or {}) else ()
        check_classes(loaded.get('classes', ()), palette)
        return loaded

    @property
    def labeled_indices(self) -> list[int]:
        """Indices of the samples whose label map may be used, ascending."""
        return [i for i in range(len(self)) if self.get_data_info(i)['is_labeled']]

    @property
    def unlabeled_indices(self) -> list[int]:
        """Indices of the samples without a label map, ascending."""
        return [i for i in range(len(self)) if not self.get_data_info(i)['is_labeled']]


def name_with_hole(image: str, hole_index: int) -> str:
    """The name of an image, for another hole than the first one with ``_hole1``, ... in its stem.

    Args:
        image: Such as its path.
        hole_index: 0, 1, ...
    """
    path = PurePath(image)
    return str(path.with_stem(f'{path.stem}_hole{hole_index}')) if hole_index else image


def check_classes(classes: Sequence[str], palette: Sequence = ()) -> None:
    """Refuses names of classes that would pass for others.

    Args:
        classes: One name for each class. A string would be a class for each of its letters.
        palette: One color for each class; empty if there are none.

    Raises:
        UserError: It is no list of different names, or has another length than the palette.
    """
    names = list(classes) if isinstance(classes, (list, tuple)) else [None]
    if not all(isinstance(name, str) for name in names):
        raise UserError(
            f"classes={classes!r}: expected a list of names; one class is written ('water',), with "
            'a comma'
        )
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UserError(f'classes: {twice[0]!r} occurs more than once; expected different names')
    if len(palette) not in (0, len(names)):
        raise UserError(
            f'palette has {len(palette)} colors for {len(names)} classes; expected one RGB color '
            'for each, or no palette'
        )


class SkipsCorruptSamples(PartlyLabeledDataset):
    """A data set that may pass over samples whose files turn out to be corrupt in training.

    A pipeline says so by :class:`CorruptFileError`. With ``'skip'`` the sample is named in the log
    once and counted, and whenever it is drawn the next intact sample of the same kind, labeled or
    unlabeled, is used.

    Args:
        on_corrupt: ``'raise'`` or ``'skip'``. With ``test_mode`` it always raises: scores of fewer
            images could not be compared.
        max_corrupt: share of the samples that may be skipped, in [0, 1]; more stop the training.
        **kwargs: of :class:`PartlyLabeledDataset`.

    Raises:
        UserError: one of the two is out of range.
    """

    def __init__(self, on_corrupt: str = 'raise', max_corrupt: float = 0.01, **kwargs: Any) -> None:
        if on_corrupt not in CORRUPT_ACTIONS:
            raise UserError(
                f'on_corrupt={on_corrupt!r}: expected one of {", ".join(CORRUPT_ACTIONS)}'
            )
        if not 0 <= max_corrupt <= 1:
            raise UserError(f'max_corrupt={max_corrupt}: expected a share in [0, 1]')
        self.on_corrupt = on_corrupt
        self.max_corrupt = max_corrupt
        self._corrupt: Tensor = torch.zeros(0, dtype=torch.bool)
        super().__init__(**kwargs)

    @property
    def may_skip(self) -> bool:
        """Whether corrupt samples are passed over."""
        return self.on_corrupt == 'skip' and not self.test_mode

    @property
    @force_full_init
    def corrupt_indices(self) -> list[int]:
        """Indices of the samples that this process and its workers have passed over, ascending."""
        return self._corrupt.nonzero().flatten().tolist()

    def full_init(self) -> None:
        """List the samples."""
        if self._fully_initialized:
            return
        super().full_init()
        # In memory that worker processes share: what one finds the others need not try again.
        self._corrupt = torch.zeros(len(self), dtype=torch.bool).share_memory_()

    def prepare_data(self, idx: int) -> dict:
        """One sample after the pipeline, or what stands in for it if it is corrupt.

        Which one that is depends on the files only, not on what has been drawn before: a resumed
        run sees what an uninterrupted one sees, with any number of workers.

        Raises:
            CorruptFileError: the sample is corrupt and may not be skipped, or too many are.
        """
        if not self.may_skip:
            return super().prepare_data(idx)
        for candidate in self._stand_ins(idx):
            if self._corrupt[candidate]:
                continue
            try:
                return super().prepare_data(candidate)
            except CorruptFileError as error:
                self.pass_over(candidate, str(error))
        raise CorruptFileError(f'no intact sample is left that could stand in for sample {idx}')

    def _stand_ins(self, idx: int) -> Iterator[int]:
        """The sample, then those of its kind that follow it, in a circle."""
        is_labeled = self.get_data_info(idx)['is_labeled']
        for candidate in (*range(idx, len(self)), *range(idx)):
            if self.get_data_info(candidate)['is_labeled'] == is_labeled:
                yield candidate

    def pass_over(self, idx: int, problem: str) -> None:
        """Count a corrupt sample and name it in the log.

        Args:
            idx: Index of the sample.
            problem: Names the file and says what is wrong.

        Raises:
            CorruptFileError: there are too many.
        """
        if self._corrupt[idx]:
            return  # another worker has found it while this one was reading
        self._corrupt[idx] = True
        number, allowed = int(self._corrupt.sum()), int(self.max_corrupt * len(self))
        print_log(
            f'Skipped a corrupt sample ({number} of {len(self)}, {allowed} may be): {problem}',
            logger='current',
            level=logging.WARNING,
        )
        if number > allowed:
            raise CorruptFileError(
                f'{number} of {len(self)} samples are corrupt; max_corrupt={self.max_corrupt} '
                f'allows {allowed}. The last one: {problem} Repair the data set, or raise '
                'max_corrupt'
            )
