"""The perceptron: a step over a linear model, its update rules, training loop and mistake bound (F001-F004).

Conventions fixed here: step(0) = 1 (S2). A converged boundary separates the classes, but it is *a* separating
hyperplane, not the best one, and depends on start and order (S3); without a separating one the rule never settles.

A boundary is one row (w_1 .. w_D, b): the bias is the weight of a constant feature 1.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

ROUNDING = 8  # a margin below this many rounding units of the longest point counts as none


class PerceptronResult(NamedTuple):
    """Training so far; E = max_epochs, M = max_recorded, D features.

    Attributes:
      boundary_D: (D + 1,) final boundary.
      converged: True if an epoch passed without a mistake.
      num_epochs: epochs run; the last one, without mistakes, included.
      num_mistakes: mistakes, each of them one update, over all epochs.
      mistakes_E: updates in each epoch; 0 past `num_epochs`.
      epoch_boundaries_ED: (E + 1, D + 1) start, then the boundary after each epoch; past `num_epochs` the final one.
      mistake_boundaries_MD: (M, D + 1) the boundary after each mistake; past `num_mistakes` the final one.
    """

    boundary_D: Array
    converged: Array
    num_epochs: Array
    num_mistakes: Array
    mistakes_E: Array
    epoch_boundaries_ED: Array
    mistake_boundaries_MD: Array

    @property
    def weights_D(self) -> Array:
        return self.boundary_D[..., :-1]

    @property
    def bias(self) -> Array:
        return self.boundary_D[..., -1]


def predict(weights_D: Array, bias: Array | float, inputs_ND: Array) -> Array:
    """The prediction step(w . x + b), with step(0) = 1 (S2).

    Args:
      weights_D: (D,) weights.
      bias: scalar.
      inputs_ND: (..., D) points.

    Returns:
      (...) predictions in {0, 1}, of the points' dtype.
    """
    return (inputs_ND @ weights_D + bias >= 0).astype(inputs_ND.dtype)


def three_case_update(
    weights_D: Array, bias: Array, x_D: Array, y: Array, learning_rate: Array | float
) -> tuple[Array, Array]:
    """The rule as the notes state it, case by case (F002).

        false positive: w - a x, b - a;   false negative: w + a x, b + a;   correct: unchanged

    Args:
      weights_D: (D,) weights.
      bias: scalar.
      x_D: one point.
      y: its label, 0 or 1; the notes' "if positive" means this label (S3b).
      learning_rate: a > 0.

    Returns:
      The new (weights_D, bias).
    """
    prediction = predict(weights_D, bias, x_D)
    false_positive = (prediction == 1) & (y == 0)
    false_negative = (prediction == 0) & (y == 1)
    step_D = learning_rate * x_D
    new_weights_D = jnp.where(
        false_positive, weights_D - step_D, jnp.where(false_negative, weights_D + step_D, weights_D)
    )
    new_bias = jnp.where(false_positive, bias - learning_rate, jnp.where(false_negative, bias + learning_rate, bias))
    return new_weights_D, new_bias


def update(weights_D: Array, bias: Array, x_D: Array, y: Array, learning_rate: Array | float) -> tuple[Array, Array]:
    """The same rule in one line, w + a (y - y^) x and b + a (y - y^) (F002, F025).

    Run operation by operation, it equals `three_case_update` bit for bit; compiled, either may round once less (fused
    multiply-add).
    """
    scaled_error = learning_rate * (y - predict(weights_D, bias, x_D))
    return weights_D + scaled_error * x_D, bias + scaled_error


def train_perceptron(
    inputs_ND: Array,
    targets_N: Array,
    *,
    learning_rate: Array | float,
    max_epochs: int,
    max_recorded: int = 1,
    initial_boundary_D: Array | None = None,
    order_key: Array | None = None,
) -> PerceptronResult:
    """Passes over the points until an epoch makes no mistake, or `max_epochs` is reached (F003).

    Args:
      inputs_ND: (N, D) points.
      targets_N: (N,) labels in {0, 1}.
      learning_rate: a > 0; from a zero start it only scales the boundary.
      max_epochs: bound on the passes (static), >= 1; data that cannot be separated takes all of them.
      max_recorded: mistakes whose boundary is kept (static), >= 1; later ones are counted only.
      initial_boundary_D: (D + 1,) start (w_1 .. w_D, b); None for zeros, which the mistake bound supposes.
      order_key: typed key that draws a new order of the points in each epoch; None keeps the given order.

    Returns:
      A `PerceptronResult`.

    Raises:
      ValueError: a bound below 1.
    """
    if max_epochs < 1 or max_recorded < 1:
        raise ValueError(
            f"max_epochs={max_epochs} and max_recorded={max_recorded} must be at least 1; raise them to 1 or more"
        )
    points_ND, targets_N = _with_constant(inputs_ND), targets_N.astype(inputs_ND.dtype)
    start_D = jnp.zeros_like(points_ND[0]) if initial_boundary_D is None else initial_boundary_D
    end = lax.while_loop(
        lambda progress: ~progress.converged & (progress.num_epochs < max_epochs),
        lambda progress: _epoch(progress, points_ND, targets_N, learning_rate, order_key),
        _start(start_D, max_epochs, max_recorded),
    )
    return end._replace(
        epoch_boundaries_ED=_fill_from(end.num_epochs + 1, end.epoch_boundaries_ED, end.boundary_D),
        mistake_boundaries_MD=_fill_from(end.num_mistakes, end.mistake_boundaries_MD, end.boundary_D),
    )


def _start(start_D: Array, max_epochs: int, max_recorded: int) -> PerceptronResult:
    """Before the first epoch, with the buffers that it will write to."""
    return PerceptronResult(
        boundary_D=start_D,
        converged=jnp.bool_(False),
        num_epochs=jnp.int32(0),
        num_mistakes=jnp.int32(0),
        mistakes_E=jnp.zeros(max_epochs, jnp.int32),
        epoch_boundaries_ED=jnp.tile(start_D, (max_epochs + 1, 1)),
        mistake_boundaries_MD=jnp.tile(start_D, (max_recorded, 1)),
    )


def _epoch(
    progress: PerceptronResult,
    points_ND: Array,
    targets_N: Array,
    learning_rate: Array | float,
    order_key: Array | None,
) -> PerceptronResult:
    """One pass over all points, in the given order or in the one that the key draws for this epoch."""
    order_N = jnp.arange(len(points_ND))
    if order_key is not None:
        order_N = jax.random.permutation(jax.random.fold_in(order_key, progress.num_epochs), len(points_ND))

    def visit(carry: tuple[Array, Array, Array], i: Array) -> tuple[tuple[Array, Array, Array], None]:
        boundary_D, num_mistakes, recorded_MD = carry
        error = targets_N[i] - predict(boundary_D, 0.0, points_ND[i])
        boundary_D = boundary_D + learning_rate * error * points_ND[i]
        # Without a mistake this writes a row that the next mistake overwrites; past the buffer it writes nothing.
        recorded_MD = recorded_MD.at[num_mistakes].set(boundary_D, mode="drop")
        return (boundary_D, num_mistakes + (error != 0), recorded_MD), None

    carry = (progress.boundary_D, progress.num_mistakes, progress.mistake_boundaries_MD)
    (boundary_D, num_mistakes, recorded_MD), _ = lax.scan(visit, carry, order_N)
    mistakes = num_mistakes - progress.num_mistakes
    return PerceptronResult(
        boundary_D=boundary_D,
        converged=mistakes == 0,
        num_epochs=progress.num_epochs + 1,
        num_mistakes=num_mistakes,
        mistakes_E=progress.mistakes_E.at[progress.num_epochs].set(mistakes),
        epoch_boundaries_ED=progress.epoch_boundaries_ED.at[progress.num_epochs + 1].set(boundary_D),
        mistake_boundaries_MD=recorded_MD,
    )


def _with_constant(inputs_ND: Array) -> Array:
    """Points with the constant feature 1 that carries the bias: (N, D + 1)."""
    return jnp.concatenate([inputs_ND, jnp.ones_like(inputs_ND[:, :1])], axis=1)


def _fill_from(first: Array, rows_MD: Array, row_D: Array) -> Array:
    """The rows, with every row from `first` on replaced."""
    return jnp.where(jnp.arange(len(rows_MD))[:, None] >= first, row_D[None, :], rows_MD)


def _signed_points(inputs_ND: Array, targets_N: Array) -> Array:
    """s_i (x_i, 1), s = +1 for label 1, -1 for 0: a boundary separates iff its product with each is positive."""
    return _with_constant(inputs_ND) * (2 * targets_N.astype(inputs_ND.dtype) - 1)[:, None]


def radius(inputs_ND: Array) -> Array:
    """R = max_i |(x_i, 1)|, the length of the longest point with its constant feature."""
    return jnp.max(jnp.linalg.norm(_with_constant(inputs_ND), axis=1))


def margin(boundary_D: Array, inputs_ND: Array, targets_N: Array) -> Array:
    """gamma = min_i s_i (w . x_i + b) / |(w, b)|; positive iff the boundary separates strictly.

    Args:
      boundary_D: (D + 1,) boundary (w_1 .. w_D, b), not all zero.
      inputs_ND: (N, D) points.
      targets_N: (N,) labels in {0, 1}.

    Returns:
      The scalar margin in the space of (x, 1).
    """
    unit_D = boundary_D / jnp.max(jnp.abs(boundary_D))  # the square of a length below 1e-19 is 0 in float32
    return jnp.min(_signed_points(inputs_ND, targets_N) @ unit_D) / jnp.linalg.norm(unit_D)


def widest_boundary(inputs_ND: Array, targets_N: Array, num_steps: int) -> Array:
    """The boundary of (nearly) the largest margin, which the perceptron's own is not (S3).

    It is the point of the convex hull of s_i (x_i, 1) nearest to the origin, found by Gilbert's algorithm: go to the
    nearest point of the segment towards the vertex that lies deepest against the current direction.

    Args:
      inputs_ND: (N, D) points that can be separated.
      targets_N: (N,) labels in {0, 1}.
      num_steps: iterations (static); the margin only grows slowly after a few hundred.

    Returns:
      (D + 1,) boundary; its `margin` is a lower bound of the largest margin, so the mistake bound from it is valid.
    """
    signed_ND = _signed_points(inputs_ND, targets_N)

    def step(nearest_D: Array, _: None) -> tuple[Array, None]:
        away_D = nearest_D - signed_ND[jnp.argmin(signed_ND @ nearest_D)]
        share = jnp.clip(nearest_D @ away_D / jnp.maximum(away_D @ away_D, jnp.finfo(away_D.dtype).tiny), 0.0, 1.0)
        return nearest_D - share * away_D, None

    return lax.scan(step, signed_ND[0], None, length=num_steps)[0]


def mistake_bound(boundary_D: Array, inputs_ND: Array, targets_N: Array) -> Array:
    """Novikoff's bound (R / gamma)^2 on the mistakes from a zero start; infinite if the boundary does not separate by more than rounding.

    Any separating boundary gives a valid bound; `widest_boundary` gives (nearly) the smallest.

    Args:
      boundary_D: (D + 1,) boundary.
      inputs_ND: (N, D) points.
      targets_N: (N,) labels in {0, 1}.

    Returns:
      The scalar bound (Novikoff 1962).
    """
    gamma, longest = margin(boundary_D, inputs_ND, targets_N), radius(inputs_ND)
    separates = gamma > ROUNDING * jnp.finfo(gamma.dtype).eps * longest  # below this, gamma is rounding of the products
    return jnp.where(separates, (longest / jnp.where(separates, gamma, 1.0)) ** 2, jnp.inf)


def pocket(boundaries_MD: Array, inputs_ND: Array, targets_N: Array) -> tuple[Array, Array]:
    """The boundary of a history with the fewest errors on all points: what to keep when the loop never settles (S3).

    Args:
      boundaries_MD: (M, D + 1) history, for instance `mistake_boundaries_MD`.
      inputs_ND: (N, D) points.
      targets_N: (N,) labels in {0, 1}.

    Returns:
      ((D + 1,) boundary, its number of errors); the earliest of equal ones.
    """
    positive_MN = boundaries_MD @ _with_constant(inputs_ND).T >= 0
    errors_M = jnp.sum(positive_MN != (targets_N == 1)[None, :], axis=1)
    best = jnp.argmin(errors_M)
    return boundaries_MD[best], errors_M[best]
