"""Floating-point helpers: precision of arrays, and functions whose derivative keeps its digits."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array


def real(x: Array | float) -> Array:
    """x as an array of floats: a plain number becomes one, and integers become float32."""
    array = jnp.asarray(x)
    return array if jnp.issubdtype(array.dtype, jnp.inexact) else array.astype(jnp.float32)


def wide_type(dtype: Any) -> Any:
    """At least float32: half precision loses sums, tails and small differences."""
    return jnp.promote_types(dtype, jnp.float32)


def wide(x: Array) -> Array:
    """x in at least float32."""
    return x.astype(wide_type(x.dtype))


def like(value: Array | float, x: Array) -> Array:
    """A number in the precision of x, so that a float32 hparam does not promote a bfloat16 parameter."""
    return jnp.asarray(value, x.dtype)


@jax.custom_jvp
def expm1(x: Array) -> Array:
    """e^x - 1, with the derivative e^x.

    JAX computes the derivative as expm1(x) + 1, which cancels: in float32 it is 0 from x = -17 on.
    """
    return jnp.expm1(x)


@expm1.defjvp
def _expm1_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    return jnp.expm1(primals[0]), tangents[0] * jnp.exp(primals[0])
