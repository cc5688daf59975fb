from itertools import cycle
from statistics import median
from types import SimpleNamespace

import pytest
import torch
from mmagic.registry import MODELS
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import init_default_scope

from fbinpaint_mm.benchmark.speed import training_speed
from fbinpaint_mm.benchmark.speed.meters import Timing
from fbinpaint_mm.benchmark.speed.training_speed import (
    TrainingProbe,
    load_training_batches,
    measure_training,
    split_shares,
)

ONCE = 0.0  # seconds to repeat for: one call counts
MEMORY = SimpleNamespace(restart=lambda: None, bytes=lambda: 456)


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmagic')


def test_batches_are_those_of_the_training(cfg):
    cfg.train_dataloader.update(num_workers=3, persistent_workers=True, prefetch_factor=2)
    batches = load_training_batches(cfg)
    assert [len(batch['inputs']) for batch in batches] == [2, 2]
    assert cfg.train_dataloader.num_workers == 3


def test_what_an_iteration_costs(cfg):
    batches = load_training_batches(cfg)
    kept = [batch['inputs'][0].clone() for batch in batches]
    model = MODELS.build(cfg.model)
    numbers = measure_training(model, cfg, batches, MEMORY, ONCE)
    assert sorted(numbers) == [
        'conditions',
        'parameters_trained',
        'training_cpu_seconds_per_iteration',
        'training_flops_per_iteration',
        'training_peak_memory',
        'training_seconds_per_iteration',
    ]
    assert numbers['training_peak_memory'] == 456
    assert numbers['training_seconds_per_iteration'] > 0
    assert numbers['training_cpu_seconds_per_iteration'] > 0
    assert all(torch.equal(one['inputs'][0], two) for one, two in zip(batches, kept, strict=True))
    larger = [{key: value * 2 for key, value in batch.items()} for batch in batches]
    more = measure_training(MODELS.build(cfg.model), cfg, larger, MEMORY, ONCE)
    flops = more['training_flops_per_iteration']
    assert flops > 1.5 * numbers['training_flops_per_iteration']


class Probe:
    """Has two phases; counts what was spent."""

    def __init__(self, period=1, costs=(0,)):
        self.period = period
        self.costs = cycle(costs)
        self.phase = None
        self.spent = 0

    def phases(self):
        return [(0, 0.25), (10, 0.75)]

    def enter(self, begin):
        self.phase = begin

    def __call__(self, *batches):
        for _ in batches:
            self.spent += next(self.costs)

    def count_parameters(self):
        return 5

    def cost_of(self, *batches):
        before = self.spent
        self(*batches)
        return self.spent - before


def test_phases_count_by_their_share(monkeypatch):
    monkeypatch.setattr(training_speed, 'TrainingProbe', lambda *_: Probe())
    monkeypatch.setattr(training_speed, 'count_flops', lambda call, batch: 100 + call.phase)
    monkeypatch.setattr(
        training_speed, 'time_call', lambda call, *_: Timing(2.0 + call.phase, 1, 4, call.phase)
    )
    numbers = measure_training(None, None, [dict(inputs=[])], MEMORY, ONCE)
    assert numbers['training_seconds_per_iteration'] == 0.25 * 2 + 0.75 * 12
    assert numbers['training_cpu_seconds_per_iteration'] == 0.75 * 10
    assert numbers['training_flops_per_iteration'] == 0.25 * 100 + 0.75 * 110


@pytest.mark.parametrize(('period', 'costs'), [(2, (14, 27)), (3, (1, 1, 7))])
def test_an_alternating_cost_is_averaged_over_its_period(monkeypatch, period, costs):
    monkeypatch.setattr(training_speed, 'TrainingProbe', lambda *_: Probe(period, costs))
    monkeypatch.setattr(training_speed, 'count_flops', Probe.cost_of)

    def median_of_seven(call, prepare, duration):
        cost = median(call.cost_of(*prepare()) for _ in range(7))
        return Timing(cost, 1, 7, cost)

    monkeypatch.setattr(training_speed, 'time_call', median_of_seven)
    numbers = measure_training(None, None, [dict(inputs=[])], MEMORY, ONCE)
    mean = sum(costs) / period
    assert numbers['training_seconds_per_iteration'] == mean
    assert numbers['training_flops_per_iteration'] == mean


class Phased(BaseModel):
    """Counts its iterations as mmagic's GLInpaintor does."""

    def __init__(self, **train_cfg):
        super().__init__()
        self.generator = torch.nn.Linear(2, 3)
        self.train_cfg = train_cfg
        self.cur_iter = 0
        self.seen = []

    def forward(self, *args, **kwargs):
        raise NotImplementedError

    def train_step(self, data, optim_wrapper):
        self.seen.append(self.cur_iter)
        self.cur_iter += 1
        return {}


