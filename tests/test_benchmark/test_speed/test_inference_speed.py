from types import SimpleNamespace

import pytest
import torch
from mmagic.registry import MODELS

from fbinpaint_mm.benchmark.pairs import ImageHolePairs
from fbinpaint_mm.benchmark.speed.inference_speed import make_synthetic_batch, measure_inference
from fbinpaint_mm.benchmark.speed.meters import count_flops

ONCE = 0.0  # seconds to repeat for: one call counts
MEMORY = SimpleNamespace(restart=lambda: None, bytes=lambda: 123)


@pytest.fixture
def batch(cfg):
    return ImageHolePairs(cfg, 'small.py').first_batch()


def test_costs_of_every_number_of_rounds(cfg, batch):
    model = MODELS.build(cfg.model).eval()
    numbers = measure_inference(model, batch, MEMORY, ONCE)
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
        'conditions',
        'flops_per_image',
        'parameters',
        'peak_memory',
        'rounds',
        'seconds_per_image',
    ]


def test_a_classical_method_has_no_rounds_and_no_flops(batch):
    model = MODELS.build(dict(type='ClassicalInpaintor', method='telea')).eval()
    numbers = measure_inference(model, batch, MEMORY, ONCE)
    assert sorted(numbers) == ['conditions', 'parameters', 'peak_memory', 'seconds_per_image']
    assert numbers['parameters'] == 0


def test_what_is_in_an_onnx_file_is_not_counted(batch, tmp_path):
    onnx = pytest.importorskip('onnx')
    text = """<ir_version: 8, opset_import: ["": 17]>
    pipeline (uint8[N,3,H,W] image, uint8[N,1,H,W] mask) => (uint8[N,3,H,W] result) {
        result = Max (image, mask)
    }"""
    onnx.save(onnx.parser.parse_model(text), tmp_path / 'a.onnx')
    model = MODELS.build(dict(type='OnnxInpaintor', onnx_file=str(tmp_path / 'a.onnx'))).eval()
    numbers = measure_inference(model, batch, MEMORY, ONCE)
    assert sorted(numbers) == ['conditions', 'peak_memory', 'seconds_per_image']


def test_a_quarter_of_the_noise_is_a_gray_hole():
    batch = make_synthetic_batch(8)
    (image,), (sample,) = batch['inputs'], batch['data_samples']
    assert sample.mask.sum() == 16
    assert sample.mask[0, 2:6, 2:6].all()
    hole = sample.mask.bool().expand(3, 8, 8)
    assert (image[hole] == 127.5).all()
    assert torch.equal(image[~hole], sample.gt_img[~hole].float())
    assert sample.gt_img.dtype == torch.uint8


def test_a_size_always_gives_the_same_pixels():
    first, second = (make_synthetic_batch(5)['data_samples'][0].gt_img for _ in range(2))
    assert torch.equal(first, second)
    assert first.unique().numel() > 10
