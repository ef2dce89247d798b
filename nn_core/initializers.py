"""Weight initializers by name, optionally times an hparam, so that a sweep can scale the start.

Sources: F056, F058.
"""

import math
from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn import initializers as jax_initializers

from nn_core.floats import wide_type

Hparams = Mapping[str, Array | float]
Initializer = Callable[..., Array]

GPT2_STDDEV = 0.02


def fan_in_uniform(key: Array, shape: tuple[int, ...], dtype: jax.typing.DTypeLike = jnp.float32) -> Array:
    """Uniform in +-1 / sqrt(fan_in), torch's default for linear layers, kernels of shape (..., fan_in, fan_out)."""
    return jax_initializers.variance_scaling(1.0 / 3.0, "fan_in", "uniform")(key, shape, dtype)


def orthogonal(key: Array, shape: tuple[int, ...], dtype: jax.typing.DTypeLike = jnp.float32) -> Array:
    """Orthonormal columns (or rows, if there are fewer rows): Q of a Gaussian matrix, uniform over all such matrices.

    By Gram-Schmidt and not by `jax.nn.initializers.orthogonal`, which gives the same matrix: its LAPACK call blocks a
    thread of XLA's pool until others have done its work, so two of them at once, as in a population over two host
    devices, can wait for each other for ever (jaxlib 0.10).

    Args:
      key: of the draw.
      shape: (..., n, m), at least two axes; all but the last count as rows.
      dtype: of the result.

    Returns:
      The matrix.

    Raises:
      ValueError: fewer than two axes.
    """
    if len(shape) < 2:
        raise ValueError(f"shape={shape} has no two axes: orthogonal is for matrices")
    rows, columns = math.prod(shape[:-1]), shape[-1]
    length, count = max(rows, columns), min(rows, columns)
    gaussian_LC = jax.random.normal(key, (length, count), wide_type(dtype))

    def add(index: Array, basis_LC: Array) -> Array:
        direction_L = jax.lax.dynamic_index_in_dim(gaussian_LC, index, axis=1, keepdims=False)
        for _ in range(2):  # twice is enough: the second pass removes the rounding errors of the first
            direction_L = direction_L - basis_LC @ (basis_LC.T @ direction_L)
        unit_L1 = (direction_L / jnp.linalg.norm(direction_L))[:, None]
        return jax.lax.dynamic_update_slice_in_dim(basis_LC, unit_L1, index, axis=1)

    basis_LC = jax.lax.fori_loop(0, count, add, jnp.zeros_like(gaussian_LC))
    return (basis_LC if rows >= columns else basis_LC.T).reshape(shape).astype(dtype)


INITIALIZERS: dict[str, Initializer] = {
    "zeros": jax_initializers.zeros,
    "normal": jax_initializers.normal(1.0),
    "gpt2_normal": jax_initializers.normal(GPT2_STDDEV),
    "uniform": fan_in_uniform,
    "glorot_normal": jax_initializers.glorot_normal(),
    "glorot_uniform": jax_initializers.glorot_uniform(),
    "he_normal": jax_initializers.he_normal(),
    "he_uniform": jax_initializers.he_uniform(),
    "lecun_normal": jax_initializers.lecun_normal(),
    "lecun_uniform": jax_initializers.lecun_uniform(),
    "orthogonal": orthogonal,
}


def make_initializer(name: str, hparams: Hparams) -> Initializer:
    """An initializer from its name, multiplied by hparams.init_scale if that is set.

    Standard deviations for n = fan_in and m = fan_out: normal 1, gpt2_normal .02, uniform 1/sqrt(3n), glorot
    sqrt(2/(n+m)) (sigmoid, tanh), he sqrt(2/n) (ReLU family), lecun sqrt(1/n) (SELU). So name "normal" with
    init_scale = sigma is N(0, sigma^2), the notes' random start (F062).

    Args:
      name: one of INITIALIZERS.
      hparams: may hold init_scale (may be a tracer).

    Returns:
      (key, shape, dtype) -> array.

    Raises:
      ValueError: an unknown name.
    """
    if name not in INITIALIZERS:
        raise ValueError(f"initializer {name!r} is unknown; use one of {', '.join(INITIALIZERS)}")
    initializer = INITIALIZERS[name]
    if "init_scale" not in hparams:
        return initializer
    scale = hparams["init_scale"]

    def scaled(key: Array, shape: tuple[int, ...], dtype: jax.typing.DTypeLike = jnp.float32) -> Array:
        return initializer(key, shape, dtype) * jnp.asarray(scale, dtype)

    return scaled
