"""Activations and their hand-derived derivatives, by name.

Each derivative is the course's closed form, written out rather than differentiated: the tests compare the two.
Sources: F008-F012, F046, F052-F057, S2, S6, S7, S22, S23, S34.
"""

from collections.abc import Callable, Mapping
from functools import partial

import jax
import jax.numpy as jnp
from jax import Array

from nn_core.floats import expm1, like, real, wide

Hparams = Mapping[str, Array | float]
Activation = Callable[[Array], Array]

NEGATIVE_SLOPE = 0.01
ELU_ALPHA = 1.0
# Klambauer et al. 2017: with these, LeCun-normal weights keep mean 0 and variance 1 from layer to layer (F056).
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805
# The tanh form of GELU (Hendrycks & Gimpel 2016).
GELU_CUBIC = 0.044715
SQRT_2_OVER_PI = 0.7978845608028654
ONE_OVER_SQRT_2_PI = 0.3989422804014327
SQRT_ONE_HALF = 0.7071067811865476


def step(x: Array) -> Array:
    """1 where x >= 0, else 0: the perceptron's decision, with step(0) = 1 (S2)."""
    x = real(x)
    return (x >= 0).astype(x.dtype)


def step_derivative(x: Array) -> Array:
    """0 everywhere it exists, which is why gradient descent cannot train a step (F008)."""
    return jnp.zeros_like(real(x))


def sigmoid(x: Array) -> Array:
    """1 / (1 + e^-x), in (0, 1), without overflow (F008)."""
    return jax.nn.sigmoid(real(x))


def sigmoid_derivative(x: Array) -> Array:
    """sigma (1 - sigma), at most 1/4 (F009)."""
    return sigmoid(x) * sigmoid(-x)


def tanh(x: Array) -> Array:
    """(e^x - e^-x) / (e^x + e^-x) = 2 sigma(2x) - 1, in (-1, 1) (F052)."""
    return jnp.tanh(real(x))


def tanh_derivative(x: Array) -> Array:
    """1 - tanh^2, at most 1; larger than the sigmoid's only for |x| < 1.6629 (S22)."""
    return 4.0 * sigmoid_derivative(2.0 * real(x))  # 1 - tanh^2 would cancel to 0 from |x| = 9 on


def relu(x: Array) -> Array:
    """max(0, x) (F053)."""
    return jax.nn.relu(real(x))


def relu_derivative(x: Array) -> Array:
    """1 where x > 0, else 0, and 0 at 0 by convention (S23)."""
    x = real(x)
    return (x > 0).astype(x.dtype)


def leaky_relu(x: Array, negative_slope: Array | float = NEGATIVE_SLOPE) -> Array:
    """x where x > 0, else negative_slope x (F054)."""
    x = real(x)
    return jnp.where(x > 0, x, like(negative_slope, x) * x)


def leaky_relu_derivative(x: Array, negative_slope: Array | float = NEGATIVE_SLOPE) -> Array:
    """1 where x > 0, else negative_slope."""
    x = real(x)
    return jnp.where(x > 0, jnp.ones_like(x), like(negative_slope, x))


def elu(x: Array, alpha: Array | float = ELU_ALPHA) -> Array:
    """x where x > 0, else alpha (e^x - 1) (F055)."""
    x = real(x)
    return jnp.where(x > 0, x, like(alpha, x) * expm1(_negative_part(x)))


def elu_derivative(x: Array, alpha: Array | float = ELU_ALPHA) -> Array:
    """1 where x > 0, else alpha e^x."""
    x = real(x)
    return jnp.where(x > 0, jnp.ones_like(x), like(alpha, x) * jnp.exp(_negative_part(x)))


def selu(x: Array) -> Array:
    """1.0507 ELU(x; alpha = 1.6733): self-normalising with LeCun-normal weights (F056)."""
    return SELU_SCALE * elu(x, SELU_ALPHA)


