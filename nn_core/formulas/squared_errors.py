"""Ledger rows of squared errors and descent on them (F033-F037)."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from nn_core.activations import sigmoid, sigmoid_derivative
from nn_core.by_hand.gradient_descent import mean_squared_loop, mean_squared_per_record, mean_squared_vectorised
from nn_core.by_hand.surfaces import neuron_error
from nn_core.formulas.ledger import Formula, Oracle, normal
from nn_core.losses import half_mean_squared_error, mean_squared_error, sum_squared_error

PREDICTIONS_NK, TARGETS_NK = normal(71, 5, 2), normal(72, 5, 2)
INPUTS_ND = normal(73, 9, 3)
TARGETS_N = 1 / (1 + np.exp(-normal(74, 9)))
WEIGHTS_D = np.array([0.5, -0.3, 0.8])
WEIGHTS_DK = normal(75, 3, 2)
ETA = 0.5


def unit_error(w: Any, x_ND: Any, y_N: Any) -> Any:
    """E = 1/2 sum_mu sum_j [y - f(sum_i w_ij x_i)]^2, f the sigmoid (F034)."""
    return sum_squared_error(sigmoid(x_ND @ w), y_N)


def _unit_gradient(w: Any, x_ND: Any, y_N: Any) -> Any:
    """-sum_mu (y - y^) f'(h) x."""
    h = x_ND @ w
    return -x_ND.T @ ((y_N - sigmoid(h)) * sigmoid_derivative(h))


def error_surface(w_D: Any, x_ND: Any, y_N: Any) -> Any:
    """The notes' error surface (F036): the squared error of a linear unit over its weights."""
    return sum_squared_error(x_ND @ w_D, y_N)


def _sklearn_mse(predictions: Any, targets: Any) -> Any:
    from sklearn.metrics import mean_squared_error as sklearn_mse

    return sklearn_mse(np.ravel(targets), np.ravel(predictions))


def _after(algorithm: Any, epochs: int) -> Any:
    """Weights after some epochs of one of the library's three forms of the algorithm."""
    return lambda w, x, y: algorithm(w, x, y, learning_rate=ETA, num_epochs=epochs)[-1]


def _descend(w: Any, x: Any, y: Any) -> Any:
    """Ten steps of w - eta dE/dw with E = 1/(2m) sum (y - y^)^2, differentiated by JAX."""
    slope = jax.grad(lambda v: half_mean_squared_error(sigmoid(x @ v), y))
    return jax.lax.fori_loop(0, 10, lambda _, v: v - ETA * slope(v), w)


def _records(w: Any, x_ND: Any, y_N: Any) -> Any:
    """An update per record, in NumPy."""
    for x, y in zip(x_ND, y_N, strict=True):
        y_hat = 1 / (1 + np.exp(-(w @ x)))
        w = w + ETA * (y - y_hat) * y_hat * (1 - y_hat) * x
    return w


