"""The places of the largest values: of the classes or tokens that a model prefers."""

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

BLOCK = 64  # values that are compared at once
FEWEST = 256  # below it two stages gain nothing


def argmax(values: Array) -> Array:
    """`jnp.argmax` along the last axis, in two stages: the block that holds the largest value, then its place there.

    XLA:CPU compares places one by one, but takes the largest value of many at once: of 3,072 rows of 4,000 logits, 52 ms
    become 4.5 ms (a tenth of a training step of configs/multi30k.py).

    Args:
      values: (..., V) floats.

    Returns:
      int32 (...), the first of equal places; that of a NaN, where there is one.
    """
    values = lax.stop_gradient(values)  # a place has no slope, and reduce_window has no rule for one
    size, ones = values.shape[-1], (1,) * (values.ndim - 1)
    if size < FEWEST:
        return jnp.argmax(values, axis=-1)
    start = BLOCK * jnp.argmax(_block_maxima(values), axis=-1)
    places = start[..., None] + jnp.arange(BLOCK).reshape(*ones, BLOCK)
    within = jnp.take_along_axis(values, jnp.minimum(places, size - 1), axis=-1)
    return start + jnp.argmax(within, axis=-1)


def top_k(values: Array, k: int) -> tuple[Array, Array]:
    """`lax.top_k`: the k largest values along the last axis and their places, in two stages where that is faster.

    The k blocks with the largest maxima hold the k largest values; the selection is made among them: of 64 rows of 20,000
    logits (a step of a beam of 5), 1.4 ms become 0.4. XLA makes a selection of a sort of which only the first k are
    read. Where a caller reads fewer values than places (the best of a beam's candidates), it no longer sees one k, and
    sorts everything: 228 ms. The barrier keeps the caller's slices apart.

    Args:
      values: (..., V).
      k: at most V.

    Returns:
      (values, int32 places), (..., k) each, in decreasing order; of equal values the first comes first.
    """
    size = values.shape[-1]
    if size < max(FEWEST, 2 * k * BLOCK):
        return _selected(values, k)
    # Blocks in their order in the row, so that of equal values the first is found first.
    chosen = jnp.sort(_selected(_block_maxima(values), k)[1], axis=-1)
    places = (BLOCK * chosen[..., None] + jnp.arange(BLOCK).reshape(*(1,) * values.ndim, BLOCK)).reshape(
        *values.shape[:-1], k * BLOCK
    )
    within = jnp.take_along_axis(values, jnp.minimum(places, size - 1), axis=-1)
    found, at = _selected(jnp.where(places < size, within, -jnp.inf), k)
    return found, jnp.take_along_axis(places, at, axis=-1)


def _selected(values: Array, k: int) -> tuple[Array, Array]:
    """`lax.top_k` behind barriers: one for each result, because XLA for several devices aborts on one for both."""
    found, places = lax.top_k(values, k)
    return lax.optimization_barrier(found), lax.optimization_barrier(places)


def _block_maxima(values: Array) -> Array:
    """The largest value of each BLOCK along the last axis; the last block is filled up with -inf."""
    ones = (1,) * (values.ndim - 1)
    padding = [(0, 0)] * len(ones) + [(0, -values.shape[-1] % BLOCK)]
    return lax.reduce_window(
        values, np.asarray(-np.inf, values.dtype), lax.max, (*ones, BLOCK), (*ones, BLOCK), padding
    )
