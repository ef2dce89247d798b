"""Ledger rows of the perceptron and of predictions (F001-F004, F007, F025)."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nn_core.formulas.ledger import Formula, Oracle, normal
from nn_core.models.linear import binary_confidence, predict_binary, signed_distance
from nn_core.models.perceptron import (
    mistake_bound,
    predict,
    three_case_update,
    train_perceptron,
    update,
    widest_boundary,
)

POINTS_ND = normal(1, 17, 2)
WEIGHTS_D = np.array([0.8, -1.1])
BIAS = np.float64(0.25)
LABELS_N = (POINTS_ND @ np.array([1.0, 0.5]) + 0.1 * normal(2, 17) > 0).astype(np.float64)
# Two classes with a gap between them; the first label is 0, so that step(0) = 1 is a mistake at once, as it is for
# scikit-learn, which counts a point on the line as wrong whatever its label (S2).
_SIDES = np.array([1.0, -0.5])
SEPARABLE_ND = normal(3, 20, 2)
SEPARABLE_ND = SEPARABLE_ND[np.abs(SEPARABLE_ND @ _SIDES) > 0.3]
SEPARABLE_ND = SEPARABLE_ND[np.argsort(SEPARABLE_ND @ _SIDES > 0, kind="stable")]
SEPARABLE_N = (SEPARABLE_ND @ _SIDES > 0).astype(np.int32)
LEARNING_RATE = 0.7


def all_updates(weights_D: Any, bias: Any, inputs_ND: Any, labels_N: Any) -> tuple[Any, Any]:
    """The three-case rule, applied to each point separately: ((N, D) weights, (N,) biases)."""
    return jax.vmap(lambda x_D, y: three_case_update(weights_D, bias, x_D, y, LEARNING_RATE))(inputs_ND, labels_N)


def _perceptron_criterion(weights: Any, inputs_ND: Any, labels_N: Any) -> Any:
    """-sum (y - y^)(w . x + b), the error that misclassified points are charged; weights = (w, b)."""
    weights_D, bias = weights
    errors_N = labels_N - predict(weights_D, bias, inputs_ND)
    return -jnp.sum(errors_N * (inputs_ND @ weights_D + bias))


def _perceptron_gradient(weights: Any, inputs_ND: Any, labels_N: Any) -> Any:
    errors_N = labels_N - predict(weights[0], weights[1], inputs_ND)
    return -(errors_N @ inputs_ND), -jnp.sum(errors_N)


def _trained(inputs_ND: Any, labels_N: Any) -> Any:
    """Boundary after three epochs from zero."""
    return train_perceptron(inputs_ND, labels_N, learning_rate=LEARNING_RATE, max_epochs=3).boundary_D


def _trained_sklearn(inputs_ND: Any, labels_N: Any) -> Any:
    from sklearn.linear_model import Perceptron

    model = Perceptron(eta0=LEARNING_RATE, shuffle=False)
    for _ in range(3):
        model.partial_fit(inputs_ND, labels_N, classes=[0, 1])
    return np.append(model.coef_[0], model.intercept_)


def _excess_mistakes(inputs_ND: Any, labels_N: Any) -> Any:
    """(whether it did not converge, mistakes beyond the bound): (0, 0) where theory and code agree."""
    result = train_perceptron(inputs_ND, labels_N, learning_rate=LEARNING_RATE, max_epochs=200)
    bound = mistake_bound(widest_boundary(inputs_ND, labels_N, 200), inputs_ND, labels_N)
    return ~result.converged, jnp.maximum(result.num_mistakes - bound, 0.0)


FORMULAS: tuple[Formula, ...] = (
    Formula(
        "F001",
        "Perceptron prediction",
        "ŷ = step(w·x + b), step(0) = 1",
        "∂ŷ/∂w = 0 off the line",
        predict,
        (WEIGHTS_D, BIAS, POINTS_ND),
        lambda weights_D, bias, inputs_ND: jnp.zeros_like(inputs_ND),
        "jacobian",
        (Oracle("np.heaviside", lambda w, b, x: np.heaviside(x @ w + b, 1.0)),),
        ("S2",),
    ),
    Formula(
        "F002",
        "Perceptron update, case by case",
        "false positive: w − αx, b − α; false negative: w + αx, b + α",
        "w + α(y − ŷ)x, b + α(y − ŷ)",
        all_updates,
        (WEIGHTS_D, BIAS, POINTS_ND, LABELS_N),
        oracles=(
            Oracle(
                "w + α(y − ŷ)x",
                lambda w, b, x, y: jax.vmap(lambda x_D, y_: update(w, b, x_D, y_, LEARNING_RATE))(x, y),
                0.0,
                traced=True,
            ),
            Oracle("NumPy if/elif", lambda w, b, x, y: _updates_by_cases(w, b, x, y), 1e-15),
        ),
        slips=("S3b",),
    ),
    Formula(
        "F003a",
        "Perceptron loop, three epochs from zero",
        "for every point: w ← w + α(y − ŷ)x, b ← b + α(y − ŷ)",
        "the same weights point by point",
        _trained,
        (SEPARABLE_ND, SEPARABLE_N),
        oracles=(Oracle("sklearn Perceptron", _trained_sklearn),),
    ),
    Formula(
        "F003b",
        "Separable data: convergence and mistake bound",
        "mistakes ≤ (R/γ)²",
        "max(0, mistakes − (R/γ)²) = 0 (Novikoff 1962)",
        _excess_mistakes,
        (SEPARABLE_ND, SEPARABLE_N),
        oracles=(Oracle("Novikoff's bound", lambda *_: (0.0, 0.0), 0.0),),
        slips=("S3",),
    ),
    Formula(
        "F004",
        "Boundary line in the plane",
        "x₂ = −(w₁x₁ + b)/w₂, where w·x + b = 0",
        "∂x₂/∂x₁ = −w₁/w₂",
        lambda x1, w, b: -(w[0] * x1 + b) / w[1],
        (np.linspace(-2.0, 2.0, 9), WEIGHTS_D, BIAS),
        lambda x1, w, b: jnp.full_like(x1, -w[0] / w[1]),
        "elementwise",
        (Oracle("np.interp", lambda x1, w, b: np.interp(x1, [-2, 2], (-b - w[0] * np.array([-2, 2])) / w[1])),),
    ),
    Formula(
        "F007a",
        "Signed distance from the line",
        "d = (w·x + b)/‖w‖",
        "∂d/∂x = w/‖w‖",
        lambda x_D, w, b: signed_distance(w, b, x_D),
        (POINTS_ND[0], WEIGHTS_D, BIAS),
        lambda x_D, w, b: w / jnp.linalg.norm(w),
        slips=("S4",),
        oracles=(Oracle("foot of the perpendicular", lambda x, w, b: _distance_by_projection(x, w, b)),),
    ),
    Formula(
        "F007b",
        "Probability as a function of the distance",
        "P(y=1) = σ(‖w‖d)",
        "∂P/∂d = ‖w‖P(1 − P)",
        lambda d, w: jax.nn.sigmoid(jnp.linalg.norm(w) * d),
        (np.linspace(-3.0, 3.0, 13), WEIGHTS_D),
        lambda d, w: (
            jnp.linalg.norm(w) * jax.nn.sigmoid(jnp.linalg.norm(w) * d) * jax.nn.sigmoid(-jnp.linalg.norm(w) * d)
        ),
        "elementwise",
        slips=("S4",),
    ),
    Formula(
        "F007c",
        "Confidence of a prediction",
        "c = max(p, 1 − p) = σ(|z|)",
        "∂c/∂z = sign(z)c(1 − c)",
        binary_confidence,
        (np.linspace(-4.0, 4.0, 10),),
        lambda z: jnp.sign(z) * jax.nn.sigmoid(jnp.abs(z)) * jax.nn.sigmoid(-jnp.abs(z)),
        "elementwise",
        (Oracle("max(p, 1 − p)", lambda z: np.maximum(1 / (1 + np.exp(-z)), 1 / (1 + np.exp(z)))),),
        ("S4",),
    ),
    Formula(
        "F007d",
        "From a probability to an answer",
        "ŷ = 1 if P(y=1) ≥ ½, else 0",
        "step(z)",
        predict_binary,
        (normal(4, 12),),
        oracles=(Oracle("np.heaviside", lambda z: np.heaviside(z, 1.0)),),
    ),
    Formula(
        "F025",
        "Perceptron algorithm as gradient descent",
        "E = −Σ(y − ŷ)(w·x + b), ŷ = step(w·x + b)",
        "∇E = −Σ(y − ŷ)(x, 1), y − ŷ ∈ {−1, 0, 1}",
        _perceptron_criterion,
        ((WEIGHTS_D, BIAS), POINTS_ND, LABELS_N),
        _perceptron_gradient,
        oracles=(Oracle("hinge at 0", lambda w, x, y: np.maximum(0, -(2 * y - 1) * (x @ w[0] + w[1])).sum()),),
    ),
)


def _updates_by_cases(weights_D: Any, bias: Any, inputs_ND: Any, labels_N: Any) -> Any:
    """The rule (F002) in plain Python, point by point."""
    rows = []
    for x_D, y in zip(inputs_ND, labels_N, strict=True):
        positive = weights_D @ x_D + bias >= 0
        if positive and y == 0:
            rows.append((weights_D - LEARNING_RATE * x_D, bias - LEARNING_RATE))
        elif not positive and y == 1:
            rows.append((weights_D + LEARNING_RATE * x_D, bias + LEARNING_RATE))
        else:
            rows.append((weights_D, bias))
    return np.stack([row[0] for row in rows]), np.array([row[1] for row in rows])


def _distance_by_projection(x_D: Any, weights_D: Any, bias: Any) -> Any:
    """Length from the foot of the perpendicular to x, with the sign of the side."""
    foot_D = x_D - (weights_D @ x_D + bias) / (weights_D @ weights_D) * weights_D
    return np.sign(weights_D @ x_D + bias) * np.hypot(*(x_D - foot_D))
