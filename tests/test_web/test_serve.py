from __future__ import annotations

import http.client
import json
import socket
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

from fbinpaint_mm.datasets import ProceduralScenesDataset
from fbinpaint_mm.web.serve import SCENE_SEEDS, legend_style, start, write_examples


@pytest.fixture(scope='module')
def ask(inpainter, tmp_path_factory):
    """Asks a server of the small model; gives status and text of the answer."""
    pytest.importorskip('gradio', reason='the page needs the extra [demo]')
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        port = listener.getsockname()[1]
    examples = write_examples(tmp_path_factory.mktemp('page'), (48, 64))
    blocks = start(inpainter, '127.0.0.1', port, examples, ['demo.example'])

    def request(method: str, path: str, body: bytes | None = None, **headers: str):
        connection = http.client.HTTPConnection('127.0.0.1', port, timeout=30)
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        answer = response.status, response.read().decode()
        connection.close()
        return answer

    yield request
    blocks.close(verbose=False)


def test_the_page_is_served_by_its_own_names_only(ask):
    assert ask('GET', '/config')[0] == 200
    assert ask('GET', '/config', Host='demo.example')[0] == 200
    assert ask('GET', '/config', Host='evil.example')[0] == 403
    assert ask('POST', '/gradio_api/upload', b'x', Origin='http://evil.example')[0] == 403


def test_a_long_request_is_refused_with_an_answer(ask):
    status, text = ask('POST', '/gradio_api/queue/join', bytes(2**23))
    assert (status, text) == (413, 'Too large: 8388608 bytes, at most 1048576 are taken')


def test_nobody_runs_the_model_without_a_place_in_the_queue(ask):
    body = json.dumps(dict(data=[], fn_index=0, session_hash='x')).encode()
    paths = '/gradio_api/run/predict', '/gradio_api/api/predict', '/gradio_api/call/predict'
    assert {ask('POST', path, body)[0] for path in paths} == {404}


def test_the_queue_is_the_fair_one(ask):
    file = dict(path='https://there.example/a.png', meta=dict(_type='gradio.FileData'))
    body = json.dumps(dict(data=[file], fn_index=0, session_hash='x')).encode()
    status, text = ask(
        'POST', '/gradio_api/queue/join', body, **{'Content-Type': 'application/json'}
    )
    assert (status, 'not named by its address' in text) == (400, True)


@pytest.mark.parametrize(
    'event',
    [
        dict(fn_index=0, data=[]),
        dict(fn_index=0, data=[None, dict(path='/etc/passwd', meta=dict(_type='gradio.FileData'))]),
        dict(fn_index=1, data=[None, None]),
        dict(fn_index=1, data=[None, dict(path='/etc/passwd', meta=dict(_type='gradio.FileData'))]),
        dict(fn_index=2, data=[None], event_data='x'),
        dict(fn_index=2, data=[None], event_data=dict(index=99)),
        dict(fn_index=4, data=[None, None, 'x', [], {}]),
        dict(fn_index=5, data=[None, 1e308, dict(layers=[1]), 'x', None]),
        dict(fn_index=99, data=[]),
    ],
)
def test_what_no_page_sends_leaves_no_traceback(ask, capfd, event):
    session = json.dumps(event)
    body = json.dumps(event | dict(session_hash=session)).encode()
    kind = {'Content-Type': 'application/json'}
    status, text = ask('POST', '/gradio_api/queue/join', body, **kind)
    if status == 200:
        _, text = ask('GET', f'/gradio_api/queue/data?session_hash={quote(session)}')
        assert 'process_completed' in text
    else:
        assert (status, 'no such event' in text) == (400, True)
    assert 'Traceback' not in capfd.readouterr().err


def test_results_that_nobody_asked_for_leave_no_traceback(ask, capfd):
    assert ask('GET', '/gradio_api/call/x/y')[0] == 404
    assert 'Traceback' not in capfd.readouterr().err


def test_browsers_keep_no_history_of_results(ask):
    assert json.loads(ask('GET', '/config')[1]).get('run_history', False) is False


def test_files_of_the_server_are_not_given_away(ask, repository):
    assert ask('GET', f'/gradio_api/file={repository}/README.md')[0] == 403


def test_examples_are_different_pictures_of_the_size_asked_for(tmp_path):
    paths = write_examples(tmp_path, (48, 64))

    pictures = [np.asarray(Image.open(path)) for path in paths]
    assert [path.name for path in paths][:2] == ['scene_1.png', 'scene_2.png']
    assert {picture.shape for picture in pictures} == {(48, 64, 3)}
    assert len({picture.tobytes() for picture in pictures}) == len(SCENE_SEEDS)


def test_no_example_is_a_scene_for_training():
    training = ProceduralScenesDataset(split='train', num_scenes=10_000)

    seeds = {training.get_data_info(index)['scene_seed'] for index in range(len(training))}
    assert not seeds & set(SCENE_SEEDS)
    assert max(seeds) < min(SCENE_SEEDS)


def test_the_legend_has_the_color_of_each_class():
    css = legend_style(['#ff0000', '#0010ff'])

    assert '#brush-class label:nth-of-type(1) span::before { background: #ff0000; }' in css
    assert '#brush-class label:nth-of-type(2) span::before { background: #0010ff; }' in css
