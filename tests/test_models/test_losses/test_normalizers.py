import pytest
import torch

from fbinpaint_mm.models.losses import normalizers
from fbinpaint_mm.models.losses.normalizers import Normalizers, normalizers_over_ranks

OWN = dict(hole=2.0, valid=6.0, labeled=0.0, trusted=3.0)


@pytest.fixture
def other_rank(monkeypatch):
    """A second rank; of its areas, in the order of the message, this test decides."""

    def tell(*areas):
        def all_reduce(data, op):
            assert op == 'mean'
            data.copy_((data + torch.tensor(areas)) / 2)

        monkeypatch.setattr(normalizers, 'all_reduce', all_reduce)

    return tell


def shared(class_areas=None):
    own = {name: torch.tensor(value) for name, value in OWN.items()}
    return normalizers_over_ranks(**own, class_areas=class_areas)


def test_factors_are_shares_of_the_mean_area(other_rank):
    other_rank(6.0, 2.0, 4.0, 0.0)
    found = shared()
    factors = [found.hole, found.valid, found.labeled, found.trusted]
    assert [float(one) for one in factors] == [0.5, 1.5, 0.0, 2.0]
    assert found.class_areas is None


def test_areas_of_classes_are_means(other_rank):
    other_rank(0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 4.0)
    found = shared(torch.tensor([[1.0, 0.0], [5.0, 4.0]]))
    assert found.class_areas.tolist() == [[1.0, 1.0], [4.0, 4.0]]


def test_what_no_rank_has_counts_nothing(other_rank):
    other_rank(0.0, 0.0, 0.0, 0.0)
    assert shared().labeled == 0


def test_a_single_process_multiplies_by_one():
    found = shared()
    assert [float(one) for one in (found.hole, found.valid, found.trusted)] == [1, 1, 1]
    assert Normalizers() == Normalizers(1.0, 1.0, 1.0, 1.0, None)
