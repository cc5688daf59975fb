"""Files and folders of pictures: what tools/inpaint.py does."""

from fbinpaint_mm.apis.folder_inpainting.folder_inpainter import FolderInpainter, RunSummary
from fbinpaint_mm.apis.folder_inpainting.job_list import Job, find_images, list_jobs
from fbinpaint_mm.apis.folder_inpainting.mask_sources import (
    MaskSource,
    generated_mask,
    mask_from_alpha,
    mask_from_color,
    mask_from_file,
)
from fbinpaint_mm.apis.folder_inpainting.output_files import OutputFiles

__all__ = [
    'FolderInpainter',
    'Job',
    'MaskSource',
    'OutputFiles',
    'RunSummary',
    'find_images',
    'generated_mask',
    'list_jobs',
    'mask_from_alpha',
    'mask_from_color',
    'mask_from_file',
]