def selu_derivative(x: Array) -> Array:
    """1.0507 where x > 0, else 1.7581 e^x."""
    return SELU_SCALE * elu_derivative(x, SELU_ALPHA)


def gelu(x: Array) -> Array:
    """x Phi(x) with the exact normal distribution function: BERT's and torch's form (F057, S34).

    Its derivative is written out and computed from x alone. Keeping the error function from the forward pass would be one
    more array to write and to read twice (3 to 5 % of a GPT's training step on a CPU).
    """
    return _gelu(real(x))


@jax.custom_jvp
def _gelu(x: Array) -> Array:
    return jax.nn.gelu(wide(x), approximate=False).astype(x.dtype)


@_gelu.defjvp
def _gelu_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (tangent,) = tangents
    x = wide(primals[0])
    value = x * _normal_distribution(x)
    x = jax.lax.optimization_barrier(x)  # otherwise XLA merges the two error functions
    slope = _normal_distribution(x) + x * _normal_density(x)
    return value.astype(tangent.dtype), tangent * slope.astype(tangent.dtype)


def _normal_distribution(x: Array) -> Array:
    return 0.5 + 0.5 * jax.lax.erf(x * SQRT_ONE_HALF)


def _normal_density(x: Array) -> Array:
    return ONE_OVER_SQRT_2_PI * jnp.exp(-0.5 * jnp.square(x))


def gelu_derivative(x: Array) -> Array:
    """Phi(x) + x phi(x)."""
    return jax.scipy.special.ndtr(x) + x * _normal_density(x)


def gelu_tanh(x: Array) -> Array:
    """x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))): GPT-2's form (F057, S34)."""
    return jax.nn.gelu(real(x), approximate=True)


def gelu_tanh_derivative(x: Array) -> Array:
    """(1 + tanh u)/2 + x/2 (1 - tanh^2 u) u', with u' = sqrt(2/pi) (1 + 3 * 0.044715 x^2)."""
    u = SQRT_2_OVER_PI * (x + GELU_CUBIC * x**3)
    slope = SQRT_2_OVER_PI * (1.0 + 3.0 * GELU_CUBIC * jnp.square(x))
    return sigmoid(2.0 * u) + 0.5 * x * tanh_derivative(u) * slope  # (1 + tanh u)/2 = sigma(2u), which keeps its tail


def swish(x: Array) -> Array:
    """x sigma(x), also called SiLU (Ramachandran et al. 2017)."""
    return x * sigmoid(x)


def swish_derivative(x: Array) -> Array:
    """sigma + x sigma (1 - sigma)."""
    return sigmoid(x) + x * sigmoid_derivative(x)


def identity(x: Array) -> Array:
    """x: a stack of such layers is one linear layer."""
    return real(x)


def identity_derivative(x: Array) -> Array:
    """1."""
    return jnp.ones_like(real(x))


def softmax(x: Array, axis: int = -1) -> Array:
    """e^x_i / sum_j e^x_j with the maximum subtracted: a soft *arg*max (F010-F012, S5, S7).

    Shifting x changes nothing, scaling it does (S6: that is a temperature). Entries of -inf get 0. A row of -inf
    alone gives zeros, not NaN: everything is masked, so nothing is attended to.

    Args:
      x: scores of any shape.
      axis: the axis of the classes.

    Returns:
      Array of the shape of x, entries in [0, 1], sums of 1 along `axis` (0 for a masked row).
    """
    empty = jnp.all(jnp.isneginf(x), axis=axis, keepdims=True)
    probabilities = jax.nn.softmax(jnp.where(empty, jnp.zeros((), x.dtype), x), axis=axis)
    return jnp.where(empty, jnp.zeros((), x.dtype), probabilities)


def softmax_jacobian(x_BC: Array) -> Array:
    """d softmax_i / d x_j = s_i (delta_ij - s_j), (..., C) -> (..., C, C) (F011)."""
    s_BC = softmax(x_BC)
    return s_BC[..., :, None] * (_eye(s_BC) - s_BC[..., None, :])


