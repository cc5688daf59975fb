"""Steps 1 to 3: choose a picture, paint the hole, inpaint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr
import numpy as np

from fbinpaint_mm.web.panels.paint_editor import make_paint_editor, show_picture
from fbinpaint_mm.web.preview import fit_screen, for_screen

HOLE_COLOR = '#ff2d78'
MAX_ROUNDS = 3


class InputPanel:
    """Steps 1 to 3: choose a picture, paint the hole, inpaint.

    Made inside ``gr.Blocks``.

    Args:
        examples: Paths of example pictures.
        rounds: What the slider starts with.
    """

    def __init__(self, examples: Sequence[str], rounds: int) -> None:
        gr.Markdown('### 1. Choose a picture')
        self.upload = gr.File(
            label='Your picture', file_types=['image'], height=120, elem_id='upload'
        )
        gr.Markdown('or try an example:')
        self.examples = gr.Gallery(
            list(examples),
            show_label=False,
            columns=6,
            height='auto',
            allow_preview=False,
            buttons=[],
            interactive=False,
            elem_id='examples',
        )
        gr.Markdown('### 2. Paint over what should go')
        self.hint = gr.Markdown('Choose a picture first.')
        self.editor = make_paint_editor('hole-editor', HOLE_COLOR)
        gr.Markdown('### 3. Inpaint')
        self.rounds = gr.Slider(
            0,
            MAX_ROUNDS,
            min(rounds, MAX_ROUNDS),
            step=1,
            label='Rounds',
            info='How often the model reads its own result and inpaints again',
            elem_id='rounds',
        )
        self.button = gr.Button('Inpaint', variant='primary', elem_id='run')

    @property
    def outputs(self) -> list[Any]:
        """The components that `show` updates."""
        return [self.hint, self.editor]

    def show(self, picture: np.ndarray) -> dict[Any, Any]:
        """Updates that show a picture to paint on; (H, W) or (H, W, C), of any format."""
        background = fit_screen(for_screen(picture))
        return {self.hint: gr.update(visible=False), self.editor: show_picture(background)}
