"""Small procedural scenes with label maps: the embedded data."""

from fbinpaint_mm.datasets.procedural.canvas import CLASSES, PALETTE
from fbinpaint_mm.datasets.procedural.render_scene import render_scene

__all__ = ['CLASSES', 'PALETTE', 'render_scene']
