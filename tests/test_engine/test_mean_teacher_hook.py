from types import SimpleNamespace

import pytest
import torch
from mmagic.registry import MODELS
from mmengine.config import Config
from mmengine.registry import MODEL_WRAPPERS
from torch import nn

from fbinpaint_mm.engine.hooks import MeanTeacherHook
from fbinpaint_mm.models.mean_teacher import student_modules
from fbinpaint_mm.user_error import UserError


@pytest.fixture
def model(repository):
    torch.manual_seed(0)
    small = Config.fromfile(repository / 'tests/small_inpaintor.py')
    return MODELS.build(small.model.to_dict())


def runner_of(model, iteration=0):
    return SimpleNamespace(model=model, iter=iteration)


def state_of(module):
    return {name: value.clone() for name, value in module.state_dict().items()}


def state_of_teacher(model):
    return student_modules(model.teacher.segmentor, model.teacher.feedback).state_dict()


def assert_same(found, expected):
    for name, value in found.items():
        assert torch.equal(value, expected[name]), name


def shift(module, by=1):
    """Change parameters and buffers, the integer ones too."""
    with torch.no_grad():
        for value in module.state_dict().values():
            value += by


def train_iterations(hook, model, number, start=0):
    for iteration in range(start, start + number):
        hook.before_train_iter(runner_of(model, iteration), iteration)
        shift(model.student)
        hook.after_train_iter(runner_of(model, iteration), iteration)


def test_momentum_warms_up():
    hook = MeanTeacherHook(momentum=0.9)
    found = [hook.momentum_at(iteration) for iteration in (0, 1, 2, 3, 8, 9, 10, 1000)]
    assert found == pytest.approx([0, 1 / 2, 2 / 3, 3 / 4, 8 / 9, 0.9, 0.9, 0.9])


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(momentum=1), r'momentum of MeanTeacherHook must be in \[0, 1\), got 1'),
        (dict(momentum=-0.1), r'momentum of MeanTeacherHook must be in \[0, 1\), got -0.1'),
        (dict(interval=0), 'interval of MeanTeacherHook must be at least 1, got 0'),
        (dict(ramp=-1), 'ramp of MeanTeacherHook must not be negative, got -1'),
    ],
)
def test_impossible_settings_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        MeanTeacherHook(**options)


def test_teacher_starts_as_a_copy_of_the_student(model):
    shift(model.student)
    MeanTeacherHook().before_train(runner_of(model))
    student = state_of(model.student)
    assert_same(state_of_teacher(model), student)
    shift(model.student)  # the teacher must not share tensors
    assert_same(state_of_teacher(model), student)


def test_teacher_of_a_resumed_run_is_left_alone(model):
    shift(model.student)
    before = state_of(model.teacher)
    MeanTeacherHook().before_train(runner_of(model, iteration=7))
    assert_same(model.teacher.state_dict(), before)


def test_teacher_is_the_moving_average_of_parameters_and_float_buffers(model):
    """Against the recurrence in plain numbers: the student is 1, 2, 3 ... above its start."""
    hook = MeanTeacherHook(momentum=0.7)
    hook.before_train(runner_of(model))
    start = state_of(model.student)
    train_iterations(hook, model, 6)
    offset = 0.0
    for iteration in range(6):
        momentum = min(1 - 1 / (iteration + 1), 0.7)
        offset = momentum * offset + (1 - momentum) * (iteration + 1)
    assert 3 < offset < 6
    kinds = set()
    for name, value in state_of_teacher(model).items():
        kinds.add(value.dtype)
        expected = start[name] + (offset if value.is_floating_point() else 6)
        torch.testing.assert_close(value, expected)
    assert kinds == {torch.float32, torch.int64}
    assert any('running_mean' in name for name in start)


def test_interval_skips_iterations(model):
    hook = MeanTeacherHook(interval=3)
    hook.before_train(runner_of(model))
    before = state_of(student_modules(model.teacher.segmentor, model.teacher.feedback))
    train_iterations(hook, model, 2)
    assert_same(state_of_teacher(model), before)
    train_iterations(hook, model, 1, start=2)
    name = 'segmentor.decode_head.conv_seg.weight'
    assert not torch.equal(state_of_teacher(model)[name], before[name])


def test_teacher_takes_no_gradient_from_following(model):
    hook = MeanTeacherHook()
    train_iterations(hook, model, 2)
    assert not any(value.requires_grad for value in model.teacher.segmentor.parameters())
    assert not any(module.training for module in model.teacher.modules())


@pytest.mark.parametrize(
    ('ramp', 'expected'), [(0, {0: 1, 9: 1}), (4, {0: 0.25, 1: 0.5, 3: 1, 4: 1, 99: 1})]
)
def test_trust_in_the_teacher_rises(model, ramp, expected):
    hook = MeanTeacherHook(ramp=ramp)
    for iteration, trust in expected.items():
        hook.before_train_iter(runner_of(model, iteration), iteration)
        assert hook.trust_at(iteration) == pytest.approx(trust)
        assert float(model.teacher.trust) == pytest.approx(trust)


def test_model_without_a_teacher_is_left_alone(repository):
    small = Config.fromfile(repository / 'tests/small_inpaintor.py').model.to_dict()
    model = MODELS.build(small | dict(teacher=None, losses=None))
    before = state_of(model)
    hook, runner = MeanTeacherHook(), runner_of(model)
    hook.before_train(runner)
    hook.before_train_iter(runner, 0)
    hook.after_train_iter(runner, 0)
    assert_same(model.state_dict(), before)


def test_attributes_that_a_model_lacks_are_named():
    message = (
        r'MeanTeacherHook needs teacher, student, see .*\.mean_teacher_hook\.TaughtModel; Linear '
        'lacks teacher, student$'
    )
    with pytest.raises(UserError, match=message):
        MeanTeacherHook().before_train(runner_of(nn.Linear(1, 1)))


def test_members_that_a_teacher_lacks_are_named():
    model = nn.Module()
    model.student = model.teacher = nn.Linear(1, 1)
    message = (
        r'MeanTeacherHook needs trust, copy_from, follow, see .*\.MovingAverageTeacher; Linear '
        'lacks trust, copy_from, follow$'
    )
    with pytest.raises(UserError, match=message):
        MeanTeacherHook().before_train(runner_of(model))


class Wrapper(nn.Module):
    """Stands for a distributed wrapper: only its ``module`` has teacher and student."""

    def __init__(self, module):
        super().__init__()
        self.module = module


def test_reaches_the_model_inside_a_distributed_wrapper(model, monkeypatch):
    monkeypatch.setitem(MODEL_WRAPPERS.module_dict, 'TestWrapper', Wrapper)
    hook = MeanTeacherHook()
    shift(model.student)
    runner = runner_of(Wrapper(model))
    hook.before_train(runner)
    shift(model.student)
    hook.before_train_iter(runner, 0)
    hook.after_train_iter(runner, 0)
    for name, value in state_of_teacher(model).items():
        torch.testing.assert_close(value, model.student.state_dict()[name])


def test_momentum_counts_updates_and_not_accumulated_iterations(model):
    moments = []
    model.teacher.follow = lambda student, momentum: moments.append(momentum)
    train_iterations(MeanTeacherHook(momentum=0.6, interval=2), model, 8)
    assert moments == pytest.approx([0, 1 / 2, 0.6, 0.6])
