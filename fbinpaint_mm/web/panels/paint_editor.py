"""A picture to paint on."""

from __future__ import annotations

from typing import Any

import gradio as gr
import numpy as np

BRUSH_RADIUS = 20  # pixels of the picture, as the screen shows it
HEIGHT = 460  # pixels


def make_paint_editor(element_id: str, color: str) -> gr.ImageEditor:
    """Makes an editor with one brush, an eraser and one layer, hidden until it has a picture.

    Args:
        element_id: For CSS and tests.
        color: Of the brush, such as ``#8a40ff``.

    Returns:
        The editor, whose value is an
        :class:`~fbinpaint_mm.web.editor_strokes.EditorValue`. What it gives back as the picture has
        been through the browser and is not used.
    """
    return gr.ImageEditor(
        show_label=False,
        sources=(),
        transforms=(),
        layers=False,
        format='png',
        brush=gr.Brush(**brush_settings(color)),
        eraser=gr.Eraser(default_size=BRUSH_RADIUS),
        buttons=['fullscreen'],
        height=HEIGHT,
        visible=False,
        elem_id=element_id,
    )


def brush_settings(color: str) -> dict[str, Any]:
    """Arguments of ``gr.Brush`` for a brush of one colour."""
    return dict(default_size=BRUSH_RADIUS, colors=[color], default_color=color, color_mode='fixed')


def show_picture(picture: np.ndarray | None) -> dict[str, Any]:
    """Update of an editor: an (h, w, 3) uint8 RGB picture without strokes; ``None`` hides it."""
    value = None if picture is None else dict(background=picture, layers=[], composite=None)
    return gr.update(value=value, visible=picture is not None)
