from __future__ import annotations

import torch
from torch import nn

from fbinpaint_mm.models.networks import SemanticEmbedding


def test_map_is_reduced_by_area():
    semantic_map = torch.randn(2, 3, 8, 12).softmax(1)
    embedding = SemanticEmbedding(3, 5)
    embedding.layers = nn.Identity()

    found = embedding(semantic_map, 4)

    expected = semantic_map.reshape(2, 3, 2, 4, 3, 4).mean(dim=(3, 5))
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(found.sum(1), torch.ones(2, 2, 3))


def test_gives_the_channels_and_size_asked_for():
    embedding = SemanticEmbedding(3, 5)
    semantic_map = torch.randn(2, 3, 8, 12).softmax(1)
    for stride, size in ((1, (8, 12)), (2, (4, 6)), (4, (2, 3))):
        assert embedding(semantic_map, stride).shape == (2, 5, *size)


def test_depends_on_the_map_and_learns():
    embedding = SemanticEmbedding(3, 5)
    semantic_map = torch.randn(1, 3, 8, 8).softmax(1)
    found = embedding(semantic_map, 2)
    assert not torch.allclose(found, embedding(semantic_map.flip(1), 2))
    found.square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in embedding.parameters())
