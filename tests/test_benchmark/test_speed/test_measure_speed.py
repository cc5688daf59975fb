"""In this process, but for the last test; ``test_fresh_process.py`` has failures of processes."""

import json
import logging

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from fbinpaint_mm.benchmark.data.pairs import ImageHolePairs
from fbinpaint_mm.benchmark.entry import Entry
from fbinpaint_mm.benchmark.speed import measure_speed as speed
from fbinpaint_mm.benchmark.speed.measure_speed import measure_speed

LOGGER = logging.getLogger('test_speed')
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
    'training_flops_per_iteration',
    'training_peak_memory',
}


@pytest.fixture
def cfg(repository):
    init_default_scope('mmagic')
    return Config.fromfile(repository / 'tests/test_benchmark/small_config.py')


@pytest.fixture
def batch(cfg):
    return ImageHolePairs(cfg, 'small.py').first_batch()


@pytest.fixture
def log(tmp_path):
    return tmp_path / 'log.txt'


@pytest.fixture
def measure(monkeypatch, batch, log):
    def call(function, *arguments, log, device):
        assert device == 'cpu'
        return function(*arguments)

    monkeypatch.setattr(speed, 'call_in_process', call)
    return lambda entry: measure_speed(entry, batch, log, 'cpu', LOGGER, 0.0)


def test_an_entry_is_measured_as_results_describe_it(cfg, measure):
    numbers = measure(Entry('ours', 'o.py', cfg=cfg))
    assert numbers.keys() == INFERENCE | TRAINING
    assert len(numbers['rounds']) == 2
    conditions = numbers['conditions']
    assert (conditions['batch_size'], conditions['training_batch_size']) == (1, 2)
    assert (conditions['repeats'], conditions['training_repeats']) == (1, 1)
    assert (conditions['warm_up'], conditions['training_warm_up']) == (1, 1)
    assert conditions['threads'] == torch.get_num_threads()
    assert json.loads(json.dumps(numbers)) == numbers


def test_a_classical_method_is_not_trained(measure, caplog):
    cfg = Config(dict(model=dict(type='ClassicalInpaintor', method='telea')))
    numbers = measure(Entry('telea', 'telea', cfg=cfg))
    assert numbers.keys() == INFERENCE - {'flops_per_image', 'rounds'}
    assert sorted(numbers['conditions']) == ['batch_size', 'repeats', 'threads', 'warm_up']
    assert not caplog.text


@pytest.mark.parametrize(
    ('broken', 'message'),
    [
        (dict(optim_wrapper=dict(generator=dict(type='Missing'))), 'KeyError: '),
        (dict(train_dataloader=dict(dataset=dict(num_scenes=0))), 'num_scenes is 0'),
    ],
)
def test_a_training_that_does_not_work_leaves_inference(cfg, measure, caplog, broken, message):
    cfg.merge_from_dict(broken)
    numbers = measure(Entry('ours', 'o.py', cfg=cfg))
    assert numbers.keys() == INFERENCE
    assert 'ours: speed of training not measured: ' in caplog.text
    assert message in caplog.text


def test_an_entry_has_a_new_process(batch, log, monkeypatch, tmp_path):
    cfg = Config(dict(model=dict(type='ClassicalInpaintor', method='mean_color')))
    monkeypatch.chdir(tmp_path)
    numbers = measure_speed(Entry('m', 'mean_color', cfg=cfg), batch, log, 'cpu', LOGGER, 1.0)
    assert numbers['seconds_per_image'] > 0
    assert 0 <= numbers['peak_memory'] < 2**30
    assert log.is_file()
