"""Ledger rows of activation functions (F008, F009, F046, F052-F057): the library's own functions and derivatives."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.optimize
import scipy.special
import scipy.stats

from nn_core import activations as library
from nn_core.formulas.ledger import Formula, Oracle, printed, rounded

# No point is 0, where the piecewise ones have no derivative to compare; 1,000 points would only cost time.
GRID = np.linspace(-6.0, 6.0, 60)
STEEPNESS = np.array([1.0, 10.0])


def sigmoid_quotient_slope(x: Any) -> Any:
    """e^-x / (1 + e^-x)^2, the derivative by the quotient rule before it is simplified (F009)."""
    return jnp.exp(-x) / (1.0 + jnp.exp(-x)) ** 2


def tanh_quotient(x: Any) -> Any:
    """(e^x - e^-x) / (e^x + e^-x), as printed; overflows for large |x| (S7b)."""
    return (jnp.exp(x) - jnp.exp(-x)) / (jnp.exp(x) + jnp.exp(-x))


def steep_sigmoid(steepness: Any, x_D: Any) -> Any:
    """The two models of F046, sigma(c x1 + c x2) for c = 1 and 10."""
    return library.sigmoid(steepness * jnp.sum(x_D))


def tanh_slope_excess(x: Any) -> Any:
    """tanh' - sigma': positive where tanh has the larger slope."""
    return library.tanh_derivative(x) - library.sigmoid_derivative(x)


def _tanh_crossing(x: Any) -> Any:
    del x
    return scipy.optimize.brentq(lambda t: (1 - np.tanh(t) ** 2) - _logistic(t) * _logistic(-t), 1.0, 2.0)


def _logistic(x: Any) -> Any:
    return 1 / (1 + np.exp(-np.asarray(x)))


def _phi(x: Any) -> Any:
    return scipy.stats.norm.cdf(x)


FORMULAS: tuple[Formula, ...] = (
    Formula(
        "F008",
        "Sigmoid",
        "σ(x) = 1/(1 + e⁻ˣ)",
        "σ′ = σ(1 − σ)",
        library.sigmoid,
        (GRID,),
        library.sigmoid_derivative,
        "elementwise",
        (Oracle("scipy expit", scipy.special.expit), Oracle("1/(1+e⁻ˣ)", _logistic)),
    ),
    Formula(
        "F009a",
        "Sigmoid derivative by the quotient rule",
        "σ(x) = 1/(1 + e⁻ˣ)",
        "σ′ = e⁻ˣ/(1 + e⁻ˣ)²",
        lambda x: 1.0 / (1.0 + jnp.exp(-x)),
        (GRID,),
        sigmoid_quotient_slope,
        "elementwise",
        (Oracle("σ(1 − σ)", lambda x: _logistic(x) * _logistic(-x), of_hand=True),),
    ),
    Formula(
        "F009b",
        "Second derivative of the sigmoid",
        "σ′(x) = σ(1 − σ), largest at 0",
        "σ″ = σ(1 − σ)(1 − 2σ)",
        library.sigmoid_derivative,
        (np.concatenate([[0.0], GRID]),),
        lambda x: library.sigmoid(x) * (1 - library.sigmoid(x)) * (1 - 2 * library.sigmoid(x)),
        "elementwise",
        (printed("0.25", 0), Oracle("0 at 0", lambda _: 0.0, 0.0, entry=0, of_hand=True)),
    ),
    Formula(
        "F046",
        "Large coefficients: slope of σ(c·x₁ + c·x₂)",
        "σ(cΣxᵢ) at x = (1, 1), c = 1, 10",
        "∂σ/∂c = σ(1 − σ)Σxᵢ",
        steep_sigmoid,
        (STEEPNESS, np.array([1.0, 1.0])),
        lambda c, x: library.sigmoid_derivative(c * jnp.sum(x)) * jnp.sum(x),
        "elementwise",
        (
            Oracle("scipy expit", lambda c, x: scipy.special.expit(c * x.sum())),
            rounded("0.8808", entry=0),
        ),
    ),
    Formula(
        "F052a",
        "Hyperbolic tangent",
        "tanh x = (eˣ − e⁻ˣ)/(eˣ + e⁻ˣ)",
        "tanh′ = 1 − tanh²",
        library.tanh,
        (GRID,),
        library.tanh_derivative,
        "elementwise",
        (Oracle("NumPy", np.tanh), Oracle("the quotient", tanh_quotient, traced=True)),
        ("S7b",),
    ),
    Formula(
        "F052b",
        "Tanh is a stretched sigmoid",
        "tanh x = 2σ(2x) − 1",
        "4σ(2x)(1 − σ(2x))",
        lambda x: 2.0 * library.sigmoid(2.0 * x) - 1.0,
        (GRID,),
        lambda x: 4.0 * library.sigmoid_derivative(2.0 * x),
        "elementwise",
        (Oracle("NumPy tanh", np.tanh), Oracle("1 − tanh²", lambda x: 1 - np.tanh(x) ** 2, of_hand=True)),
    ),
    Formula(
        "F052c",
        "Where tanh is steeper than the sigmoid",
        "tanh′(x) > σ′(x) only for |x| < 2 arcosh((1 + √3)/2) = 1.6629",
        "(tanh′ − σ′)′ = −2 tanh(1 − tanh²) − σ(1 − σ)(1 − 2σ)",
        tanh_slope_excess,
        (2 * np.arccosh((1 + np.sqrt(3.0)) / 2),),
        lambda x: (
            -2 * jnp.tanh(x) * (1 - jnp.tanh(x) ** 2) - library.sigmoid_derivative(x) * (1 - 2 * library.sigmoid(x))
        ),
        oracles=(
            Oracle("0 there", lambda _: 0.0),
            Oracle("scipy brentq", lambda x: x - _tanh_crossing(x)),
        ),
        slips=("S22",),
    ),
    Formula(
        "F053",
        "ReLU, with slope 0 at 0",
        "f(x) = max(0, x)",
        "f′ = 1 if x > 0, else 0",
        library.relu,
        (GRID,),
        library.relu_derivative,
        "elementwise",
        (Oracle("np.maximum", lambda x: np.maximum(0, x)),),
        ("S23",),
    ),
    Formula(
        "F053b",
        "ReLU's slope at exactly 0 is 0",
        "f′(0) := 0",
        "jax.grad of the library's ReLU at 0",
        lambda x: jax.grad(library.relu)(x),
        (np.float64(0.0),),
        oracles=(Oracle("relu_derivative", library.relu_derivative, 0.0, traced=True),),
        slips=("S23",),
    ),
    Formula(
        "F054",
        "Leaky ReLU",
        "f(x) = x if x > 0, else αx; α = 0.01",
        "f′ = 1 if x > 0, else α",
        library.leaky_relu,
        (GRID,),
        library.leaky_relu_derivative,
        "elementwise",
        (Oracle("jax.nn", jax.nn.leaky_relu, 1e-15, traced=True),),
        ("S23c",),
    ),
    Formula(
        "F055",
        "ELU",
        "f(x) = x if x > 0, else α(eˣ − 1); α = 1",
        "f′ = 1 if x > 0, else αeˣ",
        library.elu,
        (np.concatenate([[-1.0, 200.0], GRID]),),
        library.elu_derivative,
        "elementwise",
        (
            Oracle("np.expm1", lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0)))),
            rounded("-0.63212", entry=0),
            Oracle("slope 1 at 200", lambda _: 1.0, 0.0, entry=1, of_hand=True),
        ),
        ("S23c",),
    ),
    Formula(
        "F056",
        "SELU",
        "f(x) = λ·ELU(x; α), λ = 1.0507010, α = 1.6732632",
        "f′ = λ if x > 0, else λαeˣ",
        library.selu,
        (np.concatenate([[-1.0], GRID]),),
        library.selu_derivative,
        "elementwise",
        (
            Oracle("jax.nn", jax.nn.selu, 1e-15, traced=True),
            rounded("-1.11133", entry=0),
        ),
        ("S23c",),
    ),
    Formula(
        "F057a",
        "GELU, exact",
        "f(x) = xΦ(x)",
        "f′ = Φ(x) + xφ(x)",
        library.gelu,
        (np.concatenate([[1.0], GRID]),),
        library.gelu_derivative,
        "elementwise",
        (
            Oracle("scipy.stats.norm", lambda x: x * _phi(x), 1e-14),
            rounded("0.841345", entry=0),
        ),
        ("S34",),
    ),
    Formula(
        "F057b",
        "GELU, tanh form",
        "f(x) = ½x(1 + tanh u), u = √(2/π)(x + 0.044715x³)",
        "f′ = ½(1 + tanh u) + ½x(1 − tanh²u)u′",
        library.gelu_tanh,
        (np.concatenate([[1.0], GRID]),),
        library.gelu_tanh_derivative,
        "elementwise",
        (
            Oracle("xΦ(x)", lambda x: x * _phi(x), 5e-4, approximate=True),
            rounded("0.841192", entry=0),
        ),
        ("S34",),
    ),
)
