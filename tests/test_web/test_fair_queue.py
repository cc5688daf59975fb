from __future__ import annotations

import asyncio

import pytest

gradio = pytest.importorskip('gradio', reason='the page needs the extra [demo]')

from fastapi import Request  # noqa: E402
from gradio.data_classes import PredictBodyInternal  # noqa: E402

from fbinpaint_mm.web.fair_queue import LARGEST_SHARE, MAX_WAITING, set_queue  # noqa: E402


@pytest.fixture
def joins():
    """Lets visitors join the queue of a page, which serves nobody; gives the answers."""
    with gradio.Blocks() as blocks:
        name = gradio.Textbox()
        name.submit(lambda text: text, name, name)
    set_queue(blocks)

    async def join(address: str, session: str, value):
        request = Request({'type': 'http', 'client': (address, 50000), 'headers': []})
        body = PredictBodyInternal(data=[value], fn_index=0, session_hash=session, request=request)
        return await blocks._queue.push(body, request, None)

    def all_join(visitors, value='text'):
        async def one_by_one():
            return [(await join(*visitor, value))[2] for visitor in visitors]

        return asyncio.run(one_by_one())

    return all_join


def test_a_visitor_has_a_quarter_of_the_queue_under_whatever_names(joins):
    answers = joins([('192.0.2.7', f'session {number}') for number in range(20)])

    assert LARGEST_SHARE == MAX_WAITING / 4
    assert answers == ['success'] * LARGEST_SHARE + ['queue_full'] * (20 - LARGEST_SHARE)
    assert joins([('192.0.2.8', 'other')]) == ['success']


def test_visitors_by_a_proxy_on_this_machine_are_told_apart_by_session(joins):
    assert joins([('127.0.0.1', 'one')] * 10).count('success') == LARGEST_SHARE
    assert joins([('127.0.0.1', 'two')]) == ['success']


def test_the_queue_has_an_end(joins):
    visitors = [(f'192.0.2.{number}', 'x') for number in range(MAX_WAITING + 1)]
    assert joins(visitors) == ['success'] * MAX_WAITING + ['queue_full']


@pytest.mark.parametrize('nested', [False, True])
def test_the_server_downloads_nothing_for_a_visitor(joins, nested):
    meta = dict(_type='gradio.FileData')
    there, here = (dict(path=path, meta=meta) for path in ('https://there.example/a.png', '/a.png'))
    (refused,), (taken,) = (
        joins([('192.0.2.7', 'x')], dict(layers=[file]) if nested else file)
        for file in (there, here)
    )
    assert (refused, taken) == ('error', 'success')
