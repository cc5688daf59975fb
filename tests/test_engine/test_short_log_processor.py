"""Lines of the log that fit on a screen."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from mmagic.registry import LOG_PROCESSORS
from mmengine.logging import MessageHub

from fbinpaint_mm.engine.short_log_processor import format_losses, head_of

LOSSES = {
    'loss': 15.5325,
    'round0_loss_l1_hole': 2.5,
    'round1_loss_l1_hole': 2.75,
    'round1_loss_segmentation': 2.25,
    'round1_loss_confidence': -3.5,
    'loss_perceptual': 0.5,
    'loss_disc': 40.0,
    'real_loss': 30.0,
    'grad_norm': 28.0,
}


@pytest.fixture
def runner(tmp_path):
    """After 4 of 10 iterations of 2 seconds each, the first of which took 60."""
    hub = MessageHub(str(tmp_path))
    for seconds in (60.0, 2.0, 2.0, 2.0):
        hub.update_scalars({'train/time': seconds, 'train/data_time': 0.5})
    hub.update_scalars({f'train/{name}': value for name, value in LOSSES.items()})
    hub.update_scalars(
        {'train/generator.base_lr': 2e-4, 'train/generator.lr': 6e-5, 'train/disc.lr': 1e-4}
    )
    scores = {'round0/PSNR': 20.0, 'PSNR': 21.0, 'PSNR_10-20': 23.0, 'PSNR_std': 1.0}
    hub.update_scalars({f'val/{name}': value for name, value in scores.items()})
    loop = SimpleNamespace(total_length=6)
    return SimpleNamespace(
        message_hub=hub, iter=3, max_iters=10, _train_loop=loop, _val_loop=loop, val_loop=loop
    )


@pytest.fixture
def processor():
    return LOG_PROCESSORS.build(dict(type='ShortLogProcessor', by_epoch=False, _scope_='mmagic'))


def test_a_line_of_training_has_the_time_left_and_the_largest_terms(processor, runner):
    numbers, line = processor.get_log_after_iter(runner, 3, 'train')
    assert line == (
        'Iter(train) [ 4/10]  generator.lr 2.0e-04  disc.lr 1.0e-04  eta 0:00:12  2.00 s  '
        'loss 15.53 (l1_hole 5.25, confidence -3.5, segmentation 2.25)'
    )
    assert numbers['iter'] == 4
    assert {f'train/{name}' for name in LOSSES} <= set(numbers)
    assert numbers['train/time'] == 16.5, 'of the last ten iterations, as mmengine has it'


def test_on_a_gpu_it_has_the_memory(processor, runner, monkeypatch):
    runner.model = None
    monkeypatch.setattr('mmengine.runner.log_processor.is_cuda_available', lambda: True)
    monkeypatch.setattr('mmengine.runner.log_processor.get_max_cuda_memory', lambda device: 1234)
    _, line = processor.get_log_after_iter(runner, 3, 'train')
    assert '2.00 s  memory 1234 MB  loss 15.53' in line


def test_without_a_timer_there_is_no_time(processor, runner):
    for name in ('time', 'data_time'):
        runner.message_hub.log_scalars.pop(f'train/{name}')
    _, line = processor.get_log_after_iter(runner, 3, 'train')
    assert 'eta' not in line
    assert 'disc.lr 1.0e-04  loss 15.53' in line


def test_the_head_of_a_line_is_mmengines_by_iterations_and_by_epochs():
    assert head_of('Iter(val) [ 5/10]  eta: 0:00:03  [x]  ') == 'Iter(val) [ 5/10]'
    assert head_of('Epoch(train)  [ 2][ 5/10]  lr: 1e-4  ') == 'Epoch(train)  [ 2][ 5/10]'


def test_a_line_of_a_validation_has_the_final_scores(processor, runner):
    numbers, line = processor.get_log_after_epoch(runner, 6, 'val')
    assert line == 'Iter(val) [6/6]  PSNR 21.0000'
    assert numbers['val/round0/PSNR'] == 20
    assert numbers['val/PSNR_10-20'] == 23


@pytest.mark.parametrize(
    ('values', 'expected'),
    [
        ({'loss': 1.5}, 'loss 1.5'),
        ({'loss_gan': 0.25, 'acc': 90.0}, 'gan 0.25'),
        ({'loss': 2.0, 'decode.loss_ce': 2.0, 'decode.acc_seg': 90.0}, 'loss 2 (decode.ce 2)'),
        ({'acc': 90.0}, ''),
    ],
)
def test_losses_of_other_models(values, expected):
    assert format_losses(values) == expected
