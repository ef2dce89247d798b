"""Word vectors in the plane: two coordinates, by principal components or by t-SNE (F102)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Projection(NamedTuple):
    """Points in the plane, (N, 2), and how good they are: the share of variance (PCA), or the KL divergence (t-SNE)."""

    points_N2: np.ndarray
    score: float


def principal_components(vectors_NE: np.ndarray) -> Projection:
    """The two directions of largest variance: large distances are faithful, but distant points may overlap.

    Args:
        vectors_NE: N >= 3 vectors of E >= 2 numbers.
    Returns:
        The points, and the share of the variance that they keep; the signs make the largest value on each axis positive.
    """
    vectors_NE = np.asarray(vectors_NE, np.float64)
    check_vectors(vectors_NE)
    centred_NE = vectors_NE - vectors_NE.mean(axis=0)
    left_NK, singular_K, _ = np.linalg.svd(centred_NE, full_matrices=False)
    points_N2 = left_NK[:, :2] * singular_K[:2]
    points_N2 *= np.sign(points_N2[np.abs(points_N2).argmax(axis=0), [0, 1]] + 1e-300)
    total = float(np.square(singular_K).sum())
    rounding = (
        4 * np.finfo(np.float64).eps * np.abs(vectors_NE).max()
    )  # the computed variance of equal vectors is not exactly 0
    equal = bool(np.all(np.ptp(vectors_NE, axis=0) <= rounding))
    return Projection(points_N2, 0.0 if equal else float(np.square(singular_K[:2]).sum()) / total)


def tsne(vectors_NE: np.ndarray, *, seed: int = 0, iterations: int = 1000) -> Projection:
    """t-SNE (van der Maaten and Hinton 2008): neighbours stay neighbours, but distances between groups mean nothing.

    Args:
        vectors_NE: N >= 3 vectors of E >= 2 numbers.
        seed: of the descent, which starts from the principal components.
        iterations: of the descent, >= 250.
    Returns:
        The points, and the KL divergence that is left (nats).
    """
    from sklearn.manifold import TSNE  # slow to import, and only figures need it

    check_vectors(np.asarray(vectors_NE))
    perplexity = min(30.0, (len(vectors_NE) - 1) / 3)
    method = TSNE(2, perplexity=perplexity, init="pca", random_state=seed, max_iter=iterations)
    return Projection(method.fit_transform(np.asarray(vectors_NE, np.float32)), float(method.kl_divergence_))


def check_vectors(vectors_NE: np.ndarray) -> None:
    """Raises ValueError for vectors that cannot be drawn in a plane."""
    if vectors_NE.ndim != 2 or vectors_NE.shape[0] < 3 or vectors_NE.shape[1] < 2:
        raise ValueError(f"vectors of shape {vectors_NE.shape} cannot be drawn; give at least 3 of at least 2 numbers")
