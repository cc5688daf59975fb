"""Step 5: what every round did."""

from __future__ import annotations

from typing import Any

import gradio as gr
import numpy as np

from fbinpaint_mm.web.painted_run import PaintedRun
from fbinpaint_mm.web.round_gallery import draw_rounds


class RoundsPanel:
    """Step 5: what every round did. Made inside ``gr.Blocks``; hidden until there is a result.

    Args:
        palette: (K, 3) uint8 RGB; K = 0 for a model without semantics.
    """

    def __init__(self, palette: np.ndarray) -> None:
        self.palette = palette
        with gr.Column(min_width=320, visible=False) as self.column:
            gr.Markdown('### 5. See every round')
            self.gallery = gr.Gallery(
                show_label=False,
                format='png',
                columns=3 if len(palette) else 2,
                height='auto',
                buttons=['fullscreen'],
                interactive=False,
                elem_id='gallery',
            )
            gr.Markdown('Confidence: yellow is certain, dark is a guess.')

    @property
    def outputs(self) -> list[Any]:
        """The components that `show` and `clear` update."""
        return [self.column, self.gallery]

    def show(self, run: PaintedRun) -> dict[Any, Any]:
        """Updates that show the rounds of a run."""
        pictures = draw_rounds(run, self.palette)
        return {self.column: gr.update(visible=True), self.gallery: pictures}

    def clear(self) -> dict[Any, Any]:
        """Updates that hide the panel."""
        return {self.column: gr.update(visible=False), self.gallery: None}
