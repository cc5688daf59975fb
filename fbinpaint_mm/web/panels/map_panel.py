"""Step 6: edit the map, and inpaint again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import gradio as gr
import numpy as np

from fbinpaint_mm.web.brush_palette import to_hex
from fbinpaint_mm.web.painted_run import PaintedRun
from fbinpaint_mm.web.panels.paint_editor import (
    brush_settings,
    make_paint_editor,
    show_picture,
)
from fbinpaint_mm.web.round_gallery import draw_map


class MapPanel:
    """Step 6: edit the map, and inpaint again. Hidden until there is a map.

    Made inside ``gr.Blocks``.

    Args:
        classes: Names of the K >= 1 classes.
        palette: (K, 3) uint8 RGB, distinct colours.
    """

    def __init__(self, classes: Sequence[str], palette: np.ndarray) -> None:
        self.palette = palette
        with gr.Column(min_width=320, visible=False) as self.column:
            gr.Markdown('### 6. Say what should be there')
            self.brush_class = gr.Radio(
                [(name, index) for index, name in enumerate(classes)],
                value=0,
                label='Choose a class, and paint it on the map',
                elem_id='brush-class',
            )
            self.editor = make_paint_editor('map-editor', to_hex(palette[0]))
            self.button = gr.Button('Inpaint with this map', variant='primary', elem_id='edit')
        self.brush_class.change(
            None, self.brush_class, self.editor, js=self._choose_brush(), api_visibility='private'
        )

    @property
    def outputs(self) -> list[Any]:
        """The components that `show` and `clear` update."""
        return [self.column, self.editor]

    def show(self, run: PaintedRun) -> dict[Any, Any]:
        """Updates that show the map of the last round, without strokes; nothing without a map."""
        semantic_map = run.result.semantic_map
        if semantic_map is None:
            return self.clear()
        background = draw_map(semantic_map, run.hole, self.palette)
        return {self.column: gr.update(visible=True), self.editor: show_picture(background)}

    def clear(self) -> dict[Any, Any]:
        """Updates that hide the panel."""
        return {self.column: gr.update(visible=False), self.editor: show_picture(None)}

    def _choose_brush(self) -> str:
        """JavaScript: by the server it would take a while, and strokes would have two colours."""
        brushes = [brush_settings(to_hex(color)) for color in self.palette]
        return f"(id) => ({{__type__: 'update', brush: {json.dumps(brushes)}[id]}})"
