"""The sweep, with measurements that nobody took; ``test_measure_speed`` takes real ones."""

import json
import re

import pytest
from mmengine.config import Config

from fbinpaint_mm.benchmark.entry import Entry
from fbinpaint_mm.benchmark.speed import size_sweep
from fbinpaint_mm.benchmark.speed.size_sweep import run_size_sweep
from fbinpaint_mm.benchmark.workbench import Settings

ENTRIES = [
    Entry('ours', 'ours.py', cfg=Config(dict(model=dict(type='A'), train_cfg=dict(max_iters=1)))),
    Entry('telea', 'telea', cfg=Config(dict(model=dict(type='B')))),
]


@pytest.fixture
def settings(tmp_path):
    return Settings(out=tmp_path, reference='telea', device='cpu', command=['benchmark.py'])


@pytest.fixture
def measured(monkeypatch):
    """Every measurement that was taken: name of the entry and size. Telea fails at 16 pixels."""
    calls = []

    def measure(entry, batch, log, device, logger):
        size = batch['inputs'][0].shape[-1]
        calls.append((entry.name, size))
        assert list(entry.cfg) == ['model']
        if (entry.name, size) == ('telea', 16):
            raise RuntimeError('too small')
        seconds = size / 100
        if entry.name == 'telea':
            return dict(seconds_per_image=seconds)
        rounds = [dict(seconds_per_image=seconds * share) for share in (1, 2)]
        return dict(seconds_per_image=2 * seconds, rounds=rounds)

    monkeypatch.setattr(size_sweep, 'measure_speed', measure)
    return calls


def test_every_entry_is_measured_at_every_size_against_the_reference(settings, measured):
    assert run_size_sweep(ENTRIES, [50, 100], settings) == 0
    assert measured == [('ours', 50), ('telea', 50), ('ours', 100), ('telea', 100)]
    report = re.sub(' +', ' ', (settings.out / 'speed.md').read_text())
    assert report.index('## 50 × 50 pixels') < report.index('## 100 × 100 pixels')
    assert '| ours | 1 (×0.50) |' in report
    assert '| ours, images/s | 2 (×1.00) | 1 (×0.50) |' in report
    assert '| ours, images/s | 1 (×1.00) | 0.5 (×0.50) |' in report
    content = json.loads((settings.out / 'speed.json').read_text())
    assert content['sizes']['100']['ours']['seconds_per_image'] == 2.0
    assert content['reference'] == 'telea'


def test_a_failure_is_reported_and_only_it_is_measured_again(settings, measured):
    assert run_size_sweep(ENTRIES, [16], settings) == 1
    assert '- **telea** failed: RuntimeError: too small' in (settings.out / 'speed.md').read_text()
    content = json.loads((settings.out / 'speed.json').read_text())
    assert content['sizes']['16']['telea'] == dict(error='RuntimeError: too small')
    del measured[:]
    assert run_size_sweep(ENTRIES, [16], settings) == 1
    assert measured == [('telea', 16)]
