"""Inpaints one file after the other, and goes on where it was interrupted."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine.logging import print_log
from tqdm import tqdm

from fbinpaint_mm.apis.feedback_inpainter import FeedbackInpainter
from fbinpaint_mm.apis.folder_inpainting.job_list import Job
from fbinpaint_mm.apis.folder_inpainting.mask_sources import MaskSource, dilated
from fbinpaint_mm.apis.folder_inpainting.output_files import OutputFiles, any_round
from fbinpaint_mm.apis.folder_inpainting.source_record import SourceRecord
from fbinpaint_mm.apis.hole_and_map import notes_on_mask
from fbinpaint_mm.picture import read_picture
from fbinpaint_mm.user_error import UserError, in_one_line
from fbinpaint_mm.write_file import write_file


@dataclass
class RunSummary:
    """What became of the pictures of a run.

    Args:
        out: Folder of the results.
        inpainted: Number of pictures that were inpainted now.
        finished_before: Number of pictures whose results were there already.
        failed: The other ones, with what went wrong.
        notes: What the user should know, and the pictures in which it happened.
        is_interrupted: The user stopped the run.
    """

    out: Path
    inpainted: int = 0
    finished_before: int = 0
    failed: list[tuple[Job, str]] = field(default_factory=list)
    notes: dict[str, list[Job]] = field(default_factory=dict)
    is_interrupted: bool = False

    def __str__(self) -> str:
        counts = [f'{self.inpainted} inpainted']
        if self.finished_before:
            counts.append(f'{self.finished_before} finished earlier (--overwrite makes them again)')
        counts.append(f'{len(self.failed)} failed')
        lines = [f'{", ".join(counts)}; results in {self.out}']
        lines += [_note_line(note, jobs) for note, jobs in self.notes.items()]
        lines += [f'FAILED {job}: {message}' for job, message in self.failed]
        if self.is_interrupted:
            lines.append('interrupted; the same command goes on from here')
        return '\n'.join(map(_printable, lines))


def _printable(text: str) -> str:
    """Without what a file's name could do to a terminal, or no terminal can show."""
    return ''.join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def _note_line(note: str, jobs: list[Job]) -> str:
    which = jobs[0].image if len(jobs) == 1 else f'{len(jobs)} of them, first {jobs[0].image}'
    return f'note ({which}): {note}'


