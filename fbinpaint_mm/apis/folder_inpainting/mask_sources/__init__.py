"""Where the hole of a picture comes from."""

from fbinpaint_mm.apis.folder_inpainting.mask_sources.generated_mask import GeneratedMask
from fbinpaint_mm.apis.folder_inpainting.mask_sources.mask_from_alpha import MaskFromAlpha
from fbinpaint_mm.apis.folder_inpainting.mask_sources.mask_from_color import MaskFromColor
from fbinpaint_mm.apis.folder_inpainting.mask_sources.mask_from_file import MaskFromFile
from fbinpaint_mm.apis.folder_inpainting.mask_sources.mask_source import MaskSource

__all__ = ['GeneratedMask', 'MaskFromAlpha', 'MaskFromColor', 'MaskFromFile', 'MaskSource']
