"""Images with optional label maps."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from mmagic.registry import DATASETS
from mmengine.dist import is_main_process

from fbinpaint_mm.datasets.file_checks import CHECKS, check_samples
from fbinpaint_mm.datasets.image_lists import (
    choose_labeled,
    parse_ratio,
    read_labeled_list,
    scan_folder,
)
from fbinpaint_mm.datasets.image_size import checked_size
from fbinpaint_mm.datasets.partly_labeled_dataset import SkipsCorruptSamples
from fbinpaint_mm.user_error import UserError

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.webp', '.bmp')


@DATASETS.register_module()
class SemanticInpaintingDataset(SkipsCorruptSamples):
    """Images for inpainting of which some, all or none have a label map.

    One sample is a dict with ``gt_path``, ``seg_map_path`` (None for an unlabeled image, whether
    or not a label file exists, so that no label can leak), ``is_labeled``, ``sample_idx``, and what
    transforms read: ``num_classes``, ``label_map``, ``flip_pairs`` and ``image_size``.

    Everything is checked once, in the main process, before the first sample is read.

    Args:
        data_root: folder that relative paths start from.
        data_prefix: ``img_path``, the folder of images, and optionally ``seg_map_path``, the folder
            of label maps with the same subfolders and stems. Without ``seg_map_path`` every image
            is unlabeled.
        img_suffix: ending, or endings, of image files; what precedes it is the stem.
        seg_map_suffix: ending of label files.
        ann_file: optional text file with the stems to use, one per line; all by default.
        labeled_ratio: fraction of the images that keeps its label, in (0, 1], such as ``0.125`` or
            ``'1/8'``; the others become unlabeled and need no label file. With one seed, smaller
            splits are parts of larger ones.
        labeled_seed: chooses the split of ``labeled_ratio``.
        labeled_list: optional text file with the stems that keep their label, instead of a ratio.
        labeled_only: whether unlabeled images are left out, to train a segmentor alone.
        unlabeled_prefix: further folders of unlabeled images.
        label_map: optional mapping from the ids in the files to class ids, one entry for every id
            that may occur; an entry of 255 makes the id unknown.
        flip_pairs: pairs of class ids that change places when an image is mirrored.
        image_size: optional side, or (height, width), in pixels for ``ResizeSample``.
        check: ``'full'`` decodes every file, ``'headers'`` reads headers and decodes 64 label maps,
            ``'off'`` checks names only; ``'auto'`` is ``'full'`` up to 256 MB of files and
            ``'headers'`` above.
        **kwargs: of :class:`SkipsCorruptSamples` (``on_corrupt``, ``max_corrupt``,
            ``holes_per_image``) and of ``mmengine.dataset.BaseDataset``, such as ``metainfo`` (with
            ``classes``), ``pipeline``, ``indices`` and ``test_mode``. ``indices`` is applied after
            the labeled split is chosen.

    Raises:
        FileNotFoundError: a folder, a list or a promised label map is missing.
        UserError: a set is empty, a setting is out of range, or a file is unusable. Both name the
            key or file, what was found, what was expected and the remedy.
    """

    METAINFO: dict = dict(classes=(), palette=[])
    missing_label_remedy = (
        'add the label map, name the labeled images with labeled_list, or move the image to a '
        'folder named in unlabeled_prefix'
    )

    def __init__(
        self,
        data_root: str = '',
        data_prefix: Mapping[str, str | None] | None = None,
        img_suffix: str | Sequence[str] = IMAGE_SUFFIXES,
        seg_map_suffix: str = '.png',
        ann_file: str = '',
        labeled_ratio: float | str | None = None,
        labeled_seed: int = 0,
        labeled_list: str | None = None,
        labeled_only: bool = False,
        unlabeled_prefix: str | Sequence[str] = (),
        label_map: Mapping[int, int] | None = None,
        flip_pairs: Sequence[Sequence[int]] = (),
        image_size: int | Sequence[int] | None = None,
        check: str = 'auto',
        **kwargs: Any,
    ) -> None:
        self.img_suffixes = (img_suffix,) if isinstance(img_suffix, str) else tuple(img_suffix)
        self.seg_map_suffix = seg_map_suffix
        self.labeled_ratio = labeled_ratio
        self.labeled_seed = labeled_seed
        self.labeled_list = labeled_list
        self.labeled_only = labeled_only
        folders = [unlabeled_prefix] if isinstance(unlabeled_prefix, str) else unlabeled_prefix
        self.unlabeled_folders = [os.path.join(data_root, folder) for folder in folders]
        self.label_map = {int(k): int(v) for k, v in label_map.items()} if label_map else None
        self.flip_pairs = _pairs(flip_pairs)
        self.image_size = None if image_size is None else checked_size(image_size)
        self.check = check
        self._check_settings()
        prefix = {k: v for k, v in (data_prefix or dict(img_path='')).items() if v is not None}
        super().__init__(ann_file=ann_file, data_root=data_root, data_prefix=prefix, **kwargs)

    @property
    def num_classes(self) -> int:
        """Number of classes after ``label_map``."""
        return len(self._metainfo['classes'])

    @property
    def num_ids(self) -> int:
        """Label files hold ids below this number, and 255."""
        return max(self.label_map) + 1 if self.label_map else self.num_classes

    def get_data_info(self, idx: int) -> dict:
        """One sample before the pipeline, with the settings that transforms read."""
        shared: dict[str, Any] = dict(
            num_classes=self.num_classes, label_map=self.label_map, flip_pairs=self.flip_pairs
        )
        if self.image_size is not None:
            shared['image_size'] = self.image_size
        return {**super().get_data_info(idx), **shared}

    def full_init(self) -> None:
        """List the samples, choose the labeled ones, and check the files."""
        if self._fully_initialized:
            return
        super().full_init()
        first_holes = range(0, len(self), self.holes_per_image)
        samples = [super(SemanticInpaintingDataset, self).get_data_info(i) for i in first_holes]
        self._check_labeled_set(samples)
        # One process is enough: where it fails, the launcher ends the others.
        if is_main_process():
            corrupt = check_samples(samples, self.num_ids, self.check, self.may_skip)
            for idx, problem in corrupt.items():
                self.pass_over(first_holes[idx], problem)

    def load_data_list(self) -> list[dict]:
        """List the samples: the training set in natural order, then further unlabeled folders.

        With ``labeled_only`` only the labeled part of the training set.
        """
        images = scan_folder(
            self.data_prefix['img_path'], self.img_suffixes, 'data_prefix.img_path'
        )
        if self.ann_file:
            listed = read_labeled_list(self.ann_file, list(images), 'ann_file')
            images = {stem: path for stem, path in images.items() if stem in listed}
        labels = self._label_paths(list(images))
        samples = [self._sample(path, labels.get(stem)) for stem, path in images.items()]
        if self.labeled_only:
            return [sample for sample in samples if sample['is_labeled']]
        for folder in self.unlabeled_folders:
            unlabeled = scan_folder(folder, self.img_suffixes, 'unlabeled_prefix')
            samples += [self._sample(path, None) for path in unlabeled.values()]
        return samples

    def _label_paths(self, stems: list[str]) -> dict[str, str]:
        """Path of the label map of every labeled image."""
        folder = self.data_prefix.get('seg_map_path')
        if folder is None and self.labeled_only:
            raise UserError(
                'labeled_only=True, but data_prefix has no seg_map_path, so no image is labeled; '
                'set seg_map_path to the folder of label maps'
            )
        if folder is None:
            return {}
        if not os.path.isdir(folder):
            raise FileNotFoundError(
                f'data_prefix.seg_map_path: no folder {folder!r}; correct the path, or leave '
                'seg_map_path out if no image is labeled'
            )
        labeled = self._labeled_stems(stems)
        paths = {stem: os.path.join(folder, stem + self.seg_map_suffix) for stem in labeled}
        missing = sorted(stem for stem, path in paths.items() if not os.path.isfile(path))
        if missing:
            raise FileNotFoundError(
                f'{len(missing)} of {len(paths)} labeled images have no label map, the first: '
                f'image {missing[0]!r} needs {paths[missing[0]]!r}; {self.missing_label_remedy}'
            )
        return paths

    def _labeled_stems(self, stems: list[str]) -> set[str]:
        """Stems of the images that keep their label."""
        if self.labeled_list is not None:
            path = os.path.join(self.data_root, self.labeled_list)
            return read_labeled_list(path, stems, 'labeled_list')
        if self.labeled_ratio is not None:
            return choose_labeled(stems, self.labeled_ratio, self.labeled_seed)
        return set(stems)

    @staticmethod
    def _sample(gt_path: str, seg_map_path: str | None) -> dict:
        return dict(gt_path=gt_path, seg_map_path=seg_map_path, is_labeled=seg_map_path is not None)

    def _check_settings(self) -> None:
        """Refuse settings that contradict each other, before any file is touched."""
        if self.labeled_ratio is not None:
            parse_ratio(self.labeled_ratio)
        if self.labeled_ratio is not None and self.labeled_list is not None:
            raise UserError('labeled_ratio and labeled_list are both set; keep one of them')
        if self.check not in CHECKS:
            raise UserError(f'check={self.check!r}: expected one of {", ".join(CHECKS)}')

    def _check_labeled_set(self, samples: list[dict]) -> None:
        """Refuse a set that promised labels and has none, or labels without class names."""
        if 'seg_map_path' not in self.data_prefix:
            return
        if not any(sample['is_labeled'] for sample in samples):
            raise UserError(
                f'none of the {len(samples)} samples is labeled although data_prefix.seg_map_path '
                'is set; raise labeled_ratio or indices, extend labeled_list, or leave '
                'seg_map_path out'
            )
        if self.num_classes == 0:
            raise UserError(
                'metainfo has no classes; give metainfo=dict(classes=(...), palette=[...]) with '
                'one name and one RGB color per class id'
            )


def _pairs(flip_pairs: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    try:
        return [(int(left), int(right)) for left, right in flip_pairs]
    except (TypeError, ValueError) as error:
        raise UserError(
            f'flip_pairs={flip_pairs!r}: expected pairs of class ids, such as [(4, 5)]'
        ) from error
