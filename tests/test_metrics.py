"""Metrics against scikit-learn and by hand, and their sums over batches."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import sklearn.metrics
from scipy import special

from nn_core import metrics
from nn_core.initializers import INITIALIZERS

RNG = np.random.default_rng(0)
LOGITS_NC = RNG.normal(size=(101, 4)).astype(np.float32)
TARGETS_N = RNG.integers(0, 4, 101)
WEIGHTS_N = RNG.uniform(0, 2, 101).astype(np.float32)
PREDICTIONS_N = LOGITS_NC.argmax(-1)


calibration_bins = jax.jit(metrics.calibration_bins)
expected_calibration_error = jax.jit(metrics.expected_calibration_error)


def value(pair) -> float:
    return float(metrics.means({"x": pair})["x"])


def test_accuracy_equals_scikit_learn() -> None:
    plain = value(metrics.accuracy(jnp.asarray(LOGITS_NC), jnp.asarray(TARGETS_N)))
    assert plain == pytest.approx(sklearn.metrics.accuracy_score(TARGETS_N, PREDICTIONS_N), rel=1e-6)
    weighted = value(metrics.accuracy(jnp.asarray(LOGITS_NC), jnp.asarray(TARGETS_N), jnp.asarray(WEIGHTS_N)))
    expected = sklearn.metrics.accuracy_score(TARGETS_N, PREDICTIONS_N, sample_weight=WEIGHTS_N)
    assert weighted == pytest.approx(expected, rel=1e-5)


def test_sums_of_batches_are_the_whole_where_a_mean_of_means_is_not() -> None:
    right = jnp.asarray([1.0, 1.0, 1.0, 0.0])
    parts = [{"accuracy": metrics.mean_of(part)} for part in (right[:1], right[1:])]
    assert metrics.means(metrics.add(*parts))["accuracy"] == 0.75
    assert np.mean([metrics.means(part)["accuracy"] for part in parts]) != 0.75
    assert np.isnan(metrics.means({"nothing": (jnp.zeros(()), jnp.zeros(()))})["nothing"])
    np.testing.assert_allclose(
        metrics.means({"x": (jnp.asarray([1.0, 4.0]), jnp.asarray([2.0, 2.0]))})["x"], [0.5, 2.0]
    )


def test_an_example_of_weight_zero_does_not_count() -> None:
    values = jnp.asarray([1.0, jnp.nan, 3.0])
    assert metrics.mean_of(values, jnp.asarray([1, 0, 1])) == (4.0, 2.0)
    assert metrics.mean_of(jnp.asarray([True, False])) == (1.0, 2.0)


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7])
def test_binary_accuracy_thresholds_the_probability(threshold: float) -> None:
    """F007: predict is predict_proba >= t."""
    z_N, y_N = LOGITS_NC[:, 0], TARGETS_N % 2
    expected = np.mean((special.expit(z_N) >= threshold) == y_N)
    found = metrics.binary_accuracy(jnp.asarray(z_N), jnp.asarray(y_N), threshold=threshold)
    assert value(found) == pytest.approx(expected, rel=1e-6)
    assert metrics.binary_accuracy(jnp.zeros(1), jnp.ones(1)) == (1.0, 1.0)


def test_errors_of_predictions() -> None:
    a, b = LOGITS_NC[:, 0], LOGITS_NC[:, 1]
    squared = value(metrics.squared_error(jnp.asarray(a), jnp.asarray(b)))
    assert squared == pytest.approx(sklearn.metrics.mean_squared_error(a, b), rel=1e-5)
    absolute = value(metrics.absolute_error(jnp.asarray(a), jnp.asarray(b), jnp.asarray(WEIGHTS_N)))
    expected = sklearn.metrics.mean_absolute_error(a, b, sample_weight=WEIGHTS_N)
    assert absolute == pytest.approx(expected, rel=1e-5)


def test_perplexity_counts_equal_choices() -> None:
    assert metrics.perplexity(jnp.log(65.0)) == pytest.approx(65.0, rel=1e-5)


def test_confusion_matrix_and_scores_equal_scikit_learn() -> None:
    y, p = jnp.asarray(TARGETS_N), jnp.asarray(PREDICTIONS_N)
    found = metrics.confusion_matrix(p, y, 4)
    np.testing.assert_array_equal(found, sklearn.metrics.confusion_matrix(TARGETS_N, PREDICTIONS_N))
    halves = metrics.confusion_matrix(p[:40], y[:40], 4) + metrics.confusion_matrix(p[40:], y[40:], 4)
    np.testing.assert_array_equal(found, halves)
    weighted = metrics.confusion_matrix(p, y, 4, jnp.asarray(WEIGHTS_N))
    expected = sklearn.metrics.confusion_matrix(TARGETS_N, PREDICTIONS_N, sample_weight=WEIGHTS_N)
    np.testing.assert_allclose(weighted, expected, rtol=1e-5)
    scores = sklearn.metrics.precision_recall_fscore_support(TARGETS_N, PREDICTIONS_N)[:3]
    np.testing.assert_allclose(np.stack(metrics.class_scores(found)), np.stack(scores), rtol=1e-6)


def test_scores_of_an_absent_class_are_zero() -> None:
    scores = metrics.class_scores(jnp.asarray([[3.0, 0.0], [0.0, 0.0]]))
    np.testing.assert_array_equal(np.stack(scores), [[1.0, 0.0]] * 3)


def test_calibration_error_by_hand_and_over_batches() -> None:
    """Three sure answers of which two are right, and one even guess that is."""
    p_NC = jnp.asarray([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.55, 0.45]])
    y_N = jnp.asarray([0, 1, 1, 0])
    bins = calibration_bins(p_NC, y_N)
    expected = (3 / 4) * abs(2 / 3 - 0.9) + (1 / 4) * abs(1 - 0.55)
    assert expected_calibration_error(bins) == pytest.approx(expected, rel=1e-5)
    np.testing.assert_array_equal(bins[0], np.eye(10)[8] * 3 + np.eye(10)[5])
    halves = calibration_bins(p_NC[:1], y_N[:1]) + calibration_bins(p_NC[1:], y_N[1:])
    np.testing.assert_allclose(bins, halves, rtol=1e-6)
    masked = calibration_bins(p_NC, y_N, weights=jnp.asarray([0.0, 0.0, 0.0, 1.0]))
    assert expected_calibration_error(masked) == pytest.approx(0.45, rel=1e-5)
    certain = calibration_bins(jnp.asarray([[1.0, 0.0], [0.0, 1.0]]), jnp.asarray([0, 1]))
    assert expected_calibration_error(certain) == 0.0


PARAMS = {
    "encoder": {"dense_0": {"kernel": jnp.asarray([[3.0, 0.0], [0.0, 4.0]]), "bias": jnp.zeros(2)}},
    "norm": {"scale": jnp.asarray([12.0])},
    "dense_1": {"kernel": jnp.asarray([[0.0], [0.0], [12.0]]), "bias": jnp.asarray([5.0])},
}


def test_statistics_of_parameters_look_at_weights_only() -> None:
    assert metrics.exact_zeros(PARAMS) == pytest.approx(4 / 7)
    assert metrics.weight_norm(PARAMS) == 13.0
    assert np.isnan(metrics.exact_zeros({"bias": jnp.zeros(3)}))
    both = jax.jit(jax.vmap(metrics.exact_zeros))({"kernel": jnp.asarray([[0.0, 1.0], [0.0, 0.0]])})
    np.testing.assert_array_equal(both, [0.5, 1.0])


def test_gradient_norms_are_told_layer_by_layer() -> None:
    found = metrics.gradient_norms(PARAMS)
    assert found == {"encoder/dense_0": 5.0, "norm": 12.0, "dense_1": 13.0}


def test_dead_units_are_zero_for_every_example() -> None:
    activations_BF = jnp.asarray([[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 2.0, 0.0]])
    assert metrics.dead_units(activations_BF) == 0.5
    assert metrics.sparsity(activations_BF) == 0.75
    assert metrics.dead_units(activations_BF[None]) == 0.5


def test_a_rectifier_starts_half_sparse_and_dies_at_a_high_rate_where_a_leaky_one_does_not() -> None:
    """F058: L1284-L1286."""
    k_x, k_1, k_2, k_y = jax.random.split(jax.random.key(0), 4)
    x_BD, y_B = jax.random.normal(k_x, (128, 20)), jax.random.normal(k_y, (128,))
    start = (INITIALIZERS["he_normal"](k_1, (20, 64)), jnp.zeros(64), INITIALIZERS["he_normal"](k_2, (64, 1)))

    def hidden(params, slope):
        z_BF = x_BD @ params[0] + params[1][None]
        return jnp.where(z_BF > 0, z_BF, slope * z_BF)

    def loss(params, slope):
        return jnp.mean(((hidden(params, slope) @ params[2])[:, 0] - y_B) ** 2)

    @jax.jit
    def dead_after(rate, slope):
        def body(_, params):
            grads = jax.grad(loss)(params, slope)
            return jax.tree.map(lambda w, g: w - rate * jnp.clip(g, -10, 10), params, grads)

        return metrics.dead_units(hidden(jax.lax.fori_loop(0, 20, body, start), slope))

    assert metrics.sparsity(hidden(start, 0.0)) == pytest.approx(0.5, abs=0.05)
    assert metrics.dead_units(hidden(start, 0.0)) == 0.0
    assert dead_after(1e-3, 0.0) == 0.0
    assert dead_after(1.0, 0.0) > 0.0
    assert dead_after(1.0, 0.01) == 0.0
