from types import SimpleNamespace

import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.logging import MessageHub
from mmengine.model import BaseModel
from mmengine.registry import MODEL_WRAPPERS
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import Dataset

from fbinpaint_mm.engine.hooks import FeedbackHook
from fbinpaint_mm.models.feedback.class_memory import CompletedBatch
from fbinpaint_mm.user_error import UserError


class ToyModel(BaseModel):
    """Notes what the hook does to it; every third batch has no map to learn from."""

    def __init__(self, rounds=2):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.rounds = rounds
        self.calls = []

    def forward(self, inputs, mode='tensor'):
        self.calls.append('forward')
        return dict(loss=self.weight * torch.stack(inputs).mean())

    def link_feedback(self):
        self.calls.append('link')

    def set_feedback(self, strength, rounds):
        self.calls.append(('set', round(strength, 6), rounds))
        self.rounds = rounds

    def update_class_memory(self):
        self.calls.append('update')
        if self.calls.count('update') % 3 == 0:
            return None
        return CompletedBatch(
            features=torch.zeros(4, 1, 1, 1),
            labels=torch.zeros(4, 1, 1, 1),
            is_labeled=torch.tensor([True, True, True, False]),
            corrected_share=torch.tensor(0.25),
        )


class ToyData(Dataset):
    def __len__(self):
        return 8

    def __getitem__(self, index):
        return dict(inputs=torch.ones(1) * index)


def make_runner(work_dir, hook, model=None, max_iters=4, **options):
    return Runner(
        model=model or ToyModel(),
        work_dir=str(work_dir),
        train_dataloader=dict(
            dataset=ToyData(),
            batch_size=2,
            sampler=dict(type='InfiniteSampler', shuffle=False),
            collate_fn=pseudo_collate,
        ),
        train_cfg=dict(by_epoch=False, max_iters=max_iters),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        default_hooks=dict(
            checkpoint=dict(type='CheckpointHook', interval=2, by_epoch=False),
            logger=dict(type='LoggerHook', interval=1),
        ),
        custom_hooks=[hook],
        default_scope='mmagic',
        experiment_name=f'{work_dir.name}_{max_iters}',
        **options,
    )


@pytest.mark.parametrize(
    ('options', 'expected'),
    [
        (dict(), {0: 1, 5: 1}),
        (dict(start=3), {0: 0, 2: 0, 3: 1, 4: 1}),
        (dict(ramp=4), {0: 0.25, 1: 0.5, 3: 1, 4: 1, 100: 1}),
        (dict(start=2, ramp=4), {1: 0, 2: 0.25, 3: 0.5, 5: 1, 9: 1}),
    ],
)
def test_strength_follows_start_and_ramp(options, expected):
    hook = FeedbackHook(**options)
    found = {iteration: hook.strength_at(iteration) for iteration in expected}
    assert found == pytest.approx(expected)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(start=-1), 'start and ramp must not be negative, got start=-1, ramp=0'),
        (dict(ramp=-2), 'start and ramp must not be negative, got start=0, ramp=-2'),
    ],
)
def test_impossible_settings_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        FeedbackHook(**options)


def test_links_before_the_run_and_acts_around_every_iteration(tmp_path):
    runner = make_runner(tmp_path, FeedbackHook(start=1, ramp=2))
    runner.train()
    strengths = [0, 0.5, 1, 1]
    expected = ['link']
    for strength in strengths:
        expected += [('set', strength, 2), 'forward', 'update']
    assert runner.model.calls == expected


def rounds_of(model):
    return [call[2] for call in model.calls if call[0] == 'set']


