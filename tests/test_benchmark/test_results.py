import logging

import pytest

from fbinpaint_mm.benchmark.results import ResultStore


@pytest.fixture
def store(tmp_path):
    return ResultStore(tmp_path / 'entries', logging.getLogger('test_result_store'))


def test_parts_of_an_entry_are_kept_side_by_side(store):
    store.save('ours', 'speed', 'a', dict(parameters=5))
    store.save('ours', 'scores', 'b', dict(runs=[None, 0.5]))
    store.save('theirs', 'speed', 'a', dict(parameters=6))
    assert store.load('ours', 'speed', 'a') == dict(parameters=5)
    assert store.load('ours', 'scores', 'b') == dict(runs=[None, 0.5])
    assert store.load('theirs', 'speed', 'a') == dict(parameters=6)
    assert store.load('theirs', 'scores', 'b') is None


def test_a_part_of_another_fingerprint_is_not_there(store):
    store.save('ours', 'speed', 'a', dict(parameters=5))
    assert store.load('ours', 'speed', 'b') is None
    store.save('ours', 'speed', 'b', dict(parameters=7))
    assert store.load('ours', 'speed', 'b') == dict(parameters=7)
    assert store.load('ours', 'speed', 'a') is None


@pytest.mark.parametrize('content', ['', '{"speed": {"finge', '[]', '{"speed": 3}', '{"a": {}}'])
def test_a_broken_file_is_measured_again_with_a_warning(store, caplog, content):
    store.save('ours', 'speed', 'a', dict(parameters=5))
    (store.folder / 'ours.json').write_text(content)
    assert store.load('ours', 'speed', 'a') is None
    assert 'is broken' in caplog.text
    assert "'ours' is measured again" in caplog.text
    store.save('ours', 'speed', 'a', dict(parameters=6))
    assert store.load('ours', 'speed', 'a') == dict(parameters=6)
