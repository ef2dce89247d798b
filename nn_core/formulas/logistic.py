"""Ledger rows of logistic regression and gradient descent, every line of the derivation (F020-F024)."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import scipy.special

from nn_core.activations import sigmoid, sigmoid_derivative
from nn_core.by_hand.gradient_descent import log_loss, logistic_regression, point_gradient
from nn_core.formulas.ledger import FLOAT32_TOLERANCE, Formula, Oracle, normal
from nn_core.losses import binary_cross_entropy
from nn_core.optimizers import make_optimizer
from nn_core.schedules import make_schedule

INPUTS_ND = normal(31, 13, 3)
LABELS_N = (INPUTS_ND @ np.array([1.0, -1.0, 0.5]) + normal(32, 13) > 0).astype(np.float64)
WEIGHTS_D = np.array([0.3, -0.8, 1.2])
BIAS = np.float64(-0.4)
PARAMETERS = (WEIGHTS_D, BIAS)
X_D, Y = INPUTS_ND[0], LABELS_N[0]
ALPHA = 0.3


def prediction(parameters: Any, x: Any) -> Any:
    """y^ = sigma(W x + b), for a point or for many; parameters = (w, b)."""
    weights_D, bias = parameters
    return sigmoid(x @ weights_D + bias)


def point_error(parameters: Any, x_D: Any, y: Any) -> Any:
    """E = -y ln y^ - (1 - y) ln(1 - y^) of one point, as the notes write it (F023)."""
    y_hat = prediction(parameters, x_D)
    return -y * jnp.log(y_hat) - (1 - y) * jnp.log(1 - y_hat)


def _gradient_line_1(parameters: Any, x_D: Any, y: Any) -> Any:
    """-y 1/y^ dy^/dw - (1 - y) 1/(1 - y^) d(1 - y^)/dw (F023, second line)."""
    y_hat = prediction(parameters, x_D)
    factor = -y / y_hat * y_hat * (1 - y_hat) - (1 - y) / (1 - y_hat) * (-1) * y_hat * (1 - y_hat)
    return factor * x_D, factor


def _gradient_line_2(parameters: Any, x_D: Any, y: Any) -> Any:
    """-y (1 - y^) x + (1 - y) y^ x (F023)."""
    y_hat = prediction(parameters, x_D)
    factor = -y * (1 - y_hat) + (1 - y) * y_hat
    return factor * x_D, factor


def _mean_gradient(parameters: Any, inputs_ND: Any, labels_N: Any) -> Any:
    """-(1/m) sum (y - y^)(x, 1)."""
    errors_N = labels_N - prediction(parameters, inputs_ND)
    return -(errors_N @ inputs_ND) / len(labels_N), -jnp.mean(errors_N)


def _library_batch_step(parameters: Any, inputs_ND: Any, labels_N: Any) -> Any:
    """One pass of the library's batch algorithm."""
    result = logistic_regression(
        parameters[0], parameters[1], inputs_ND, labels_N, learning_rate=ALPHA, max_epochs=1, batch=True
    )
    return result.weights_D, result.bias


def _library_online_pass(parameters: Any, inputs_ND: Any, labels_N: Any) -> Any:
    """One pass of the library's online algorithm, an update per point."""
    result = logistic_regression(parameters[0], parameters[1], inputs_ND, labels_N, learning_rate=ALPHA, max_epochs=1)
    return result.weights_D, result.bias


def _sklearn_online_pass(parameters: Any, inputs_ND: Any, labels_N: Any) -> Any:
    from sklearn.linear_model import SGDClassifier

    model = SGDClassifier(loss="log_loss", penalty=None, learning_rate="constant", eta0=ALPHA, shuffle=False)
    # The first call only makes the coefficients, which then become the start.
    model.partial_fit(inputs_ND[:2], labels_N[:2], classes=[0.0, 1.0])
    model.coef_, model.intercept_ = parameters[0][None].copy(), np.atleast_1d(parameters[1]).copy()
    model.partial_fit(inputs_ND, labels_N)
    return model.coef_[0], model.intercept_


def _library_sgd_step(parameters: Any, inputs_ND: Any, labels_N: Any) -> Any:
    """The mean loss, differentiated by JAX, through the library's "sgd"."""
    optimizer = make_optimizer("sgd", {"learning_rate": ALPHA}, make_schedule("constant", total_steps=1))
    gradients = jax.grad(lambda p: log_loss(p[0], p[1], inputs_ND, labels_N))(parameters)
    updates, _ = optimizer.update(gradients, optimizer.init(parameters), parameters)
    return optax.apply_updates(parameters, updates)


def _optax_step_on_sum(parameters: Any, inputs_ND: Any, labels_N: Any) -> Any:
    """The summed loss with alpha / m, through optax."""

    def loss(p: Any) -> Any:
        return binary_cross_entropy(inputs_ND @ p[0] + p[1], labels_N, reduction="sum")

    optimizer = optax.sgd(ALPHA / len(labels_N))
    updates, _ = optimizer.update(jax.grad(loss)(parameters), optimizer.init(parameters))
    return optax.apply_updates(parameters, updates)


def _numpy_step(parameters: Any, x_D: Any, y: Any) -> Any:
    step = ALPHA * (y - scipy.special.expit(x_D @ parameters[0] + parameters[1]))
    return parameters[0] + step * x_D, parameters[1] + step


