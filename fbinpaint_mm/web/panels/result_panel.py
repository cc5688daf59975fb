"""Step 4: the result, and files to keep."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache

from fbinpaint_mm.web.painted_run import PaintedRun
from fbinpaint_mm.web.preview import fit_screen, for_screen

BUTTONS = dict(inpainted='Picture', hole='Hole', map='Map')


class ResultPanel:
    """Step 4: the result, and files to keep. Made inside ``gr.Blocks``."""

    def __init__(self) -> None:
        gr.Markdown('### 4. Look, and keep it')
        self.image = gr.Image(
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
                for name, label in BUTTONS.items()
            }
        self.notes = gr.Markdown(elem_id='notes')

    @property
    def outputs(self) -> list[Any]:
        """The components that `show` and `clear` update."""
        return [self.image, *self.downloads.values(), self.notes]

    def show(self, run: PaintedRun) -> dict[Any, Any]:
        """Updates that show a run, and its files to download."""
        return {
            self.image: fit_screen(for_screen(run.result.image)),
            self.notes: describe(run),
            **self._files(run),
        }

    def clear(self) -> dict[Any, Any]:
        """Updates that show nothing."""
        hidden = gr.update(value=None, visible=False)
        buttons = {button: hidden for button in self.downloads.values()}
        return {self.image: None, self.notes: '', **buttons}

    def _files(self, run: PaintedRun) -> dict[Any, Any]:
        files = run.files()
        updates = {}
        for kind, button in self.downloads.items():
            path = None
            if kind in files:
                path = save_bytes_to_cache(
                    files[kind], f'{run.name}_{kind}.png', button.GRADIO_CACHE
                )
            updates[button] = gr.update(value=path, visible=path is not None)
        return updates


def describe(run: PaintedRun) -> str:
    """What the user should know about a run, in Markdown."""
    result = run.result
    height, width = run.hole.shape
    lines = [
        f'{width}×{height} pixels, {run.hole.mean():.1%} of them inpainted in '
        f'{result.rounds_run} round{"" if result.rounds_run == 1 else "s"} after the first '
        f'guess; mean confidence in the hole {result.confidence[run.hole].mean():.0%}. '
        'All other pixels are as they were, bit by bit.',
        *result.notes,
    ]
    return '\n'.join(f'- {line}' for line in lines)
