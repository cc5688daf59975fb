"""The editor of the page: what is painted in the browser comes in, of a size it can have there."""

from __future__ import annotations

from abc import ABCMeta
from typing import Any

import gradio as gr
import numpy as np
from gradio.component_meta import ComponentMeta
from gradio.components.image_editor import EditorData

from fbinpaint_mm.user_error import UserError
from fbinpaint_mm.web.pictures import EditorValue, read_layers

BRUSH_RADIUS = 20  # pixels of the picture, as the screen shows it
EDITOR_HEIGHT = 460  # pixels


class _WithoutStub(ComponentMeta):
    """Spares a new component the stub file that gradio writes beside its source."""

    def __new__(
        cls, name: str, bases: tuple[type, ...], attributes: dict[str, Any]
    ) -> _WithoutStub:
        return ABCMeta.__new__(cls, name, bases, attributes)


class StrokeEditor(gr.ImageEditor, metaclass=_WithoutStub):
    """Gradio's editor, which opens nothing but the strokes, and those within limits.

    Gradio's own opens every file that a visitor names, of any format and size.
    """

    is_template = True  # for the browser it is an ImageEditor

    def preprocess(self, payload: EditorData | None) -> EditorValue | None:
        """Reads what was painted.

        Args:
            payload: What the browser has sent; files are of those that it has uploaded.

        Returns:
            For the handler of an event. The picture below the strokes has been through the browser
            and is left out.

        Raises:
            gr.Error: The strokes are of another size, number or format than the page sends.
        """
        if payload is None:
            return None
        try:
            layers = read_layers([layer.path for layer in payload.layers if layer is not None])
        except UserError as mistake:
            raise gr.Error(str(mistake), print_exception=False) from mistake
        return EditorValue(background=None, layers=layers, composite=None)


def make_editor(element_id: str, color: str) -> StrokeEditor:
    """An editor with one brush, an eraser and one layer, hidden until it has a picture.

    Args:
        element_id: HTML id.
        color: Of the brush, such as ``#8a40ff``.
    """
    return StrokeEditor(
        show_label=False,
        sources=(),
        transforms=(),
        layers=False,
        format='png',
        brush=gr.Brush(**brush(color)),
        eraser=gr.Eraser(default_size=BRUSH_RADIUS),
        buttons=['fullscreen'],
        height=EDITOR_HEIGHT,
        visible=False,
        elem_id=element_id,
    )


def brush(color: str) -> dict[str, Any]:
    """Settings of a brush with a single color, such as ``#8a40ff``."""
    return dict(default_size=BRUSH_RADIUS, colors=[color], default_color=color, color_mode='fixed')


def to_paint_on(picture: np.ndarray | None) -> dict[str, Any]:
    """Update of an editor.

    Args:
        picture: (h, w, 3) uint8 RGB, comes without strokes; ``None`` hides the editor.
    """
    value = None if picture is None else dict(background=picture, layers=[], composite=None)
    return gr.update(value=value, visible=picture is not None)
