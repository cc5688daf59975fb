"""Cityscapes street scenes."""

from __future__ import annotations

from typing import Any

from mmagic.registry import DATASETS
from mmseg.utils import cityscapes_classes, cityscapes_palette

from fbinpaint_mm.datasets.semantic_inpainting_dataset import SemanticInpaintingDataset


@DATASETS.register_module()
class CityscapesInpaintingDataset(SemanticInpaintingDataset):
    """Cityscapes in its own layout: ``leftImg8bit/<split>/<city>`` and ``gtFine/<split>/<city>``.

    19 classes from ``_gtFine_labelTrainIds.png`` files, which ``tools/prepare_cityscapes.py`` makes
    where they are missing. A stem is such as ``aachen/aachen_000000_000019``. Usual split: train
    labelled (2,975), test as further unlabelled images (1,525), val as test set (500).

    Args:
        img_suffix: ending of image files.
        seg_map_suffix: ending of label files.
        **kwargs: of :class:`SemanticInpaintingDataset`.
    """

    METAINFO: dict = dict(classes=tuple(cityscapes_classes()), palette=cityscapes_palette())
    missing_label_remedy = (
        'run tools/prepare_cityscapes.py on the download, or name the labelled images with '
        'labeled_list'
    )

    def __init__(
        self,
        img_suffix: str = '_leftImg8bit.png',
        seg_map_suffix: str = '_gtFine_labelTrainIds.png',
        **kwargs: Any,
    ) -> None:
        super().__init__(img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, **kwargs)
