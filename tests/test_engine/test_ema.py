"""mmengine's EMAHook and --auto-scale-lr with a model of several parts."""

from __future__ import annotations

import torch
from mmengine.hooks import EMAHook, Hook

ITERATIONS = 3


class Watch(Hook):
    """Keeps the weights that validation works with, and those after each iteration."""

    priority = 'LOWEST'

    def before_val_epoch(self, runner):
        self.validated = copied(runner.model)

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.trained = copied(runner.model)


def copied(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def train(runner):
    """The runner after its training, with a moving average and a watch."""
    ema, watch = EMAHook(momentum=0.3), Watch()
    for hook in (ema, watch):
        runner.register_hook(hook)
    runner.train()
    return ema, watch


def test_average_is_validated_and_saved_and_training_goes_on_without(small_run, tmp_path):
    whole_runner = small_run(tmp_path / 'whole', 2 * ITERATIONS)
    whole, watch = train(whole_runner)
    average = whole.ema_model.module.state_dict()
    learning = [f'generator.{name}' for name, _ in whole_runner.model.generator.named_parameters()]
    assert any(not torch.equal(average[name], watch.trained[name]) for name in learning)
    saved = torch.load(tmp_path / f'whole/iter_{2 * ITERATIONS}.pth', weights_only=False)
    for name in learning:
        assert torch.equal(watch.validated[name], average[name]), name
        assert torch.equal(saved['state_dict'][name], average[name]), name
        assert torch.equal(saved['ema_state_dict'][f'module.{name}'], watch.trained[name]), name
    for name, value in whole_runner.model.state_dict().items():
        assert torch.equal(value, watch.trained[name]), name

    middle = tmp_path / f'whole/iter_{ITERATIONS}.pth'
    runner = small_run(tmp_path / 'rest', 2 * ITERATIONS, checkpoint=middle)
    rest, _ = train(runner)
    for found, expected in (
        (runner.model.state_dict(), whole_runner.model.state_dict()),
        (rest.ema_model.state_dict(), whole.ema_model.state_dict()),
    ):
        for name, value in found.items():
            assert torch.equal(value, expected[name]), name
    assert rest.ema_model.steps == 2 * ITERATIONS


def test_learning_rates_follow_the_batch_size(small_run, tmp_path):
    """The configs are made for 8 images, this run has 4."""
    runner = small_run(tmp_path, 1)
    wrappers = runner.build_optim_wrapper(runner.optim_wrapper)
    before = wrappers['generator'].optimizer.param_groups[0]['lr']
    runner.scale_lr(wrappers, runner.auto_scale_lr)
    assert wrappers['generator'].optimizer.param_groups[0]['lr'] == before
    runner.scale_lr(wrappers, dict(runner.auto_scale_lr, enable=True))
    assert wrappers['generator'].optimizer.param_groups[0]['lr'] == before / 2
