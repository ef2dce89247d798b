"""Attention to a cache of keys and values, for decoding; parts of the cache that no query may see are not read.

The cache is cut into a few blocks of places. For a new token, each block gives the maximum m of its scores, the sum l
of exp(score - m) and the values weighted by exp(score - m); the parts are joined as in blockwise.py. Decoding is bound
by memory, and a text that has just begun fills only a small part of its window: with 16 rows, a window of 256, 6 layers
and a width of 384, a token would read 75 MB of cache, written or not.
Sources: F149; Dao et al. 2023 (Flash-Decoding).
"""

from collections.abc import Sequence
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from nn_core.floats import wide, wide_type
from nn_core.models.attention.linear import positive_features

SMALLEST_BLOCK = 64  # places
FEW_QUERIES = 16  # new tokens of one row, or of the beams of a prompt


class Part(NamedTuple):
    """What a block of keys contributes to each query.

    Attributes:
      maximum_BHT: largest score, float32 or wider; the lowest number where no key may be seen.
      sum_BHT: sum of exp(score - maximum) over the keys that may be seen.
      values_BHTK: the sum of exp(score - maximum) times the value.
    """

    maximum_BHT: Array
    sum_BHT: Array
    values_BHTK: Array


def write(cache_BGSK: Array, new_BTGK: Array, slots_BT: Array, start: int) -> Array:
    """Writes new keys or values into the block that begins at `start`; slots outside it are not written."""
    size = cache_BGSK.shape[2]
    inside_BT = (slots_BT >= start) & (slots_BT < start + size)
    rows_B1 = jnp.arange(len(slots_BT))[:, None]
    return cache_BGSK.at[rows_B1, :, jnp.where(inside_BT, slots_BT - start, size)].set(new_BTGK, mode="drop")


def attend(q_BTHK: Array, blocks: Sequence[tuple[Array, Array]], mask_B1TS: Array, bias: Array | None = None) -> Array:
    """softmax(Q K^T / sqrt(K) + bias) V over all blocks.

    Args:
      q_BTHK: queries.
      blocks: keys and values (B, G, s, K) of consecutive places, S together; each of the G heads serves H / G queries.
      mask_B1TS: True where a query may look; a query that may look nowhere gets zeros.
      bias: None, or an array (B or 1, H or 1, T, S).

    Returns:
      (B, T, H, K) of the dtype of the values.
    """
    q_BTHK = q_BTHK * jnp.asarray(q_BTHK.shape[-1] ** -0.5, q_BTHK.dtype)
    if q_BTHK.shape[1] > FEW_QUERIES:  # a prompt is read once, so the branches are not worth their compile time
        blocks = [(jnp.concatenate([k for k, _ in blocks], axis=2), jnp.concatenate([v for _, v in blocks], axis=2))]
    parts, start = [], 0
    for keys_BGSK, values_BGSK in blocks:
        places = slice(start, start := start + keys_BGSK.shape[2])
        mask = mask_B1TS[..., places]
        operands = (q_BTHK, keys_BGSK, values_BGSK, mask, None if bias is None else bias[..., places])
        parts.append(_part(*operands) if len(blocks) == 1 else lax.cond(jnp.any(mask), _part, _nothing, *operands))
    maxima, sums, values = (jnp.stack(leaves) for leaves in zip(*parts, strict=True))  # a leading axis of blocks
    shares = jnp.exp(maxima - jnp.max(maxima, axis=0, keepdims=True))
    total_BHT, values_BHTK = jnp.sum(sums * shares, axis=0), jnp.sum(values * shares[..., None], axis=0)
    outputs_BHTK = values_BHTK / jnp.maximum(total_BHT, jnp.finfo(total_BHT.dtype).tiny)[..., None]
    return outputs_BHTK.swapaxes(1, 2).astype(blocks[0][1].dtype)


def attend_linearly(q_BTHK: Array, blocks: Sequence[tuple[Array, Array]], mask_B1TS: Array) -> Array:
    """Linear attention over all blocks, phi(Q) phi(K)^T V with the weights in memory; arguments as `attend`."""
    k_BGSK, v_BGSK = (jnp.concatenate(parts, axis=2) for parts in zip(*blocks, strict=True))
    repeats = q_BTHK.shape[2] // k_BGSK.shape[1]
    k_BHSK, v_BHSK = (jnp.repeat(x, repeats, axis=1) if repeats > 1 else x for x in (k_BGSK, v_BGSK))
    q_BTHK, k_BHSK = wide(positive_features(q_BTHK)), wide(positive_features(k_BHSK))
    weights_BHTS = jnp.where(mask_B1TS, jnp.einsum("bthk,bhsk->bhts", q_BTHK, k_BHSK), 0.0)
    total_BTH = jnp.sum(weights_BHTS, axis=-1).swapaxes(1, 2)
    sums_BTHK = jnp.einsum("bhts,bhsk->bthk", weights_BHTS, wide(v_BHSK))
    return (sums_BTHK / jnp.maximum(total_BTH, jnp.finfo(total_BTH.dtype).tiny)[..., None]).astype(v_BGSK.dtype)


def _part(q_BTHK: Array, k_BGSK: Array, v_BGSK: Array, mask: Array, bias: Array | None) -> Part:
    batch, length, heads, width = q_BTHK.shape
    groups = k_BGSK.shape[1]
    q_BTGRK = q_BTHK.reshape(batch, length, groups, heads // groups, width)
    wide = wide_type(q_BTHK.dtype)
    scores = jnp.einsum("btgrk,bgsk->bgrts", q_BTGRK, k_BGSK, preferred_element_type=wide)
    scores_BHTS = scores.reshape(batch, heads, length, -1)
    if bias is not None:
        scores_BHTS = scores_BHTS + bias.astype(wide)
    scores_BHTS = jnp.where(mask, scores_BHTS, jnp.finfo(wide).min)
    maximum_BHT = jnp.max(scores_BHTS, axis=-1)
    weights_BHTS = jnp.where(mask, jnp.exp(scores_BHTS - maximum_BHT[..., None]), 0.0)
    weights = weights_BHTS.reshape(batch, groups, heads // groups, length, -1).astype(v_BGSK.dtype)
    values = jnp.einsum("bgrts,bgsk->bgrtk", weights, v_BGSK, preferred_element_type=wide)
    return Part(maximum_BHT, jnp.sum(weights_BHTS, axis=-1), values.reshape(batch, heads, length, width))


def _nothing(q_BTHK: Array, k_BGSK: Array, v_BGSK: Array, mask: Array, bias: Array | None) -> Part:
    batch, length, heads, width = q_BTHK.shape
    shape, wide = (batch, heads, length), wide_type(q_BTHK.dtype)
    return Part(jnp.full(shape, jnp.finfo(wide).min, wide), jnp.zeros(shape, wide), jnp.zeros((*shape, width), wide))