PHASED = Config(
    dict(
        optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.1)),
        train_cfg=dict(max_iters=20),
    )
)


def test_an_iteration_is_that_of_the_runner(cfg):
    torch.manual_seed(0)
    model = MODELS.build(cfg.model)
    probe = TrainingProbe(model, cfg)
    before = {name: one.detach().clone() for name, one in model.named_parameters()}
    (batch, other) = load_training_batches(cfg)
    strengths = []
    for one in (batch, batch, other):
        probe(one)
        strengths.append(float(model.generator.strength))
    assert strengths == pytest.approx([0.0, 0.0, 0.1]), 'FeedbackHook(start=2, ramp=10)'
    assert float(model.teacher.trust) == pytest.approx(0.3), 'MeanTeacherHook(ramp=10)'
    changed = {name for name, one in model.named_parameters() if not one.equal(before[name])}
    assert {name.split('.')[0] for name in changed} == {'generator', 'teacher'}
    assert probe.phases() == [(None, 1.0)]
    trained = [one.numel() for one in model.generator.parameters() if one.requires_grad]
    assert probe.count_parameters() == sum(trained)


def test_the_average_of_the_weights_is_a_part_of_an_iteration(cfg):
    cfg.custom_hooks.append(dict(type='EMAHook', ema_type='ExponentialMovingAverage', momentum=0.5))
    model = MODELS.build(cfg.model)
    probe = TrainingProbe(model, cfg)
    before = [one.detach().clone() for one in model.generator.parameters()]
    for batch in load_training_batches(cfg):
        probe(batch)
    average = probe.hooks[-1].ema_model.module.generator.parameters()
    pairs = [(one, old) for one, old in zip(average, before, strict=True) if one.requires_grad]
    assert not any(one.equal(old) for one, old in pairs)


def test_phases_of_a_training_are_weighted_by_their_length():
    probe = TrainingProbe(Phased(start_iter=0, iter_tc=3, iter_td=9), PHASED)
    phases = probe.phases()
    assert phases == [(0, 4 / 20), (4, 6 / 20), (10, 10 / 20)]
    for begin, _ in phases:
        probe.enter(begin)
        probe({})
    assert probe.model.seen == [0, 4, 10]
    assert probe.period == 1
    assert probe.count_parameters() == 9


def test_a_short_phase_is_not_left():
    probe = TrainingProbe(Phased(start_iter=0, iter_tc=0, iter_td=2, disc_step=2), PHASED)
    probe.enter(1)
    for _ in range(4):
        probe(*[{}] * probe.period)
    assert probe.model.seen == [1] * 8
    probe.enter(None)
    probe({}, {})
    assert probe.model.seen[8:] == [2, 3], 'the model counts by itself'


class Cycled(Phased):
    """Notes the number of rounds that FeedbackHook asks for."""

    def __init__(self, rounds=2, **train_cfg):
        super().__init__(**train_cfg)
        self.rounds = rounds
        self.asked = []

    def link_feedback(self):
        pass

    def set_feedback(self, strength, rounds):
        self.rounds = rounds
        self.asked.append(rounds)

    def update_class_memory(self):
        return None


@pytest.mark.parametrize(
    ('hook', 'settings', 'period'),
    [
        ({}, dict(rounds=3, disc_step=0), 1),
        (dict(cycle_rounds=True), {}, 2),
        (dict(cycle_rounds=True), dict(rounds=3, disc_step=2), 6),
    ],
)
def test_the_cost_repeats_with_rounds_and_steps_of_the_discriminator(hook, settings, period):
    hooks = [dict(type='MeanTeacherHook'), dict(type='FeedbackHook', **hook)]
    model = Cycled(**settings)
    model.teacher, model.student = None, None
    probe = TrainingProbe(model, Config(dict(PHASED, custom_hooks=hooks)))
    assert probe.period == period


def test_a_period_has_every_number_of_rounds_once():
    hooks = [dict(type='FeedbackHook', cycle_rounds=True)]
    probe = TrainingProbe(Cycled(rounds=3), Config(dict(PHASED, custom_hooks=hooks)))
    for _ in range(2):
        probe(*[{}] * probe.period)
    assert probe.model.asked == [1, 2, 3, 1, 2, 3]


def test_phases_after_the_end_are_left_out():
    assert split_shares([0, 90001, 100001], 300) == [(0, 1.0)]
    assert split_shares([0, 151, 1001], 300) == [(0, 151 / 300), (151, 149 / 300)]