@pytest.mark.parametrize(
    ('options', 'only_last_learns', 'expected'),
    [
        (dict(), False, [2, 2, 2, 2]),  # the model's own 2
        (dict(cycle_rounds=True), False, [1, 2, 1, 2]),
        (dict(cycle_rounds=True), False, [1, 2, 3, 1]),
        (dict(cycle_rounds=True), False, [1, 1, 1, 1]),
        (dict(cycle_rounds=True), False, [0, 0, 0, 0]),
        (dict(), True, [1, 2, 1, 2]),  # rounds take turns by themselves
        (dict(cycle_rounds=False), True, [2, 2, 2, 2]),
    ],
)
def test_iterations_take_turns_with_the_rounds(options, only_last_learns, expected):
    """Iterations count, not batches of an epoch; the period is known once the run began."""
    hook, model = FeedbackHook(**options), ToyModel()
    model.only_last_learns, model.rounds = only_last_learns, max(expected)
    runner = SimpleNamespace(model=model, iter=0)
    assert hook.period == 1
    hook.before_run(runner)
    assert hook.period == len(set(expected))
    for runner.iter in range(4):
        hook.before_train_iter(runner, batch_idx=0)
    assert rounds_of(model) == expected


def test_says_in_the_log_what_it_did(tmp_path):
    runner = make_runner(tmp_path, FeedbackHook(ramp=4))
    runner.train()
    scalars = runner.message_hub.log_scalars
    history = scalars['train/feedback/strength'].data[0]
    assert history.tolist() == [0.25, 0.5, 0.75, 1]
    labeled = scalars['train/feedback/labeled'].data[0]
    assert labeled.tolist() == [3, 3, 3]
    assert scalars['train/feedback/corrected_share'].data[0].tolist() == [0.25] * 3
    assert 'feedback/strength: ' in next(tmp_path.glob('*/*.log')).read_text()


def test_a_resumed_schedule_goes_on_where_it_stopped(tmp_path):
    make_runner(tmp_path, FeedbackHook(ramp=4), max_iters=2).train()
    runner = make_runner(
        tmp_path,
        FeedbackHook(ramp=4),
        load_from=str(tmp_path / 'iter_2.pth'),
        resume=True,
    )
    runner.train()
    sets = [call for call in runner.model.calls if call[0] == 'set']
    assert sets == [('set', 0.75, 2), ('set', 1, 2)]


@pytest.mark.parametrize(
    ('rounds', 'expected'), [(2, [2, 1, 2, 1]), (3, [1, 2, 3, 1]), (4, [4, 1, 2, 3])]
)
def test_a_resumed_cycle_goes_on_where_it_stopped(tmp_path, rounds, expected):
    """After three iterations: for most R in the middle of a turn."""
    hooks = [FeedbackHook(cycle_rounds=True) for _ in range(2)]
    make_runner(tmp_path, hooks[0], ToyModel(rounds), max_iters=3).train()
    runner = make_runner(
        tmp_path,
        hooks[1],
        ToyModel(rounds),
        max_iters=7,
        load_from=str(tmp_path / 'iter_3.pth'),
        resume=True,
    )
    runner.train()
    assert rounds_of(runner.model) == expected


def test_methods_that_a_model_lacks_are_named(tmp_path):
    class Plain(ToyModel):
        set_feedback = update_class_memory = property()

    message = (
        'FeedbackHook needs rounds, link_feedback, set_feedback, update_class_memory, see '
        r'fbinpaint_mm\.engine\.hooks\.feedback_hook\.FeedbackModel; Plain lacks set_feedback, '
        'update_class_memory$'
    )
    runner = make_runner(tmp_path, FeedbackHook(), model=Plain())
    with pytest.raises(UserError, match=message):
        runner.train()


class Wrapper(nn.Module):
    """Stands for a distributed wrapper: only its ``module`` has the model's methods."""

    def __init__(self, module):
        super().__init__()
        self.module = module


def test_reaches_the_model_inside_a_distributed_wrapper(monkeypatch):
    monkeypatch.setitem(MODEL_WRAPPERS.module_dict, 'TestWrapper', Wrapper)
    model = ToyModel()
    hub = MessageHub('wrapped')
    runner = SimpleNamespace(model=Wrapper(model), iter=0, message_hub=hub)
    hook = FeedbackHook(ramp=2)
    hook.before_run(runner)
    hook.before_train_iter(runner, 0)
    hook.after_train_iter(runner, 0)
    assert model.calls == ['link', ('set', 0.5, 2), 'update']
    assert hub.get_scalar('train/feedback/strength').current() == 0.5
