"""Scaled dot-product attention: one function for self, cross and masked use.

    attention(Q, K, V) = softmax(Q K^T / sqrt(K) + bias) V

The softmax runs over the keys, the last axis: one query per row (S37). Masks say True where a query may look.
Sources: F118-F123, F142, F143, S37-S40.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from nn_core.floats import wide, wide_type
from nn_core.models.attention.blocks import block_bounds
from nn_core.models.attention.blockwise import DEFAULT_BLOCK, blockwise_attention
from nn_core.models.attention.linear import linear_attention
from nn_core.models.attention.patterns import Pattern, check_pattern, pattern_mask
from nn_core.models.attention.shapes import check_shapes
from nn_core.regularizers import dropout

# An array that broadcasts to (B, H, T, S), or a function of the query and key indices (t,), (s,) that gives one: the
# blockwise path asks it for a block at a time.
Bias = Array | Callable[[Array, Array], Array]

SMALLEST_BLOCK = 128  # queries per block: two such blocks take 0.9 of the time of one of 256; shorter ones gain nothing
IMPLEMENTATIONS = ("dense", "blockwise", "cudnn", "linear")


def causal_mask(num_queries: int, num_keys: int | None = None) -> Array:
    """(1, 1, T, S), True on and below the diagonal: a token sees itself and what came before (S39, S40, F122)."""
    return band_mask(num_queries, num_keys or num_queries, causal=True)


def band_mask(num_queries: int, num_keys: int, causal: bool, window: int | None = None) -> Array:
    """(1, 1, T, S), True where the key is no later (if causal) and less than `window` tokens away (if given; F142)."""
    return pattern_mask(num_queries, num_keys, Pattern(causal, window))


def padding_mask(lengths_B: Array, num_keys: int) -> Array:
    """(B, 1, 1, S), True for the first `lengths_B` keys of each row (F135)."""
    return (jnp.arange(num_keys)[None] < lengths_B[:, None])[:, None, None]


def masked_softmax(scores: Array, mask: Array | None) -> Array:
    """Softmax over the last axis in float32; masked entries and fully masked rows are 0, never NaN.

    Args:
      scores: (..., S).
      mask: None, or booleans that broadcast to the scores, True where allowed.

    Returns:
      (..., S) float32 (float64 for float64 scores), rows that sum to 1 or are all 0.
    """
    scores = wide(scores)
    if mask is None:
        return _softmax(scores)
    # Only a row without any allowed key needs the outer where: elsewhere exp(lowest - maximum) is 0 already.
    return jnp.where(mask, _softmax(_hide(scores, mask)), 0.0)


@jax.custom_jvp
def _softmax(scores: Array) -> Array:
    """Softmax with one division per row, which saves 3 % of a GPT's training step on a CPU against jax.nn.softmax."""
    exp = jnp.exp(scores - jnp.max(scores, axis=-1, keepdims=True))
    return exp * (1.0 / jnp.sum(exp, axis=-1, keepdims=True))


@_softmax.defjvp
def _softmax_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (tangent,) = tangents
    weights = _softmax(*primals)
    return weights, weights * (tangent - jnp.sum(weights * tangent, axis=-1, keepdims=True))


def _hide(scores: Array, mask: Array) -> Array:
    """Adds the lowest number to masked scores, which makes them that number.

    XLA fuses the sum with the products and the softmax into one pass over the scores. A `where` would be a pass of its
    own, forward and backward; without it the attention takes 0.85 of the time on a CPU.
    """
    return scores + jnp.where(mask, 0, jnp.finfo(scores.dtype).min).astype(scores.dtype)


