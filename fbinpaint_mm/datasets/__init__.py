"""Data sets, their transforms and samplers."""

from fbinpaint_mm.datasets.file_checks import CorruptFileError
from fbinpaint_mm.datasets.labeled_ratio_batch_sampler import LabeledRatioBatchSampler
from fbinpaint_mm.datasets.procedural_scenes_dataset import ProceduralScenesDataset
from fbinpaint_mm.datasets.public_datasets import (
    CamVidInpaintingDataset,
    CelebAMaskHQInpaintingDataset,
    CityscapesInpaintingDataset,
)
from fbinpaint_mm.datasets.semantic_inpainting_dataset import SemanticInpaintingDataset
from fbinpaint_mm.datasets.transforms import (
    DictateLabelMap,
    FixedHole,
    FlipSample,
    HoleFromFolder,
    LoadProceduralScene,
    LoadSemanticMap,
    LoadWholeImage,
    PackSemanticInputs,
    RandomHole,
    ResizeSample,
    SemanticHole,
    ToSegmentationKeys,
)

__all__ = [
    'CamVidInpaintingDataset',
    'CelebAMaskHQInpaintingDataset',
    'CityscapesInpaintingDataset',
    'CorruptFileError',
    'DictateLabelMap',
    'FixedHole',
    'FlipSample',
    'HoleFromFolder',
    'LabeledRatioBatchSampler',
    'LoadProceduralScene',
    'LoadSemanticMap',
    'LoadWholeImage',
    'PackSemanticInputs',
    'ProceduralScenesDataset',
    'RandomHole',
    'ResizeSample',
    'SemanticHole',
    'SemanticInpaintingDataset',
    'ToSegmentationKeys',
]
