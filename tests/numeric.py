"""Numerical oracles that several test files share."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def central_difference(f: Callable[[Any], Any], x: np.ndarray, step: float = 1e-5) -> jax.Array:
    """Gradient of a scalar function by (f(x + h) - f(x - h)) / 2h, entry by entry; call it where float64 is enabled.

    One program, or a part of the one that calls it.
    """
    shifts = step * np.eye(x.size).reshape(x.size, *x.shape)

    @jax.jit
    def slopes(shifted: jax.Array) -> jax.Array:
        forward, backward = jnp.split(jax.vmap(f)(shifted), 2)
        return ((forward - backward) / (2.0 * step)).reshape(x.shape)

    return slopes(np.concatenate([x + shifts, x - shifts]).astype(np.float64))
