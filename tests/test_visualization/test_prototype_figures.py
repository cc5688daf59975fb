from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.preprocessing import normalize

from fbinpaint_mm.visualization import prototype_figures

CLASSES = ('sky', 'road', 'car', 'tree')
PALETTE = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 0, 255))


@pytest.fixture
def prototypes():
    return torch.randn(4, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def figures(monkeypatch):
    """The figures that are drawn, for a look at what is in them."""
    seen = []
    to_image = prototype_figures.to_image
    monkeypatch.setattr(
        prototype_figures, 'to_image', lambda figure: seen.append(figure) or to_image(figure)
    )
    return seen


def covered(picture, color):
    """Pixels that are close to a color; dots are a little transparent."""
    return int((np.abs(picture.astype(int) - color).max(-1) < 50).sum())


def test_every_class_seen_is_a_dot_in_its_color(prototypes, figures):
    seen = torch.tensor([True, True, False, True])
    picture = prototype_figures.draw_prototype_map(prototypes, seen, CLASSES, PALETTE, 'a title')
    assert picture.dtype == np.uint8
    assert picture.shape == (720, 720, 3)
    for index, color in enumerate(PALETTE):
        assert (covered(picture, color) > 50) == bool(seen[index]), CLASSES[index]
    axes = figures[0].axes[0]
    assert axes.get_title(loc='left') == 'a title'
    assert [text.get_text() for text in axes.texts] == ['sky', 'road', 'tree']
    assert '3 of 4 classes seen so far; not yet: car' in figures[0].get_supxlabel()


def test_names_do_not_cover_each_other():
    points = np.random.default_rng(0).uniform(0, 0.1, (12, 2))
    points[3:6] = points[3]
    points[-1] = 1  # so that the others are close together
    figure = prototype_figures.new_figure(7, 7)
    axes = figure.add_subplot()
    names = [f'class number {index}' for index in range(12)]
    palette = [(9, 9, 9)] * 12
    labels = prototype_figures.scatter_classes(axes, points, range(12), names, palette)
    prototype_figures.spread_labels(figure, axes, labels)
    figure.draw_without_rendering()
    boxes = [super(type(text), text).get_window_extent() for text in axes.texts]
    assert len(boxes) == 12
    for one, other in combinations(boxes, 2):
        assert not one.overlaps(other)


def test_cosines_are_those_of_scikit_learn_and_are_written(prototypes, figures):
    seen = torch.tensor([True, False, True, True])
    picture = prototype_figures.draw_cosines(prototypes, seen, CLASSES, 'alike')
    assert picture.shape == (720, 840, 3)
    expected = cosine_similarity(prototypes[seen].numpy())
    np.testing.assert_allclose(
        prototype_figures.cosines_between(prototypes[seen]), expected, atol=1e-6
    )
    axes = figures[0].axes[0]
    written = [float(text.get_text()) for text in axes.texts]
    np.testing.assert_allclose(written, expected.ravel(), atol=0.0051)
    assert [label.get_text() for label in axes.get_yticklabels()] == ['sky', 'car', 'tree']


def test_many_classes_have_no_numbers(figures):
    count = prototype_figures.MOST_NUMBERS + 1
    prototypes = torch.randn(count, 8, generator=torch.Generator().manual_seed(0))
    seen, names = torch.ones(count, dtype=torch.bool), [str(index) for index in range(count)]
    prototype_figures.draw_cosines(prototypes, seen, names)
    assert not figures[0].axes[0].texts


def test_all_classes_seen_are_counted_only():
    text = prototype_figures.describe_unseen(torch.ones(4, dtype=torch.bool), CLASSES)
    assert text == '4 of 4 classes seen so far'


def test_figures_are_not_kept_by_pyplot(prototypes):
    from matplotlib import pyplot

    before = pyplot.get_fignums()
    seen = torch.ones(4, dtype=torch.bool)
    prototype_figures.draw_cosines(prototypes, seen, CLASSES)
    assert pyplot.get_fignums() == before


@pytest.mark.parametrize('shape', [(19, 16), (6, 40), (3, 2), (2, 7)])
def test_agrees_with_scikit_learn_in_value_and_sign(shape):
    prototypes = torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 3 + 1
    pca = PCA(n_components=2, svd_solver='full')
    expected = pca.fit_transform(normalize(prototypes.double().numpy()))
    points, explained = prototype_figures.project_to_plane(prototypes)
    np.testing.assert_allclose(points, expected, atol=1e-12)
    np.testing.assert_allclose(explained, pca.explained_variance_ratio_, atol=1e-12)


def test_length_does_not_count():
    prototypes = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    lengths = torch.tensor([[1.0], [2], [0.1], [7], [3]])
    points, _ = prototype_figures.project_to_plane(prototypes)
    np.testing.assert_allclose(
        prototype_figures.project_to_plane(prototypes * lengths)[0], points, atol=1e-6
    )


@pytest.mark.parametrize('shape', [(0, 4), (1, 4), (3, 1)])
def test_a_missing_axis_is_zero(shape):
    points, explained = prototype_figures.project_to_plane(torch.full(shape, 2.0))
    assert points.shape == (shape[0], 2)
    assert not points.any()
    assert explained.tolist() == [0, 0]


def test_one_dimension_explains_all():
    points, explained = prototype_figures.project_to_plane(torch.tensor([[1.0], [-1.0]]))
    assert sorted(points[:, 0]) == pytest.approx([-1, 1])
    assert explained == pytest.approx([1, 0])
