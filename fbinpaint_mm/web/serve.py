"""Serves the page of a model."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from fbinpaint_mm.apis import FeedbackInpainter
from fbinpaint_mm.apis.load_model import dataset_image_size
from fbinpaint_mm.datasets.procedural import render_scene
from fbinpaint_mm.pretrained import pretrained_pictures
from fbinpaint_mm.safe_loading import loading
from fbinpaint_mm.user_error import UserError, require_extra
from fbinpaint_mm.web.own_folder import VisitorFiles, own_folder

if TYPE_CHECKING:
    import gradio as gr

# Scenes of the test split of ProceduralScenesDataset, which no config trains with.
SCENE_SEEDS = (2_000_003, 2_000_011, 2_000_014, 2_000_020, 2_000_027, 2_000_031)
DEFAULT_SIZE = 256, 256  # pixels
# Of whom gradio remembers the state of their page, 0.1 MB each; the last ones.
MAX_VISITORS = 1000
# Of the visitor's system: gradio's own would be a download for some themes.
FONTS = ('system-ui', 'sans-serif')
MONOSPACE_FONTS = ('ui-monospace', 'monospace')
STYLE = """
.gradio-container { max-width: 1240px !important; width: 100%; margin: 0 auto; }
#examples .grid-wrap { height: auto; min-height: 0; max-height: none; }
#examples .grid-container { grid-template-columns: repeat(6, minmax(0, 1fr)); }
#examples .thumbnail-item { aspect-ratio: 1; }
/* It would stay when another picture is uploaded. */
#examples .thumbnail-item.selected {
  --ring-color: transparent; border-color: var(--border-color-primary); box-shadow: none;
}
#result { min-height: 240px; }
#result img { max-height: 460px; }
#gallery .grid-wrap { max-height: none; }
#brush-class label span::before {
  content: ""; display: inline-block; width: 1em; height: 1em; margin-right: 0.4em;
  border-radius: 3px; border: 1px solid #8888; vertical-align: -0.15em;
}
@media (max-width: 640px) {
  .gradio-container main { padding: 12px 8px !important; }
  #examples .grid-container { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  #gallery .caption-label { font-size: 10px; padding: 1px 3px; right: 2px; bottom: 2px; }
}
"""


def serve(
    config: str,
    checkpoint: str | None,
    device: str | None,
    host: str,
    port: int,
    allow_host: Sequence[str] = (),
    trust_checkpoint: bool = False,
) -> None:
    """Serves the page of a model until the process is interrupted, and says where.

    All files of visitors are removed at the end.

    Args:
        config: Path or name of a config, or name of a trained model.
        checkpoint: Path or address; ``None`` for that of the trained model, else random weights.
        device: Such as ``'cuda:1'``; ``None`` for a GPU if there is one.
        host: As for `start`.
        port: As for `start`.
        allow_host: As for `start`.
        trust_checkpoint: Whether checkpoints may run programs, see
            `fbinpaint_mm.safe_loading.loading`.

    Raises:
        UserError: If gradio is not installed (the message has the pip command), the port cannot be
            used, or config, checkpoint or device do not fit.
        FileNotFoundError: If a file is missing.
    """
    require_extra('demo', ('gradio',))
    check_port(host, port)
    with loading(trust_checkpoint):
        inpainter = FeedbackInpainter(config, checkpoint, device)
    with own_folder() as folder:
        examples = copy_examples(config, folder)
        if not examples:
            examples = write_examples(folder, dataset_image_size(inpainter.config) or DEFAULT_SIZE)
        blocks = start(inpainter, host, port, examples, allow_host)
        print(f'The page is at {blocks.local_url} - end it with Ctrl+C.', flush=True)
        try:
            blocks.block_thread()
        finally:
            blocks.close(verbose=False)


def check_port(host: str, port: int) -> None:
    """Makes sure that a server can be started, before the model is loaded.

    Args:
        host: Address to listen on.
        port: Port.

    Raises:
        UserError: If it is no port, it is taken, or the address is not one of this machine.
    """
    if not 0 < port < 65536:
        raise UserError(f'--port must be between 1 and 65535, got {port}')
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            raise UserError(f'cannot listen on --host {host} --port {port}: {error}') from error


def start(
    inpainter: FeedbackInpainter,
    host: str,
    port: int,
    examples: Sequence[Path],
    allow_host: Sequence[str] = (),
) -> gr.Blocks:
    """Starts to serve the page, and returns at once.

    Nothing leaves the machine: no statistics, no public link, no fonts or scripts from elsewhere.

    Args:
        inpainter: The model.
        host: Address to listen on; ``'0.0.0.0'`` for all of the machine.
        port: Port to listen on.
        examples: Picture files, in a folder for temporary files.
        allow_host: Names by which visitors reach the page besides those of this machine, such as
            that of a reverse proxy.

    Returns:
        What is served: ``local_url`` is its address, ``close()`` ends it.

    Raises:
        OSError: If the port is taken.
    """
    # Not at the top: `serve` says how to install it.
    import gradio as gr
    from starlette.middleware import Middleware

    from fbinpaint_mm.web.fair_queue import set_queue
    from fbinpaint_mm.web.gate import MAX_FILE_SIZE, Gate
    from fbinpaint_mm.web.page import Page

    page = Page(inpainter, examples)
    set_queue(page.blocks)
    files = VisitorFiles(Path(page.blocks.GRADIO_CACHE))
    gate = Middleware(Gate, host=host, names=allow_host, before_upload=files.make_room)
    # An argument of `launch` in later versions only; browsers would keep all results.
    os.environ.setdefault('GRADIO_RUN_HISTORY', 'False')
    page.blocks.launch(
        server_name=host,
        server_port=port,
        prevent_thread_lock=True,
        quiet=True,
        share=False,
        ssr_mode=False,
        footer_links=[],
        enable_monitoring=False,
        state_session_capacity=MAX_VISITORS,
        max_file_size=MAX_FILE_SIZE,
        app_kwargs=dict(middleware=[gate]),
        theme=gr.themes.Default(font=FONTS, font_mono=MONOSPACE_FONTS),
        css=STYLE + legend_style(page.colors),
    )
    return page.blocks


def copy_examples(name: str, folder: Path) -> list[Path]:
    """Copies the pictures that lie beside a trained model; gradio serves no file of the package.

    Args:
        name: What is served; only a trained model has pictures.
        folder: An existing folder.
    """
    return [Path(shutil.copy(path, folder)) for path in pretrained_pictures(name)]


def write_examples(folder: Path, size: tuple[int, int]) -> list[Path]:
    """Renders some of the embedded scenes into a folder: nothing is downloaded.

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


def legend_style(colors: Sequence[str]) -> str:
    """CSS that makes the choice of a class the legend of the map: a square before each name.

    Args:
        colors: Of the K classes, such as ``#8a40ff``.
    """
    return '\n'.join(
        f'#brush-class label:nth-of-type({number}) span::before {{ background: {color}; }}'
        for number, color in enumerate(colors, 1)
    )
