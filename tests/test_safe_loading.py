import os
import subprocess
import sys
import tarfile
import threading

import pytest
import torch
from mmengine.runner import CheckpointLoader
from torch import serialization

from fbinpaint_mm.safe_loading import (
    UntrustedCheckpointError,
    loading,
    read_checkpoint,
    trusting,
    trusts,
)
from fbinpaint_mm.user_error import UserError

WAY_OUT = r'--trust-checkpoint \(in Python trust=True\)$'


class Opens:
    """Opens a file for writing when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, 'w')


@pytest.fixture
def marker(tmp_path):
    return tmp_path / 'marker'


@pytest.fixture
def hostile(tmp_path, marker):
    """A checkpoint that writes ``marker`` when it is read by a plain pickle."""
    torch.save(dict(state_dict={}, more=Opens(marker)), tmp_path / 'hostile.pth')
    return tmp_path / 'hostile.pth'


def test_a_hostile_checkpoint_is_refused_in_one_line(hostile, marker):
    with pytest.raises(UntrustedCheckpointError, match=f"hostile.pth' calls 'io.open'.*{WAY_OUT}"):
        read_checkpoint(hostile)
    assert not marker.exists()


def test_a_trusted_checkpoint_is_read_whatever_it_runs(hostile, marker):
    with trusting(True), trusting(False):
        assert set(read_checkpoint(hostile)) == {'state_dict', 'more'}
    assert marker.exists()
    assert not trusts()


def test_trust_is_not_passed_on_to_other_threads():
    seen = []
    with trusting(True):
        thread = threading.Thread(target=lambda: seen.append(trusts()))
        thread.start()
        thread.join()
    assert seen == [False]


def test_the_old_format_is_read_and_checked_too(tmp_path, marker):
    old = dict(_use_new_zipfile_serialization=False)
    torch.save(dict(a=torch.ones(2)), tmp_path / 'old.pth', **old)
    assert read_checkpoint(tmp_path / 'old.pth')['a'].tolist() == [1, 1]
    torch.save(dict(a=Opens(marker)), tmp_path / 'old.pth', **old)
    with pytest.raises(UntrustedCheckpointError, match=f"calls 'io.open'.*{WAY_OUT}"):
        read_checkpoint(tmp_path / 'old.pth')
    assert not marker.exists()


def test_formats_that_cannot_be_checked_are_refused(tmp_path, marker):
    with tarfile.open(tmp_path / 'tar.pth', 'w') as tar:
        for name in ('storages', 'tensors', 'pickle'):
            torch.save(Opens(marker), tmp_path / name, _use_new_zipfile_serialization=False)
            tar.add(tmp_path / name, name)
    torch.jit.save(torch.jit.script(torch.nn.ReLU()), tmp_path / 'script.pth')
    torch.save(dict(a=1), tmp_path / 'protocol.pth', pickle_protocol=4)
    for name in ('tar.pth', 'script.pth', 'protocol.pth'):
        with pytest.raises(UntrustedCheckpointError, match=f'{name}.*cannot be checked.*{WAY_OUT}'):
            read_checkpoint(tmp_path / name)
    assert not marker.exists()


@pytest.mark.parametrize('content', [b'', b'<!DOCTYPE html>', b'iter: 20', b'PK\x03\x04cut off'])
def test_a_file_that_is_no_checkpoint_needs_no_trust(tmp_path, content):
    (tmp_path / 'x.pth').write_bytes(content)
    with pytest.raises(UserError, match=r"x\.pth' cannot be read: [^\n]*$") as refused:
        read_checkpoint(tmp_path / 'x.pth')
    assert not isinstance(refused.value, UntrustedCheckpointError)


def test_a_file_that_ends_too_early_is_told_in_words(tmp_path):
    (tmp_path / 'empty.pth').touch()
    with pytest.raises(UserError, match=r"empty\.pth' cannot be read: .*\(it ends too early\)$"):
        read_checkpoint(tmp_path / 'empty.pth')


def test_a_bit_that_was_flipped_in_a_tensor_is_found(tmp_path):
    """torch does not compare checksums: the model would be another one."""
    path = tmp_path / 'x.pth'
    torch.save(dict(a=torch.arange(1000.0)), path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    message = r"x\.pth' cannot be read: its part 'x/data/0' is damaged$"
    with pytest.raises(UserError, match=message):
        read_checkpoint(path)
    with loading(trust=False), pytest.raises(UserError, match=message):
        CheckpointLoader.load_checkpoint(str(path))


@pytest.mark.parametrize(
    ('address', 'message'),
    [
        ('https://127.0.0.1:9/x.pth', r'could not be downloaded: .*refused.*\. Put the file into'),
        ('open-mmlab://nope', 'is not known to mmengine; expected a name in its list$'),
    ],
)
def test_an_address_that_gives_no_file_is_told(address, message, tmp_path, monkeypatch):
    monkeypatch.setattr('torch.hub.get_dir', lambda: str(tmp_path))
    for name in ('https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UserError, match=f"^checkpoint '{address}' {message}"):
        read_checkpoint(address)


def test_a_download_is_checked(hostile, marker, tmp_path, monkeypatch):
    """A file of the download's name in the cache is taken for it, by all of mmengine's schemes."""
    monkeypatch.setattr('torch.hub.get_dir', lambda: str(tmp_path))
    (tmp_path / 'checkpoints').mkdir()
    hostile.rename(tmp_path / 'checkpoints/x.pth')
    with pytest.raises(UntrustedCheckpointError, match=r"checkpoint 'https://a\.org/x\.pth' calls"):
        read_checkpoint('https://a.org/x.pth')
    assert not marker.exists()


def test_what_others_have_listed_and_set_stays_theirs(hostile, marker, monkeypatch):
    """A library must not change how its user reads files."""
    monkeypatch.setenv('TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD', 'yes')
    before = dict(os.environ)
    with serialization.safe_globals([Opens]):
        listed = set(serialization.get_safe_globals())
        with loading(trust=False), pytest.raises(UntrustedCheckpointError):
            read_checkpoint(hostile)
        assert set(serialization.get_safe_globals()) == listed
    assert dict(os.environ) == before
    torch.load(hostile, weights_only=False)
    assert marker.exists()


def test_in_a_tool_no_library_runs_a_checkpoint(hostile, marker):
    with loading(trust=False):
        with pytest.raises(UntrustedCheckpointError, match=f"hostile.pth' calls .*{WAY_OUT}"):
            CheckpointLoader.load_checkpoint(str(hostile), map_location='cpu')
        for load in (torch.load, lambda path: torch.load(path, weights_only=False)):
            with pytest.raises(Exception, match='Weights only load failed'):
                load(hostile)
        code = 'import sys, torch; torch.load(sys.argv[1], weights_only=False)'
        child = subprocess.run([sys.executable, '-c', code, hostile], capture_output=True)
        assert b'Weights only load failed' in child.stderr
    assert not marker.exists()
    CheckpointLoader.load_checkpoint(str(hostile))
    assert marker.exists()


def test_a_tool_may_be_told_to_trust(hostile, marker):
    with loading(trust=True):
        CheckpointLoader.load_checkpoint(str(hostile))
    assert marker.exists()