class FolderInpainter:
    """Inpaints files into a folder.

    Results that are not older than their picture, its mask and the checkpoint, and were made with
    the same settings, are left as they are; everything else is made, again if need be. A file that
    fails does not stop the others.

    Args:
        build_inpainter: Makes the model; called only if there is a picture to inpaint.
        mask_source: Where holes come from.
        out: Folder of the results, made if need be.
        outputs: Which files are written for a picture.
        checkpoint: File of the weights; ``None`` if its age does not matter.
        overwrite: Make again also what is finished.
        dilation: Pixels by which holes are enlarged, in all directions.
        options: ``rounds`` and ``max_side`` of :meth:`FeedbackInpainter.inpaint`.
        settings: Stands for model, way of the mask, format and all else that results depend on.
    """

    def __init__(
        self,
        build_inpainter: Callable[[], FeedbackInpainter],
        mask_source: MaskSource,
        out: Path,
        outputs: OutputFiles,
        *,
        checkpoint: Path | None = None,
        overwrite: bool = False,
        dilation: int = 0,
        options: Mapping[str, Any] | None = None,
        settings: str = '',
    ) -> None:
        self.build_inpainter, self.mask_source = build_inpainter, mask_source
        self.out, self.outputs = out, outputs
        self.checkpoint, self.overwrite = checkpoint, overwrite
        self.dilation, self.options = dilation, options or {}
        self.record, self.settings = SourceRecord(out), settings

    def run(self, jobs: Sequence[Job]) -> RunSummary:
        """Inpaints all pictures, with a progress bar.

        Args:
            jobs: What to do. An interruption by the user ends the run after no half-written file.

        Returns:
            What became of them.

        Raises:
            UserError: Two jobs would write the same file, or one would write an input, the result
                of another picture or, through a link, outside of the folder. An error while the
                model is built is raised as it is.
        """
        self._check_names(jobs)
        if not self.overwrite:
            self._check_sources(jobs)
        pending = [job for job in jobs if self.overwrite or not self._is_finished(job)]
        summary = RunSummary(self.out, finished_before=len(jobs) - len(pending))
        try:
            if pending:
                self._run_jobs(pending, summary)
        except KeyboardInterrupt:
            summary.is_interrupted = True
        return summary

    def _check_names(self, jobs: Sequence[Job]) -> None:
        inputs = {
            name: path
            for job in jobs
            for path in _inputs(job)
            for name in (path.resolve(), any_round(path.resolve()))
        }
        claims = [(job, name) for job in jobs for name in self.outputs.names_of_rounds(job)]
        claims += [(job, name) for job in jobs for name in self.outputs.names(job)]
        writers: dict[Path, Job] = {}
        for job, name in claims:
            path = (self.out / name).resolve()
            if path in inputs:
                raise UserError(
                    f'the result of {job.image} would overwrite the input {inputs[path]}; give '
                    'another folder with --out'
                )
            for other in (writers.setdefault(path, job), writers.get(any_round(path), job)):
                self._check_same(other, job, name)
            self._check_inside(self.out / name)

    def _check_same(self, other: Job, job: Job, name: str) -> None:
        if other is not job:
            raise UserError(
                f'{other.image} and {job.image} would both write {self.out / name}; rename one, or '
                'give them different folders with --out'
            )

    def _check_sources(self, jobs: Sequence[Job]) -> None:
        """Results of an earlier run with other pictures of these names are not replaced."""
        for job in jobs:
            result = self.out / job.output
            if not (job.image.is_file() and result.is_file()) or result.is_symlink():
                continue
            other = self.record.other_source(job.output, job.image)
            if other is not None:
                raise UserError(
                    f'{result} is the result of another picture, {other}, not of {job.image}; give '
                    'another folder with --out, or replace it with --overwrite'
                )

    def _check_inside(self, path: Path) -> None:
        """A result itself may be a link, which is replaced; its folder may not lead elsewhere."""
        folder = path.parent.resolve()
        if not folder.is_relative_to(self.out.resolve()):
            raise UserError(
                f'the result {path} would lie in {folder}, outside of {self.out}; remove the link, '
                'or name the input without ..'
            )

    def _run_jobs(self, jobs: Sequence[Job], summary: RunSummary) -> None:
        inpainter = self.build_inpainter()
        with tqdm(jobs, unit='image') as bar:
            for job in bar:
                bar.set_description(_printable(job.image.name))
                self._run_job(job, inpainter, summary)

    def _run_job(self, job: Job, inpainter: FeedbackInpainter, summary: RunSummary) -> None:
        try:
            for note in dict.fromkeys(self._make(job, inpainter)):
                summary.notes.setdefault(note, []).append(job)
            summary.inpainted += 1
        except Exception as error:  # whatever it is, the other pictures can do without this one
            print_log(traceback.format_exc(), 'current', logging.WARNING)
            summary.failed.append((job, in_one_line(error)))

    def _is_finished(self, job: Job) -> bool:
        """Whether all files are there, made in this way, and none older than what it is made from.

        What was moved or unpacked keeps its old date; that of its last change of place is new.
        """
        sources = [*_inputs(job), *([self.checkpoint] if self.checkpoint else [])]
        results = [self.out / name for name in self.outputs.names(job)]
        if not all(path.is_file() for path in sources):
            return False
        if not self.record.has_settings(job.output, self.settings):
            return False
        if not all(path.is_file() and not path.is_symlink() for path in results):
            return False
        newest = max(max(path.stat().st_mtime_ns, path.stat().st_ctime_ns) for path in sources)
        return all(path.stat().st_mtime_ns >= newest for path in results)

    def _make(self, job: Job, inpainter: FeedbackInpainter) -> list[str]:
        """Writes all files of a picture, the result last; what the user should know."""
        picture = read_picture(job.image, 'image')
        found = self.mask_source(job, picture)
        notes_on_hole = [] if job.mask is None else notes_on_mask(job.mask, found)
        hole = dilated(found, self.dilation)
        result = inpainter.inpaint(
            picture.pixels,
            hole,
            return_rounds=self.outputs.rounds or self.outputs.side_by_side,
            **self.options,
        )
        files, notes = self.outputs.encode(
            job, picture, hole, result, inpainter.classes, inpainter.palette
        )
        self.record.add(job.output, job.image, self.settings)
        for name, content in files.items():
            write_file(self.out / name, content)
        return [*picture.notes, *result.notes, *notes_on_hole, *notes]


def _inputs(job: Job) -> list[Path]:
    return [job.image] if job.mask is None else [job.image, job.mask]
