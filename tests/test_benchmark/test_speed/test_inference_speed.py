from types import SimpleNamespace

import pytest
import torch
from mmagic.registry import MODELS
from mmengine.config import Config
from mmengine.registry import init_default_scope

from fbinpaint_mm.benchmark.data.pairs import ImageHolePairs
from fbinpaint_mm.benchmark.speed.flop_counter import count_flops
from fbinpaint_mm.benchmark.speed.inference_speed import measure_inference
from fbinpaint_mm.benchmark.speed.stopwatch import Stopwatch

STOPWATCH = Stopwatch(warm_up=0, repeats=1)
MEMORY = SimpleNamespace(restart=lambda: None, bytes=lambda: 123)


@pytest.fixture(scope='module')
def cfg(repository):
    init_default_scope('mmagic')
    return Config.fromfile(repository / 'tests/test_benchmark/small_config.py')


@pytest.fixture(scope='module')
def batch(cfg):
    return ImageHolePairs(cfg, 'small.py').first_batch()


def test_costs_of_every_number_of_rounds(cfg, batch):
    model = MODELS.build(cfg.model).eval()
    numbers = measure_inference(model, batch, STOPWATCH, MEMORY)
    assert [sorted(cost) for cost in numbers['rounds']] == [
        ['flops_per_image', 'seconds_per_image']
    ] * 2
    first, second = (cost['flops_per_image'] for cost in numbers['rounds'])
    with torch.no_grad():
        initial = count_flops(
            model.generator, torch.zeros(1, 3, 32, 32), torch.zeros(1, 1, 32, 32), 0
        )
    assert first == initial
    assert second > 2 * first, 'a round segments and inpaints again'
    assert {key: numbers[key] for key in numbers['rounds'][1]} == numbers['rounds'][1]
    assert numbers['parameters'] == sum(one.numel() for one in model.generator.parameters())
    assert numbers['peak_memory'] == 123
    assert sorted(numbers) == [
        'flops_per_image',
        'parameters',
        'peak_memory',
        'rounds',
        'seconds_per_image',
    ]


def test_a_classical_method_has_no_rounds_and_no_flops(batch):
    model = MODELS.build(dict(type='ClassicalInpaintor', method='telea')).eval()
    numbers = measure_inference(model, batch, STOPWATCH, MEMORY)
    assert sorted(numbers) == ['parameters', 'peak_memory', 'seconds_per_image']
    assert numbers['parameters'] == 0
