"""The notes' descent algorithms against plain Python, autodiff and scikit-learn (F020-F037)."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss as sklearn_log_loss

from nn_core import losses
from nn_core.activations import sigmoid
from nn_core.by_hand.gradient_descent import (
    DescentResult,
    log_loss,
    logistic_regression,
    mean_squared_loop,
    mean_squared_per_record,
    mean_squared_vectorised,
    point_gradient,
)
from nn_core.models.perceptron import train_perceptron

# Small programs that run once: compile them fast.
FAST = {"xla_backend_optimization_level": 0}
compiled = jax.jit(logistic_regression, static_argnames=("max_epochs", "batch"), compiler_options=FAST)
by_loop, by_matrix, by_record = (
    jax.jit(form, static_argnames="num_epochs", compiler_options=FAST)
    for form in (mean_squared_loop, mean_squared_vectorised, mean_squared_per_record)
)


def train(*arguments: Any, **options: Any) -> DescentResult:
    """The result in NumPy, where slicing compiles nothing."""
    return jax.device_get(compiled(*arguments, **options))


@pytest.fixture
def double_precision() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def classes(seed: int = 0, gap: float = 0.3, count: int = 83) -> tuple[np.ndarray, np.ndarray]:
    """Two Gaussian classes in three dimensions; they overlap unless the gap is large."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 2, count)
    inputs = rng.normal(size=(count, 3)) * [1.0, 2.0, 0.5] + gap * (2 * targets[:, None] - 1)
    return inputs, targets.astype(float)


