"""Serves the page of a model."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import gradio as gr

from fbinpaint_mm.apis import FeedbackInpainter
from fbinpaint_mm.apis.load_model import dataset_image_size
from fbinpaint_mm.web.example_pictures import write_examples
from fbinpaint_mm.web.page import Page
from fbinpaint_mm.web.page_style import FONTS, MONOSPACE_FONTS, STYLE, legend_style

MAX_FILE_SIZE = '200mb'
DEFAULT_SIZE = 256, 256  # pixels
MAX_WAITING = 32  # visitors in the queue; others are asked to come back


def start(inpainter: FeedbackInpainter, host: str, port: int, folder: Path) -> gr.Blocks:
    """Starts to serve the page, and returns at once.

    Nothing leaves the machine: no statistics, no public link, no fonts or scripts from elsewhere.

    Args:
        inpainter: The model.
        host: Address to listen on; ``'0.0.0.0'`` for all of the machine.
        port: Port to listen on.
        folder: An existing folder, for the example pictures.

    Returns:
        What is served: ``local_url`` is its address, ``close()`` ends it.

    Raises:
        OSError: If the port is taken.
    """
    page = Page(inpainter, write_examples(folder, trained_size(inpainter)))
    page.blocks.queue(max_size=MAX_WAITING)
    page.blocks.launch(
        server_name=host,
        server_port=port,
        prevent_thread_lock=True,
        quiet=True,
        share=False,
        ssr_mode=False,
        footer_links=[],
        max_file_size=MAX_FILE_SIZE,
        allowed_paths=[str(folder)],
        theme=gr.themes.Default(font=FONTS, font_mono=MONOSPACE_FONTS),
        css=STYLE + legend_style('brush-class', page.palette),
    )
    return page.blocks


def serve(inpainter: FeedbackInpainter, host: str, port: int) -> None:
    """Serves the page until the process is interrupted, and says where.

    Args:
        inpainter: The model.
        host: As for `start`.
        port: As for `start`.

    Raises:
        OSError: If the port is taken.
    """
    with TemporaryDirectory(prefix='fbinpaint_mm_web_') as folder:
        blocks = start(inpainter, host, port, Path(folder))
        print(f'The page is at {blocks.local_url} - end it with Ctrl+C.', flush=True)
        blocks.block_thread()


def trained_size(inpainter: FeedbackInpainter) -> tuple[int, int]:
    """Height and width in pixels of the pictures that the model was tested with, if it says so."""
    return dataset_image_size(inpainter.config) or DEFAULT_SIZE
