"""A training that diverges stops before it spoils anything, and can be resumed."""

from __future__ import annotations

import math
import multiprocessing
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mmengine.optim import OptimWrapper
from torch import distributed

from fbinpaint_mm.cli.resume import find_newest_checkpoint
from fbinpaint_mm.engine import DivergedTrainingError, DivergenceHook
from fbinpaint_mm.user_error import UserError
from tests.test_engine.toy_run import assert_same_state, toy_runner

NAN, INF = math.nan, math.inf
SELDOM = dict(interval=100)


def diverging_runner(work_dir, factors, max_iters=6, first=0, checkpoint=SELDOM, **hook):
    hook = dict(type='DivergenceHook', **hook)
    resume = work_dir / f'iter_{first}.pth' if first else None
    runner = toy_runner(work_dir, max_iters, checkpoint, [hook], resume)
    runner.model.factors, runner.model.first = factors, first
    return runner


def stopped(runner):
    with pytest.raises(DivergedTrainingError) as error:
        runner.train()
    return error.value


@pytest.fixture
def short_window(monkeypatch):
    monkeypatch.setattr('fbinpaint_mm.engine.hooks.divergence_hook.WINDOW', 3)


@pytest.fixture(scope='module')
def whole(tmp_path_factory):
    """Folder of an uninterrupted run with a checkpoint of every iteration."""
    work_dir = tmp_path_factory.mktemp('whole')
    toy_runner(work_dir, 6, dict(interval=1, max_keep_ckpts=10)).train()
    return work_dir


@pytest.mark.parametrize(
    ('where', 'value', 'terms'),
    [
        # Statistics of the normalization layer are spoiled when the first loss is known.
        ('image', NAN, {'loss_disc': 'is nan'}),
        ('loss_disc', INF, {'loss_disc': 'is inf'}),
        # The discriminator has been updated when these are known.
        ('loss_l1', NAN, {'loss_l1': 'is nan'}),
        ('loss_gan', -INF, {'loss_gan': 'is -inf'}),
        ('root', 0, {'gradient norm of generator': 'is nan'}),
    ],
)
def test_stops_with_the_state_before_the_iteration(whole, tmp_path, where, value, terms):
    error = stopped(diverging_runner(tmp_path, {(3, where): value}))
    assert error.iteration == 3
    assert error.terms == terms
    assert error.term == next(iter(terms))
    assert all(re.fullmatch(r'images/\d\.png', name) for name in error.samples)
    assert len(error.samples) == 2
    assert error.checkpoint == tmp_path / 'iter_3.pth'
    text = str(error)
    assert text.startswith(f'Training stopped at iteration 3 (counted from 0): {error.term} ')
    assert f'Samples: {error.samples[0]}, {error.samples[1]}. ' in text
    assert '--resume' in text
    assert_same_state(tmp_path / 'iter_3.pth', whole / 'iter_3.pth')

    newest = find_newest_checkpoint(tmp_path)
    assert newest == error.checkpoint
    toy_runner(tmp_path, 6, resume=newest).train()
    assert_same_state(tmp_path / 'iter_6.pth', whole / 'iter_6.pth')


def test_samples_are_those_of_the_bad_iteration(tmp_path):
    runner = diverging_runner(tmp_path, {(2, 'loss_l1'): NAN})
    error = stopped(runner)
    fresh = toy_runner(tmp_path, 6)
    loader = iter(fresh.build_dataloader(fresh.train_dataloader))
    batches = [next(loader) for _ in range(3)]
    expected = [sample.gt_path for sample in batches[2]['data_samples']]
    assert list(error.samples) == expected


def test_first_iteration(tmp_path):
    error = stopped(diverging_runner(tmp_path, {(0, 'loss_gan'): NAN}))
    assert (error.iteration, error.checkpoint.name) == (0, 'iter_0.pth')
    toy_runner(tmp_path, 2, resume=find_newest_checkpoint(tmp_path)).train()
    assert (tmp_path / 'iter_2.pth').is_file()


def test_a_good_training_is_left_alone(whole, tmp_path, short_window):
    runner = diverging_runner(tmp_path, {}, explode_factor=1000)
    runner.train()
    assert_same_state(tmp_path / 'iter_6.pth', whole / 'iter_6.pth')
    assert 'parse_losses' not in vars(runner.model)
    assert not any(
        wrapper.optimizer._optimizer_step_pre_hooks for wrapper in runner.optim_wrapper.values()
    )


def test_the_model_is_left_as_it_was(tmp_path):
    runner = diverging_runner(tmp_path, {(0, 'loss_gan'): NAN})
    stopped(runner)
    assert 'parse_losses' not in vars(runner.model)


@pytest.mark.parametrize('share', [0.99, 1.01])
def test_exploding_term(whole, tmp_path, share, short_window):
    """The bound is 1000 times the median of the last three, or 1000 where that is below 1."""
    saved = torch.load(whole / 'iter_6.pth', weights_only=False)['message_hub']
    history = saved['log_scalars']['train/loss_l1'].data[0]
    median = np.median(np.abs(history[2:5]))
    factor = share * 1000 * max(1, median) / history[5]
    runner = diverging_runner(tmp_path, {(5, 'loss_l1'): factor}, explode_factor=1000)
    if share < 1:
        runner.train()
        return
    error = stopped(runner)
    assert error.iteration == 5
    assert list(error.terms) == ['loss_l1']
    match = re.fullmatch(
        r'exploded to (\S+), the median of its last 3 is (\S+)', error.terms['loss_l1']
    )
    assert float(match[1]) == pytest.approx(factor * history[5], rel=1e-3)
    assert float(match[2]) == pytest.approx(median, rel=1e-3)