def logistic(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


@pytest.mark.usefixtures("double_precision")
def test_log_loss_is_scikit_learns() -> None:
    inputs, targets = classes()
    weights = np.array([0.5, -0.2, 1.0])
    probabilities = logistic(inputs @ weights + 0.1)
    assert float(jax.jit(log_loss)(weights, 0.1, inputs, targets)) == pytest.approx(
        sklearn_log_loss(targets, probabilities), abs=1e-9
    )


@pytest.mark.usefixtures("double_precision")
def test_gradient_formula_is_the_derivative() -> None:
    """F021: -(y - y^)(x, 1), over a batch of 256 points."""
    inputs, targets = classes(1, count=256)
    weights = np.array([0.5, -0.2, 1.0])
    by_hand = jax.jit(jax.vmap(point_gradient, in_axes=(None, None, 0, 0)))(weights, 0.1, inputs, targets)

    def mean_loss(weights: jax.Array, bias: jax.Array) -> jax.Array:
        return losses.binary_cross_entropy(jnp.asarray(inputs) @ weights + bias, jnp.asarray(targets))

    by_autodiff = jax.jit(jax.grad(mean_loss, argnums=(0, 1)))(weights, 0.1)
    np.testing.assert_allclose(np.mean(by_hand[0], axis=0), by_autodiff[0], rtol=0, atol=1e-12)
    np.testing.assert_allclose(np.mean(by_hand[1]), by_autodiff[1], rtol=0, atol=1e-12)
    assert np.all(np.abs(by_autodiff[0]) > 0.01)


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("batch", [False, True])
def test_updates_are_those_of_the_notes(batch: bool) -> None:
    """F024 in plain Python, with the bias moved once per point (S11)."""
    inputs, targets = classes(2)
    weights, bias = np.array([0.3, -0.1, 0.2]), 0.05
    result = train(weights, bias, inputs, targets, learning_rate=0.2, max_epochs=4, batch=batch)
    expected = []
    for _ in range(4):
        if batch:
            error = targets - logistic(inputs @ weights + bias)
            weights, bias = weights + 0.2 / 83 * error @ inputs, bias + 0.2 / 83 * error.sum()
        else:
            for x, y in zip(inputs, targets, strict=True):
                error = y - logistic(x @ weights + bias)
                weights, bias = weights + 0.2 * error * x, bias + 0.2 * error
        expected.append(np.append(weights, bias))
    np.testing.assert_allclose(result.boundaries_ED, expected, rtol=1e-10)
    np.testing.assert_allclose(np.append(result.weights_D, result.bias), expected[-1], rtol=1e-10)
    last = sklearn_log_loss(targets, logistic(inputs @ weights + bias))
    assert float(result.losses_E[-1]) == pytest.approx(last, abs=1e-12)


def test_bias_inside_the_loop_over_the_weights_moves_it_too_far() -> None:
    """S11: read as printed, the bias takes n steps per point, so it depends on the number of features."""
    x, y = np.array([[1.0, 2.0, -1.0]], np.float32), np.array([1.0])
    result = train(np.zeros(3, np.float32), 0.0, x, y, learning_rate=0.1, max_epochs=1)
    printed_bias = 0.0
    for _ in range(3):
        printed_bias -= 0.1 * (0.5 - 1.0)
    assert result.bias == pytest.approx(0.05) and printed_bias == pytest.approx(0.15)


@pytest.mark.parametrize(("batch", "rate", "epochs"), [(False, 0.003, 60), (True, 0.5, 200)])
def test_online_and_batch_reach_the_maximum_likelihood(batch: bool, rate: float, epochs: int) -> None:
    """F024: within 1 % of L-BFGS on classes that overlap."""
    inputs, targets = classes(3, count=211)
    reference = LogisticRegression(C=np.inf, tol=1e-8).fit(inputs, targets)
    best = sklearn_log_loss(targets, reference.predict_proba(inputs))
    start = np.array([0.1, -0.1, 0.05], np.float32)
    result = train(start, 0.0, inputs.astype(np.float32), targets, learning_rate=rate, max_epochs=epochs, batch=batch)
    assert best - 1e-6 <= result.losses_E[-1] <= 1.01 * best < 0.9 * result.losses_E[0]


def test_stops_when_the_error_is_small_or_no_longer_changes() -> None:
    """S11b: separable data never finishes by itself; the weights grow until a rule or the limit stops them."""
    inputs, targets = (array.astype(np.float32) for array in classes(4, gap=2.5))
    run = partial(train, np.zeros(3, np.float32), 0.0, inputs, targets, learning_rate=0.1, max_epochs=300, batch=True)
    endless, small = run(), run(small_error=0.05)
    assert not endless.converged and endless.num_epochs == 300
    assert np.all(np.diff(np.linalg.norm(endless.boundaries_ED[:, :3], axis=1)) > 0)
    assert small.converged and small.losses_E[-1] <= 0.05 < endless.losses_E[small.num_epochs - 2]
    # After the stop everything stays, and nothing is counted.
    assert np.all(small.boundaries_ED[small.num_epochs - 1 :] == small.boundaries_ED[-1][None, :])
    assert np.all(small.updates_E[small.num_epochs :] == 0) and np.all(small.updates_E[: small.num_epochs] == 83)
    assert np.array_equal(small.boundaries_ED[: small.num_epochs], endless.boundaries_ED[: small.num_epochs])
    overlapping = (array.astype(np.float32) for array in classes(5))
    settled = train(
        np.zeros(3, np.float32), 0.0, *overlapping, learning_rate=0.5, max_epochs=300, batch=True, small_change=1e-5
    )
    steps = np.abs(np.diff(settled.losses_E[: settled.num_epochs]))
    assert settled.converged and 3 < settled.num_epochs < 300 and steps[-1] <= 1e-5 < steps[-2]


def test_the_mean_makes_the_learning_rate_independent_of_the_number_of_points() -> None:
    """S10: a on the mean equals a / m on the sum; twice the same data changes nothing in the batch form."""
    inputs, targets = (array.astype(np.float32) for array in classes(6))
    run = partial(train, np.zeros(3, np.float32), 0.0, max_epochs=10, batch=True)
    once = run(inputs, targets, learning_rate=0.5)
    twice = run(np.tile(inputs, (2, 1)), np.tile(targets, 2), learning_rate=0.5)
    np.testing.assert_allclose(once.boundaries_ED, twice.boundaries_ED, rtol=1e-5)
    summed = np.zeros(4)
    for _ in range(10):
        errors = targets - logistic(inputs @ summed[:3] + summed[3])
        summed = summed + 0.5 / 83 * np.append(errors @ inputs, errors.sum())
    np.testing.assert_allclose(once.boundaries_ED[-1], summed, rtol=1e-5)


def test_descent_updates_at_every_point_and_the_perceptron_at_mistakes_only() -> None:
    """F025: the same formula w + a (y - y^) x with y^ in (0, 1) or in {0, 1}."""
    inputs, targets = (array.astype(np.float32) for array in classes(7, gap=1.2))
    descent = train(np.zeros(3, np.float32), 0.0, inputs, targets, learning_rate=0.1, max_epochs=6)
    steps = jax.jit(partial(train_perceptron, max_epochs=6))(inputs, targets, learning_rate=0.1)
    assert descent.updates_E.tolist() == [83] * 6
    assert np.all(steps.mistakes_E[: steps.num_epochs] < 30) and steps.mistakes_E[0] > 0


def test_loop_and_matrix_form_of_the_squared_error_agree() -> None:
    """F037: 10 epochs, to 1e-7; and both are descent on 1/(2m) sum (y - y^)^2."""
    inputs, targets = (array.astype(np.float32) for array in classes(8))
    start, options = np.float32([0.3, -0.2, 0.1]), {"learning_rate": 0.5, "num_epochs": 10}
    loop = np.asarray(by_loop(start, inputs, targets, **options))
    matrix = by_matrix(start, inputs, targets, **options)
    assert loop.shape == (11, 3) and np.array_equal(loop[0], start)
    np.testing.assert_allclose(loop, matrix, rtol=0, atol=1e-7)
    assert np.linalg.norm(loop[-1] - start) > 0.1
    slope = jax.jit(jax.grad(lambda w: losses.half_mean_squared_error(sigmoid(inputs @ w), targets)))(start)
    np.testing.assert_allclose(loop[1], start - 0.5 * np.asarray(slope), atol=1e-7)


def test_per_record_variant_moves_within_the_epoch() -> None:
    """on one record it is the same algorithm; on many it takes m steps of the full size."""
    inputs, targets = (array.astype(np.float32) for array in classes(9))
    start, options = np.zeros(3, np.float32), {"learning_rate": 0.01, "num_epochs": 1}
    one = [np.asarray(form(start, inputs[:1], targets[:1], **options))[-1] for form in (by_record, by_loop)]
    np.testing.assert_allclose(*one, atol=1e-8)
    many = np.asarray(by_record(start, inputs, targets, **options))[-1]
    weights = np.zeros(3)
    for x, y in zip(np.asarray(inputs), np.asarray(targets), strict=True):
        prediction = logistic(x @ weights)
        weights = weights + 0.01 * (y - prediction) * prediction * (1 - prediction) * x
    np.testing.assert_allclose(many, weights, atol=1e-6)
    averaged = np.asarray(by_loop(start, inputs, targets, **options))[-1]
    assert 70 < np.linalg.norm(many) / np.linalg.norm(averaged) < 90


def test_a_step_that_is_too_large_overshoots() -> None:
    """the mean loss rises where the learning rate is 100 times the useful one."""
    inputs, targets = (array.astype(np.float32) for array in classes(10))
    fine = train(np.zeros(3, np.float32), 0.0, inputs, targets, learning_rate=0.5, max_epochs=10, batch=True)
    wild = train(np.zeros(3, np.float32), 0.0, inputs, targets, learning_rate=50.0, max_epochs=10, batch=True)
    assert np.all(np.diff(fine.losses_E) < 0) and np.any(np.diff(wild.losses_E) > 1.0)


def test_no_epochs_are_refused() -> None:
    with pytest.raises(ValueError, match="max_epochs=0 must be at least 1"):
        compiled(np.zeros(1), 0.0, np.ones((1, 1)), np.ones(1), learning_rate=1.0, max_epochs=0)
