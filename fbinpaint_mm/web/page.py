"""The page: upload, paint a hole, inpaint, look at every round, edit the map, inpaint again."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from fbinpaint_mm.apis import FeedbackInpainter
from fbinpaint_mm.web.brush_palette import distinct_palette
from fbinpaint_mm.web.editor_strokes import EditorValue
from fbinpaint_mm.web.painted_run import PaintedRun, add_dictated, run_painted
from fbinpaint_mm.web.panels import InputPanel, MapPanel, ResultPanel, RoundsPanel
from fbinpaint_mm.web.uploaded_picture import read_uploaded
from fbinpaint_mm.web.visit import Visit

# Seconds: how often files of former visitors are looked for, and how old they must be.
CACHE_CLEANING = (3600, 86400)
Updates = dict[Any, Any]


class Page:
    """The page of one model.

    All visitors share the model, which serves them one after the other. Nothing else is shared:
    what a visitor has opened, painted and made is in the session that gradio keeps for them.

    Args:
        inpainter: The model. Without semantics the page has nothing about maps.
        examples: Paths of example pictures.
    """

    def __init__(self, inpainter: FeedbackInpainter, examples: Sequence[Path]) -> None:
        self.inpainter = inpainter
        self.palette = distinct_palette(inpainter.palette)
        self.blocks = gr.Blocks(
            title='fbinpaint_mm', analytics_enabled=False, delete_cache=CACHE_CLEANING
        )
        with self.blocks:
            self._build([str(path) for path in examples])
            self._connect([str(path) for path in examples])

    def _build(self, examples: list[str]) -> None:
        self.visit = gr.State(Visit())
        # Goes to the browser and back: a run gets the number from when its button was pressed.
        self.opening = gr.Number(0, precision=0, visible='hidden', elem_id='opening')
        gr.Markdown('# Mend a picture')
        with gr.Row():
            with gr.Column(min_width=320):
                self.input = InputPanel(examples, self.inpainter.default_rounds)
            with gr.Column(min_width=320):
                self.result = ResultPanel()
        with gr.Row():
            self.rounds = RoundsPanel(self.palette)
            self.map = self._build_map()

    def _build_map(self) -> MapPanel | None:
        if not self.inpainter.num_classes:
            return None
        names = self.inpainter.classes or [f'class {k}' for k in range(len(self.palette))]
        return MapPanel(names, self.palette)

    def _connect(self, examples: list[str]) -> None:
        def choose(visit: Visit, event: gr.SelectData) -> Any:
            return self.open(visit, examples[event.index])

        shown = [output for panel in self._panels for output in panel.outputs]
        opened = [self.opening, *self.input.outputs, *shown]
        # One after the other: two runs at a time would need twice the memory.
        model = dict(
            concurrency_limit=1,
            concurrency_id='model',
            api_visibility='private',
            scroll_to_output=True,
            show_progress_on=self.result.image,
        )
        uploaded = [self.visit, self.input.upload]
        self.input.upload.upload(self.open, uploaded, opened, api_visibility='private')
        self.input.examples.select(choose, self.visit, opened, api_visibility='private')
        # The name of an earlier upload would be wrong beside the example.
        self.input.examples.select(lambda: None, None, self.input.upload, api_visibility='private')
        inputs = [self.visit, self.opening, self.input.editor, self.input.rounds]
        self.input.button.click(self.inpaint, inputs, shown, **model)
        if self.map:
            inputs.append(self.map.editor)
            self.map.button.click(self.inpaint_with_map, inputs, shown, **model)

    @property
    def _panels(self) -> list[ResultPanel | RoundsPanel | MapPanel]:
        """Those that show a run."""
        return [panel for panel in (self.result, self.rounds, self.map) if panel is not None]

    def open(self, visit: Visit, path: str) -> Updates:
        """Opens a picture, and forgets what was made before.

        Args:
            visit: Of the visitor.
            path: File on the server.

        Returns:
            Updates of components; none, but a warning for the user, if it cannot be opened.
        """
        try:
            picture = read_uploaded(path)
        except ValueError as error:
            return _warn(error)
        visit.open(path)
        return {
            self.opening: visit.opening,
            **self.input.show(picture),
            **_merge(panel.clear() for panel in self._panels),
        }

    def inpaint(self, visit: Visit, opening: int, hole: EditorValue | None, rounds: int) -> Updates:
        """Inpaints the painted hole, the maps being the model's own.

        Args:
            visit: Of the visitor.
            opening: Of the picture that was on the page when the button was pressed.
            hole: What was painted on it.
            rounds: R >= 0.

        Returns:
            Updates of components; none if the visitor has opened another picture since, and none,
            but a warning for the user, if something is missing.
        """

        def run() -> PaintedRun:
            return self._run(visit, hole, rounds, None)

        return self._answer(visit, opening, run)

    def inpaint_with_map(
        self,
        visit: Visit,
        opening: int,
        hole: EditorValue | None,
        rounds: int,
        strokes: EditorValue | None,
    ) -> Updates:
        """Inpaints the painted hole with the map as the user has edited it, now and before.

        Args:
            visit: As for `inpaint`.
            opening: As for `inpaint`.
            hole: As for `inpaint`.
            rounds: As for `inpaint`.
            strokes: What was painted on the map.

        Returns:
            As `inpaint`.
        """

        def run() -> PaintedRun:
            size = _read(visit.path).shape[:2]
            dictated = add_dictated(visit.dictated, strokes, self.palette, size)
            return self._run(visit, hole, rounds, dictated)

        return self._answer(visit, opening, run)

    def _run(
        self,
        visit: Visit,
        hole: EditorValue | None,
        rounds: int,
        dictated: np.ndarray | None,
    ) -> PaintedRun:
        path = visit.path
        picture = _read(path)
        return run_painted(self.inpainter, Path(path).stem, picture, hole, rounds, dictated)

    def _answer(self, visit: Visit, opening: int, run: Callable[[], PaintedRun]) -> Updates:
        """Shows a run; drops it where it, or its end, comes too late for its picture."""
        if visit.has_moved_on(opening):
            return gr.skip()
        try:
            made = run()
        except ValueError as error:
            return _warn(error)
        if visit.has_moved_on(opening):
            return gr.skip()
        visit.dictated = made.dictated_map
        return _merge(panel.show(made) for panel in self._panels)


def _read(path: str | None) -> np.ndarray:
    if path is None:
        raise ValueError('No picture yet: upload one or pick an example, in step 1.')
    return read_uploaded(path)


def _merge(updates: Iterable[Updates]) -> Updates:
    return dict(ChainMap(*updates))


def _warn(error: ValueError) -> Updates:
    gr.Warning(str(error))
    return gr.skip()
