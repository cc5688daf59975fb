import torch

from fbinpaint_mm.models.feedback import one_hot_where_known


def test_planes_by_hand():
    labels = torch.tensor([[[[0, 2], [255, 1]]]])
    planes, known = one_hot_where_known(labels, 3)
    assert planes.tolist() == [[[[1, 0], [0, 0]], [[0, 0], [0, 1]], [[0, 1], [0, 0]]]]
    assert known.tolist() == [[[[True, True], [False, True]]]]
    without_channel, same = one_hot_where_known(labels[:, 0], 3)
    assert torch.equal(without_channel, planes)
    assert torch.equal(same, known)
