"""In this process; ``test_fresh_process.py`` has processes."""

import json
import logging
import pickle
from dataclasses import replace

import pytest
import torch
from mmengine.config import Config

from fbinpaint_mm.benchmark.entry import Entry
from fbinpaint_mm.benchmark.pairs import ImageHolePairs
from fbinpaint_mm.benchmark.results import ResultStore
from fbinpaint_mm.benchmark.speed import measure_speed
from fbinpaint_mm.benchmark.speed.measure_speed import SpeedMeter

LOGGER = logging.getLogger('test_measure_speed')
INFERENCE = {
    'parameters',
    'seconds_per_image',
    'flops_per_image',
    'peak_memory',
    'rounds',
    'conditions',
}
TRAINING = {
    'parameters_trained',
    'training_seconds_per_iteration',
    'training_cpu_seconds_per_iteration',
    'training_flops_per_iteration',
    'training_peak_memory',
}


@pytest.fixture
def batch(cfg):
    return ImageHolePairs(cfg, 'small.py').first_batch()


@pytest.fixture
def calls(monkeypatch, tmp_path):
    """Names of the functions that were called in a process; what they get can be pickled."""
    names = []

    def call(function, *arguments, log, device):
        assert (log, device) == (tmp_path / f'speed/{log.name}', 'cpu')
        names.append(function.__name__)
        function, arguments = pickle.loads(pickle.dumps((function, arguments)))
        try:
            return function(*arguments)
        except Exception as error:
            raise ChildProcessError(f'{type(error).__name__}: {error} (log: ...)') from None

    monkeypatch.setattr(measure_speed, 'call_in_process', call)
    monkeypatch.setattr(measure_speed, 'DURATION', 0.0)
    return names


@pytest.fixture
def meter(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    return SpeedMeter(tmp_path, 'cpu', ResultStore(tmp_path / 'entries', LOGGER), LOGGER)


def test_an_entry_is_measured_once_as_results_describe_it(cfg, batch, meter, calls, caplog):
    entry = Entry('ours', 'o.py', cfg=cfg)
    numbers = meter.speed(entry, batch)
    assert numbers.keys() == INFERENCE | TRAINING
    assert len(numbers['rounds']) == 2
    conditions = numbers['conditions']
    assert (conditions['batch_size'], conditions['training_batch_size']) == (1, 2)
    assert (conditions['repeats'], conditions['training_repeats']) == (1, 1)
    assert (conditions['warm_up'], conditions['training_warm_up']) == (1, 1)
    assert conditions['threads'] == torch.get_num_threads()
    assert json.loads(json.dumps(numbers)) == numbers
    assert meter.speed(entry, batch) == numbers
    assert calls == ['inference_speed', 'training_speed']
    assert 'ours: speed measured earlier, reused' in caplog.text


def test_a_classical_method_is_not_trained(batch, meter, calls):
    entry = Entry('telea', 'telea', cfg=Config(dict(model=dict(type='ClassicalInpaintor'))))
    numbers = meter.speed(entry, batch)
    assert numbers.keys() == INFERENCE - {'flops_per_image', 'rounds'}
    assert sorted(numbers['conditions']) == ['batch_size', 'repeats', 'threads', 'warm_up']
    meter.speed(replace(entry, cfg=Config(dict(model=entry.cfg.model, more=1))), batch)
    assert calls == ['inference_speed'] * 2, 'another config'


def test_an_onnx_file_is_measured_anew_where_it_has_changed(batch, meter, calls, tmp_path):
    path = tmp_path / 'telea.onnx'
    entry = Entry('a', str(path), cfg=Config(dict(model=dict(type='ClassicalInpaintor'))))
    for content in ('old', 'old', 'new'):
        path.write_text(content)
        meter.speed(entry, batch)
    assert calls == ['inference_speed'] * 2


@pytest.mark.parametrize(
    ('broken', 'message'),
    [
        (dict(optim_wrapper=dict(generator=dict(type='Missing'))), 'KeyError: '),
        (dict(train_dataloader=dict(dataset=dict(num_scenes=0))), 'num_scenes is 0'),
    ],
)
def test_a_training_that_does_not_work_leaves_inference_and_is_tried_again(
    cfg, batch, meter, calls, caplog, broken, message
):
    cfg.merge_from_dict(broken)
    for _ in range(2):
        numbers = meter.speed(Entry('ours', 'o.py', cfg=cfg), batch)
    assert numbers.keys() == INFERENCE
    assert 'ours: speed of training not measured: ' in caplog.text
    assert message in caplog.text
    assert calls.count('training_speed') == 2
