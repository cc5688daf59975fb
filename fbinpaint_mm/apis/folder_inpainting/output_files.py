"""The files that are written for one picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np

from fbinpaint_mm.apis.folder_inpainting.encoding import encode, format_of_suffix, is_lossless
from fbinpaint_mm.apis.folder_inpainting.job import Job
from fbinpaint_mm.apis.folder_inpainting.map_file import encode_map
from fbinpaint_mm.apis.folder_inpainting.mask_sources import MaskSource
from fbinpaint_mm.apis.folder_inpainting.picture_metadata import PictureMetadata
from fbinpaint_mm.apis.folder_inpainting.settings import Settings
from fbinpaint_mm.apis.folder_inpainting.side_by_side import draw_side_by_side
from fbinpaint_mm.apis.inpainting_result import InpaintingResult
from fbinpaint_mm.apis.picture import Picture

LOSSY = 'lossy format: known pixels change a little; use png or lossless webp to keep them exactly'
NO_MAP = 'the result has no semantic map: the model has no semantics, or no round was run'


def extra_folders(settings: Settings, mask_source: MaskSource) -> list[str]:
    """Folders below that of the results that get files of every picture too."""
    wanted = dict(
        masks=mask_source.makes_masks or settings.dilation > 0,
        maps=settings.save_maps,
        rounds=settings.save_rounds,
        side_by_side=settings.side_by_side,
    )
    return [folder for folder, is_wanted in wanted.items() if is_wanted]


class OutputFiles:
    """The files that are written for one picture: path below the folder of results, and content.

    Args:
        job: Names the result.
        settings: Which files are wanted, and in which format.
        mask_source: Whether the mask is written too, and whether alpha is filled.
        classes: Names of the classes of the maps, or ``None``.
        palette: RGB of each class.
    """

    def __init__(
        self,
        job: Job,
        settings: Settings,
        mask_source: MaskSource,
        classes: Sequence[str] | None,
        palette: Sequence[Sequence[int]],
    ) -> None:
        self.job, self.settings, self.mask_source = job, settings, mask_source
        self.classes, self.palette = classes, palette
        self.suffix = PurePosixPath(job.output).suffix
        self.extras = extra_folders(settings, mask_source)

    def encode(
        self,
        picture: Picture,
        metadata: PictureMetadata,
        hole: np.ndarray,
        result: InpaintingResult,
    ) -> tuple[dict[str, bytes], list[str]]:
        """Make all files.

        Args:
            picture: The input.
            metadata: Of the input.
            hole: (H, W) bool, True in the hole.
            result: With every round if ``save_rounds`` or ``side_by_side`` is set.

        Returns:
            The files, and what the user should know.
        """
        content, notes = self._encode_image(result.image, metadata)
        files = {self.job.output: content}
        if 'masks' in self.extras:
            mask = hole.astype(np.uint8) * 255
            files[f'masks/{self.job.stem}.png'] = encode(mask, 'png', PictureMetadata())[0]
        if self.settings.save_maps:
            files.update(self._maps(f'maps/{self.job.stem}', result.semantic_map))
            notes += [NO_MAP] if result.semantic_map is None else []
        if self.settings.save_rounds:
            files.update(self._rounds(metadata, result))
        if self.settings.side_by_side:
            files[f'side_by_side/{self.job.stem}.png'] = self._side_by_side(picture, hole, result)
        if not is_lossless(format_of_suffix(self.suffix), self.settings.quality):
            notes.append(LOSSY)
        return files, notes

    def _encode_image(
        self, pixels: np.ndarray, metadata: PictureMetadata
    ) -> tuple[bytes, list[str]]:
        if self.mask_source.fills_alpha:
            pixels = pixels[..., 0] if pixels.shape[-1] == 2 else pixels[..., :3]
        form = format_of_suffix(self.suffix)
        return encode(np.ascontiguousarray(pixels), form, metadata, self.settings.quality)

    def _maps(self, stem: str, semantic_map: np.ndarray | None) -> dict[str, bytes]:
        if semantic_map is None:
            return {}
        return {f'{stem}.png': encode_map(semantic_map, self.classes, self.palette)}

    def _rounds(self, metadata: PictureMetadata, result: InpaintingResult) -> dict[str, bytes]:
        files = {}
        for index, one in enumerate(result.rounds):
            stem = f'rounds/{self.job.stem}_round{index}'
            files[stem + self.suffix] = self._encode_image(one.image, metadata)[0]
            if self.settings.save_maps:
                files.update(self._maps(f'{stem}_map', one.semantic_map))
        return files

    def _side_by_side(self, picture: Picture, hole: np.ndarray, result: InpaintingResult) -> bytes:
        sheet = draw_side_by_side(
            picture.pixels, hole, result.rounds, self.classes, self.palette, self.job.stem
        )
        return encode(sheet, 'png', PictureMetadata())[0]
