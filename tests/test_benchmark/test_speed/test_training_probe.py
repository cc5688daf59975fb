import pytest
import torch
from mmagic.registry import MODELS
from mmengine.config import Config
from mmengine.model import BaseModel
from mmengine.registry import init_default_scope

from fbinpaint_mm.benchmark.speed.training_probe import TrainingProbe, split_shares
from fbinpaint_mm.benchmark.speed.training_speed import load_training_batches


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


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmagic')


def test_an_iteration_is_that_of_the_runner(repository):
    cfg = Config.fromfile(repository / 'tests/test_benchmark/small_config.py')
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


@pytest.mark.parametrize(
    ('settings', 'period'), [({}, 1), (dict(disc_step=0), 1), (dict(disc_step=3), 3)]
)
def test_the_cost_repeats_with_the_steps_of_the_discriminator(settings, period):
    assert TrainingProbe(Phased(**settings), PHASED).period == period


class Cycled(Phased):
    """Notes the number of rounds that FeedbackHook asks for."""

    def __init__(self, **train_cfg):
        super().__init__(**train_cfg)
        self.rounds = 2
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
        (dict(), {}, 1),
        (dict(rounds=3), {}, 1),
        (dict(cycle_rounds=True), {}, 2),
        (dict(cycle_rounds=True, rounds=3), {}, 3),
        (dict(cycle_rounds=True, rounds=0), {}, 1),
        (dict(), dict(disc_step=2), 2),
    ],
)
def test_the_cost_repeats_with_the_rounds(hook, settings, period):
    hooks = [dict(type='MeanTeacherHook'), dict(type='FeedbackHook', **hook)]
    model = Cycled(**settings)
    model.teacher, model.student = None, None
    probe = TrainingProbe(model, Config(dict(PHASED, custom_hooks=hooks)))
    assert probe.period == period


def test_a_period_has_every_number_of_rounds_once():
    hooks = [dict(type='FeedbackHook', cycle_rounds=True, rounds=3)]
    probe = TrainingProbe(Cycled(), Config(dict(PHASED, custom_hooks=hooks)))
    for _ in range(2):
        probe(*[{}] * probe.period)
    assert probe.model.asked == [1, 2, 3, 1, 2, 3]


def test_phases_after_the_end_are_left_out():
    assert split_shares([0, 90001, 100001], 300) == [(0, 1.0)]
    assert split_shares([0, 151, 1001], 300) == [(0, 151 / 300), (151, 149 / 300)]
