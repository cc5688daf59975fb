"""Pipeline transforms: label maps, holes, sizes and packing."""

from fbinpaint_mm.datasets.transforms.formatting import (
    DictateLabelMap,
    HoleBoundingBox,
    PackSemanticInputs,
    ToSegmentationKeys,
)
from fbinpaint_mm.datasets.transforms.hole_drawing import FixedHole
from fbinpaint_mm.datasets.transforms.hole_from_folder import HoleFromFolder
from fbinpaint_mm.datasets.transforms.loading import (
    LoadProceduralScene,
    LoadSemanticMap,
    LoadWholeImage,
)
from fbinpaint_mm.datasets.transforms.random_holes import RandomHole, SemanticHole
from fbinpaint_mm.datasets.transforms.resize_and_flip import FlipSample, ResizeSample

__all__ = [
    'DictateLabelMap',
    'FixedHole',
    'FlipSample',
    'HoleBoundingBox',
    'HoleFromFolder',
    'LoadProceduralScene',
    'LoadSemanticMap',
    'LoadWholeImage',
    'PackSemanticInputs',
    'RandomHole',
    'ResizeSample',
    'SemanticHole',
    'ToSegmentationKeys',
]