def log_softmax(x: Array, axis: int = -1) -> Array:
    """x - m - ln sum_j e^(x_j - m), m = max x: the notes' form without m overflows (F012, S7).

    Args:
      x: scores of any shape.
      axis: the axis of the classes.

    Returns:
      Array of the shape of x, entries <= 0; -inf = ln 0 where x is -inf, a fully masked row included.
    """
    empty = jnp.all(jnp.isneginf(x), axis=axis, keepdims=True)
    logs = jax.nn.log_softmax(jnp.where(empty, jnp.zeros((), x.dtype), x), axis=axis)
    return jnp.where(empty, jnp.full((), -jnp.inf, x.dtype), logs)


def log_softmax_jacobian(x_BC: Array) -> Array:
    """d log softmax_i / d x_j = delta_ij - s_j, (..., C) -> (..., C, C)."""
    s_BC = softmax(x_BC)
    return _eye(s_BC) - s_BC[..., None, :]


# Elementwise only, as hidden layers need; softmax and log_softmax mix the entries of a row and have Jacobians.
ACTIVATIONS: dict[str, Callable[..., Array]] = {
    "step": step,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "relu": relu,
    "leaky_relu": leaky_relu,
    "elu": elu,
    "selu": selu,
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "swish": swish,
    "silu": swish,
    "identity": identity,
}

ACTIVATION_DERIVATIVES: dict[str, Callable[..., Array]] = {
    "step": step_derivative,
    "sigmoid": sigmoid_derivative,
    "tanh": tanh_derivative,
    "relu": relu_derivative,
    "leaky_relu": leaky_relu_derivative,
    "elu": elu_derivative,
    "selu": selu_derivative,
    "gelu": gelu_derivative,
    "gelu_tanh": gelu_tanh_derivative,
    "swish": swish_derivative,
    "silu": swish_derivative,
    "identity": identity_derivative,
}

# Which hparam an activation reads, and the argument that it becomes.
_PARAMETERS: dict[str, tuple[str, str]] = {
    "leaky_relu": ("negative_slope", "negative_slope"),
    "elu": ("elu_alpha", "alpha"),
}


def make_activation(name: str, hparams: Hparams, table: Mapping[str, Callable[..., Array]] = ACTIVATIONS) -> Activation:
    """An activation from its name; "leaky_relu" reads hparams.negative_slope and "elu" hparams.elu_alpha, if set.

    Args:
      name: one of the table.
      hparams: values may be tracers.
      table: activations by name.

    Returns:
      Elementwise function.

    Raises:
      ValueError: an unknown name.
    """
    return _bind(table, name, hparams)


def make_activation_derivative(name: str, hparams: Hparams) -> Activation:
    """The derivative of `make_activation(name, hparams)`; arguments and errors are the same."""
    return _bind(ACTIVATION_DERIVATIVES, name, hparams)


def _bind(table: Mapping[str, Callable[..., Array]], name: str, hparams: Hparams) -> Activation:
    if name not in table:
        raise ValueError(f"activation {name!r} is unknown; use one of {', '.join(table)}")
    if name not in _PARAMETERS:
        return table[name]
    hparam, argument = _PARAMETERS[name]
    return partial(table[name], **{argument: hparams[hparam]}) if hparam in hparams else table[name]


def _negative_part(x: Array) -> Array:
    """min(x, 0) by `where`, so that e^x cannot overflow in the unused branch, whose gradient would be NaN."""
    return jnp.where(x > 0, jnp.zeros_like(x), x)


def _eye(rows_BC: Array) -> Array:
    eye = jnp.eye(rows_BC.shape[-1], dtype=rows_BC.dtype)
    return eye.reshape((1,) * (rows_BC.ndim - 1) + eye.shape)
