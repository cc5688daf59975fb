"""CamVid street scenes."""

from __future__ import annotations

from mmagic.registry import DATASETS

from fbinpaint_mm.datasets.semantic_inpainting_dataset import SemanticInpaintingDataset


@DATASETS.register_module()
class CamVidInpaintingDataset(SemanticInpaintingDataset):
    """CamVid with the 11 classes of SegNet: ``images/{train,val}``, ``annotations/{train,val}``.

    Pixels of a label map are ids 0 to 10, and 255 for void. Arguments are those of
    :class:`SemanticInpaintingDataset`.
    """

    METAINFO: dict = dict(
        classes=(
            'sky',
            'building',
            'pole',
            'road',
            'pavement',
            'tree',
            'sign',
            'fence',
            'car',
            'pedestrian',
            'bicyclist',
        ),
        palette=[
            [128, 128, 128],
            [128, 0, 0],
            [192, 192, 128],
            [128, 64, 128],
            [60, 40, 222],
            [128, 128, 0],
            [192, 128, 128],
            [64, 64, 128],
            [64, 0, 128],
            [64, 64, 0],
            [0, 128, 192],
        ],
    )