def dot_product_attention(
    q_BTHK: Array,
    k_BSGK: Array,
    v_BSGK: Array,
    *,
    mask: Array | None = None,
    causal: bool = False,
    window: int | None = None,
    global_tokens: int = 0,
    stride: int | None = None,
    bias: Bias | None = None,
    dropout_key: Array | None = None,
    dropout_rate: Array | float | None = None,
    implementation: str = "dense",
    block_size: int = DEFAULT_BLOCK,
) -> Array:
    """softmax(Q K^T / sqrt(K) + bias) V for self (S = T), cross (any S) and masked attention (F119-F122).

    Args:
      q_BTHK: queries of H heads.
      k_BSGK: keys of G heads; each serves H / G query heads.
      v_BSGK: values; their width may differ from K.
      mask: None, or booleans that broadcast to (B, H, T, S), True where a query may look; a query that may look
        nowhere gets zeros.
      causal: query t sees the keys 0 .. t; needs S = T.
      window, global_tokens, stride: local, local-global and strided attention, see `Pattern`.
      bias: None, an array that broadcasts to (B, H, T, S), or a function of the query and key indices; added before
        the softmax.
      dropout_key: typed key; None: no dropout.
      dropout_rate: probability of dropping a weight, may be a tracer; None: no dropout.
      implementation: "dense" (the T x S weights are in memory), "blockwise" (online softmax: they are not; blocks that
        a window hides are skipped), "cudnn" (the fused kernel of an NVIDIA GPU, half precision), or "linear" (no
        softmax, see `linear_attention`; supports causality and a mask over keys, but no other structure, bias or
        dropout).
      block_size: queries, and keys, per block of the blockwise path.

    Returns:
      (B, T, H, K) of the dtype of the values.

    Raises:
      ValueError: shapes that do not fit, an unknown implementation, or an option that it lacks.
    """
    pattern = check_pattern(Pattern(causal, window, global_tokens, stride))
    check_shapes(q_BTHK, k_BSGK, v_BSGK, causal)
    rate = None if dropout_key is None else dropout_rate
    if implementation == "dense":
        if pattern == Pattern(causal=True) and mask is None and bias is None and rate is None:
            return _causal(q_BTHK, k_BSGK, v_BSGK)
        weights = attention_weights(q_BTHK, k_BSGK, mask=mask, bias=bias, **pattern._asdict())
        return apply_weights(weights, v_BSGK, dropout_key, rate)
    if implementation == "blockwise":
        return blockwise_attention(
            q_BTHK,
            k_BSGK,
            v_BSGK,
            mask=mask,
            pattern=pattern,
            bias=bias,
            dropout_key=dropout_key,
            dropout_rate=rate,
            block_size=block_size,
        )
    if implementation not in IMPLEMENTATIONS:
        raise ValueError(f"attention {implementation!r} is unknown; use one of {', '.join(IMPLEMENTATIONS)}")
    if rate is not None:
        raise ValueError(
            f"attention={implementation!r} has no dropout on its weights; use 'dense', 'blockwise' or no dropout there"
        )
    if implementation == "linear":
        return _linear(q_BTHK, k_BSGK, v_BSGK, mask, pattern, bias)
    return _fused(q_BTHK, k_BSGK, v_BSGK, mask, pattern, bias)


def attention_weights(
    q_BTHK: Array,
    k_BSGK: Array,
    *,
    mask: Array | None = None,
    causal: bool = False,
    window: int | None = None,
    global_tokens: int = 0,
    stride: int | None = None,
    bias: Bias | None = None,
) -> Array:
    """softmax(Q K^T / sqrt(K) + bias): how much query t looks at key s (F119, F123).

    Args: see `dot_product_attention`.

    Returns:
      (B, H, T, S) float32 (float64 for float64 queries); rows sum to 1, or are 0 where nothing is allowed.
    """
    num_queries, num_keys = q_BTHK.shape[1], k_BSGK.shape[1]
    scores_BHTS = _scores(q_BTHK.swapaxes(1, 2), k_BSGK.swapaxes(1, 2))
    if bias is not None:
        bias = bias(jnp.arange(num_queries), jnp.arange(num_keys)) if callable(bias) else bias
        scores_BHTS = scores_BHTS + bias.astype(scores_BHTS.dtype)
    pattern = Pattern(causal, window, global_tokens, stride)
    if not pattern.is_full:
        band = pattern_mask(num_queries, num_keys, pattern)
        if mask is None and num_queries <= num_keys:
            # Every query sees itself, so that no row is empty.
            return _softmax(_hide(scores_BHTS, band))
        mask = band if mask is None else mask & band
    return masked_softmax(scores_BHTS, mask)


def apply_weights(
    weights_BHTS: Array, v_BSGK: Array, dropout_key: Array | None = None, dropout_rate: Array | float | None = None
) -> Array:
    """The values, multiplied by the weights *and summed* (S37b), with dropout on the weights: (B, T, H, K)."""
    if dropout_key is not None and dropout_rate is not None:
        weights_BHTS = dropout(dropout_key, weights_BHTS, dropout_rate)
    return _weighted(weights_BHTS, v_BSGK.swapaxes(1, 2)).swapaxes(1, 2)


