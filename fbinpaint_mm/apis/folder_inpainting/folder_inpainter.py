"""Inpaints one file after the other, and goes on where it was interrupted."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from mmengine.logging import print_log
from tqdm import tqdm

from fbinpaint_mm.apis.feedback_inpainter import FeedbackInpainter
from fbinpaint_mm.apis.folder_inpainting.job import Job
from fbinpaint_mm.apis.folder_inpainting.manifest import Manifest
from fbinpaint_mm.apis.folder_inpainting.mask_sources import MaskSource
from fbinpaint_mm.apis.folder_inpainting.output_files import OutputFiles
from fbinpaint_mm.apis.folder_inpainting.picture_metadata import read_metadata
from fbinpaint_mm.apis.folder_inpainting.run_summary import RunSummary
from fbinpaint_mm.apis.folder_inpainting.settings import Settings
from fbinpaint_mm.apis.picture import read_picture
from fbinpaint_mm.fingerprint import file_content, fingerprint
from fbinpaint_mm.user_error import in_one_line
from fbinpaint_mm.version import __version__
from fbinpaint_mm.write_file import write_file


class ModelError(ValueError):
    """The model cannot be built, so that no picture can be inpainted."""


class FolderInpainter:
    """Inpaints files into a folder.

    What an earlier run has finished with the same picture, mask, model and settings is left as it
    is; everything else is made, again if need be. A file that fails does not stop the others.

    Args:
        build_inpainter: Makes the model; called only if there is a picture to inpaint.
        model_identity: Text that is another one for another model (config, weights).
        mask_source: Where holes come from.
        settings: What is made of every picture.
        out: Folder of the results, made if need be.
        overwrite: Make again also what is finished, and replace files that are no results.
    """

    def __init__(
        self,
        build_inpainter: Callable[[], FeedbackInpainter],
        model_identity: str,
        mask_source: MaskSource,
        settings: Settings,
        out: Path,
        overwrite: bool = False,
    ) -> None:
        self.build_inpainter, self.model_identity = build_inpainter, model_identity
        self.mask_source, self.settings = mask_source, settings
        self.out, self.overwrite = out, overwrite
        out.mkdir(parents=True, exist_ok=True)
        self.manifest = Manifest(out)

    @cached_property
    def inpainter(self) -> FeedbackInpainter:
        """The model, built when it is first needed."""
        try:
            return self.build_inpainter()
        except Exception as error:  # such as torch's AssertionError where there is no GPU
            raise ModelError(f'the model cannot be built: {in_one_line(error)}') from error

    def run(self, jobs: Sequence[Job]) -> RunSummary:
        """Inpaint all pictures, with a progress bar.

        Args:
            jobs: What to do. An interruption by the user ends the run after no half-written file.

        Returns:
            What became of them.

        Raises:
            ModelError: The model cannot be built.
        """
        summary = RunSummary(self.out)
        try:
            with tqdm(jobs, unit='image') as bar:
                for job in bar:
                    bar.set_description(job.image.name)
                    self._run_job(job, summary)
        except KeyboardInterrupt:
            summary.is_interrupted = True
        return summary

    def _run_job(self, job: Job, summary: RunSummary) -> None:
        try:
            identity = self._identity(job)
            if not self.overwrite and self.manifest.is_finished(job.output, identity):
                summary.finished_before += 1
                return
            for note in dict.fromkeys(self._make(job, identity)):
                summary.notes.setdefault(note, []).append(job)
            summary.inpainted += 1
        except ModelError:
            raise
        except Exception as error:  # whatever it is, the other pictures can do without this one
            print_log(traceback.format_exc(), 'current', logging.WARNING)
            summary.failed.append((job, in_one_line(error)))

    def _make(self, job: Job, identity: str) -> list[str]:
        """Write all files of a picture; what the user should know."""
        files, notes = self._inpaint(job, self.inpainter)
        self.manifest.claim(job.output, files, self.overwrite)
        for name, content in files.items():
            write_file(self.out / name, content)
        self.manifest.finish(job.output, identity, files)
        return notes

    def _identity(self, job: Job) -> str:
        """Hash of all that the result depends on."""
        return fingerprint(
            __version__,
            self.model_identity,
            file_content(job.image),
            self.mask_source.identity(job),
            asdict(self.settings),
        )

    def _inpaint(
        self, job: Job, inpainter: FeedbackInpainter
    ) -> tuple[dict[str, bytes], list[str]]:
        picture, metadata = read_picture(job.image, 'image'), read_metadata(job.image)
        hole = dilated(self.mask_source.hole(job, picture), self.settings.dilation)
        settings = self.settings
        result = inpainter.inpaint(
            picture.pixels,
            hole,
            settings.rounds,
            return_rounds=settings.save_rounds or settings.side_by_side,
            tolerance=settings.tolerance,
            max_side=settings.max_side,
        )
        files = OutputFiles(job, settings, self.mask_source, inpainter.classes, inpainter.palette)
        contents, notes = files.encode(picture, metadata, hole, result)
        return contents, [*picture.notes, *result.notes, *notes]


def dilated(hole: np.ndarray, radius: int) -> np.ndarray:
    """An (H, W) bool hole, enlarged by so many pixels in all directions."""
    if not radius:
        return hole
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return cv2.dilate(hole.astype(np.uint8), disc) > 0
