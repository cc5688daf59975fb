"""Processes are forked from this one here, since a spawned one imports everything once more.

``test_measure_speed.py`` has one that is spawned.
"""

import multiprocessing
import os
import signal
import sys
import time

import pytest

from fbinpaint_mm.benchmark import fresh_process
from fbinpaint_mm.benchmark.fresh_process import call_in_process, restore_config, surroundings


@pytest.fixture
def log(tmp_path):
    return tmp_path / 'new' / 'log.txt'


@pytest.fixture
def call(monkeypatch, log):
    monkeypatch.setattr(fresh_process, 'SPAWN', multiprocessing.get_context('fork'))
    monkeypatch.setattr(fresh_process, 'POLL', 0.02)

    def in_process(function, *arguments, **options):
        return call_in_process(function, *arguments, log=log, device='cpu', **options)

    # A forked process inherits what an earlier test left to handle the signal; a spawned one not.
    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield in_process
    signal.signal(signal.SIGTERM, before)


def test_a_function_has_a_process_and_a_log_of_its_own(call, log):
    watched = []
    assert call(os.getpid) != os.getpid()
    for word in ('one', 'two'):
        assert call(os.system, f'echo {word}', watch=lambda: watched.append(1)) == 0
    assert log.read_text() == 'one\ntwo\n'
    assert len(watched) >= 2


def test_a_failure_names_its_error_and_its_log(call, log):
    with pytest.raises(ChildProcessError, match=rf"^KeyError: 'scene' \(log: {log}\)$"):
        call({}.__getitem__, 'scene')
    with pytest.raises(ChildProcessError, match=r'^SystemExit: train\.py: no file \(log: '):
        call(sys.exit, 'train.py: no file')


def test_a_killed_process_is_a_failure_too(call, log):
    with pytest.raises(ChildProcessError, match=rf'^the process was killed \(log: {log}\)$'):
        call(signal.raise_signal, signal.SIGKILL)


def test_a_process_does_not_outlive_an_interruption(call):
    def interrupt():
        raise KeyboardInterrupt

    bystander = multiprocessing.get_context('fork').Process(target=time.sleep, args=(60,))
    bystander.start()
    others = set(multiprocessing.active_children())
    start = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        call(time.sleep, 60, watch=interrupt)
    assert time.perf_counter() - start < 30
    assert set(multiprocessing.active_children()) <= others
    assert bystander.is_alive()
    bystander.kill()
    bystander.join()


@pytest.mark.parametrize('before', [None, '3'])
def test_only_work_on_a_gpu_sees_one(monkeypatch, log, before):
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    if before is not None:
        monkeypatch.setenv('CUDA_VISIBLE_DEVICES', before)
    with surroundings(log, 'cpu'):
        assert os.environ['CUDA_VISIBLE_DEVICES'] == ''
    with surroundings(log, 'cuda'):
        assert os.environ.get('CUDA_VISIBLE_DEVICES') == before
    assert os.environ.get('CUDA_VISIBLE_DEVICES') == before


def test_output_goes_to_the_log_only_meanwhile(log, capfd):
    with surroundings(log, 'cpu'):
        os.system('echo in')
    os.system('echo out')
    assert log.read_text() == 'in\n'
    assert capfd.readouterr().out == 'out\n'


def test_a_config_brings_what_it_imports(tmp_path, monkeypatch):
    (tmp_path / 'own_model.py').write_text('loaded = True')
    monkeypatch.syspath_prepend(tmp_path)
    cfg = restore_config(dict(a=1, custom_imports=dict(imports=['own_model'])))
    assert cfg.a == 1
    assert sys.modules.pop('own_model').loaded
