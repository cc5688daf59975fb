"""Files, folders and lists of pictures: what tools/inpaint.py does."""

from fbinpaint_mm.apis.folder_inpainting.folder_inpainter import FolderInpainter
from fbinpaint_mm.apis.folder_inpainting.image_search import find_images
from fbinpaint_mm.apis.folder_inpainting.job import Job
from fbinpaint_mm.apis.folder_inpainting.job_list import (
    check_outputs,
    jobs_of_images,
    jobs_of_mask_files,
    jobs_of_pairs,
)
from fbinpaint_mm.apis.folder_inpainting.mask_sources import (
    GeneratedMask,
    MaskFromAlpha,
    MaskFromColor,
    MaskFromFile,
    MaskSource,
)
from fbinpaint_mm.apis.folder_inpainting.model_identity import model_identity
from fbinpaint_mm.apis.folder_inpainting.output_files import extra_folders
from fbinpaint_mm.apis.folder_inpainting.pair_list import read_pairs
from fbinpaint_mm.apis.folder_inpainting.run_summary import RunSummary
from fbinpaint_mm.apis.folder_inpainting.settings import Settings

__all__ = [
    'FolderInpainter',
    'GeneratedMask',
    'Job',
    'MaskFromAlpha',
    'MaskFromColor',
    'MaskFromFile',
    'MaskSource',
    'RunSummary',
    'Settings',
    'check_outputs',
    'extra_folders',
    'find_images',
    'jobs_of_images',
    'jobs_of_mask_files',
    'jobs_of_pairs',
    'model_identity',
    'read_pairs',
]
