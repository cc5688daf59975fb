from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from fbinpaint_mm.models.feedback import FeedbackSignal, InpaintingFeedback
from fbinpaint_mm.models.feedback_recorrection_loop import FeedbackRecorrectionLoop
from fbinpaint_mm.models.mean_teacher import MeanTeacher, student_modules
from fbinpaint_mm.models.segmentor import segment


@pytest.fixture
def teacher(segmentor_config) -> MeanTeacher:
    return MeanTeacher(segmentor_config('fcn'), nn.Identity())


@pytest.fixture
def student(pretrained_segmentor, image_for) -> nn.Module:
    """A segmentor that trained for three batches, so that its integer buffers are not zero."""
    student = pretrained_segmentor('fcn').train()
    with torch.no_grad():
        for _ in range(3):
            student.decode_head(student.extract_feat(image_for('fcn')))
    return student


def ask(teacher: MeanTeacher, image: torch.Tensor, prototypes: torch.Tensor):
    """Pseudo labels where the segmentor takes the image as it is."""
    return teacher(image, prototypes, torch.ones(()))


def snapshot(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def test_copy_takes_over_everything(teacher, student, image_for):
    teacher.copy_from(student)
    for name, value in teacher.segmentor.state_dict().items():
        assert torch.equal(value, student.state_dict()[name]), name

    image = image_for('fcn')
    prototypes = torch.zeros(3, 6)
    expected = segment(student.eval(), image).softmax(1)
    found = ask(teacher, image, prototypes)
    torch.testing.assert_close(found.probabilities, expected)
    assert torch.equal(found.label, expected.argmax(1))


def test_copy_is_independent(teacher, student):
    teacher.copy_from(student)
    before = snapshot(teacher.segmentor)
    with torch.no_grad():
        for value in student.parameters():
            value.add_(1)
    for name, value in teacher.segmentor.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_follows_by_hand(teacher, student):
    own, others = snapshot(teacher.segmentor), snapshot(student)
    teacher.follow(student, momentum=0.9)

    kinds = {'running_mean': 0, 'running_var': 0, 'num_batches_tracked': 0, 'weight': 0, 'bias': 0}
    for name, value in teacher.segmentor.state_dict().items():
        kinds[name.rsplit('.', 1)[-1]] += 1
        if name.endswith('num_batches_tracked'):
            assert value.item() == others[name].item() == 3, name
            continue
        expected = 0.9 * own[name].numpy() + 0.1 * others[name].numpy()
        np.testing.assert_allclose(value, expected, atol=1e-6, err_msg=name)
    assert all(kinds.values())
    for name, value in student.state_dict().items():
        assert torch.equal(value, others[name]), name


def test_momentum_zero_copies_and_one_keeps(teacher, student):
    own = snapshot(teacher.segmentor)
    teacher.follow(student, momentum=1.0)
    for name, value in teacher.segmentor.named_parameters():
        assert torch.equal(value, own[name]), name
    teacher.follow(student, momentum=0.0)
    for name, value in teacher.segmentor.state_dict().items():
        assert torch.equal(value, student.state_dict()[name]), name


def test_stays_in_evaluation_mode(teacher, image_for):
    model = nn.ModuleDict(dict(teacher=teacher, other=nn.BatchNorm2d(2)))
    before = snapshot(teacher)

    model.train()
    ask(teacher, image_for('fcn'), torch.zeros(3, 6))

    assert model['other'].training
    assert not any(module.training for module in teacher.modules())
    for name, value in teacher.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_takes_no_gradient(teacher, student, image_for):
    image = image_for('fcn').requires_grad_()
    labels = ask(teacher, image, torch.randn(3, 6))
    assert not any(p.requires_grad for p in teacher.parameters())
    assert not labels.weight.requires_grad
    assert not labels.probabilities.requires_grad

    teacher.follow(student, 0.5)
    assert not any(p.requires_grad for p in teacher.parameters())
    assert all(p.requires_grad for p in student.parameters())


def test_pseudo_labels_without_a_class_seen(teacher, image_for):
    labels = ask(teacher, image_for('fcn'), torch.zeros(3, 6))
    assert labels.probabilities.shape == (2, 3, 16, 24)
    assert labels.label.shape == labels.weight.shape == (2, 16, 24)
    assert labels.label.dtype == torch.int64
    assert labels.weight.dtype == labels.probabilities.dtype == torch.float32
    assert torch.equal(labels.weight, torch.ones(2, 16, 24))
    assert (labels.probabilities >= 0).all()
    torch.testing.assert_close(labels.probabilities.sum(1), torch.ones(2, 16, 24))


def test_weights_compare_features_with_prototypes(teacher, student, image_for):
    teacher.copy_from(student)
    prototypes = torch.randn(3, 6)
    prototypes[1] = 0
    seen = []
    head = teacher.segmentor.decode_head
    head.conv_seg.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    labels = ask(teacher, image_for('fcn'), prototypes)

    (features,) = seen  # at image size here
    assert features.shape[-2:] == (16, 24)
    for n, y, x in ((0, 0, 0), (1, 7, 23), (0, 15, 11)):
        agreement = []
        for k in (0, 2):
            cosine = F.cosine_similarity(features[n, :, y, x], prototypes[k], dim=0).item()
            target = float(labels.label[n, y, x] == k)
            agreement.append(1 - abs(target - max(cosine, 0.0)))
        assert labels.weight[n, y, x].item() == pytest.approx(np.mean(agreement), abs=1e-5)
    assert labels.weight.std() > 0


def test_weights_have_image_size_for_coarse_features(segmentor_config, image_for):
    labels = ask(
        MeanTeacher(segmentor_config('psp'), nn.Identity()), image_for('psp'), torch.randn(3, 6)
    )
    assert labels.weight.shape == (2, 16, 24)
    assert (labels.weight >= 0).all()
    assert (labels.weight <= 1).all()


def test_is_the_same_function_as_a_student_with_feedback(segmentor_config, image_for):
    """An intact image, a student whose head is told so, and a teacher with the same weights."""
    network = dict(type='SemanticGuidedEncoderDecoder', base_channels=4, dilations=(1,))
    loop = FeedbackRecorrectionLoop(
        initial=network,
        guided=network,
        segmentor=segmentor_config('fcn'),
        feedback=dict(type='InpaintingFeedback', base_channels=8),
    ).eval()
    for parameter in loop.feedback.parameters():
        nn.init.normal_(parameter, std=0.5)
    teacher = MeanTeacher(segmentor_config('fcn'), loop.to_segmentor, loop.feedback)
    teacher.copy_from(student_modules(loop.segmentor, loop.feedback))

    image = image_for('fcn').clamp(-1, 1)
    mask = torch.zeros_like(image[:, :1])
    no_map = torch.zeros(image.shape[0], loop.num_classes, *image.shape[-2:])
    signal = FeedbackSignal(image, mask, 1 - mask, no_map, loop.strength)
    loop.link_feedback()
    with torch.no_grad(), loop.link.sending(signal):
        expected = segment(loop.segmentor, loop.to_segmentor(image)).softmax(1)
    found = teacher(image, loop.memory.prototypes, loop.strength)
    torch.testing.assert_close(found.probabilities, expected)

    without = segment(loop.segmentor, loop.to_segmentor(image)).softmax(1)
    assert not torch.allclose(found.probabilities, without)


def test_follows_the_feedback_too(segmentor_config):
    feedback = InpaintingFeedback(num_classes=3, in_channels=[4], base_channels=4)
    teacher = MeanTeacher(segmentor_config('fcn'), nn.Identity(), feedback)
    with torch.no_grad():
        feedback.encoder[0].bias.add_(1)
    before = teacher.feedback.encoder[0].bias.clone()
    teacher.follow(student_modules(teacher.segmentor, feedback), momentum=0.75)
    torch.testing.assert_close(teacher.feedback.encoder[0].bias, before + 0.25)
