"""Pictures to try the page with, from the embedded scenes: nothing is downloaded."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from fbinpaint_mm.datasets.procedural import render_scene

# Scenes of the test split of ProceduralScenesDataset, which no config trains with.
SCENE_SEEDS = (2_000_003, 2_000_011, 2_000_014, 2_000_020, 2_000_027, 2_000_031)


def write_examples(folder: Path, size: tuple[int, int]) -> list[Path]:
    """Renders some scenes into a folder.

    Args:
        folder: An existing folder.
        size: Height and width in pixels, best 48 or more.

    Returns:
        The PNG files, ``scene_1.png`` and so on.
    """
    paths = [folder / f'scene_{number}.png' for number, _ in enumerate(SCENE_SEEDS, 1)]
    for path, seed in zip(paths, SCENE_SEEDS, strict=True):
        image, _ = render_scene(seed, *size)
        Image.fromarray(image[..., ::-1]).save(path)
    return paths
