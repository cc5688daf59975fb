"""Which requests the server of the page answers at all."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

MAX_FILE_SIZE = 200 * 2**20  # bytes
# What the page posts, and how many bytes that may have. Gradio has further addresses, which run
# models without a place in the queue, keep what is sent in memory, or start programs.
UPLOAD = '/gradio_api/upload'
POSTS = {
    UPLOAD: MAX_FILE_SIZE + 2**20,  # with the lines around the file
    '/gradio_api/queue/join': 2**20,
    '/gradio_api/cancel': 2**16,
    '/gradio_api/reset': 2**16,
}
# Results of what was asked for by further addresses: a traceback is logged where there are none.
RESULTS = '/gradio_api/call/'


class Gate:
    """Lets in what the page sends to the address at which it was opened: an ASGI middleware.

    A page of somebody else in a visitor's browser could send requests too. They name its address as
    their origin; or, if its name was made to lead here (DNS rebinding), that name as their host.

    Args:
        app: What answers the requests that are let in.
        host: Address that the server listens on; the names of this machine belong to it.
        names: Further names by which visitors reach it, such as that of a reverse proxy.
        before_upload: What to do before a file is received.
    """

    def __init__(
        self,
        app: ASGIApp,
        host: str,
        names: Iterable[str] = (),
        before_upload: Callable[[], None] = lambda: None,
    ) -> None:
        self.app = app
        self.before_upload = before_upload
        # With a port, or as an address: only the name counts.
        self.named = {_host_name(name if '//' in name else f'//{name}') for name in names} - {''}
        self.hosts = {host.lower(), 'localhost', '127.0.0.1', *self.named}
        self.has_any_address = _is_address(host) and ipaddress.ip_address(host).is_unspecified
        if self.has_any_address:
            self.hosts.add(socket.gethostname().lower())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request itself if it is not let in."""
        refusal = None if scope['type'] == 'lifespan' else self._refusal(scope)
        if refusal is None:
            if scope.get('path') == UPLOAD:
                await run_in_threadpool(self.before_upload)
            await self.app(scope, receive, send)
            return
        if scope['type'] == 'http':
            await _read_away(receive)
        await refusal(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if not self._is_own_host(headers.get('host', '')):
            return PlainTextResponse('Not served by this name; see --allow-host.', 403)
        if not self._is_own_origin(headers):
            return PlainTextResponse('Not for other pages; see --allow-host.', 403)
        if scope['type'] == 'http' and scope['path'].startswith(RESULTS):
            return PlainTextResponse('Not found', 404)
        if scope['type'] != 'http' or scope['method'] in ('GET', 'HEAD'):
            return None
        return _refusal_of_body(POSTS.get(scope['path']), scope['method'], headers)

    def _is_own_host(self, host: str) -> bool:
        name = _host_name(f'//{host}')
        # An address cannot be made to lead here, unlike a name.
        return name in self.hosts or (self.has_any_address and _is_address(name))

    def _is_own_origin(self, headers: Headers) -> bool:
        origin = headers.get('origin')
        if origin is None or origin.lower().partition('://')[2] == headers['host'].lower():
            return True
        return _host_name(origin) in self.named


def _host_name(address: str) -> str:
    """The lower-case name in an address, empty if it has none."""
    try:
        return urlsplit(address).hostname or ''
    except ValueError:  # brackets that do not match
        return ''


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _refusal_of_body(limit: int | None, method: str, headers: Headers) -> Response | None:
    if limit is None or method != 'POST':
        return PlainTextResponse('Not found', 404)
    length = headers.get('content-length', '')
    if not re.fullmatch('[0-9]{1,15}', length) or 'transfer-encoding' in headers:
        return PlainTextResponse('Length required', 411)
    if int(length) > limit:
        return PlainTextResponse(f'Too large: {length} bytes, at most {limit} are taken', 413)
    return None


async def _read_away(receive: Receive) -> None:
    """Forgets what is sent: or the connection would break before the answer is read."""
    while (await receive()).get('more_body', False):
        pass
