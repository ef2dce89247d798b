"""Attention without the T x S matrix in memory: blocks of queries and keys with an online softmax (F143).

A block of queries walks over the blocks of keys and keeps, per query, the maximum m, the sum l of exp(score - m) and
the weighted sum of the values; both sums are rescaled when m grows (Milakov & Gimelshein 2018; Rabe & Staats 2021; Dao
et al. 2022). Both walks are rematerialised in the backward pass, so that its memory grows with T + S as well.
Sources: F143.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from nn_core.models.attention.patterns import Pattern, allowed
from nn_core.regularizers import dropout

DEFAULT_BLOCK = 128

Bias = Array | Callable[[Array, Array], Array]


class _Options(NamedTuple):
    """What a pair of blocks needs besides its queries, keys and values."""

    num_keys: int
    pattern: Pattern
    mask: Array | None
    bias: Bias | None
    dropout_key: Array | None
    dropout_rate: Array | float | None
    block_size: int
    num_key_blocks: int


def blockwise_attention(
    q_BTHK: Array,
    k_BSGK: Array,
    v_BSGK: Array,
    *,
    pattern: Pattern,
    mask: Array | None = None,
    bias: Bias | None = None,
    dropout_key: Array | None = None,
    dropout_rate: Array | float | None = None,
    block_size: int = DEFAULT_BLOCK,
) -> Array:
    """softmax(Q K^T / sqrt(K) + bias) V in memory linear in T and S. Use it through `dot_product_attention`.

    Blocks of keys that causality or the window hide from a whole block of queries are skipped, so local attention takes
    time O(T window). The pattern is computed block by block. A mask or a bias that is an array may have T x S entries
    itself; a bias may be a function.

    Args: see `dot_product_attention`; the pattern holds causal, window, global_tokens and stride.

    Returns:
      (B, T, H, K) of the dtype of the values.
    """
    batch, num_queries, num_heads, width = q_BTHK.shape
    num_keys, groups, value_width = v_BSGK.shape[1:]
    block_size = min(block_size, max(num_queries, num_keys))
    q_BGRTK = (
        (q_BTHK * jnp.asarray(width**-0.5, q_BTHK.dtype))
        .reshape(batch, num_queries, groups, num_heads // groups, width)
        .transpose(0, 2, 3, 1, 4)
    )
    q_blocks = _blocks(q_BGRTK, block_size)
    k_blocks, v_blocks = (_blocks(x.transpose(0, 2, 1, 3), block_size) for x in (k_BSGK, v_BSGK))
    options = _Options(num_keys, pattern, mask, bias, dropout_key, dropout_rate, block_size, k_blocks.shape[0])

    @jax.checkpoint
    def query_block(index: Array, q_BGRtK: Array) -> Array:
        return _walk(index, q_BGRtK, k_blocks, v_blocks, options)

    indices = jnp.arange(q_blocks.shape[0])
    _, outputs = lax.scan(lambda _, xs: (None, query_block(*xs)), None, (indices, q_blocks))
    outputs_BTGRV = outputs.transpose(1, 0, 4, 2, 3, 5).reshape(batch, -1, num_heads, value_width)
    return outputs_BTGRV[:, :num_queries].astype(v_BSGK.dtype)


def _walk(index: Array, q_BGRtK: Array, k_blocks: Array, v_blocks: Array, options: _Options) -> Array:
    """One block of queries over all blocks of keys: (B, G, R, t, V) in float32."""
    size = options.block_size
    shape = q_BGRtK.shape[:-1]
    start = (jnp.full(shape, -jnp.inf), jnp.zeros(shape), jnp.zeros((*shape, v_blocks.shape[-1])))

    @jax.checkpoint
    def update(carry: tuple[Array, Array, Array], key_index: Array, k: Array, v: Array) -> tuple[Array, Array, Array]:
        maximum, total, outputs = carry
        scores, seen = _scores(index, key_index, q_BGRtK, k, options)
        new_maximum = jnp.maximum(maximum, jnp.max(jnp.where(seen, scores, -jnp.inf), axis=-1))
        # A query that has seen no key yet has the maximum -inf, and -inf - -inf is NaN.
        shift = lax.stop_gradient(jnp.where(jnp.isneginf(new_maximum), 0.0, new_maximum))
        rescale = jnp.where(jnp.isneginf(maximum), 0.0, jnp.exp(lax.stop_gradient(maximum) - shift))
        weights = jnp.where(seen, jnp.exp(jnp.where(seen, scores, 0.0) - shift[..., None]), 0.0)
        total = total * rescale + jnp.sum(weights, axis=-1)
        if options.dropout_key is not None and options.dropout_rate is not None:
            block_key = jax.random.fold_in(options.dropout_key, index * options.num_key_blocks + key_index)
            weights = dropout(block_key, weights, options.dropout_rate)
        added = jnp.einsum("bgrts,bgsv->bgrtv", weights.astype(v.dtype), v, preferred_element_type=jnp.float32)
        return lax.stop_gradient(new_maximum), total, outputs * rescale[..., None] + added

    def body(
        carry: tuple[Array, Array, Array], xs: tuple[Array, Array, Array]
    ) -> tuple[tuple[Array, Array, Array], None]:
        key_index, k, v = xs
        visible = _may_see(index, key_index, size, options.pattern)
        return lax.cond(visible, update, lambda carry, *_: carry, carry, key_index, k, v), None

    (_, total, outputs), _ = lax.scan(body, start, (jnp.arange(options.num_key_blocks), k_blocks, v_blocks))
    empty = total == 0
    return jnp.where(empty, 0.0, 1.0 / jnp.where(empty, 1.0, total))[..., None] * outputs


def _scores(index: Array, key_index: Array, q_BGRtK: Array, k_BGsK: Array, options: _Options) -> tuple[Array, Array]:
    """Scores (B, G, R, t, s) in float32 of a pair of blocks, and which of them are allowed."""
    size = options.block_size
    groups, per_group = q_BGRtK.shape[1:3]
    queries, keys = index * size + jnp.arange(size), key_index * size + jnp.arange(size)
    scores = jnp.einsum("bgrtk,bgsk->bgrts", q_BGRtK, k_BGsK, preferred_element_type=jnp.float32)
    if options.bias is not None:
        bias = options.bias(queries, keys) if callable(options.bias) else _cut(options.bias, index, key_index, size)
        scores = scores + _by_group(bias.astype(scores.dtype), groups, per_group)
    seen = (allowed(queries, keys, options.pattern) & (keys < options.num_keys)[None])[None, None, None]
    if options.mask is not None:
        seen &= _by_group(_cut(options.mask, index, key_index, size), groups, per_group)
    return scores, jnp.broadcast_to(seen, scores.shape)


def _may_see(index: Array, key_index: Array, size: int, pattern: Pattern) -> Array:
    """Whether any query of a block may see any key of another one."""
    visible = jnp.asarray(True)
    if pattern.window is not None and pattern.stride is None:
        # The nearest pair of the two blocks is |difference| blocks apart, less one block, plus one token.
        visible &= (jnp.abs(key_index - index) - 1) * size + 1 < pattern.window
        if pattern.global_tokens:
            visible |= (jnp.minimum(key_index, index) * size) < pattern.global_tokens
    return visible & (key_index <= index) if pattern.causal else visible


def _blocks(x: Array, size: int) -> Array:
    """(..., T, K) -> (blocks, ..., size, K), with zeros behind the end."""
    *leading, length, width = x.shape
    count = -(-length // size)
    x = jnp.pad(x, [(0, 0)] * len(leading) + [(0, count * size - length), (0, 0)])
    return jnp.moveaxis(x.reshape(*leading, count, size, width), -3, 0)


def _cut(x: Array, index: Array, key_index: Array, size: int) -> Array:
    """The block of an array that broadcasts to (B, H, T, S); axes of length 1 stay."""
    for axis, block in ((2, index), (3, key_index)):
        if x.shape[axis] > 1:
            # Clipped places behind the end are padding, which is not allowed (keys) or cut off (queries).
            places = jnp.minimum(block * size + jnp.arange(size), x.shape[axis] - 1)
            x = jnp.take(x, places, axis=axis)
    return x


def _by_group(x: Array, groups: int, per_group: int) -> Array:
    """(B, H or 1, t, s) -> (B, G or 1, R or 1, t, s)."""
    batch, heads, *rest = x.shape
    return x.reshape(batch, 1, 1, *rest) if heads == 1 else x.reshape(batch, groups, per_group, *rest)
