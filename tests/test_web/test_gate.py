from __future__ import annotations

import asyncio
import socket
from functools import partial

import pytest

pytest.importorskip('gradio', reason='the page needs the extra [demo]')

from fbinpaint_mm.web.gate import MAX_FILE_SIZE, Gate

UPLOAD, JOIN = '/gradio_api/upload', '/gradio_api/queue/join'
HERE, ANYWHERE = '127.0.0.1', '0.0.0.0'


def answer(
    headers, listens_on=HERE, names=(), method='GET', path='/', kind='http', body=(b'',), **options
):
    """Status of the answer to a request, 200 if the gate lets it in; what is left of its body."""
    statuses, rest = [], list(body)

    async def served(scope, receive, send):
        await send({'status': 200})

    async def receive():
        return {'body': rest.pop(0), 'more_body': len(rest) > 0}

    async def send(message):
        statuses.append(message.get('status'))

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {'type': kind, 'method': method, 'path': path, 'headers': raw, 'extensions': {}}
    asyncio.run(Gate(served, listens_on, names, **options)(scope, receive, send))
    return statuses[0], rest


def status(*args, **kwargs):
    return answer(*args, **kwargs)[0]


@pytest.mark.parametrize('host', ['127.0.0.1:7860', 'localhost:7860', 'LocalHost'])
def test_names_of_this_machine_are_served(host):
    assert status({'host': host}) == 200


@pytest.mark.parametrize(
    'host',
    [
        'evil.example',
        'evil.example:7860',
        'localhost.evil.example',
        '127.0.0.1.evil.example',
        'localhost@evil.example',
        '192.0.2.7',
        '[::',
        '',
    ],
)
def test_a_name_that_was_made_to_lead_here_is_refused(host):
    assert status({'host': host}) == 403


def test_a_request_that_names_no_host_is_refused():
    assert status({}) == 403


@pytest.mark.parametrize('host', ['192.0.2.7:7860', '[2001:db8::7]:7860', socket.gethostname()])
def test_a_server_for_other_machines_is_reached_by_any_address_of_this_one(host):
    assert status({'host': host}, ANYWHERE) == 200


@pytest.mark.parametrize('host', ['evil.example', '192.0.2.7.evil.example', '1', ''])
def test_a_server_for_other_machines_is_not_reached_by_other_names(host):
    assert status({'host': host}, ANYWHERE) == 403


def test_the_address_that_it_listens_on_is_served():
    assert status({'host': 'Lab.example:7860'}, 'lab.example') == 200


@pytest.mark.parametrize('name', ['demo.EXAMPLE', 'demo.example:8443', 'https://demo.example/'])
def test_a_name_that_the_user_allows_is_served(name):
    assert status({'host': 'Demo.example'}, names=[name]) == 200
    assert status({'host': 'evil.example'}, names=[name]) == 403


def test_an_empty_name_allows_nothing():
    assert status({'host': ''}, names=['']) == 403


@pytest.mark.parametrize(
    ('origin', 'expected'),
    [
        ('http://localhost:7860', 200),
        ('https://demo.example', 200),  # of a proxy that names the server in place of itself
        ('http://evil.example', 403),
        ('http://localhost:8888', 403),  # another server of this machine
        ('http://localhost:7860.evil.example', 403),
        ('http://[::', 403),
        ('null', 403),
        ('', 403),
    ],
)
def test_only_the_page_itself_may_ask(origin, expected):
    headers = {'host': 'localhost:7860', 'origin': origin}
    assert status(headers, names=['demo.example']) == expected


def post(length, path=UPLOAD, method='POST', **more):
    headers = {'host': 'localhost', 'content-length': str(length), **more}
    return status(headers, path=path, method=method)


def test_what_the_page_posts_is_let_in_up_to_a_size():
    assert post(MAX_FILE_SIZE) == 200
    assert post(MAX_FILE_SIZE + 2**21) == 413
    assert post(2**20, JOIN) == 200
    assert post(2**20 + 1, JOIN) == 413


@pytest.mark.parametrize('length', ['', '-1', 'many', '1e3', '9' * 5000])
def test_a_body_of_unknown_size_is_refused(length):
    assert post(length) == 411
    assert post(10, **{'transfer-encoding': 'chunked'}) == 411


@pytest.mark.parametrize(
    'path',
    [
        '/gradio_api/run/predict',  # without a place in the queue
        '/gradio_api/call/predict',
        '/gradio_api/component_server',  # keeps what is sent in memory
        '/gradio_api/process_recording',  # starts ffmpeg
        '/gradio_api/vibe-code/',
    ],
)
def test_what_the_page_does_not_post_is_not_found(path):
    assert post(10, path) == 404


def test_there_is_room_before_a_file_is_received():
    calls = []
    headers = {'host': 'localhost', 'content-length': '10'}
    for path in (UPLOAD, JOIN):
        note = partial(calls.append, path)
        status(headers, method='POST', path=path, before_upload=note)
    assert calls == [UPLOAD]


def test_other_methods_are_not_found():
    assert post(10, method='PUT') == 404


def test_a_refused_body_is_read_or_the_sender_would_not_see_why():
    headers = {'host': 'localhost', 'content-length': '3000000'}
    sent = dict(path=JOIN, method='POST', body=[b'a', b'b', b'c'])
    assert answer(headers, **sent) == (413, [])


def test_web_sockets_are_for_the_page_only_too():
    headers = {'host': 'evil.example'}
    assert status(headers, kind='websocket') != 200