def test_exploding_is_not_checked_without_a_past(tmp_path, short_window):
    runner = diverging_runner(tmp_path, {(2, 'loss_l1'): 1e9}, explode_factor=1000)
    runner.train()
    assert runner.iter == 6


def test_exploding_is_checked_by_what_was_logged_before_a_resume(tmp_path, short_window):
    toy_runner(tmp_path, 3, dict(interval=3)).train()
    runner = diverging_runner(tmp_path, {(3, 'loss_l1'): 1e9}, first=3, explode_factor=1000)
    assert stopped(runner).iteration == 3


def test_unseen_spoiled_parameters_are_never_saved(tmp_path):
    """What happens between two checks of a longer interval."""
    error = stopped(diverging_runner(tmp_path, {(3, 'loss_l1'): NAN}, interval=2))
    assert (error.iteration, error.checkpoint) == (4, None)
    assert 'generator.0.weight is not finite either' in str(error)
    assert not list(tmp_path.glob('*.pth'))

    error = stopped(
        diverging_runner(tmp_path, {(3, 'loss_l1'): NAN}, interval=10, checkpoint=dict(interval=2))
    )
    assert error.term == 'generator.0.weight'
    assert 'No checkpoint is written with it' in str(error)
    assert [path.name for path in tmp_path.glob('*.pth')] == ['iter_2.pth']


def test_spoiled_parameters_are_not_saved_before_the_training_either(tmp_path):
    model = torch.nn.Linear(2, 2)
    model.weight.data[0, 0] = NAN
    hook = DivergenceHook()
    with pytest.raises(DivergedTrainingError, match='weight is not finite'):
        hook.before_save_checkpoint(SimpleNamespace(model=model, iter=0), {})


def test_full_disk_does_not_hide_the_reason(tmp_path, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr('fbinpaint_mm.engine.save_state.write_file', full)
    error = stopped(diverging_runner(tmp_path, {(3, 'loss_l1'): NAN}))
    assert (error.term, error.checkpoint) == ('loss_l1', None)
    assert 'The state before it is not saved: [Errno 28] No space left' in str(error)


class ScaledWrapper(OptimWrapper):
    """Mixed precision's loss scaling, which mmengine offers on a GPU only."""

    def __init__(self, optimizer):
        super().__init__(optimizer)
        self.scaler = torch.amp.GradScaler('cpu', init_scale=4.0)

    def backward(self, loss, **kwargs):
        self.scaler.scale(loss).backward(**kwargs)
        self._inner_count += 1

    def step(self, **kwargs):
        self.scaler.step(self.optimizer)
        self.scaler.update()


@pytest.mark.parametrize(('where', 'value'), [('root', 0), ('loss_l1', INF)])
def test_loss_scaling(tmp_path, where, value):
    """Infinite gradients are the scaler's own affair, infinite losses are not."""
    runner = diverging_runner(tmp_path, {(3, where): value})
    optimizer = runner.optim_wrapper['generator'].optimizer
    runner.optim_wrapper.optim_wrappers['generator'] = ScaledWrapper(optimizer)
    if where == 'loss_l1':
        assert stopped(runner).iteration == 3
        return
    runner.train()
    assert runner.optim_wrapper['generator'].scaler.get_scale() == 2.0
    assert all(parameter.isfinite().all() for parameter in runner.model.parameters())


def train_on_rank(rank, work_dir, store, results):
    torch.set_num_threads(1)
    distributed.init_process_group('gloo', init_method=f'file://{store}', rank=rank, world_size=2)
    runner = diverging_runner(work_dir, {(3, 'loss_l1'): NAN} if rank == 1 else {})
    try:
        runner.train()
    except DivergedTrainingError as error:
        results.put((rank, error.iteration, error.terms, error.samples, str(error.checkpoint)))
    distributed.destroy_process_group()


def test_all_ranks_stop_together(tmp_path):
    """Only one of them has seen something, and it has no file to write."""
    context = multiprocessing.get_context('fork')
    results = context.Queue()
    ranks = [
        context.Process(
            target=train_on_rank, args=(r, tmp_path / 'run', tmp_path / 'store', results)
        )
        for r in range(2)
    ]
    for process in ranks:
        process.start()
    found = sorted(results.get(timeout=60) for _ in ranks)
    for process in ranks:
        process.join(60)
    assert [rank for rank, *_ in found] == [0, 1]
    assert found[0][1:] == found[1][1:]
    assert found[0][1:3] == (3, {'loss_l1': 'is nan'})
    assert len(found[0][3]) == 2, 'the batch of rank 1'
    assert (tmp_path / 'run' / 'iter_3.pth').is_file()


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        (dict(interval=0), 'interval of DivergenceHook must be at least 1, got 0'),
        (dict(explode_factor=1), 'explode_factor must be above 1 or None, got 1'),
    ],
)
def test_settings_are_checked(settings, message):
    with pytest.raises(UserError, match=message):
        DivergenceHook(**settings)