FORMULAS: tuple[Formula, ...] = (
    Formula(
        "F020",
        "Logistic regression model",
        "P(y=1) = 1/(1 + e^−z), z = wx + b",
        "∂P/∂(w, b) = P(1 − P)(x, 1)",
        prediction,
        (PARAMETERS, X_D),
        lambda p, x: tuple(sigmoid_derivative(x @ p[0] + p[1]) * part for part in (x, 1.0)),
        oracles=(Oracle("scipy expit", lambda p, x: scipy.special.expit(x @ p[0] + p[1])),),
    ),
    Formula(
        "F021a",
        "Gradient of the error at one point",
        "E = −y ln ŷ − (1 − y) ln(1 − ŷ)",
        "∇E = −(y − ŷ)(x₁, …, xₙ, 1)",
        point_error,
        (PARAMETERS, X_D, Y),
        lambda p, x, y: point_gradient(p[0], p[1], x, y),
        oracles=(Oracle("logits form", lambda p, x, y: np.logaddexp(0, x @ p[0] + p[1]) - y * (x @ p[0] + p[1])),),
    ),
    Formula(
        "F021b",
        "Gradient of the mean error",
        "E = −(1/m) Σᵢ[yᵢ ln ŷᵢ + (1 − yᵢ) ln(1 − ŷᵢ)]",
        "∇E = −(1/m) Σᵢ(yᵢ − ŷᵢ)(xᵢ, 1)",
        lambda p, x, y: log_loss(p[0], p[1], x, y),
        (PARAMETERS, INPUTS_ND, LABELS_N),
        _mean_gradient,
        oracles=(
            Oracle("library loss", lambda p, x, y: binary_cross_entropy(x @ p[0] + p[1], y), traced=True),
            Oracle("mean of F005", lambda p, x, y: jnp.mean(jax.vmap(point_error, (None, 0, 0))(p, x, y)), traced=True),
        ),
    ),
    Formula(
        "F022a",
        "Update rule at one point",
        "w′ = w + α(y − ŷ)x, b′ = b + α(y − ŷ)",
        "w − α[−(y − ŷ)x]",
        lambda p, x, y: jax.tree.map(lambda w, g: w - ALPHA * g, p, point_gradient(p[0], p[1], x, y)),
        (PARAMETERS, X_D, Y),
        oracles=(
            Oracle(
                "w − α·jax.grad",
                lambda p, x, y: jax.tree.map(lambda w, g: w - ALPHA * g, p, jax.grad(point_error)(p, x, y)),
                traced=True,
            ),
            Oracle("NumPy", _numpy_step),
        ),
    ),
    Formula(
        "F022b",
        "The 1/m is absorbed in α",
        "mean error with α = summed error with α/m",
        "w + (α/m) Σᵢ(yᵢ − ŷᵢ)xᵢ",
        _library_batch_step,
        (PARAMETERS, INPUTS_ND, LABELS_N),
        oracles=(
            Oracle("optax.sgd(α/m), sum", _optax_step_on_sum, traced=True),
            Oracle("library sgd(α), mean", _library_sgd_step, FLOAT32_TOLERANCE, traced=True),
        ),
        slips=("S10",),
    ),
    Formula(
        "F023a",
        "Derivation: ∂ŷ/∂wⱼ",
        "ŷ = σ(Wx + b)",
        "∂ŷ/∂wⱼ = ŷ(1 − ŷ)·xⱼ",
        lambda w, b, x: sigmoid(x @ w + b),
        (WEIGHTS_D, BIAS, X_D),
        lambda w, b, x: sigmoid(x @ w + b) * (1 - sigmoid(x @ w + b)) * x,
        oracles=(Oracle("scipy expit", lambda w, b, x: scipy.special.expit(x @ w + b)),),
    ),
    Formula(
        "F023b",
        "Derivation: derivative of the linear part",
        "Wx + b = w₁x₁ + … + wₙxₙ + b",
        "∂(Wx + b)/∂wⱼ = xⱼ",
        lambda w, b, x: x @ w + b,
        (WEIGHTS_D, BIAS, X_D),
        lambda w, b, x: x,
    ),
    Formula(
        "F023c",
        "Derivation: chain rule through the logarithms",
        "E = −y ln ŷ − (1 − y) ln(1 − ŷ)",
        "−y·(1/ŷ)·∂ŷ/∂wⱼ − (1 − y)·1/(1 − ŷ)·∂(1 − ŷ)/∂wⱼ",
        point_error,
        (PARAMETERS, X_D, Y),
        _gradient_line_1,
    ),
    Formula(
        "F023d",
        "Derivation: cancelled",
        "E = −y ln ŷ − (1 − y) ln(1 − ŷ)",
        "−y(1 − ŷ)xⱼ + (1 − y)ŷxⱼ",
        point_error,
        (PARAMETERS, INPUTS_ND[1], 1.0 - LABELS_N[1]),
        _gradient_line_2,
    ),
    Formula(
        "F023e",
        "Derivation: by the bias",
        "E = −y ln ŷ − (1 − y) ln(1 − ŷ)",
        "∂E/∂b = −(y − ŷ)",
        lambda b, w, x, y: point_error((w, b), x, y),
        (BIAS, WEIGHTS_D, X_D, Y),
        lambda b, w, x, y: -(y - prediction((w, b), x)),
    ),
    Formula(
        "F024",
        "Logistic regression algorithm, one pass",
        "for every point: w ← w − α(ŷ − y)x, b ← b − α(ŷ − y), b once",
        "N updates in order",
        _library_online_pass,
        (PARAMETERS, INPUTS_ND, LABELS_N),
        oracles=(Oracle("sklearn SGDClassifier", _sklearn_online_pass),),
        slips=("S11",),
    ),
)
