"""The whole model in half precision, with features whose squares overflow in float16."""

import copy
from functools import partial

import pytest
import torch
from mmagic.registry import MODELS
from mmengine.optim import OptimWrapperDict, build_optim_wrapper
from mmengine.registry import DefaultScope
from torch import nn

from tests.test_models.small_model import CLASSES, all_finite, make_batch, reached

CHANNELS, SCALE = 512, 1e3
HALVES = [torch.float16, torch.bfloat16]


@pytest.fixture
def model(small, build):
    """512 pixel features of about 1000: the sum of their squares is 8000 times float16's end."""
    segmentor = copy.deepcopy(small['generator']['segmentor'])
    segmentor['decode_head']['channels'] = CHANNELS
    model = build(dict(segmentor=segmentor), adversarial=True, perceptual=True)
    with torch.no_grad():
        for parameter in model.generator.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)  # some parts start at zero
        model.loop.decode_head.convs[-1].bn.weight.fill_(SCALE)
        model.loop.memory.prototypes.normal_()
        model.loop.memory.updates.fill_(1)
    return model.train()


@pytest.fixture
def batch():
    return make_batch()


@pytest.mark.parametrize('dtype', HALVES)
def test_everything_stays_finite_and_reaches_every_parameter(model, batch, dtype):
    data = model.data_preprocessor(batch, True)
    seen = []
    model.loop.decode_head.conv_seg.register_forward_pre_hook(lambda m, args: seen.append(args[0]))
    with torch.autocast('cpu', dtype):
        losses = model(**data, mode='loss')
    assert all(one.dtype == dtype for one in seen)
    assert (seen[0].float() ** 2).sum(1).mean() > torch.finfo(torch.float16).max
    for name, value in losses.items():
        assert value.dtype == torch.float32, name
        assert torch.isfinite(value), name
    sum(losses.values()).backward()
    for name, parameter in model.generator.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.any(), name


@pytest.mark.parametrize('dtype', HALVES)
def test_maps_are_corrected_as_in_float32(model, batch, dtype):
    data = model.data_preprocessor(batch, True)
    features = torch.randn(2, CHANNELS, 16, 16).mul(SCALE).to(dtype)
    logits, mask = torch.randn(2, CLASSES, 16, 16), data['data_samples'].mask
    given = (model.loop.memory.prototypes, mask, torch.rand_like(mask))
    with torch.autocast('cpu', dtype):
        found = model.loop.recorrection(logits, features, *given)
    expected = model.loop.recorrection(logits, features.float(), *given)
    assert found.dtype == torch.float32
    assert torch.equal(found, expected)


def train(model, batch, **wrapper):
    """Two steps with every part; the wrappers, and the dtypes that a convolution gave."""
    with DefaultScope.overwrite_default_scope('mmagic'):
        wrappers = OptimWrapperDict(
            **{
                name: build_optim_wrapper(
                    getattr(model, name),
                    copy.deepcopy(dict(wrapper, optimizer=dict(type='SGD', lr=1e-4))),
                )
                for name in ('generator', 'disc')
            }
        )
    dtypes = set()
    first = next(one for one in model.loop.guided.modules() if isinstance(one, nn.Conv2d))
    first.register_forward_hook(lambda module, args, output: dtypes.add(output.dtype))
    before = [parameter.detach().clone() for parameter in model.generator.parameters()]
    for _ in range(2):
        losses = model.train_step(batch, wrappers)
        model.update_class_memory()
    assert all_finite(losses)
    assert model.loop.memory.updates.max() == 3
    for name, value in model.state_dict().items():
        assert value.dtype in (torch.float32, torch.int64), name
        assert torch.isfinite(value).all(), name
    after = zip(model.generator.parameters(), before, strict=True)
    moved = [not torch.equal(now, then) for now, then in after]
    assert sum(moved) > 0.9 * len(moved), 'but for steps below the resolution of float32'
    return wrappers, dtypes


def test_training_in_bfloat16_on_a_cpu(model, batch):
    _, dtypes = train(model, batch, type='BFloat16OptimWrapper')
    assert dtypes == {torch.bfloat16}


def test_training_of_migan_in_bfloat16(build, batch):
    network = dict(type='MIGANEncoderDecoder', channels=(4, 6, 8), noise_size=16)
    model = build(dict(initial=network, guided=network), adversarial=True, perceptual=True)
    model.loop.memory.updates.fill_(1)
    _, dtypes = train(model.train(), batch, type='BFloat16OptimWrapper')
    assert dtypes == {torch.bfloat16}


def test_training_in_float16_with_a_scaled_loss(model, batch, monkeypatch):
    """mmengine's wrapper for GPUs, with torch's scaler and autocast for CPUs put into it."""
    module = 'mmengine.optim.optimizer.amp_optimizer_wrapper'
    monkeypatch.setattr(f'{module}.is_cuda_available', lambda: True)
    monkeypatch.setattr(f'{module}.GradScaler', partial(torch.amp.GradScaler, 'cpu'))
    monkeypatch.setattr(
        'mmengine.runner.amp.autocast', lambda dtype: torch.autocast('cpu', torch.float16)
    )
    scale = dict(loss_scale=dict(init_scale=16.0), clip_grad=dict(max_norm=1000.0))
    wrappers, dtypes = train(model, batch, type='AmpOptimWrapper', **scale)
    assert dtypes == {torch.float16}
    scales = [wrapper.loss_scaler.get_scale() for wrapper in wrappers.values()]
    assert scales == [16, 16], 'an overflow would have halved it'


def test_a_round_without_a_graph_takes_no_gradient_from_later_ones(model, batch):
    """The confidence runs in round 0 too, which does not learn."""
    model.loop.freeze_initial = True
    model.loop.initial.requires_grad_(False)
    data = model.data_preprocessor(batch, True)
    with torch.autocast('cpu', torch.bfloat16):
        losses = model(**data, mode='loss')
    sum(losses.values()).backward()
    for name, parameter in model.generator.named_parameters():
        learns = not name.startswith('initial.')
        assert parameter.requires_grad == learns, name
        reached = parameter.grad is not None and bool(parameter.grad.any())
        assert reached == learns, name


@pytest.mark.parametrize('dtype', HALVES)
def test_the_semantic_feature_loss_is_float32_and_teaches_in_half_precision(model, batch, dtype):
    model.losses.semantic = MODELS.build(dict(type='SemanticFeatureLoss'))
    model.teacher.copy_from(model.student)
    data = model.data_preprocessor(batch, True)
    with torch.autocast('cpu', dtype):
        losses = model(**data, mode='loss')
    found = [losses[f'round{number}_loss_semantic'] for number in range(3)]
    assert all(value.dtype == torch.float32 and 0 < value <= 4 for value in found)
    found[2].backward()
    assert {name.split('.')[1] for name in reached(model)} == {'guided'}
