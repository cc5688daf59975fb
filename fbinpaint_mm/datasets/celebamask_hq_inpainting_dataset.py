"""CelebAMask-HQ faces."""

from __future__ import annotations

from typing import Any

from mmagic.registry import DATASETS

from fbinpaint_mm.datasets.semantic_inpainting_dataset import SemanticInpaintingDataset

# Part names in the order of the data set; a part's position is its class id.
CLASSES = (
    'background',
    'skin',
    'nose',
    'eye_g',
    'l_eye',
    'r_eye',
    'l_brow',
    'r_brow',
    'l_ear',
    'r_ear',
    'mouth',
    'u_lip',
    'l_lip',
    'hair',
    'hat',
    'ear_r',
    'neck_l',
    'neck',
    'cloth',
)
# Colours of the data set's own visualisation (Lee et al., CVPR 2020).
PALETTE = [
    [0, 0, 0],
    [204, 0, 0],
    [76, 153, 0],
    [204, 204, 0],
    [51, 51, 255],
    [204, 0, 204],
    [0, 255, 255],
    [255, 204, 204],
    [102, 51, 0],
    [255, 0, 0],
    [102, 204, 0],
    [255, 255, 0],
    [0, 0, 153],
    [0, 0, 204],
    [255, 51, 153],
    [0, 204, 204],
    [0, 51, 0],
    [255, 153, 51],
    [0, 204, 0],
]
MERGED_NAME = dict(
    l_eye='eye',
    r_eye='eye',
    l_brow='brow',
    r_brow='brow',
    l_ear='ear',
    r_ear='ear',
    u_lip='lip',
    l_lip='lip',
)
LEFT_RIGHT = [('l_eye', 'r_eye'), ('l_brow', 'r_brow'), ('l_ear', 'r_ear')]


def merged_classes() -> tuple[str, ...]:
    """The 15 classes that remain when left and right, upper and lower lip are one class each."""
    return tuple(dict.fromkeys(MERGED_NAME.get(name, name) for name in CLASSES))


def merged_palette() -> list[list[int]]:
    """A merged class keeps the colour of its first part."""
    colors: dict[str, list[int]] = {}
    for name, color in zip(CLASSES, PALETTE, strict=True):
        colors.setdefault(MERGED_NAME.get(name, name), color)
    return list(colors.values())


def merged_label_map() -> dict[int, int]:
    """Id among the 15 classes of each of the 19 ids."""
    merged = merged_classes()
    return {i: merged.index(MERGED_NAME.get(name, name)) for i, name in enumerate(CLASSES)}


@DATASETS.register_module()
class CelebAMaskHQInpaintingDataset(SemanticInpaintingDataset):
    """CelebAMask-HQ in the layout that ``tools/prepare_celebamask_hq.py`` writes.

    ``images/train`` (the first 29,000 images in CelebA-HQ order), ``images/val`` (the last 1,000,
    the test set), ``annotations/{train,val}/<stem>.png`` with the ids of 19 classes, and optionally
    ``images/unlabeled``.

    Args:
        num_classes: 19 as stored, or 15: left and right eye, brow and ear, and both lips, merged.
        **kwargs: of :class:`SemanticInpaintingDataset`.

    Raises:
        ValueError: ``num_classes`` is neither 19 nor 15.
    """

    METAINFO: dict = dict(classes=CLASSES, palette=PALETTE)
    missing_label_remedy = (
        'run tools/prepare_celebamask_hq.py on the download, or name the labelled images with '
        'labeled_list'
    )

    def __init__(self, num_classes: int = 19, **kwargs: Any) -> None:
        if num_classes not in (19, 15):
            raise ValueError(
                f'num_classes={num_classes}: expected 19, or 15 for merged left and right parts'
            )
        if num_classes == 15:
            merged = dict(classes=merged_classes(), palette=merged_palette())
            kwargs['metainfo'] = {**merged, **(kwargs.get('metainfo') or {})}
            kwargs.setdefault('label_map', merged_label_map())
        else:
            pairs = [(CLASSES.index(left), CLASSES.index(right)) for left, right in LEFT_RIGHT]
            kwargs.setdefault('flip_pairs', pairs)
        super().__init__(**kwargs)
