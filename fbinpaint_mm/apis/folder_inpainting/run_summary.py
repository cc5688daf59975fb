"""What became of the pictures of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from fbinpaint_mm.apis.folder_inpainting.job import Job


@dataclass
class RunSummary:
    """What became of the pictures of a run.

    Args:
        out: Folder of the results.
        inpainted: Number of pictures that were inpainted now.
        finished_before: Number of pictures that an earlier run with the same settings finished.
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
            counts.append(f'{self.finished_before} finished earlier and left as they are')
        counts.append(f'{len(self.failed)} failed')
        lines = [f'{", ".join(counts)}; results in {self.out}']
        lines += [_note_line(note, jobs) for note, jobs in self.notes.items()]
        lines += [f'FAILED {job}: {message}' for job, message in self.failed]
        if self.is_interrupted:
            lines.append('interrupted; the same command goes on from here')
        return '\n'.join(lines)


def _note_line(note: str, jobs: list[Job]) -> str:
    which = jobs[0].image if len(jobs) == 1 else f'{len(jobs)} of them, first {jobs[0].image}'
    return f'note ({which}): {note}'
