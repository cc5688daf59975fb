import pytest
import torch

from fbinpaint_mm.models.dictated_map import dictate


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
