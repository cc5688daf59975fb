"""The page: upload, paint a hole, inpaint, look at every round, edit the map, inpaint again."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np

from fbinpaint_mm.apis import FeedbackInpainter
from fbinpaint_mm.web.brush_palette import distinct_palette
from fbinpaint_mm.web.editor_strokes import EditorValue
from fbinpaint_mm.web.painted_run import add_dictated, run_painted
from fbinpaint_mm.web.panels import InputPanel, MapPanel, ResultPanel, RoundsPanel
from fbinpaint_mm.web.uploaded_picture import read_uploaded

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
        self.path, self.dictated = gr.State(), gr.State()
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
        def choose(event: gr.SelectData) -> Any:
            return self.open(examples[event.index])

        shown = [*(output for panel in self._panels for output in panel.outputs), self.dictated]
        opened = [self.path, *self.input.outputs, *shown]
        # One after the other: two runs at a time would need twice the memory.
        model = dict(
            concurrency_limit=1,
            concurrency_id='model',
            api_visibility='private',
            scroll_to_output=True,
            show_progress_on=self.result.image,
        )
        self.input.upload.upload(self.open, self.input.upload, opened, api_visibility='private')
        self.input.examples.select(choose, None, opened, api_visibility='private')
        # The name of an earlier upload would be wrong beside the example.
        self.input.examples.select(lambda: None, None, self.input.upload, api_visibility='private')
        inputs = [self.path, self.input.editor, self.input.rounds]
        self.input.button.click(self.inpaint, inputs, shown, **model)
        if self.map:
            inputs += [self.map.editor, self.dictated]
            self.map.button.click(self.inpaint_with_map, inputs, shown, **model)

    @property
    def _panels(self) -> list[ResultPanel | RoundsPanel | MapPanel]:
        """Those that show a run."""
        return [panel for panel in (self.result, self.rounds, self.map) if panel is not None]

    def open(self, path: str) -> Updates:
        """Opens a picture, and forgets what was made before.

        Args:
            path: File on the server.

        Returns:
            Updates of components; none, but a warning for the user, if it cannot be opened.
        """
        try:
            picture = read_uploaded(path)
        except ValueError as error:
            return _warn(error)
        return {
            self.path: path,
            self.dictated: None,
            **self.input.show(picture),
            **_merge(panel.clear() for panel in self._panels),
        }

    def inpaint(self, path: str | None, hole: EditorValue | None, rounds: int) -> Updates:
        """Inpaints the painted hole, the maps being the model's own.

        Args:
            path: The opened picture; ``None`` if there is none.
            hole: What was painted on it.
            rounds: R >= 0.

        Returns:
            Updates of components; none, but a warning for the user, if something is missing.
        """
        try:
            return self._run(path, hole, rounds, None)
        except ValueError as error:
            return _warn(error)

    def inpaint_with_map(
        self,
        path: str | None,
        hole: EditorValue | None,
        rounds: int,
        strokes: EditorValue | None,
        before: np.ndarray | None,
    ) -> Updates:
        """Inpaints the painted hole with the map as the user has edited it.

        Args:
            path: As for `inpaint`.
            hole: As for `inpaint`.
            rounds: As for `inpaint`.
            strokes: What was painted on the map.
            before: (H, W) uint8 class ids that earlier edits dictate, 255 elsewhere; or ``None``.

        Returns:
            Updates of components; none, but a warning for the user, if something is missing.
        """
        try:
            size = _read(path).shape[:2]
            dictated = add_dictated(before, strokes, self.palette, size)
            return self._run(path, hole, rounds, dictated)
        except ValueError as error:
            return _warn(error)

    def _run(
        self,
        path: str | None,
        hole: EditorValue | None,
        rounds: int,
        dictated: np.ndarray | None,
    ) -> Updates:
        picture = _read(path)
        run = run_painted(self.inpainter, Path(path).stem, picture, hole, rounds, dictated)
        return {
            self.dictated: dictated,
            **_merge(panel.show(run) for panel in self._panels),
        }


def _read(path: str | None) -> np.ndarray:
    if path is None:
        raise ValueError('No picture yet: upload one or pick an example, in step 1.')
    return read_uploaded(path)


def _merge(updates: Iterable[Updates]) -> Updates:
    return dict(ChainMap(*updates))


def _warn(error: ValueError) -> Updates:
    gr.Warning(str(error))
    return gr.skip()
