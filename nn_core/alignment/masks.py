"""Sums over the real tokens of padded rows: means, whitening, the last token, rows moved to the left.

A mask marks padding, never an id: where the padding token is also the end token, the end stays visible.
"""

import jax.numpy as jnp
from jax import Array, lax

WHITENING_EPSILON = 1e-8  # keeps a constant from being divided by 0


def masked_sum(values_BT: Array, mask_BT: Array) -> Array:
    """Sum over the real tokens; values at padding, even NaN and infinity, affect neither it nor its gradient."""
    return jnp.sum(jnp.where(mask_BT > 0, values_BT, 0.0))


def masked_mean(values_BT: Array, mask_BT: Array) -> Array:
    """Mean over the real tokens of all rows: each token weighs the same, whatever its row's length; 0 where none is real.

    Args:
        values_BT: any floats.
        mask_BT: 1 at real tokens, 0 at padding.
    Returns:
        Scalar.
    """
    return masked_sum(values_BT, mask_BT) / jnp.maximum(jnp.sum(mask_BT), 1.0)


def row_sums(values_BT: Array, mask_BT: Array) -> Array:
    """Sum over the real tokens of each row: (B,)."""
    return jnp.sum(jnp.where(mask_BT > 0, values_BT, 0.0), axis=1)


def whiten(values_BT: Array, mask_BT: Array, *, shift: bool = True) -> Array:
    """(x - mean) / std with mean and std of the real tokens; 0 at padding (Ziegler et al. 2019).

    Args:
        values_BT: any floats.
        mask_BT: 1 at real tokens.
        shift: False keeps the mean, and only divides.
    Returns:
        (B, T); all 0 where the real values are constant and `shift` holds.
    """
    mean = masked_mean(values_BT, mask_BT)
    variance = masked_mean((values_BT - mean) ** 2, mask_BT)
    whitened_BT = (values_BT - mean) * lax.rsqrt(variance + WHITENING_EPSILON)
    return jnp.where(mask_BT > 0, whitened_BT if shift else whitened_BT + mean, 0.0)


def last_real(mask_BT: Array) -> Array:
    """Place of the last real token of each row, (B,) int32; 0 for a row without any."""
    places_1T = jnp.arange(mask_BT.shape[1])[None]
    return jnp.max(jnp.where(mask_BT > 0, places_1T, 0), axis=1)


def at_last(values_BT: Array, mask_BT: Array) -> Array:
    """The value at the last real token of each row, (B,): where a reward belongs, not on the padding behind it."""
    return jnp.take_along_axis(values_BT, last_real(mask_BT)[:, None], axis=1)[:, 0]


def until_end(ids_BT: Array, end_id: Array | int) -> Array:
    """1 up to and including each row's first end token, 0 behind it; all 1 in a row without one: (B, T) float32.

    The end token itself is real: padding with the same id behind it is not.
    """
    ended_BT = jnp.cumsum(ids_BT == end_id, axis=1) - (ids_BT == end_id)
    return (ended_BT == 0).astype(jnp.float32)


def positions(mask_BT: Array) -> Array:
    """0, 1, 2, ... over the real tokens of each row, wherever the padding stands: (B, T) int32; 0 at padding before them."""
    return jnp.maximum(jnp.cumsum(mask_BT > 0, axis=1) - 1, 0)


def to_the_left(ids_BT: Array, mask_BT: Array, pad_id: int = 0) -> tuple[Array, Array]:
    """Rows whose real tokens start at place 0, in their order: left- and right-padded rows become the same.

    Args:
        ids_BT: tokens.
        mask_BT: 1 at real tokens.
        pad_id: what stands behind them.
    Returns:
        ids (B, T), lengths (B,).
    """
    order_BT = jnp.argsort(mask_BT <= 0, axis=1, stable=True)
    moved_BT = jnp.take_along_axis(ids_BT, order_BT, axis=1)
    lengths_B = jnp.sum(mask_BT > 0, axis=1)
    real_BT = jnp.arange(ids_BT.shape[1])[None] < lengths_B[:, None]
    return jnp.where(real_BT, moved_BT, pad_id), lengths_B
