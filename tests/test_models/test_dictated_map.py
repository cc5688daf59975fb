import pytest
import torch
from mmagic.structures import DataSample

from fbinpaint_mm.models.guidance import (
    dictate,
    dictated_map_of,
    first_known,
    true_map_of,
)


@pytest.fixture
def logits():
    generator = torch.Generator().manual_seed(0)
    return torch.randn((2, 3, 4, 5), generator=generator).requires_grad_()


def test_dictated_pixels_are_certain_and_others_untouched(logits):
    dictated = torch.full((2, 1, 4, 5), 255)
    dictated[0, 0, 1, 2], dictated[1, 0, 3, 4] = 2, 0
    result = dictate(logits, dictated)
    probabilities = result.softmax(1)
    assert probabilities[0, :, 1, 2].tolist() == pytest.approx([0, 0, 1], abs=1e-12)
    assert probabilities[1, :, 3, 4].tolist() == pytest.approx([1, 0, 0], abs=1e-12)
    free = (dictated == 255).expand_as(logits)
    assert torch.equal(result[free], logits[free])
    result.sum().backward()
    assert torch.equal(logits.grad, free.float())


def test_a_map_dictated_everywhere_is_what_the_probabilities_say(logits):
    generator = torch.Generator().manual_seed(1)
    dictated = torch.randint(0, 3, (2, 1, 4, 5), generator=generator)
    result = dictate(logits.half(), dictated)
    assert result.dtype == torch.float16
    assert torch.equal(result.argmax(1, keepdim=True), dictated)


@pytest.mark.parametrize(
    ('key', 'read'), [('dictated_seg', dictated_map_of), ('gt_seg', true_map_of)]
)
def test_a_map_is_unknown_where_the_image_is_padded(key, read):
    labels = torch.randint(0, 3, (2, 1, 4, 5))
    samples = DataSample()
    samples.set_data({key: labels})
    found = read(samples, torch.zeros(2, 3, 8, 8))
    assert found.shape == (2, 1, 8, 8)
    assert torch.equal(found[:, :, :4, :5], labels)
    assert (found[:, :, 4:] == 255).all()
    assert (found[:, :, :, 5:] == 255).all()


def test_nothing_may_be_dictated_but_the_truth_has_to_be_there():
    images = torch.zeros(1, 3, 8, 8)
    samples = DataSample(mask=torch.zeros(1, 1, 8, 8))
    assert dictated_map_of(samples, images) is None
    with pytest.raises(ValueError, match=r"needs gt_seg in every sample; found \['mask'\]"):
        true_map_of(samples, images)


def test_the_first_map_goes_before_the_second():
    first, second = torch.tensor([1, 255, 255, 2]), torch.tensor([0, 0, 255, 255])
    assert first_known(first, second).tolist() == [1, 0, 255, 2]
    assert first_known(None, second) is second