FORMULAS: tuple[Formula, ...] = (
    Formula(
        "F033",
        "Mean squared error",
        "MSE = (1/n) Σᵢ(yᵢ − ŷᵢ)²",
        "∂/∂ŷᵢ = −(2/n)(yᵢ − ŷᵢ)",
        mean_squared_error,
        (PREDICTIONS_NK, TARGETS_NK),
        lambda p, y: -2.0 * (y - p) / y.size,
        oracles=(
            Oracle("sklearn", _sklearn_mse),
            Oracle("2 × optax l2_loss", lambda p, y: 2 * jnp.mean(optax.l2_loss(p, y)), traced=True),
        ),
        slips=("S14",),
    ),
    Formula(
        "F034a",
        "Sum of squared errors",
        "E = ½ Σ_μ Σⱼ[yⱼ − ŷⱼ]²",
        "∂E/∂ŷⱼ = −(yⱼ − ŷⱼ)",
        sum_squared_error,
        (PREDICTIONS_NK, TARGETS_NK),
        lambda p, y: -(y - p),
        oracles=(
            Oracle("NumPy", lambda p, y: 0.5 * ((y - p) ** 2).sum()),
            Oracle("optax l2_loss", lambda p, y: jnp.sum(optax.l2_loss(p, y)), traced=True),
        ),
        slips=("S14",),
    ),
    Formula(
        "F034b",
        "Squared error as a function of the weights",
        "E = ½ Σ_μ Σⱼ[yⱼ − f(Σᵢ wᵢⱼxᵢ)]²",
        "∂E/∂wᵢⱼ = −Σ_μ(yⱼ − ŷⱼ)f′(hⱼ)xᵢ",
        unit_error,
        (WEIGHTS_DK, INPUTS_ND, np.stack([TARGETS_N, 1 - TARGETS_N], axis=1)),
        _unit_gradient,
        oracles=(Oracle("NumPy", lambda w, x, y: 0.5 * ((y - 1 / (1 + np.exp(-x @ w))) ** 2).sum()),),
    ),
    Formula(
        "F035",
        "Derivative of a square",
        "f(x) = x², f′(2) = 4",
        "f′(x) = 2x",
        lambda x: x**2,
        (np.array([2.0, -1.5, 0.0]),),
        lambda x: 2 * x,
        "elementwise",
        (Oracle("notes 4", lambda _: 4.0, 0.0, entry=0, of_hand=True),),
    ),
    Formula(
        "F036a",
        "Error surface of a linear unit",
        "E(w) = ½ Σ_μ(y − w·x)²",
        "∇E = −Xᵀ(y − Xw), 0 at the minimum",
        error_surface,
        (WEIGHTS_D, INPUTS_ND, TARGETS_N),
        lambda w, x, y: -x.T @ (y - x @ w),
        oracles=(Oracle("least squares + ½|X(w − w*)|²", lambda w, x, y: _around_minimum(w, x, y)),),
    ),
    Formula(
        "F036b",
        "Curvature of the error surface",
        "∇E(w) = −Xᵀ(y − Xw)",
        "∇²E = XᵀX",
        jax.grad(error_surface),
        (WEIGHTS_D, INPUTS_ND, TARGETS_N),
        lambda w, x, y: x.T @ x,
        "jacobian",
        (Oracle("jax.hessian", jax.hessian(error_surface), traced=True, of_hand=True),),
    ),
    Formula(
        "F036c",
        "Error surface of a sigmoid unit",
        "E(w) = 1/(2m) Σ(y − σ(w·x))²",
        "∇E = −(1/m) Xᵀ[(y − ŷ)ŷ(1 − ŷ)]",
        neuron_error,
        (WEIGHTS_D, INPUTS_ND, TARGETS_N),
        lambda w, x, y: _unit_gradient(w, x, y) / len(y),
        oracles=(Oracle("F034b / m", lambda w, x, y: unit_error(w, x, y) / len(y), traced=True),),
    ),
    Formula(
        "F037a",
        "Mean of the squared errors, with ½",
        "E = 1/(2m) Σ_μ(y − ŷ)²",
        "∂E/∂ŷ = −(y − ŷ)/m",
        half_mean_squared_error,
        (PREDICTIONS_NK[:, 0], TARGETS_NK[:, 0]),
        lambda p, y: -(y - p) / y.size,
        oracles=(Oracle("sklearn / 2", lambda p, y: _sklearn_mse(p, y) / 2),),
        slips=("S14",),
    ),
    Formula(
        "F037b",
        "Error term of a sigmoid output unit",
        "δ = (y − ŷ)f′(h), h = Σᵢ wᵢxᵢ, f′(h) = f(h)(1 − f(h))",
        "δ = −∂E/∂h of E = ½(y − f(h))²",
        lambda h, y: -0.5 * (y - sigmoid(h)) ** 2,
        (INPUTS_ND @ WEIGHTS_D, np.float64(0.8)),
        lambda h, y: (y - sigmoid(h)) * sigmoid(h) * (1 - sigmoid(h)),
        "elementwise",
    ),
    Formula(
        "F037c",
        "Mean-squared descent, ten epochs",
        "Δwᵢ += δxᵢ over the records; wᵢ ← wᵢ + ηΔwᵢ/m",
        "w + (η/m)Xᵀ[(y − ŷ)f′(Xw)]",
        _after(mean_squared_loop, 10),
        (WEIGHTS_D, INPUTS_ND, TARGETS_N),
        oracles=(
            Oracle("vectorised form", _after(mean_squared_vectorised, 10), traced=True),
            Oracle("w − η·jax.grad", _descend, traced=True),
        ),
        slips=("S13",),
    ),
    Formula(
        "F037d",
        "Descent with an update per record, one epoch",
        "wᵢ ← wᵢ + ηδxᵢ at each record",
        "the same steps in order",
        _after(mean_squared_per_record, 1),
        (WEIGHTS_D, INPUTS_ND, TARGETS_N),
        oracles=(Oracle("NumPy loop", _records),),
    ),
)


def _around_minimum(w_D: Any, x_ND: Any, y_N: Any) -> Any:
    """E from its minimum: E(w) = E(w*) + |X (w - w*)|^2 / 2 with w* by least squares."""
    best_D, residual, *_ = np.linalg.lstsq(x_ND, y_N)
    return 0.5 * residual[0] + 0.5 * ((x_ND @ (w_D - best_D)) ** 2).sum()
