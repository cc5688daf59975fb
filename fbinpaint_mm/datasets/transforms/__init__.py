"""Pipeline transforms: label maps, holes, sizes and packing."""

from fbinpaint_mm.datasets.transforms.fixed_hole import FixedHole
from fbinpaint_mm.datasets.transforms.flip_sample import FlipSample
from fbinpaint_mm.datasets.transforms.hole_bounding_box import HoleBoundingBox
from fbinpaint_mm.datasets.transforms.hole_from_folder import HoleFromFolder
from fbinpaint_mm.datasets.transforms.load_procedural_scene import LoadProceduralScene
from fbinpaint_mm.datasets.transforms.load_semantic_map import LoadSemanticMap
from fbinpaint_mm.datasets.transforms.load_whole_image import LoadWholeImage
from fbinpaint_mm.datasets.transforms.pack_semantic_inputs import (
    DictateLabelMap,
    PackSemanticInputs,
)
from fbinpaint_mm.datasets.transforms.random_hole import RandomHole
from fbinpaint_mm.datasets.transforms.resize_sample import ResizeSample
from fbinpaint_mm.datasets.transforms.semantic_hole import SemanticHole
from fbinpaint_mm.datasets.transforms.to_segmentation_keys import ToSegmentationKeys

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
