"""The page: upload, paint a hole, inpaint, compare the rounds, edit the map, inpaint again."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import gradio as gr
import numpy as np
from gradio.blocks import Block
from gradio.processing_utils import save_bytes_to_cache

from fbinpaint_mm.apis import FeedbackInpainter, InpaintingResult
from fbinpaint_mm.user_error import UserError
from fbinpaint_mm.web.pictures import (
    EditorValue,
    add_edit,
    distinct_palette,
    draw_map,
    draw_rounds,
    encode_png,
    for_screen,
    painted_hole,
    read_uploaded,
)
from fbinpaint_mm.web.stroke_editor import brush, make_editor, to_paint_on

# Seconds: how often files of former visitors are looked for, and how old they must be.
CACHE_CLEANING = (3600, 86400)
MAX_ROUNDS = 3
HOLE_COLOR = '#ff2d78'
DOWNLOADS = dict(inpainted='Picture', hole='Hole', map='Map')
BUG = 'Something went wrong on the server, and was written to its log.'
Updates = dict[Any, Any]
Handler = TypeVar('Handler', bound=Callable[..., Updates])


@dataclass
class Visit:
    """What one visitor has open; the same object as long as their session lasts.

    A run waits for those of other visitors and takes a while itself. It finds here whether its
    picture is still the one on the page.

    Attributes:
        path: File of the picture on the server; ``None`` if there is none.
        opening: Number of pictures opened so far, which tells one opening from another.
        dictated: (H, W) uint8 class ids that edits of the map dictate, 255 elsewhere; or ``None``.
    """

    path: str | None = None
    opening: int = 0
    dictated: np.ndarray | None = None

    def open(self, path: str) -> None:
        """Forgets the picture before, and what was dictated for it.

        Args:
            path: File of the new picture on the server.
        """
        self.path, self.dictated = path, None
        self.opening += 1

    def has_moved_on(self, opening: int) -> bool:
        """Whether the picture of an opening has made way for another one."""
        return self.path is not None and opening != self.opening


class Choice(gr.EventData):
    """Which example a visitor has chosen.

    Args:
        target: The gallery.
        data: What the request says: a dict with an ``index``, or anything, which gives index -1.
    """

    def __init__(self, target: Block | None, data: Any) -> None:
        super().__init__(target, data)
        index = data.get('index') if isinstance(data, dict) else None
        self.index = index if isinstance(index, int) else -1


def told_to_visitors(handler: Handler) -> Handler:
    """Tells a visitor about a mistake of theirs, and of a bug no more than that there is one.

    Args:
        handler: Of an event.

    Returns:
        The handler; instead of raising a ``UserError`` it warns and updates nothing. Any other
        error becomes one of gradio's, which logs its traceback on the server.
    """

    @wraps(handler)
    def told(*args: Any, **kwargs: Any) -> Updates:
        try:
            return handler(*args, **kwargs)
        except UserError as mistake:
            gr.Warning(str(mistake))
            return gr.skip()
        except Exception as bug:
            raise gr.Error(BUG) from bug

    return cast(Handler, told)


class Page:
    """The page of one model.

    All visitors share the model, which serves them one after the other. Nothing else is shared:
    what a visitor has opened, painted and made is in the session that gradio keeps for them.

    Args:
        inpainter: The model. Without semantics the part with the map stays hidden.
        examples: Paths of example pictures.
    """

    def __init__(self, inpainter: FeedbackInpainter, examples: Sequence[Path]) -> None:
        self.inpainter = inpainter
        self.palette = distinct_palette(inpainter.palette)
        self.colors = ['#{:02x}{:02x}{:02x}'.format(*color) for color in self.palette]
        paths = [str(path) for path in examples]
        with gr.Blocks(
            title='fbinpaint_mm', analytics_enabled=False, delete_cache=CACHE_CLEANING
        ) as self.blocks:
            self.visit = gr.State(Visit())
            # Goes to the browser and back: a run gets the number from when its button was pressed.
            self.opening = gr.Number(0, precision=0, visible='hidden', elem_id='opening')
            gr.Markdown('# Inpaint a picture')
            with gr.Row():
                self._add_inputs(paths)
                self._add_result()
            with gr.Row():
                self._add_rounds()
                self._add_map()
            self._connect(paths)

    def _add_inputs(self, examples: list[str]) -> None:
        with gr.Column(min_width=320):
            gr.Markdown('### 1. Choose a picture')
            self.upload = gr.File(
                label='Your picture', file_types=['image'], height=120, elem_id='upload'
            )
            gr.Markdown('or try an example:')
            self.examples = gr.Gallery(
                examples,
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
            self.hole_editor = make_editor('hole-editor', HOLE_COLOR)
            gr.Markdown('### 3. Inpaint')
            self.rounds = gr.Slider(
                0,
                MAX_ROUNDS,
                min(self.inpainter.default_rounds, MAX_ROUNDS),
                step=1,
                label='Rounds',
                info='How often the model reads its own result and inpaints again',
                elem_id='rounds',
            )
            self.run_button = gr.Button('Inpaint', variant='primary', elem_id='run')

    def _add_result(self) -> None:
        with gr.Column(min_width=320):
            gr.Markdown('### 4. Download the result')
            self.result = gr.Image(
                label='Result',
                format='png',
                interactive=False,
                buttons=['fullscreen'],
                elem_id='result',
            )
            with gr.Row(elem_id='downloads'):
                self.downloads = {
                    name: gr.DownloadButton(
                        f'⬇ {label}', visible=False, size='sm', min_width=80, elem_id=f'save-{name}'
                    )
                    for name, label in DOWNLOADS.items()
                }
            self.notes = gr.Markdown(elem_id='notes')

    def _add_rounds(self) -> None:
        with gr.Column(min_width=320, visible=False) as self.rounds_column:
            gr.Markdown('### 5. Compare the rounds')
            self.gallery = gr.Gallery(
                show_label=False,
                format='png',
                columns=3 if self.colors else 2,
                height='auto',
                buttons=['fullscreen'],
                interactive=False,
                elem_id='gallery',
            )
            gr.Markdown('Confidence: yellow is certain, dark is a guess.')

    def _add_map(self) -> None:
        names = self.inpainter.classes or [f'class {k}' for k, _ in enumerate(self.colors)]
        with gr.Column(min_width=320, visible=False) as self.map_column:
            gr.Markdown('### 6. Edit the map')
            self.brush_class = gr.Radio(
                [(name, index) for index, name in enumerate(names)],
                value=0,
                label='Choose a class, and paint it on the map',
                elem_id='brush-class',
            )
            self.map_editor = make_editor('map-editor', next(iter(self.colors), HOLE_COLOR))
            self.edit_button = gr.Button('Inpaint with this map', variant='primary', elem_id='edit')
        brushes = json.dumps([brush(color) for color in self.colors])
        # Not by the server: it would take a while, and strokes would have two colors.
        choose_brush = f"(id) => ({{__type__: 'update', brush: {brushes}[id]}})"
        self.brush_class.change(
            None, self.brush_class, self.map_editor, js=choose_brush, api_visibility='private'
        )

    def _connect(self, examples: list[str]) -> None:
        @told_to_visitors
        def choose(visit: Visit, choice: Choice) -> Updates:
            if choice.index not in range(len(examples)):
                raise UserError('There is no such example.')
            return self.open(visit, examples[choice.index])

        shown = [*self._clear()]
        opened = [self.opening, self.hint, self.hole_editor, *shown]
        inputs = [self.visit, self.opening, self.hole_editor, self.rounds]
        private: dict[str, Any] = dict(api_visibility='private')
        # One after the other: two runs at a time would need twice the memory.
        model = private | dict(
            concurrency_limit=1,
            concurrency_id='model',
            scroll_to_output=True,
            show_progress_on=self.result,
        )
        self.upload.upload(self.open, [self.visit, self.upload], opened, **private)
        self.examples.select(choose, self.visit, opened, **private)
        # The name of an earlier upload would be wrong beside the example.
        self.examples.select(lambda: None, None, self.upload, **private)
        self.run_button.click(self.inpaint, inputs, shown, **model)
        self.edit_button.click(self.inpaint_with_map, [*inputs, self.map_editor], shown, **model)

    @told_to_visitors
    def open(self, visit: Visit, path: str | None) -> Updates:
        """Opens a picture, and forgets what was made before.

        Args:
            visit: Of the visitor.
            path: File on the server; ``None`` if the request names none.

        Returns:
            Updates of components; none, but a warning for the visitor, if it cannot be opened.
        """
        if path is None:
            raise UserError('There is no picture to open.')
        picture = read_uploaded(path)
        visit.open(path)
        return {
            self.opening: visit.opening,
            self.hint: gr.update(visible=False),
            self.hole_editor: to_paint_on(for_screen(picture)),
            **self._clear(),
        }

    @told_to_visitors
    def inpaint(
        self,
        visit: Visit,
        opening: int,
        hole_strokes: EditorValue | None,
        rounds: int,
        map_strokes: EditorValue | None = None,
        is_edit: bool = False,
    ) -> Updates:
        """Inpaints the painted hole.

        Args:
            visit: Of the visitor.
            opening: Of the picture that was on the page when the button was pressed.
            hole_strokes: What was painted on it.
            rounds: R >= 0.
            map_strokes: What was painted on the map.
            is_edit: Whether the map is as the visitor has edited it, now and before; else it is the
                model's own, and earlier edits are forgotten.

        Returns:
            Updates of components; none if the visitor has opened another picture since, and none,
            but a warning for the visitor, if something is missing.
        """
        if visit.has_moved_on(opening):
            return gr.skip()
        picture = _read_opened(visit)
        size = picture.shape[:2]
        dictated = add_edit(visit.dictated, map_strokes, self.palette, size) if is_edit else None
        hole = painted_hole(hole_strokes, size)
        if not hole.any():
            raise UserError('No hole yet: paint over what should go, in step 2.')
        result = self.inpainter.inpaint(picture, hole, rounds, True, semantic_map=dictated)
        assert isinstance(result, InpaintingResult), 'one picture has one result'
        if visit.has_moved_on(opening):
            return gr.skip()
        visit.dictated = dictated
        return self._show(visit, hole, result)

    def inpaint_with_map(
        self,
        visit: Visit,
        opening: int,
        hole_strokes: EditorValue | None,
        rounds: int,
        map_strokes: EditorValue | None,
    ) -> Updates:
        """`inpaint` with the edited map."""
        return self.inpaint(visit, opening, hole_strokes, rounds, map_strokes, is_edit=True)

    def _show(self, visit: Visit, hole: np.ndarray, result: InpaintingResult) -> Updates:
        edited = result.semantic_map
        background = None if edited is None else draw_map(edited, hole, self.palette)
        return {
            self.result: for_screen(result.image),
            self.notes: describe(hole, result),
            **self._files(Path(str(visit.path)).stem, hole, result),
            self.rounds_column: gr.update(visible=True),
            self.gallery: draw_rounds(hole, result, self.palette),
            self.map_column: gr.update(visible=background is not None),
            self.map_editor: to_paint_on(background),
        }

    def _clear(self) -> Updates:
        hidden = gr.update(value=None, visible=False)
        return {
            self.result: None,
            self.notes: '',
            **dict.fromkeys(self.downloads.values(), hidden),
            self.rounds_column: gr.update(visible=False),
            self.gallery: None,
            self.map_column: gr.update(visible=False),
            self.map_editor: to_paint_on(None),
        }

    def _files(self, name: str, hole: np.ndarray, result: InpaintingResult) -> Updates:
        """The picture with all its bits; the hole, white; the map, a pixel is its class id."""
        planes = dict(inpainted=result.image, hole=hole * np.uint8(255), map=result.semantic_map)
        updates = {}
        for kind, button in self.downloads.items():
            plane, path = planes[kind], None
            if plane is not None:
                path = save_bytes_to_cache(
                    encode_png(plane), f'{name}_{kind}.png', button.GRADIO_CACHE
                )
            updates[button] = gr.update(value=path, visible=path is not None)
        return updates


def _read_opened(visit: Visit) -> np.ndarray:
    if visit.path is None:
        raise UserError('No picture yet: upload one or pick an example, in step 1.')
    return read_uploaded(visit.path)


def describe(hole: np.ndarray, result: InpaintingResult) -> str:
    """What the visitor should know about a run, in Markdown.

    Args:
        hole: (H, W) bool.
        result: Of the last round.
    """
    height, width = hole.shape
    lines = [
        f'{width}×{height} pixels, {hole.mean():.1%} of them inpainted in {result.rounds_run} '
        f'round{"" if result.rounds_run == 1 else "s"} after the initial one; mean confidence in '
        f'the hole {result.confidence[hole].mean():.0%}. All other pixels are bit-identical.',
        *result.notes,
    ]
    return '\n'.join(f'- {line}' for line in lines)
