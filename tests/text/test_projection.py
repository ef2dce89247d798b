import numpy as np
import pytest
from sklearn.decomposition import PCA

from nn_core.text.projection import principal_components, tsne

VECTORS = np.random.default_rng(0).normal(size=(23, 7)) * np.arange(1, 8)


def test_principal_components_are_those_of_scikit_learn_up_to_their_signs():
    found, oracle = principal_components(VECTORS), PCA(2).fit(VECTORS)
    np.testing.assert_allclose(np.abs(found.points_N2), np.abs(oracle.transform(VECTORS)), rtol=1e-6)
    assert found.score == pytest.approx(oracle.explained_variance_ratio_.sum())
    largest = found.points_N2[np.abs(found.points_N2).argmax(axis=0), [0, 1]]
    assert (largest > 0).all()


def test_tsne_keeps_two_groups_apart_and_its_divergence_falls():
    groups = np.concatenate([VECTORS, VECTORS + 60])
    early, late = tsne(groups, iterations=250), tsne(groups, iterations=600)
    assert late.score < early.score
    points, half = late.points_N2, len(VECTORS)
    nearest = np.linalg.norm(points[:, None] - points[None], axis=-1) + 1e9 * np.eye(len(points))
    assert ((nearest.argmin(axis=1) < half) == (np.arange(len(points)) < half)).all()


@pytest.mark.parametrize("shape", [(2, 5), (5, 1), (5,)])
def test_what_has_no_plane_is_told(shape):
    with pytest.raises(ValueError, match="give at least 3 of at least 2 numbers"):
        principal_components(np.zeros(shape))
