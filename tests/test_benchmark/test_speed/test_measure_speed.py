"""The parent and its worker, without the process between them; ``child_process`` has its own."""

import json
import logging
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

from fbinpaint_mm.benchmark.data.pairs import ImageHolePairs
from fbinpaint_mm.benchmark.entry import Entry
from fbinpaint_mm.benchmark.speed import measure_speed as speed
from fbinpaint_mm.benchmark.speed import speed_worker
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


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch):
    def run(command, log, device):
        assert command[:3] == [sys.executable, '-m', speed_worker.__name__]
        assert device == 'cpu'
        speed_worker.main(Path(command[3]))

    monkeypatch.setattr(speed, 'run_child', run)


def test_an_entry_is_measured_as_results_describe_it(cfg, batch, tmp_path):
    numbers = measure_speed(Entry('ours', 'o.py', cfg=cfg), batch, tmp_path, 'cpu', LOGGER, 0.0)
    assert numbers.keys() == INFERENCE | TRAINING
    assert len(numbers['rounds']) == 2
    assert numbers['conditions'] == dict(
        warm_up=0,
        repeats=1,
        batch_size=1,
        threads=torch.get_num_threads(),
        training_warm_up=0,
        training_repeats=1,
        training_batch_size=2,
    )
    assert json.loads(json.dumps(numbers)) == numbers


def test_a_classical_method_is_not_trained(batch, tmp_path, caplog):
    cfg = Config(dict(model=dict(type='ClassicalInpaintor', method='telea')))
    numbers = measure_speed(Entry('telea', 'telea', cfg=cfg), batch, tmp_path, 'cpu', LOGGER, 0.0)
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
def test_a_training_that_does_not_work_leaves_inference(
    cfg, batch, tmp_path, caplog, broken, message
):
    cfg.merge_from_dict(broken)
    numbers = measure_speed(Entry('ours', 'o.py', cfg=cfg), batch, tmp_path, 'cpu', LOGGER, 0.0)
    assert numbers.keys() == INFERENCE
    assert 'ours: speed of training not measured: ' in caplog.text
    assert message in caplog.text
