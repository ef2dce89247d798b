"""Metrics as (sum, count) pairs that add up over batches, and numbers that describe trained parameters.

A mean of batch means is wrong if batches differ in size. So sums and counts travel together, and `means` divides once,
at the end. Sources: F007, F018, F033, F058-F060, F089.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from nn_core.floats import wide
from nn_core.largest import argmax
from nn_core.regularizers import penalised_leaves

Pair = tuple[Array, Array]
Metrics = dict[str, Pair]


def means(metrics: Mapping[str, Pair]) -> dict[str, Array]:
    """Divides every sum by its count; NaN where nothing was counted.

    Args:
      metrics: name -> (sum, count), of any equal shapes (a population has a leading axis).

    Returns:
      name -> mean.
    """
    return {name: total / count for name, (total, count) in metrics.items()}


def add(first: Mapping[str, Pair], second: Mapping[str, Pair]) -> Metrics:
    """Adds the sums and counts of two batches; both must hold the same names."""
    return jax.tree.map(jnp.add, dict(first), dict(second))


def mean_of(values: Array, weights: Array | None = None) -> Pair:
    """(sum, count) of per-example values, the count being the sum of the weights.

    Args:
      values: (...) one value per example, such as a loss with reduction="none" *without* weights.
      weights: None, or (...) >= 0; an example of weight 0 does not count even if its value is not finite.

    Returns:
      (sum, count), float32.
    """
    values = values.astype(jnp.float32)
    if weights is None:
        return jnp.sum(values), jnp.asarray(values.size, jnp.float32)
    weights = weights.astype(jnp.float32)
    return jnp.sum(jnp.where(weights == 0, 0.0, values * weights)), jnp.sum(weights)


def accuracy(logits_BC: Array, targets: Array, weights: Array | None = None) -> Pair:
    """How many classes are right.

    Args:
      logits_BC: (..., C) scores, C >= 2; the largest is the prediction, the first one of ties.
      targets: (...) integer classes.
      weights: None, or (...) >= 0.

    Returns:
      (sum, count).
    """
    return mean_of(argmax(logits_BC) == targets, weights)


def binary_accuracy(logits: Array, targets: Array, weights: Array | None = None, threshold: float = 0.5) -> Pair:
    """How many of two classes are right; p = sigma(z) >= threshold predicts 1 (F007, S2).

    Args:
      logits: (...) real z.
      targets: (...) 0 or 1.
      weights: None, or (...) >= 0.
      threshold: probability in (0, 1).

    Returns:
      (sum, count).
    """
    return mean_of((jax.nn.sigmoid(logits) >= threshold) == (targets > 0.5), weights)


def squared_error(predictions: Array, targets: Array, weights: Array | None = None) -> Pair:
    """Squared error per entry: `means` makes the mean squared error of it (F033).

    Args:
      predictions: (...) real.
      targets: (...) the same shape.
      weights: None, or (...) >= 0.

    Returns:
      (sum, count).
    """
    return mean_of(jnp.square(predictions - targets), weights)


def absolute_error(predictions: Array, targets: Array, weights: Array | None = None) -> Pair:
    """Absolute error per entry; arguments and result as for `squared_error`."""
    return mean_of(jnp.abs(predictions - targets), weights)


def perplexity(mean_loss: Array) -> Array:
    """exp of a mean cross-entropy in nats: the number of equally likely choices. Not additive: `means` first."""
    return jnp.exp(mean_loss)


def confusion_matrix(predictions: Array, targets: Array, num_classes: int, weights: Array | None = None) -> Array:
    """Counts of (true class, predicted class) pairs; matrices of batches add up.

    Args:
      predictions: (...) integer classes in [0, C).
      targets: (...) integer classes in [0, C).
      num_classes: C.
      weights: None, or (...) >= 0.

    Returns:
      (C, C) float32: row = truth, column = prediction, as in scikit-learn. A class out of range is not counted.
    """
    truth_NC = jax.nn.one_hot(targets.reshape(-1), num_classes)
    predicted_NC = jax.nn.one_hot(predictions.reshape(-1), num_classes)
    if weights is not None:
        truth_NC = truth_NC * weights.reshape(-1, 1)
    return truth_NC.T @ predicted_NC


class ClassScores(NamedTuple):
    """Scores per class, each (C,) in [0, 1]; 0 where a denominator is 0, as in scikit-learn.

    Attributes:
      precision: right among the predicted, TP / (TP + FP).
      recall: found among the true, TP / (TP + FN).
      f1: harmonic mean of both, 2 TP / (2 TP + FP + FN).
    """

    precision: Array
    recall: Array
    f1: Array


def class_scores(confusion_CC: Array) -> ClassScores:
    """Precision, recall and F1 of every class from a confusion matrix (F089); their mean is the macro average.

    Args:
      confusion_CC: (C, C) counts, row = truth.

    Returns:
      Scores per class.
    """
    hits = jnp.diagonal(confusion_CC)
    predicted, true = jnp.sum(confusion_CC, axis=0), jnp.sum(confusion_CC, axis=1)
    return ClassScores(_ratio(hits, predicted), _ratio(hits, true), _ratio(2.0 * hits, predicted + true))


def calibration_bins(
    probabilities_BC: Array, targets: Array, num_bins: int = 10, weights: Array | None = None
) -> Array:
    """Sums for `expected_calibration_error` over equal bins (i/n, (i+1)/n] of confidence; they add up over batches.

    Args:
      probabilities_BC: (..., C) rows that sum to 1; the confidence is their maximum.
      targets: (...) integer classes.
      num_bins: n >= 1.
      weights: None, or (...) >= 0.

    Returns:
      (3, n) float32: counts, sums of confidence, numbers of right answers.
    """
    confidence = jnp.max(probabilities_BC, axis=-1).reshape(-1)
    right = (jnp.argmax(probabilities_BC, axis=-1) == targets).reshape(-1)
    bins = jnp.clip(jnp.ceil(confidence * num_bins).astype(jnp.int32) - 1, 0, num_bins - 1)
    weight = jnp.ones_like(confidence) if weights is None else weights.reshape(-1).astype(confidence.dtype)
    rows_3N = jnp.stack([weight, weight * confidence, weight * right])
    return (rows_3N @ jax.nn.one_hot(bins, num_bins, dtype=confidence.dtype)).astype(jnp.float32)


def expected_calibration_error(bins_3N: Array) -> Array:
    """sum_i (n_i / n) |accuracy_i - confidence_i|: is a 90 % prediction right 90 % of the time? (S4, Guo et al. 2017).

    Args:
      bins_3N: what `calibration_bins` returns, summed over batches.

    Returns:
      Scalar in [0, 1].
    """
    counts, confidence, right = bins_3N
    return jnp.sum(jnp.abs(right - confidence)) / jnp.sum(counts)


def exact_zeros(params: Any) -> Array:
    """Fraction of the penalised weights that are exactly zero (F047, F060).

    Args:
      params: pytree of parameters; only kernels and embeddings count.

    Returns:
      Scalar in [0, 1]; NaN without such leaves.
    """
    leaves = penalised_leaves(params)
    zeros = jnp.asarray(sum((jnp.sum(leaf == 0) for leaf in leaves), start=0))
    return zeros / jnp.float32(sum(leaf.size for leaf in leaves))


def weight_norm(params: Any) -> Array:
    """Euclidean norm of all penalised weights together (F060).

    Args:
      params: pytree of parameters; only kernels and embeddings count.

    Returns:
      Scalar >= 0.
    """
    return _norm(penalised_leaves(params))


def dead_units(activations_BF: Array) -> Array:
    """Fraction of the units that are 0 for every example: a dead ReLU (F058).

    Args:
      activations_BF: (..., F) outputs of one layer after its activation.

    Returns:
      Scalar in [0, 1].
    """
    return jnp.mean(jnp.all(activations_BF == 0, axis=tuple(range(activations_BF.ndim - 1))), dtype=jnp.float32)


def sparsity(activations_BF: Array) -> Array:
    """Fraction of the entries that are 0; about half for a ReLU at its start (F058).

    Args:
      activations_BF: any shape.

    Returns:
      Scalar in [0, 1].
    """
    return jnp.mean(activations_BF == 0, dtype=jnp.float32)


def gradient_norms(grads: Any) -> dict[str, Array]:
    """Euclidean norm of the gradient of each layer, kernel and bias together: does it vanish towards the input? (F060).

    Args:
      grads: pytree like the parameters.

    Returns:
      Path of the layer ("encoder/dense_0") -> scalar >= 0, in tree order; a bare leaf has the path "".
    """
    layers: dict[str, list[Array]] = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(grads):
        layers.setdefault(jax.tree_util.keystr(path[:-1], simple=True, separator="/"), []).append(leaf)
    return {layer: _norm(leaves) for layer, leaves in layers.items()}


def _norm(leaves: list[Array]) -> Array:
    squares = (jnp.sum(jnp.square(wide(leaf))) for leaf in leaves)
    return jnp.sqrt(jnp.asarray(sum(squares, start=0.0)))


def _ratio(numerator: Array, denominator: Array) -> Array:
    return jnp.where(denominator > 0, numerator / jnp.where(denominator > 0, denominator, 1.0), 0.0)
