"""Both hooks in the service of a model that is not ours, written as a user would."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import Tensor, nn
from torch.utils.data import Dataset

from fbinpaint_mm.engine import FeedbackHook, MeanTeacherHook
from fbinpaint_mm.models import ClassMemory, DecodeHeadLink, FeedbackSignal, InpaintingFeedback
from fbinpaint_mm.models.feedback.class_memory import CompletedBatch
from fbinpaint_mm.models.segmentor import build_segmentor, segment

CLASSES, SIZE = 5, 16


class OwnTeacher(nn.Module):
    """A moving average by hand, which labels intact images."""

    def __init__(self, student: nn.Module) -> None:
        super().__init__()
        self.network = deepcopy(student).eval().requires_grad_(False)
        self.register_buffer('trust', torch.zeros(()))
        self.trusts = []

    def copy_from(self, student: nn.Module) -> None:
        self.network.load_state_dict(student.state_dict())

    @torch.no_grad()
    def follow(self, student: nn.Module, momentum: float) -> None:
        for own, other in zip(self.network.parameters(), student.parameters(), strict=True):
            own.mul_(momentum).add_(other, alpha=1 - momentum)

    @torch.no_grad()
    def forward(self, image: Tensor) -> Tensor:
        self.trusts.append(float(self.trust))
        return segment(self.network, image).argmax(1)


class OwnModel(BaseModel):
    """One convolution that fills holes, a segmentor of mmseg that is told about it, and a teacher.

    Its inheritance, losses, names and forward pass are its own; of ours it takes the link.
    """

    def __init__(self, segmentor: dict) -> None:
        super().__init__()
        self.fill = nn.Conv2d(4, 3, 3, padding=1)
        self.student = build_segmentor(segmentor)
        self.teacher = OwnTeacher(self.student)
        head = self.student.decode_head
        self.feedback = InpaintingFeedback(CLASSES, [head.in_channels], base_channels=4)
        self.link = DecodeHeadLink(head, self.feedback)
        self.memory = ClassMemory(CLASSES, head.channels)
        self.register_buffer('strength', torch.zeros(()))
        self.rounds = 3
        self.seen = []

    def forward(self, image: Tensor, mask: Tensor, labels: Tensor, mode: str = 'loss') -> dict:
        current = self.fill(torch.cat([image * (1 - mask), mask], 1)) * mask + image * (1 - mask)
        soft_map = image.new_zeros(len(image), CLASSES, SIZE, SIZE)
        loss = (current - image).abs().mean()
        for _ in range(self.rounds):
            signal = FeedbackSignal(current.detach(), mask, 1 - mask, soft_map, self.strength)
            with self.link.sending(signal):
                logits = segment(self.student, current.detach())
            soft_map = logits.detach().softmax(1)
            loss = loss + nn.functional.cross_entropy(logits, labels)
        pseudo = nn.functional.cross_entropy(logits, self.teacher(image))
        self.batch = (self.link.features.detach(), labels)
        self.seen.append((round(float(self.strength), 6), self.rounds))
        return dict(loss=loss, loss_pseudo=self.teacher.trust * pseudo)

    def link_feedback(self) -> None:
        self.link.attach()

    def set_feedback(self, strength: float, rounds: int) -> None:
        self.strength.fill_(strength)
        self.rounds = rounds

    def update_class_memory(self) -> CompletedBatch:
        features, labels = self.batch
        self.memory.update(features, labels)
        is_labeled = torch.ones(len(labels), dtype=torch.bool)
        return CompletedBatch(features, labels, is_labeled, torch.tensor(0.5))


class OwnData(Dataset):
    def __len__(self) -> int:
        return 12

    def __getitem__(self, index: int) -> dict:
        generator = torch.Generator().manual_seed(index)
        mask = torch.zeros(1, SIZE, SIZE)
        mask[:, 4:12, 4:12] = 1
        return dict(
            image=torch.rand(3, SIZE, SIZE, generator=generator),
            mask=mask,
            labels=torch.randint(0, CLASSES, (SIZE, SIZE), generator=generator),
        )


class Recorder(Hook):
    """The student after each iteration, by which the teacher is checked."""

    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self.students = []

    def after_train_iter(self, runner: Runner, *args: object, **kwargs: object) -> None:
        self.students.append(runner.model.student.decode_head.conv_seg.weight.detach().clone())


@pytest.fixture
def trained(repository, tmp_path) -> tuple[Runner, Recorder]:
    """After four iterations, of which the first has no feedback."""
    torch.manual_seed(0)
    small = Config.fromfile(repository / 'tests/small_inpaintor.py')
    recorder = Recorder()
    runner = Runner(
        model=OwnModel(small.segmentor.to_dict()),
        work_dir=str(tmp_path),
        train_dataloader=dict(
            dataset=OwnData(),
            batch_size=3,
            sampler=dict(type='InfiniteSampler', shuffle=False),
            collate_fn=dict(type='default_collate'),
        ),
        train_cfg=dict(by_epoch=False, max_iters=4),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        default_hooks=dict(logger=dict(type='LoggerHook', interval=1)),
        custom_hooks=[
            FeedbackHook(start=1, ramp=2, cycle_rounds=True),
            MeanTeacherHook(momentum=0.6, ramp=4),
            recorder,
        ],
        default_scope='mmagic',
        experiment_name=tmp_path.name,
    )
    runner.train()
    return runner, recorder


def test_feedback_and_teacher_act_on_a_model_of_the_user(trained):
    runner, recorder = trained
    model = runner.model
    assert model.seen == [(0, 1), (0.5, 2), (1, 3), (1, 1)]
    assert model.teacher.trusts == [0.25, 0.5, 0.75, 1]

    # The feedback learned and changes the map; all classes are remembered.
    assert model.feedback.projections[0].weight.any()
    assert model.memory.updates.tolist() == [4] * CLASSES
    image, mask = torch.rand(1, 3, SIZE, SIZE), torch.ones(1, 1, SIZE, SIZE)
    signal = FeedbackSignal(image, mask, 1 - mask, mask.expand(-1, CLASSES, -1, -1), model.strength)
    model.eval()
    with torch.no_grad():
        alone = segment(model.student, image)
        with model.link.sending(signal):
            told = segment(model.student, image)
    assert not torch.allclose(alone, told)

    # The teacher is the moving average of the student, in plain numbers.
    expected = recorder.students[0]
    for iteration, student in enumerate(recorder.students):
        momentum = min(1 - 1 / (iteration + 1), 0.6)
        expected = momentum * expected + (1 - momentum) * student
    found = model.teacher.network.decode_head.conv_seg.weight
    torch.testing.assert_close(found, expected)
    assert not torch.equal(recorder.students[-1], expected)

    scalars = runner.message_hub.log_scalars
    assert scalars['train/feedback/strength'].data[0].tolist() == [0, 0.5, 1, 1]
    assert scalars['train/feedback/labeled'].data[0].tolist() == [3] * 4
