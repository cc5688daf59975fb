"""Who may join the queue of the page, and with what: a visitor may send anything."""

from __future__ import annotations

from typing import Any

import gradio as gr
from gradio_client.utils import is_file_obj_with_meta, is_http_url_like, traverse

MAX_WAITING = 32  # events in the queue; others are asked to come back
LARGEST_SHARE = MAX_WAITING // 4  # of one visitor
# A proxy on this machine that does not tell for whom it asks, or a visitor who sits at it.
LOOPBACK = ('127.0.0.1', '::1')


def set_queue(blocks: gr.Blocks) -> None:
    """Gives a page a queue, in which no visitor has more than a share of the places.

    Args:
        blocks: The page, before it is served.
    """
    blocks.queue(max_size=MAX_WAITING, api_open=False)
    queue = blocks._queue  # gradio has no public way to decide who joins
    join = queue.push

    async def push(body: Any, request: Any, username: str | None) -> tuple[bool, Any, str]:
        lines = queue.event_queue_per_concurrency_id.values()
        waiting = [_visitor(one.request, one.session_hash) for line in lines for one in line.queue]
        if waiting.count(_visitor(request, body.session_hash)) >= LARGEST_SHARE:
            return False, f'You have {LARGEST_SHARE} requests in the queue already.', 'queue_full'
        if _names_addresses(body.data):
            return False, 'A picture must be uploaded, not named by its address.', 'error'
        event = blocks.fns.get(body.fn_index)
        if event is None or event.fn is None:  # or it is for the browser alone
            return False, 'The page has no such event.', 'error'
        return await join(body, request, username)

    queue.push = push
    _refuse_quietly(blocks)


def _refuse_quietly(blocks: gr.Blocks) -> None:
    """Without a traceback in the log for inputs that no page sends: it could be flooded."""
    preprocess = blocks.preprocess_data

    async def preprocess_data(*args: Any, **kwargs: Any) -> list[Any]:
        try:
            return await preprocess(*args, **kwargs)
        except Exception as error:  # whatever gradio raises for what it does not expect
            raise gr.Error('The page does not send this.', print_exception=False) from error

    blocks.preprocess_data = preprocess_data


def _visitor(request: Any, session: str | None) -> str | None:
    """Tells visitors apart: by where they are, as a session's name is for them to choose."""
    address = request.client.host if request.client else None
    return session if address in (None, *LOOPBACK) else address


def _names_addresses(data: list[Any]) -> bool:
    """Whether inputs of an event name a file elsewhere, which gradio would download."""
    found: list[bool] = []
    traverse(data, lambda file: found.append(is_http_url_like(file['path'])), is_file_obj_with_meta)
    return any(found)
