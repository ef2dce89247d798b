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


accuracy, binary_accuracy = jax.jit(metrics.accuracy), jax.jit(metrics.binary_accuracy)
confusion_matrix = jax.jit(metrics.confusion_matrix, static_argnums=2)
class_scores = jax.jit(metrics.class_scores)
calibration_bins = jax.jit(metrics.calibration_bins)
expected_calibration_error = jax.jit(metrics.expected_calibration_error)


means = jax.jit(metrics.means)


def value(pair) -> float:
    return float(means({"x": pair})["x"])


def test_accuracy_equals_scikit_learn() -> None:
    plain = value(accuracy(LOGITS_NC, TARGETS_N))
    assert plain == pytest.approx(sklearn.metrics.accuracy_score(TARGETS_N, PREDICTIONS_N), rel=1e-6)
    weighted = value(accuracy(LOGITS_NC, TARGETS_N, WEIGHTS_N))
    expected = sklearn.metrics.accuracy_score(TARGETS_N, PREDICTIONS_N, sample_weight=WEIGHTS_N)
    assert weighted == pytest.approx(expected, rel=1e-5)


def test_sums_of_batches_are_the_whole_where_a_mean_of_means_is_not() -> None:
    right = np.float32([1.0, 1.0, 1.0, 0.0])

    @jax.jit
    def joined_and_parts() -> tuple[dict, list[dict], dict, dict]:
        parts = [{"accuracy": metrics.mean_of(jnp.asarray(part))} for part in (right[:1], right[1:])]
        empty = metrics.means({"nothing": (jnp.zeros(()), jnp.zeros(()))})
        two = metrics.means({"x": (jnp.asarray([1.0, 4.0]), jnp.asarray([2.0, 2.0]))})
        return metrics.means(metrics.add(*parts)), [metrics.means(part) for part in parts], empty, two

    joined, parts, empty, two = jax.device_get(joined_and_parts())
    assert joined["accuracy"] == 0.75
    assert np.mean([part["accuracy"] for part in parts]) != 0.75
    assert np.isnan(empty["nothing"])
    np.testing.assert_allclose(two["x"], [0.5, 2.0])


def test_an_example_of_weight_zero_does_not_count() -> None:
    mean_of = jax.jit(metrics.mean_of)
    assert jax.device_get(mean_of(np.float32([1.0, np.nan, 3.0]), np.asarray([1, 0, 1]))) == (4.0, 2.0)
    assert jax.device_get(mean_of(np.asarray([True, False]))) == (1.0, 2.0)


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7])
def test_binary_accuracy_thresholds_the_probability(threshold: float) -> None:
    """F007: predict is predict_proba >= t."""
    z_N, y_N = LOGITS_NC[:, 0], TARGETS_N % 2
    expected = np.mean((special.expit(z_N) >= threshold) == y_N)
    found = binary_accuracy(z_N, y_N, threshold=threshold)
    assert value(found) == pytest.approx(expected, rel=1e-6)
    assert jax.device_get(binary_accuracy(np.zeros(1, np.float32), np.ones(1, int))) == (1.0, 1.0)


def test_errors_of_predictions() -> None:
    a, b = LOGITS_NC[:, 0], LOGITS_NC[:, 1]
    squared = value(jax.jit(metrics.squared_error)(a, b))
    assert squared == pytest.approx(sklearn.metrics.mean_squared_error(a, b), rel=1e-5)
    absolute = value(jax.jit(metrics.absolute_error)(a, b, WEIGHTS_N))
    expected = sklearn.metrics.mean_absolute_error(a, b, sample_weight=WEIGHTS_N)
    assert absolute == pytest.approx(expected, rel=1e-5)


def test_perplexity_counts_equal_choices() -> None:
    assert metrics.perplexity(np.log(np.float32(65.0))) == pytest.approx(65.0, rel=1e-5)


def test_confusion_matrix_and_scores_equal_scikit_learn() -> None:
    y, p = TARGETS_N, PREDICTIONS_N
    found = np.asarray(confusion_matrix(p, y, 4))
    np.testing.assert_array_equal(found, sklearn.metrics.confusion_matrix(TARGETS_N, PREDICTIONS_N))
    halves = [np.asarray(confusion_matrix(p[part], y[part], 4)) for part in (slice(40), slice(40, None))]
    np.testing.assert_array_equal(found, sum(halves))
    weighted = confusion_matrix(p, y, 4, WEIGHTS_N)
    expected = sklearn.metrics.confusion_matrix(TARGETS_N, PREDICTIONS_N, sample_weight=WEIGHTS_N)
    np.testing.assert_allclose(weighted, expected, rtol=1e-5)
    scores = sklearn.metrics.precision_recall_fscore_support(TARGETS_N, PREDICTIONS_N)[:3]
    np.testing.assert_allclose(np.stack(class_scores(found)), np.stack(scores), rtol=1e-6)