# Both products need the heads before the tokens. One transpose by hand, instead of one by XLA for each product and each
# gradient, cuts the time of the attention to 0.75 on a CPU, forward and backward.
def _scores(q_BHTK: Array, k_BGSK: Array) -> Array:
    """Q K^T / sqrt(K), (B, H, T, S) in float32 or wider; the queries of a key head are stacked in one product."""
    batch, num_heads, num_queries, width = q_BHTK.shape
    groups, num_keys = k_BGSK.shape[1], k_BGSK.shape[2]
    q_BGTK = (q_BHTK * jnp.asarray(width**-0.5, q_BHTK.dtype)).reshape(batch, groups, -1, width)
    dtype = wide_type(q_BHTK.dtype)
    scores_BGTS = jnp.einsum("bgtk,bgsk->bgts", q_BGTK, k_BGSK, preferred_element_type=dtype)
    return scores_BGTS.reshape(batch, num_heads, num_queries, num_keys)


def _weighted(weights_BHTS: Array, v_BGSK: Array) -> Array:
    """Sums of the values, (B, H, T, K) of their dtype."""
    batch, num_heads, num_queries, num_keys = weights_BHTS.shape
    groups, width = v_BGSK.shape[1], v_BGSK.shape[3]
    weights_BGTS = weights_BHTS.astype(v_BGSK.dtype).reshape(batch, groups, -1, num_keys)
    return jnp.einsum("bgts,bgsk->bgtk", weights_BGTS, v_BGSK).reshape(batch, num_heads, num_queries, width)


def _causal(q_BTHK: Array, k_BTGK: Array, v_BTGK: Array) -> Array:
    """Each block of queries with the keys up to its own end, so few hidden scores are computed."""
    q_BHTK, k_BGTK, v_BGTK = (x.swapaxes(1, 2) for x in (q_BTHK, k_BTGK, v_BTGK))
    outputs = []
    for start, end in block_bounds(q_BTHK.shape[1], SMALLEST_BLOCK):
        scores = _scores(q_BHTK[:, :, start:end], k_BGTK[:, :, :end])
        weights = _softmax(_hide(scores, causal_mask(end)[:, :, start:]))
        outputs.append(_weighted(weights, v_BGTK[:, :, :end]))
    return jnp.concatenate(outputs, axis=2).swapaxes(1, 2)


def _linear(
    q_BTHK: Array, k_BSGK: Array, v_BSGK: Array, mask: Array | None, pattern: Pattern, bias: Bias | None
) -> Array:
    """Linear attention for the structures that it supports; key heads are repeated."""
    if bias is not None or pattern.nearest is not None:
        raise ValueError(
            "attention='linear' has no scores: use no window, no stride and no alibi or relative positions"
        )
    if mask is not None and (mask.shape[1] > 1 or mask.shape[2] > 1):
        raise ValueError(
            f"attention='linear' hides keys from all queries alike; a mask {mask.shape} is not (B, 1, 1, S)"
        )
    repeats = q_BTHK.shape[2] // k_BSGK.shape[2]
    k_BSHK, v_BSHK = (jnp.repeat(x, repeats, axis=2) if repeats > 1 else x for x in (k_BSGK, v_BSGK))
    return linear_attention(
        q_BTHK, k_BSHK, v_BSHK, causal=pattern.causal, keep_BS=None if mask is None else mask[:, 0, 0]
    )


def _fused(
    q_BTHK: Array, k_BSGK: Array, v_BSGK: Array, mask: Array | None, pattern: Pattern, bias: Bias | None
) -> Array:
    """cuDNN's kernel; it fills fully masked rows with an average, so they are zeroed here as everywhere."""
    batch, num_queries, num_heads, _ = q_BTHK.shape
    num_keys = k_BSGK.shape[1]
    if callable(bias):
        bias = bias(jnp.arange(num_queries), jnp.arange(num_keys))
    if pattern.nearest is not None:
        band = pattern_mask(num_queries, num_keys, pattern)
        mask = band if mask is None else mask & band
    full = None if mask is None else jnp.broadcast_to(mask, (batch, num_heads, num_queries, num_keys))
    outputs = jax.nn.dot_product_attention(
        q_BTHK,
        k_BSGK,
        v_BSGK,
        bias=None if bias is None else bias.astype(q_BTHK.dtype),
        mask=full,
        is_causal=pattern.causal,
        implementation="cudnn",
    )
    if full is None:
        return outputs
    allowed = full & causal_mask(num_queries) if pattern.causal else full
    any_key_BTH1 = jnp.any(allowed, axis=-1).swapaxes(1, 2)[..., None]
    return jnp.where(any_key_BTH1, outputs, jnp.zeros((), outputs.dtype))
