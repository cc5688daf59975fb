"""Sweeps of measurements that nobody took; ``test_measure_speed`` takes real ones."""

import json
import re
from types import SimpleNamespace

from mmengine.config import Config

from fbinpaint_mm.benchmark.entry import Entry
from fbinpaint_mm.benchmark.speed import sweeps
from fbinpaint_mm.benchmark.speed.measure_speed import SpeedMeter
from fbinpaint_mm.benchmark.speed.sweeps import SWITCHES, build_variants, run_size_sweep, run_sweep
from fbinpaint_mm.benchmark.workbench import Settings

CONDITIONS = dict(warm_up=1, repeats=9, batch_size=1, threads=2)


def test_every_entry_is_measured_at_every_size(tmp_path, monkeypatch):
    measured = []

    def speed(meter, entry, batch, part):
        size = batch['inputs'][0].shape[-1]
        measured.append((entry.name, size, part))
        assert list(entry.cfg) == ['model'], 'it does not train'
        seconds = size / (100 if entry.name == 'telea' else 50)
        return dict(seconds_per_image=seconds, conditions=CONDITIONS)

    monkeypatch.setattr(SpeedMeter, 'speed', speed)
    model = dict(type='A')
    entries = [
        Entry('ours', 'ours.py', cfg=Config(dict(model=model, train_cfg=dict(max_iters=1)))),
        Entry('telea', 'telea', cfg=Config(dict(model=model))),
    ]
    settings = Settings(out=tmp_path, reference='telea', device='cpu', command=['benchmark.py'])
    assert run_size_sweep(entries, [50, 100], settings) == 0
    assert measured == [
        (name, size, f'speed_{size}') for size in (50, 100) for name in ('ours', 'telea')
    ]
    report = re.sub(' +', ' ', (tmp_path / 'speed.md').read_text())
    assert report.index('## 50 px') < report.index('## 100 px')
    assert '| ours | 1 (×0.50) |' in report
    speeds = json.loads((tmp_path / 'speed.json').read_text())['speeds']
    assert speeds['100 px']['ours']['seconds_per_image'] == 2.0


def test_a_sweep_of_trainings_loads_images_of_each_size(tmp_path, monkeypatch):
    trained = []
    monkeypatch.setattr(SpeedMeter, 'speed', lambda _, entry, *__: trained.append(entry) or {})
    data = dict(dataset=dict(image_size=256))
    full = dict(model={}, train_dataloader=data, train_cfg={}, optim_wrapper={}, hooks=1)
    ours = Entry('ours', 'ours.py', cfg=Config(full))
    entries = [ours, Entry('telea', 'telea', cfg=Config(dict(model={})))]
    settings = Settings(out=tmp_path, reference='ours', device='cpu', training=True)
    assert run_size_sweep(entries, [50, 100], settings) == 0
    sizes = [e.cfg.train_dataloader.dataset.image_size for e in trained if e.name == 'ours']
    assert sizes == [50, 100]
    assert [list(e.cfg) for e in trained if e.name == 'telea'] == [['model']] * 2
    assert ours.cfg.train_dataloader.dataset.image_size == 256


def test_a_failure_is_reported_beside_what_was_measured(tmp_path, capsys):
    def fail():
        raise RuntimeError('too small')

    numbers = dict(training_peak_memory=2**20, conditions=CONDITIONS)
    jobs = {'R = 1': {'plain': lambda: numbers, 'channels_last': fail}, 'R = 2': {'plain': fail}}
    assert run_sweep(jobs, 'plain', dict(device='cpu'), tmp_path / 'memory_cpu') == 2
    report = json.loads((tmp_path / 'memory_cpu.json').read_text())
    failed = dict(error='RuntimeError: too small')
    assert report == dict(
        environment=dict(device='cpu'),
        reference='plain',
        speeds={'R = 1': dict(plain=numbers, channels_last=failed), 'R = 2': dict(plain=failed)},
    )
    text = (tmp_path / 'memory_cpu.md').read_text()
    assert '- device: cpu\n' in text
    assert '1 MiB (×1.00)' in text
    assert '- **channels_last** failed: RuntimeError: too small' in text
    assert capsys.readouterr().out == text + '\n'


def test_each_variant_has_its_switches_and_no_others(cfg):
    variants = build_variants(cfg, [*SWITCHES, 'channels_last+bfloat16'], [0, 2])
    plain, lower = 'OptimWrapper', 'BFloat16OptimWrapper'
    for rounds, row in variants.items():
        found = {
            name: (
                one.model.train_cfg.get('checkpoint_rounds', False),
                one.model.train_cfg.get('only_last_learns', False),
                one.model.get('channels_last', False),
                one.optim_wrapper.generator.type,
            )
            for name, one in row.items()
        }
        assert found == {
            'plain': (False, False, False, plain),
            'checkpoint_rounds': (True, False, False, plain),
            'only_last_learns': (False, True, False, plain),
            'channels_last': (False, False, True, plain),
            'bfloat16': (False, False, False, lower),
            'channels_last+bfloat16': (False, False, True, lower),
        }
        assert {one.model.train_cfg.rounds for one in row.values()} == {rounds}


def test_switches_are_measured_on_every_device(cfg, tmp_path, monkeypatch):
    calls = []

    def call(function, settings, device, duration, log):
        rounds = settings['model']['train_cfg']['rounds']
        calls.append((function.__name__, rounds, device, duration, log.name))
        return dict(training_peak_memory=1, conditions=CONDITIONS)

    monkeypatch.setattr(sweeps, 'call_in_process', lambda *a, log, device: call(*a, log=log))
    monkeypatch.setattr(sweeps, 'describe_environment', lambda command, device: {})  # no GPU
    args = SimpleNamespace(
        config=cfg.filename,
        cfg_options={},
        switches=['channels_last'],
        rounds=[1, 2],
        devices=['cpu', 'cuda'],
        limit=3.0,
        out=tmp_path,
    )
    assert sweeps.run_switch_sweeps(args) == 0
    assert calls == [
        ('training_speed', rounds, device, 3.0, f'memory_{device}.log')
        for device in ('cpu', 'cuda')
        for rounds in (1, 1, 2, 2)
    ]
