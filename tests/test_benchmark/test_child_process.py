import os
import sys

import pytest

import fbinpaint_mm
from fbinpaint_mm.benchmark import child_process
from fbinpaint_mm.benchmark.child_process import child_environment, last_error, run_child


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    monkeypatch.setattr(child_process, 'POLL', 0.02)


def python(code):
    return [sys.executable, '-S', '-c', code]


def test_output_is_added_to_the_log(tmp_path):
    log, watched = tmp_path / 'new' / 'log.txt', []
    for word in ('one', 'two'):
        run_child(python(f"print('{word}')"), log, 'cpu', lambda: watched.append(1))
    assert log.read_text() == 'one\ntwo\n'
    assert len(watched) >= 2


def test_a_failure_names_its_error_and_its_log(tmp_path):
    log = tmp_path / 'log.txt'
    log.write_text('KeyError: of an earlier run\n')
    code = 'import sys; sys.stderr.write("starts\\n"); raise ValueError("no such scene")'
    with pytest.raises(RuntimeError, match=r'^ValueError: no such scene \(log: .*log\.txt\)$'):
        run_child(python(code), log, 'cpu')


def test_a_child_does_not_outlive_an_interruption(tmp_path):
    marker = tmp_path / 'pid'
    code = f'import os, time; open({str(marker)!r}, "w").write(str(os.getpid())); time.sleep(60)'

    def interrupt():
        if marker.is_file() and marker.read_text():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_child(python(code), tmp_path / 'log.txt', 'cpu', interrupt)
    with pytest.raises(ProcessLookupError):
        os.kill(int(marker.read_text()), 0)


@pytest.mark.parametrize(
    ('output', 'status', 'expected'),
    [
        (
            'a\ntorch.cuda.OutOfMemoryError: too big\nbye\n',
            1,
            'torch.cuda.OutOfMemoryError: too big',
        ),
        ('KeyError: 1\nValueError: 2\n', 1, 'ValueError: 2'),
        (
            'usage: x\ntrain.py: error: no file\n',
            2,
            'exit status 2, last line: train.py: error: no file',
        ),
        ('KeyError: 1\n', -9, 'killed by signal 9'),
        ('', 3, 'exit status 3'),
    ],
)
def test_the_last_error_is_found(output, status, expected):
    assert last_error(output, status) == expected


def test_children_use_this_package_and_the_device(monkeypatch):
    monkeypatch.setenv('PYTHONPATH', 'elsewhere')
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    root = os.path.dirname(os.path.dirname(os.path.realpath(fbinpaint_mm.__file__)))
    assert child_environment('cpu')['PYTHONPATH'] == os.pathsep.join([root, 'elsewhere'])
    assert child_environment('cpu')['CUDA_VISIBLE_DEVICES'] == ''
    assert 'CUDA_VISIBLE_DEVICES' not in child_environment('cuda')
