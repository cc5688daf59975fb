"""Files that are whole or not there, and what ranks tell each other.

Two real ranks are in test_divergence_hook.py, whole checkpoints in test_whole_checkpoint_hook.py.
"""

from __future__ import annotations

import pytest

from fbinpaint_mm.engine import save_state
from fbinpaint_mm.engine.save_state import WholeFileBackend, on_any_rank


@pytest.mark.parametrize('seen', [True, False])
def test_a_single_process_decides_alone(seen):
    assert on_any_rank(seen) is seen


@pytest.mark.parametrize(('own', 'other'), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_one_of_two_is_enough(monkeypatch, own, other):
    def all_reduce(flag, op):
        assert op == 'max'
        flag.clamp_(min=other)

    monkeypatch.setattr(save_state, 'all_reduce', all_reduce)
    monkeypatch.setattr(save_state, 'get_world_size', lambda: 2)
    monkeypatch.setattr(save_state, 'get_comm_device', lambda: 'cpu')
    assert on_any_rank(bool(own)) is bool(own or other)


def test_backend_writes_what_mmengines_local_backend_reads(tmp_path):
    backend = WholeFileBackend()
    backend.put(b'content', tmp_path / 'folder' / 'file')
    assert backend.get(tmp_path / 'folder' / 'file') == b'content'
