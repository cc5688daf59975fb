"""Public data sets in their own layouts: CelebAMask-HQ faces, Cityscapes and CamVid streets."""

from __future__ import annotations

from typing import Any

from mmagic.registry import DATASETS
from mmseg.utils import cityscapes_classes, cityscapes_palette

from fbinpaint_mm.datasets.semantic_inpainting_dataset import SemanticInpaintingDataset
from fbinpaint_mm.user_error import UserError

# Parts in the order of the data set, which is that of their ids; colors of its own visualization
# (Lee et al., CVPR 2020).
FACE_PARTS = {
    'background': [0, 0, 0],
    'skin': [204, 0, 0],
    'nose': [76, 153, 0],
    'eye_g': [204, 204, 0],
    'l_eye': [51, 51, 255],
    'r_eye': [204, 0, 204],
    'l_brow': [0, 255, 255],
    'r_brow': [255, 204, 204],
    'l_ear': [102, 51, 0],
    'r_ear': [255, 0, 0],
    'mouth': [102, 204, 0],
    'u_lip': [255, 255, 0],
    'l_lip': [0, 0, 153],
    'hair': [0, 0, 204],
    'hat': [255, 51, 153],
    'ear_r': [0, 204, 204],
    'neck_l': [0, 51, 0],
    'neck': [255, 153, 51],
    'cloth': [0, 204, 0],
}
LEFT_RIGHT = [('l_eye', 'r_eye'), ('l_brow', 'r_brow'), ('l_ear', 'r_ear')]
MERGED_NAME = {side: side[2:] for pair in LEFT_RIGHT for side in pair}
MERGED_NAME |= dict(u_lip='lip', l_lip='lip')


def merged_parts() -> dict[str, list[int]]:
    """The 15 parts that remain when left and right, and both lips, are one class each.

    Returns:
        Color of each, that of the first part merged into it.
    """
    colors: dict[str, list[int]] = {}
    for name, color in FACE_PARTS.items():
        colors.setdefault(MERGED_NAME.get(name, name), color)
    return colors


@DATASETS.register_module()
class CelebAMaskHQInpaintingDataset(SemanticInpaintingDataset):
    """CelebAMask-HQ in the layout that ``tools/prepare_celebamask_hq.py`` writes.

    ``images/train`` (the first 29,000 images in CelebA-HQ order), ``images/val`` (the last 1,000,
    the test set), ``annotations/{train,val}/<stem>.png`` with the ids of 19 classes, and optionally
    ``images/unlabeled``. With ``--split official``, ``{train,val,test}`` are those of CelebA.

    Args:
        num_classes: 19 as stored, or 15: left and right eye, brow and ear, and both lips, merged.
        **kwargs: of :class:`SemanticInpaintingDataset`.

    Raises:
        UserError: ``num_classes`` is neither 19 nor 15.
    """

    METAINFO: dict = dict(classes=tuple(FACE_PARTS), palette=list(FACE_PARTS.values()))
    missing_label_remedy = (
        'run tools/prepare_celebamask_hq.py on the download, or name the labeled images with '
        'labeled_list'
    )

    def __init__(self, num_classes: int = 19, **kwargs: Any) -> None:
        if num_classes not in (19, 15):
            raise UserError(
                f'num_classes={num_classes}: expected 19, or 15 for merged left and right parts'
            )
        ids = {name: index for index, name in enumerate(FACE_PARTS)}
        if num_classes == 15:
            parts = merged_parts()
            merged = dict(classes=tuple(parts), palette=list(parts.values()))
            new_ids = {name: index for index, name in enumerate(parts)}
            kwargs['metainfo'] = {**merged, **(kwargs.get('metainfo') or {})}
            kwargs.setdefault(
                'label_map', {i: new_ids[MERGED_NAME.get(name, name)] for name, i in ids.items()}
            )
        else:
            kwargs.setdefault('flip_pairs', [(ids[left], ids[right]) for left, right in LEFT_RIGHT])
        super().__init__(**kwargs)


@DATASETS.register_module()
class CityscapesInpaintingDataset(SemanticInpaintingDataset):
    """Cityscapes in its own layout: ``leftImg8bit/<split>/<city>`` and ``gtFine/<split>/<city>``.

    19 classes from ``_gtFine_labelTrainIds.png`` files, which ``tools/prepare_cityscapes.py`` makes
    where they are missing. A stem is such as ``aachen/aachen_000000_000019``. Usual split: train
    labeled (2,975), test as further unlabeled images (1,525), val as test set (500).

    Args:
        img_suffix: ending of image files.
        seg_map_suffix: ending of label files.
        **kwargs: of :class:`SemanticInpaintingDataset`.
    """

    METAINFO: dict = dict(classes=tuple(cityscapes_classes()), palette=cityscapes_palette())
    missing_label_remedy = (
        'run tools/prepare_cityscapes.py on the download, or name the labeled images with '
        'labeled_list'
    )

    def __init__(
        self,
        img_suffix: str = '_leftImg8bit.png',
        seg_map_suffix: str = '_gtFine_labelTrainIds.png',
        **kwargs: Any,
    ) -> None:
        super().__init__(img_suffix=img_suffix, seg_map_suffix=seg_map_suffix, **kwargs)


# The 11 classes of SegNet, in the order of their ids.
CAMVID_CLASSES = {
    'sky': [128, 128, 128],
    'building': [128, 0, 0],
    'pole': [192, 192, 128],
    'road': [128, 64, 128],
    'pavement': [60, 40, 222],
    'tree': [128, 128, 0],
    'sign': [192, 128, 128],
    'fence': [64, 64, 128],
    'car': [64, 0, 128],
    'pedestrian': [64, 64, 0],
    'bicyclist': [0, 128, 192],
}


@DATASETS.register_module()
class CamVidInpaintingDataset(SemanticInpaintingDataset):
    """CamVid with the 11 classes of SegNet: ``images/{train,val}``, ``annotations/{train,val}``.

    Pixels of a label map are ids 0 to 10, and 255 for void. Arguments are those of
    :class:`SemanticInpaintingDataset`.
    """

    METAINFO: dict = dict(classes=tuple(CAMVID_CLASSES), palette=list(CAMVID_CLASSES.values()))
