"""The embedded data set of small labeled scenes."""

from __future__ import annotations

from typing import Any

from mmagic.registry import DATASETS

from fbinpaint_mm.datasets.image_lists import parse_ratio
from fbinpaint_mm.datasets.image_size import checked_size
from fbinpaint_mm.datasets.partly_labeled_dataset import PartlyLabeledDataset
from fbinpaint_mm.datasets.procedural import CLASSES, PALETTE
from fbinpaint_mm.datasets.stable_random import StableRandom
from fbinpaint_mm.user_error import UserError

_SPLIT_OFFSETS = {'train': 0, 'val': 1_000_000, 'test': 2_000_000}
_SCENES_PER_SPLIT = 1_000_000
_SCENES_PER_SEED = 10_000_000


@DATASETS.register_module()
class ProceduralScenesDataset(PartlyLabeledDataset):
    """Small street and lake scenes with label maps; nothing is downloaded or stored.

    A sample names its scene (``scene_seed``); :class:`LoadProceduralScene`, the first transform of
    the pipeline, renders it. Splits never share a scene, and neither do two values of ``seed``.

    Each sample has ``scene_seed`` (int), ``is_labeled`` (bool), ``gt_path`` (a name, not a file),
    ``seg_map_path`` (None), ``num_classes``, ``image_size`` and, from mmengine, ``sample_idx``.

    Args:
        split: 'train', 'val' or 'test'.
        num_scenes: Number of scenes.
        seed: Names the list of scenes and the choice of the labeled ones.
        image_size: Side, or (height, width), in pixels for ``LoadProceduralScene``.
        labeled_ratio: Fraction of the scenes whose label map may be used, a number or a string such
            as '1/8'; 0 for none. The labeled scenes
            of a smaller ratio are among those of a larger one.
        pipeline: Transforms, beginning with ``LoadProceduralScene``.
        **kwargs: Arguments of :class:`PartlyLabeledDataset`, such as ``holes_per_image``.

    Raises:
        UserError: Unknown split, more scenes than a split has, or a ratio that labels no scene.
    """

    METAINFO = dict(classes=CLASSES, palette=PALETTE)

    def __init__(
        self,
        split: str = 'train',
        num_scenes: int = 512,
        seed: int = 0,
        image_size: int | tuple[int, int] = 64,
        labeled_ratio: float | str = 1.0,
        pipeline: tuple | list = (),
        **kwargs: Any,
    ) -> None:
        if split not in _SPLIT_OFFSETS:
            raise UserError(f'split is {split!r}; expected one of {tuple(_SPLIT_OFFSETS)}.')
        if not 0 < num_scenes <= _SCENES_PER_SPLIT:
            raise UserError(f'num_scenes is {num_scenes}; expected 1..{_SCENES_PER_SPLIT}.')
        labeled_ratio = float(parse_ratio(labeled_ratio)) if labeled_ratio else 0.0
        if labeled_ratio > 0 and round(labeled_ratio * num_scenes) == 0:
            raise UserError(
                f'labeled_ratio {labeled_ratio} of {num_scenes} scenes labels none of them. Raise '
                'one of the two, or set labeled_ratio=0 to train without any label.'
            )
        self.split = split
        self.num_scenes = num_scenes
        self.seed = seed
        self.image_size = checked_size(image_size)
        self.labeled_ratio = labeled_ratio
        super().__init__(pipeline=list(pipeline), **kwargs)

    def load_data_list(self) -> list[dict]:
        """Name the scenes.

        Returns:
            One dict per scene, see the class.
        """
        first = self.seed * _SCENES_PER_SEED + _SPLIT_OFFSETS[self.split]
        labeled = self._draw_labeled()
        return [
            dict(
                scene_seed=first + index,
                is_labeled=index in labeled,
                gt_path=f'procedural_{self.split}_{first + index:010d}',
                seg_map_path=None,
                num_classes=len(CLASSES),
                image_size=self.image_size,
            )
            for index in range(self.num_scenes)
        ]

    def _draw_labeled(self) -> set[int]:
        """The first part of a shuffled list, so that smaller ratios are subsets of larger ones."""
        random = StableRandom(self.seed, _SPLIT_OFFSETS[self.split])
        keys = random.uniform_array(self.num_scenes).tolist()
        order = sorted(range(self.num_scenes), key=lambda index: keys[index])
        return set(order[: round(self.labeled_ratio * self.num_scenes)])
