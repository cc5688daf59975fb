"""Data sets, their transforms and samplers."""

from fbinpaint_mm.datasets.camvid_inpainting_dataset import CamVidInpaintingDataset
from fbinpaint_mm.datasets.celebamask_hq_inpainting_dataset import CelebAMaskHQInpaintingDataset
from fbinpaint_mm.datasets.cityscapes_inpainting_dataset import CityscapesInpaintingDataset
from fbinpaint_mm.datasets.corrupt_file_error import CorruptFileError
from fbinpaint_mm.datasets.procedural_scenes_dataset import ProceduralScenesDataset
from fbinpaint_mm.datasets.samplers import LabeledRatioBatchSampler
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
