from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.preprocessing import normalize

from fbinpaint_mm.visualization.prototype_projection import project_to_plane


@pytest.mark.parametrize('shape', [(19, 16), (6, 40), (3, 2), (2, 7)])
def test_agrees_with_scikit_learn_in_value_and_sign(shape):
    prototypes = torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 3 + 1
    pca = PCA(n_components=2, svd_solver='full')
    expected = pca.fit_transform(normalize(prototypes.double().numpy()))
    found = project_to_plane(prototypes)
    np.testing.assert_allclose(found.points, expected, atol=1e-12)
    np.testing.assert_allclose(found.explained, pca.explained_variance_ratio_, atol=1e-12)


def test_length_does_not_count():
    prototypes = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    lengths = torch.tensor([[1.0], [2], [0.1], [7], [3]])
    points = project_to_plane(prototypes).points
    np.testing.assert_allclose(project_to_plane(prototypes * lengths).points, points, atol=1e-6)


@pytest.mark.parametrize('shape', [(0, 4), (1, 4), (3, 1)])
def test_a_missing_axis_is_zero(shape):
    found = project_to_plane(torch.full(shape, 2.0))
    assert found.points.shape == (shape[0], 2)
    assert not found.points.any()
    assert found.explained.tolist() == [0, 0]


def test_one_dimension_explains_all():
    found = project_to_plane(torch.tensor([[1.0], [-1.0]]))
    assert sorted(found.points[:, 0]) == pytest.approx([-1, 1])
    assert found.explained == pytest.approx([1, 0])
