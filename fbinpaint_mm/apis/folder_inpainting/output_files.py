"""The files that are written for one picture."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from fbinpaint_mm.apis.folder_inpainting.encoding import (
    Palette,
    encode,
    encode_map,
    indexed,
    is_lossless,
    opaque,
    read_metadata,
)
from fbinpaint_mm.apis.folder_inpainting.job_list import FORMAT_OF_SUFFIX, Job
from fbinpaint_mm.apis.inpainting_result import InpaintingResult, RoundResult
from fbinpaint_mm.picture import Picture, to_8_bits, to_pil

ROUND = re.compile(r'_round\d+(_map\.png|\.\w+)$')  # end of a name
CELL = 384  # longer side in pixels of each picture in a side-by-side one
LOSSY = 'lossy format: known pixels change a little; use png or lossless webp to keep them exactly'
JPEG_TO_PNG = 'known pixels of a JPEG stay as they are in a PNG; --format keep writes a JPEG again'
NO_MAP = 'the result has no semantic map: the model has no semantics, or no round was run'


@dataclass(frozen=True)
class OutputFiles:
    """Which files are written for one picture, and how; names are paths below one folder.

    Args:
        quality: Of JPEG and WebP, 1 to 100; ``None``: JPEG with 95, WebP lossless.
        drop_alpha: The result is opaque.
        masks: Write ``masks/<name>.png``, white in the hole.
        maps: Write ``maps/<name>.png``, an indexed PNG.
        rounds: Write ``rounds/<name>_round<r>.*``, and with ``maps`` its map.
        side_by_side: Write ``side_by_side/<name>.png``.
    """

    quality: int | None = None
    drop_alpha: bool = False
    masks: bool = False
    maps: bool = False
    rounds: bool = False
    side_by_side: bool = False

    def names(self, job: Job) -> list[str]:
        """Files of a picture, the result last; of the rounds only the first, which always is."""
        wanted = {
            f'masks/{job.stem}.png': self.masks,
            f'maps/{job.stem}.png': self.maps,
            _round_name(job, 0): self.rounds,
            f'side_by_side/{job.stem}.png': self.side_by_side,
        }
        return [*(name for name, is_wanted in wanted.items() if is_wanted), job.output]

    def names_of_rounds(self, job: Job) -> list[str]:
        """Files of all rounds of a picture, with a star for the number of the round."""
        names = [_round_name(job, '*'), _round_map_name(job, '*')]
        return names[: self.rounds + (self.rounds and self.maps)]

    def encode(
        self,
        job: Job,
        picture: Picture,
        hole: np.ndarray,
        result: InpaintingResult,
        classes: Sequence[str] | None,
        palette: Palette,
    ) -> tuple[dict[str, bytes], list[str]]:
        """Makes all files of a picture.

        Args:
            job: Names the files.
            picture: The input.
            hole: (H, W) bool, True in the hole.
            result: With every round if ``rounds`` or ``side_by_side`` is set.
            classes: Names of the classes of the maps, or ``None``.
            palette: RGB of each class.

        Returns:
            Content of every file, the result last, and what the user should know.
        """
        files: dict[str, bytes] = {}
        if self.masks:
            files[f'masks/{job.stem}.png'] = encode(hole.astype(np.uint8) * 255, 'png')[0]
        if self.side_by_side:
            sheet = draw_side_by_side(picture.pixels, hole, result.rounds or [], palette)
            files[f'side_by_side/{job.stem}.png'] = encode(np.asarray(sheet), 'png')[0]
        images: dict[str, np.ndarray] = {}
        maps = {f'maps/{job.stem}.png': result.semantic_map}
        for index, one in enumerate((result.rounds or []) if self.rounds else []):
            images[_round_name(job, index)] = one.image
            maps[_round_map_name(job, index)] = one.semantic_map
        for name, semantic_map in maps.items():
            if self.maps and semantic_map is not None:
                files[name] = encode_map(semantic_map, classes, palette)
        encoded, notes = self._encode_images(job, {**images, job.output: result.image})
        notes += [NO_MAP] if self.maps and result.semantic_map is None else []
        return files | encoded, notes

    def _encode_images(
        self, job: Job, images: dict[str, np.ndarray]
    ) -> tuple[dict[str, bytes], list[str]]:
        metadata, files = read_metadata(job.image), {}
        notes = [] if is_lossless(job.form, self.quality) else [LOSSY]
        if job.form == 'png' and FORMAT_OF_SUFFIX.get(job.image.suffix.lower()) == 'jpg':
            notes.append(JPEG_TO_PNG)
        for name, pixels in images.items():
            written = opaque(pixels) if self.drop_alpha else pixels
            files[name], lost = encode(written, job.form, self.quality, metadata)
        return files, [*lost, *notes]


def draw_side_by_side(
    pixels: np.ndarray, hole: np.ndarray, rounds: Sequence[RoundResult], palette: Palette
) -> Image.Image:
    """The input and every round, from left to right; below each one its map and its confidence.

    Args:
        pixels: (H, W) or (H, W, C) pixels of the input, uint8 or uint16.
        hole: (H, W) bool, True in the hole, which is below the input.
        rounds: Rounds 0..R.
        palette: RGB of each class.
    """
    columns = [[to_pil(to_8_bits(opaque(pixels))), None, Image.fromarray(hole)]]
    for one in rounds:
        seg = None if one.semantic_map is None else indexed(one.semantic_map, palette)
        confidence = Image.fromarray((255 * one.confidence).astype(np.uint8))
        columns.append([to_pil(to_8_bits(opaque(one.image))), seg, confidence])
    height, width = (max(round(side * CELL / max(hole.shape)), 1) for side in hole.shape)
    sheet = Image.new('RGB', (len(columns) * width, 3 * height))
    for x, column in enumerate(columns):
        for y, cell in enumerate(column):
            if cell is not None:
                sheet.paste(cell.convert('RGB').resize((width, height)), (x * width, y * height))
    return sheet


def any_round(path: Path) -> Path:
    """The path with a star for the number of the round, if its name ends as that of a round."""
    return path.with_name(ROUND.sub(r'_round*\1', path.name))


def _round_name(job: Job, index: int | str) -> str:
    return f'rounds/{job.stem}_round{index}{PurePosixPath(job.output).suffix}'


def _round_map_name(job: Job, index: int | str) -> str:
    return f'rounds/{job.stem}_round{index}_map.png'
