"""Gradient descent as the notes write it, update by update (F020-F025, F033-F037).

These are the course's algorithms in their own words, on plain arrays, to be read beside the notes and compared with
each other. Training proper is `nn_core.training` with an optimizer from `nn_core.optimizers`.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from nn_core.activations import sigmoid, sigmoid_derivative


class DescentResult(NamedTuple):
    """Logistic regression as trained; E = max_epochs.

    Attributes:
      weights_D: (D,) final weights.
      bias: final bias.
      converged: True if a stopping rule fired.
      num_epochs: passes over the data.
      losses_E: (E,) mean log-loss after each pass; past `num_epochs` the final one.
      updates_E: (E,) points that moved the weights in each pass, those with y - y^ not 0; 0 past `num_epochs` (F025).
      boundaries_ED: (E, D + 1) the boundary (w_1 .. w_D, b) after each pass; past `num_epochs` the final one.
    """

    weights_D: Array
    bias: Array
    converged: Array
    num_epochs: Array
    losses_E: Array
    updates_E: Array
    boundaries_ED: Array


def log_loss(weights_D: Array, bias: Array | float, inputs_ND: Array, targets_N: Array) -> Array:
    """The error function E = -(1/m) sum [y ln y^ + (1 - y) ln(1 - y^)], from logits (F017)."""
    logits_N = inputs_ND @ weights_D + bias
    return jnp.mean(jnp.logaddexp(0.0, logits_N) - targets_N * logits_N)


def point_gradient(weights_D: Array, bias: Array | float, x_D: Array, y: Array) -> tuple[Array, Array]:
    """Gradient of one point's error, -(y - y^)(x_1, .., x_n, 1) (F021).

    Args:
      weights_D: (D,) weights.
      bias: scalar.
      x_D: the point.
      y: its label.

    Returns:
      (dE/dw (D,), dE/db).
    """
    error = y - sigmoid(x_D @ weights_D + bias)
    return -error * x_D, -error


def logistic_regression(
    weights_D: Array,
    bias: Array | float,
    inputs_ND: Array,
    targets_N: Array,
    *,
    learning_rate: Array | float,
    max_epochs: int,
    batch: bool = False,
    small_error: Array | float = 0.0,
    small_change: Array | float = 0.0,
) -> DescentResult:
    """The logistic regression algorithm (F024): update at every point, repeat until the error is small.

        online:  w += a (y - y^) x,  b += a (y - y^)        at every point in turn
        batch:   w += (a/m) sum (y - y^) x,  b += (a/m) sum (y - y^)        once per pass

    The bias moves once per point; the notes print its update inside the loop over the weights, where it would move n
    times (S11). "Until the error is small" needs numbers and a limit: separable data would never stop (S11b).

    Args:
      weights_D: (D,) start, random in the notes.
      bias: scalar start.
      inputs_ND: (N, D) points.
      targets_N: (N,) labels in {0, 1}.
      learning_rate: a > 0; the batch form divides by m, so that a does not depend on m (S10).
      max_epochs: limit on the passes (static), >= 1.
      batch: static; False updates at every point, True once per pass.
      small_error: stop when the mean log-loss is at most this.
      small_change: stop when a pass changes the mean log-loss by at most this.

    Returns:
      A `DescentResult`.

    Raises:
      ValueError: `max_epochs` below 1.
    """
    if max_epochs < 1:
        raise ValueError(f"max_epochs={max_epochs} must be at least 1; raise it to 1 or more")
    one_pass = _batch_pass if batch else _online_pass
    targets_N, bias = targets_N.astype(inputs_ND.dtype), jnp.asarray(bias, weights_D.dtype)

    def epoch(state: _State, _: None) -> tuple[_State, tuple[Array, Array, Array]]:
        weights_D, bias, updates = one_pass(state.weights_D, state.bias, inputs_ND, targets_N, learning_rate)
        loss = log_loss(weights_D, bias, inputs_ND, targets_N)
        done = (loss <= small_error) | (jnp.abs(loss - state.loss) <= small_change)
        new = _State(weights_D, bias, loss, done, state.num_epochs + 1)
        updates = jnp.where(state.done, 0, updates)
        state = jax.tree.map(lambda old, new: jnp.where(state.done, old, new), state, new)
        return state, (state.loss, updates, jnp.append(state.weights_D, state.bias))

    start = _State(weights_D, bias, jnp.full_like(bias, jnp.inf), jnp.bool_(False), jnp.int32(0))
    end, (losses_E, updates_E, boundaries_ED) = lax.scan(epoch, start, None, length=max_epochs)
    return DescentResult(end.weights_D, end.bias, end.done, end.num_epochs, losses_E, updates_E, boundaries_ED)


class _State(NamedTuple):
    weights_D: Array
    bias: Array
    loss: Array
    done: Array
    num_epochs: Array


def _online_pass(
    weights_D: Array, bias: Array, inputs_ND: Array, targets_N: Array, learning_rate: Array | float
) -> tuple[Array, Array, Array]:
    """One update per point, in order; also counts the points that changed the weights."""

    def visit(state: tuple[Array, Array, Array], point: tuple[Array, Array]) -> tuple[tuple[Array, Array, Array], None]:
        weights_D, bias, updates = state
        slope_D, slope = point_gradient(weights_D, bias, *point)
        return (weights_D - learning_rate * slope_D, bias - learning_rate * slope, updates + (slope != 0)), None

    return lax.scan(visit, (weights_D, bias, jnp.int32(0)), (inputs_ND, targets_N))[0]


def _batch_pass(
    weights_D: Array, bias: Array, inputs_ND: Array, targets_N: Array, learning_rate: Array | float
) -> tuple[Array, Array, Array]:
    """One update for all points with averaged gradients; also counts the points that contributed."""
    slopes_ND, slopes_N = jax.vmap(point_gradient, in_axes=(None, None, 0, 0))(weights_D, bias, inputs_ND, targets_N)
    weights_D = weights_D - learning_rate * jnp.mean(slopes_ND, axis=0)
    bias = bias - learning_rate * jnp.mean(slopes_N)
    return weights_D, bias, jnp.sum(slopes_N != 0, dtype=jnp.int32)


def mean_squared_loop(
    weights_D: Array, inputs_ND: Array, targets_N: Array, *, learning_rate: Array | float, num_epochs: int
) -> Array:
    """Descent on E = 1/(2m) sum (y - y^)^2 of one sigmoid unit, record by record as listed (F037).

        Dw = 0;  for each record: delta = (y - y^) f'(h), Dw += delta x;  w += eta Dw / m

    No bias, as printed (S13): append a constant feature to have one.

    Args:
      weights_D: (D,) start.
      inputs_ND: (N, D) records.
      targets_N: (N,) targets in (0, 1).
      learning_rate: eta > 0 (the notes say .01 to .001, their worked example takes .5: S14b).
      num_epochs: e (static).

    Returns:
      (num_epochs + 1, D) weights: the start, then after each epoch.
    """

    def epoch(weights_D: Array) -> Array:
        def record(step_D: Array, example: tuple[Array, Array]) -> tuple[Array, None]:
            x_D, y = example
            return step_D + _error_term(weights_D, x_D, y) * x_D, None

        step_D, _ = lax.scan(record, jnp.zeros_like(weights_D), (inputs_ND, targets_N))
        return weights_D + learning_rate * step_D / len(inputs_ND)

    return _history(epoch, weights_D, num_epochs)


def mean_squared_vectorised(
    weights_D: Array, inputs_ND: Array, targets_N: Array, *, learning_rate: Array | float, num_epochs: int
) -> Array:
    """The same algorithm in matrix form, w += (eta/m) X^T [(y - y^) f'(Xw)]; arguments and result as in the loop."""

    def epoch(weights_D: Array) -> Array:
        step_D = _error_term(weights_D, inputs_ND, targets_N) @ inputs_ND
        return weights_D + learning_rate * step_D / len(inputs_ND)

    return _history(epoch, weights_D, num_epochs)


def mean_squared_per_record(
    weights_D: Array, inputs_ND: Array, targets_N: Array, *, learning_rate: Array | float, num_epochs: int
) -> Array:
    """The variant that updates at each record, w += eta delta x (F037); arguments and result as in the loop."""

    def epoch(weights_D: Array) -> Array:
        def record(weights_D: Array, example: tuple[Array, Array]) -> tuple[Array, None]:
            x_D, y = example
            return weights_D + learning_rate * _error_term(weights_D, x_D, y) * x_D, None

        return lax.scan(record, weights_D, (inputs_ND, targets_N))[0]

    return _history(epoch, weights_D, num_epochs)


def _error_term(weights_D: Array, inputs_ND: Array, targets_N: Array) -> Array:
    """delta = (y - y^) f'(h) with h = w . x, for one record or for all."""
    h_N = inputs_ND @ weights_D
    return (targets_N - sigmoid(h_N)) * sigmoid_derivative(h_N)


def _history(epoch: Callable[[Array], Array], weights_D: Array, num_epochs: int) -> Array:
    """The start and the weights after each epoch, (num_epochs + 1, D)."""

    def step(weights_D: Array, _: None) -> tuple[Array, Array]:
        weights_D = epoch(weights_D)
        return weights_D, weights_D

    _, later_ED = lax.scan(step, weights_D, None, length=num_epochs)
    return jnp.concatenate([weights_D[None, :], later_ED])