def test_scores_of_an_absent_class_are_zero() -> None:
    scores = class_scores(np.float32([[3.0, 0.0], [0.0, 0.0]]))
    np.testing.assert_array_equal(np.stack(scores), [[1.0, 0.0]] * 3)


def test_calibration_error_by_hand_and_over_batches() -> None:
    """Three sure answers of which two are right, and one even guess that is."""
    p_NC = np.float32([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.55, 0.45]])
    y_N = np.asarray([0, 1, 1, 0])
    bins = np.asarray(calibration_bins(p_NC, y_N))
    expected = (3 / 4) * abs(2 / 3 - 0.9) + (1 / 4) * abs(1 - 0.55)
    assert expected_calibration_error(bins) == pytest.approx(expected, rel=1e-5)
    np.testing.assert_array_equal(bins[0], np.eye(10)[8] * 3 + np.eye(10)[5])
    halves = [np.asarray(calibration_bins(p_NC[part], y_N[part])) for part in (slice(2), slice(2, None))]
    np.testing.assert_allclose(bins, sum(halves), rtol=1e-6)
    masked = calibration_bins(p_NC, y_N, weights=np.float32([0.0, 0.0, 0.0, 1.0]))
    assert expected_calibration_error(masked) == pytest.approx(0.45, rel=1e-5)
    certain = calibration_bins(np.float32([[1.0, 0.0], [0.0, 1.0]]), np.asarray([0, 1]))
    assert expected_calibration_error(certain) == 0.0


PARAMS = {
    "encoder": {"dense_0": {"kernel": np.float32([[3.0, 0.0], [0.0, 4.0]]), "bias": np.zeros(2, np.float32)}},
    "norm": {"scale": np.float32([12.0])},
    "dense_1": {"kernel": np.float32([[0.0], [0.0], [12.0]]), "bias": np.float32([5.0])},
}


def test_statistics_of_parameters_look_at_weights_only() -> None:
    zeros, norm = jax.jit(lambda params: (metrics.exact_zeros(params), metrics.weight_norm(params)))(PARAMS)
    assert zeros == pytest.approx(4 / 7)
    assert norm == 13.0
    assert np.isnan(jax.jit(metrics.exact_zeros)({"bias": np.zeros(3, np.float32)}))
    both = jax.jit(jax.vmap(metrics.exact_zeros))({"kernel": np.float32([[0.0, 1.0], [0.0, 0.0]])})
    np.testing.assert_array_equal(both, [0.5, 1.0])


def test_gradient_norms_are_told_layer_by_layer() -> None:
    found = jax.device_get(jax.jit(metrics.gradient_norms)(PARAMS))
    assert found == {"encoder/dense_0": 5.0, "norm": 12.0, "dense_1": 13.0}


def test_dead_units_are_zero_for_every_example() -> None:
    @jax.jit
    def shares(activations_BF: jax.Array) -> tuple[jax.Array, ...]:
        dead, sparse = metrics.dead_units, metrics.sparsity
        return dead(activations_BF), sparse(activations_BF), dead(activations_BF[None])

    assert jax.device_get(shares(np.float32([[0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 2.0, 0.0]]))) == (0.5, 0.75, 0.5)


def test_a_rectifier_starts_half_sparse_and_dies_at_a_high_rate_where_a_leaky_one_does_not() -> None:
    """F058: about half the units are 0, and none is dead."""

    @jax.jit
    def draw():
        k_x, k_1, k_2, k_y = jax.random.split(jax.random.key(0), 4)
        x_BD, y_B = jax.random.normal(k_x, (128, 20)), jax.random.normal(k_y, (128,))
        start = (INITIALIZERS["he_normal"](k_1, (20, 64)), jnp.zeros(64), INITIALIZERS["he_normal"](k_2, (64, 1)))
        return x_BD, y_B, start

    x_BD, y_B, start = draw()

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

    at_start = jax.jit(lambda: (metrics.sparsity(hidden(start, 0.0)), metrics.dead_units(hidden(start, 0.0))))
    sparse, dead = at_start()
    assert sparse == pytest.approx(0.5, abs=0.05)
    assert dead == 0.0
    assert dead_after(1e-3, 0.0) == 0.0
    assert dead_after(1.0, 0.0) > 0.0
    assert dead_after(1.0, 0.01) == 0.0
