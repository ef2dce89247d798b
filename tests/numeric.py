"""Numerical oracles that several test files share."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def central_difference(f: Callable[[Any], Any], x: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """Gradient of a scalar function by (f(x + h) - f(x - h)) / 2h, entry by entry; call it where float64 is enabled."""
    shifts = step * np.eye(x.size).reshape(x.size, *x.shape)
    values = jax.jit(jax.vmap(f))(jnp.asarray(np.concatenate([x + shifts, x - shifts]), jnp.float64))
    forward, backward = np.split(np.asarray(values), 2)
    return ((forward - backward) / (2.0 * step)).reshape(x.shape)
