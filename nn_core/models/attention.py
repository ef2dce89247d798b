"""Scaled dot-product attention: one function for self, cross and masked use, and its relatives.

    attention(Q, K, V) = softmax(Q K^T / sqrt(K) + bias) V

The softmax runs over the keys, the last axis: one query per row (S37). Masks say True where a query may look.
Sources: notes L2349-L2575; inventory F118-F123, F142, F143, S37-S40.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array, lax

from nn_core.models.blockwise import DEFAULT_BLOCK, blockwise_attention
from nn_core.regularizers import dropout

# An array that broadcasts to (B, H, T, S), or a function of the query and key indices (t,), (s,) that gives one: the
# blockwise path asks it for a block at a time.
Bias = Array | Callable[[Array, Array], Array]

IMPLEMENTATIONS = ("dense", "blockwise", "cudnn")


def causal_mask(num_queries: int, num_keys: int | None = None) -> Array:
    """(1, 1, T, S), True on and below the diagonal: a token sees itself and what came before (S39, S40, F122)."""
    return band_mask(num_queries, num_keys or num_queries, causal=True)


def band_mask(num_queries: int, num_keys: int, causal: bool, window: int | None = None) -> Array:
    """(1, 1, T, S), True where the key is no later (if causal) and less than `window` tokens away (if given; F142)."""
    distance_TS = jnp.arange(num_queries)[:, None] - jnp.arange(num_keys)[None]
    allowed_TS = jnp.ones(distance_TS.shape, bool)
    if causal:
        allowed_TS &= distance_TS >= 0
    if window is not None:
        allowed_TS &= jnp.abs(distance_TS) < window
    return allowed_TS[None, None]


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
    scores = _wide(scores)
    if mask is None:
        return _softmax(scores)
    # Only a row without any allowed key needs the outer where: elsewhere exp(lowest - maximum) is 0 already.
    return jnp.where(mask, _softmax(_hide(scores, mask)), 0.0)


@jax.custom_jvp
def _softmax(scores: Array) -> Array:
    """Over the last axis, with one division a row: 3 % of a GPT's training step on a CPU against jax.nn.softmax."""
    exp = jnp.exp(scores - jnp.max(scores, axis=-1, keepdims=True))
    return exp * (1.0 / jnp.sum(exp, axis=-1, keepdims=True))


@_softmax.defjvp
def _softmax_jvp(primals: tuple[Array], tangents: tuple[Array]) -> tuple[Array, Array]:
    (tangent,) = tangents
    weights = _softmax(*primals)
    return weights, weights * (tangent - jnp.sum(weights * tangent, axis=-1, keepdims=True))


def _hide(scores: Array, mask: Array) -> Array:
    return jnp.where(mask, scores, jnp.finfo(scores.dtype).min)


def dot_product_attention(
    q_BTHK: Array,
    k_BSGK: Array,
    v_BSGK: Array,
    *,
    mask: Array | None = None,
    causal: bool = False,
    window: int | None = None,
    bias: Bias | None = None,
    dropout_key: Array | None = None,
    dropout_rate: Array | float | None = None,
    implementation: str = "dense",
    block_size: int = DEFAULT_BLOCK,
) -> Array:
    """softmax(Q K^T / sqrt(K) + bias) V for self (S = T), cross (any S) and masked attention (L2363-L2482, F119-F122).

    Args:
      q_BTHK: queries of H heads.
      k_BSGK: keys of G heads; each serves H / G query heads.
      v_BSGK: values; their width may differ from K.
      mask: None, or booleans that broadcast to (B, H, T, S), True where a query may look; a query that may look
        nowhere gets zeros.
      causal: query t sees the keys 0 .. t; needs S = T.
      window: None, or the number of tokens >= 1 that a query sees to either side, itself included (local attention).
      bias: None, an array that broadcasts to (B, H, T, S), or a function of the query and key indices; added before
        the softmax.
      dropout_key: typed key; None: no dropout.
      dropout_rate: probability of dropping a weight, may be a tracer; None: no dropout.
      implementation: "dense" (the T x S weights are in memory), "blockwise" (online softmax: they are not), or "cudnn"
        (the fused kernel of an NVIDIA GPU, half precision).
      block_size: queries and keys of one block of the blockwise path.

    Returns:
      (B, T, H, K) of the dtype of the values.

    Raises:
      ValueError: shapes that do not fit, an unknown implementation, or an option that it lacks.
    """
    _check(q_BTHK, k_BSGK, v_BSGK, causal, window)
    rate = None if dropout_key is None else dropout_rate
    if implementation == "dense":
        weights = attention_weights(q_BTHK, k_BSGK, mask=mask, causal=causal, window=window, bias=bias)
        return apply_weights(weights, v_BSGK, dropout_key, rate)
    if implementation == "blockwise":
        return blockwise_attention(
            q_BTHK,
            k_BSGK,
            v_BSGK,
            mask=mask,
            causal=causal,
            window=window,
            bias=bias,
            dropout_key=dropout_key,
            dropout_rate=rate,
            block_size=block_size,
        )
    if implementation == "cudnn":
        if rate is not None:
            raise ValueError(
                "attention='cudnn' has no dropout on its weights; use 'dense', 'blockwise' or no dropout there"
            )
        return _fused(q_BTHK, k_BSGK, v_BSGK, mask, causal, window, bias)
    raise ValueError(f"attention {implementation!r} is unknown; use one of {', '.join(IMPLEMENTATIONS)}")


def attention_weights(
    q_BTHK: Array,
    k_BSGK: Array,
    *,
    mask: Array | None = None,
    causal: bool = False,
    window: int | None = None,
    bias: Bias | None = None,
) -> Array:
    """softmax(Q K^T / sqrt(K) + bias): how much query t looks at key s (F119, F123).

    Args: see `dot_product_attention`.

    Returns:
      (B, H, T, S) float32 (float64 for float64 queries); rows sum to 1, or are 0 where nothing is allowed.
    """
    batch, num_queries, num_heads, width = q_BTHK.shape
    num_keys, groups = k_BSGK.shape[1], k_BSGK.shape[2]
    q_BTHK = q_BTHK * jnp.asarray(width**-0.5, q_BTHK.dtype)
    wide = jnp.promote_types(q_BTHK.dtype, jnp.float32)
    if groups == num_heads:
        scores_BHTS = jnp.einsum("bthk,bshk->bhts", q_BTHK, k_BSGK, preferred_element_type=wide)
    else:
        q_BTGRK = q_BTHK.reshape(batch, num_queries, groups, num_heads // groups, width)
        scores_BHTS = jnp.einsum("btgrk,bsgk->bgrts", q_BTGRK, k_BSGK, preferred_element_type=wide)
        scores_BHTS = scores_BHTS.reshape(batch, num_heads, num_queries, num_keys)
    if bias is not None:
        bias = bias(jnp.arange(num_queries), jnp.arange(num_keys)) if callable(bias) else bias
        scores_BHTS = scores_BHTS + bias.astype(scores_BHTS.dtype)
    if causal or window is not None:
        band = band_mask(num_queries, num_keys, causal, window)
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
    weights_BHTS = weights_BHTS.astype(v_BSGK.dtype)
    batch, num_heads, num_queries, num_keys = weights_BHTS.shape
    groups, width = v_BSGK.shape[2], v_BSGK.shape[3]
    if groups == num_heads:
        return jnp.einsum("bhts,bshk->bthk", weights_BHTS, v_BSGK)
    weights_BGRTS = weights_BHTS.reshape(batch, groups, num_heads // groups, num_queries, num_keys)
    outputs = jnp.einsum("bgrts,bsgk->btgrk", weights_BGRTS, v_BSGK)
    return outputs.reshape(batch, num_queries, num_heads, width)


def positive_features(x: Array) -> Array:
    """elu(x) + 1 > 0: the feature map of Katharopoulos et al. 2020."""
    return jax.nn.elu(x) + 1.0


def linear_attention(
    q_BTHK: Array,
    k_BSHK: Array,
    v_BSHK: Array,
    *,
    causal: bool = False,
    features: Callable[[Array], Array] = positive_features,
) -> Array:
    """phi(Q) (phi(K)^T V) / phi(Q) sum phi(K): exp(q.k) replaced by phi(q).phi(k), in time linear in S (F142).

    The brackets are what saves the T x S weights; with `causal` the sums run along time, in one scan.

    Args:
      q_BTHK, k_BSHK, v_BSHK: queries, keys and values.
      causal: query t sees the keys 0 .. t; needs S = T.
      features: phi, positive.

    Returns:
      (B, T, H, K) of the dtype of the values.

    Raises:
      ValueError: shapes that do not fit.
    """
    _check(q_BTHK, k_BSHK, v_BSHK, causal, None)
    q, k, v = _wide(features(q_BTHK)), _wide(features(k_BSHK)), _wide(v_BSHK)
    if not causal:
        outputs = jnp.einsum("bthk,bhkv->bthv", q, jnp.einsum("bshk,bshv->bhkv", k, v))
        normalizer = jnp.einsum("bthk,bhk->bth", q, jnp.sum(k, axis=1))
        return (outputs / normalizer[..., None]).astype(v_BSHK.dtype)

    def step(carry: tuple[Array, Array], qkv_t: tuple[Array, Array, Array]) -> tuple[tuple[Array, Array], Array]:
        state_BHKV, total_BHK = carry
        q_BHK, k_BHK, v_BHV = qkv_t
        state_BHKV = state_BHKV + k_BHK[..., None] * v_BHV[..., None, :]
        total_BHK = total_BHK + k_BHK
        outputs_BHV = jnp.einsum("bhk,bhkv->bhv", q_BHK, state_BHKV)
        return (state_BHKV, total_BHK), outputs_BHV / jnp.sum(q_BHK * total_BHK, axis=-1, keepdims=True)

    batch, _, heads, width = k.shape
    empty = (jnp.zeros((batch, heads, width, v.shape[-1]), k.dtype), jnp.zeros((batch, heads, width), k.dtype))
    _, outputs = lax.scan(step, empty, (q.swapaxes(0, 1), k.swapaxes(0, 1), v.swapaxes(0, 1)))
    return outputs.swapaxes(0, 1).astype(v_BSHK.dtype)


def _fused(
    q_BTHK: Array, k_BSGK: Array, v_BSGK: Array, mask: Array | None, causal: bool, window: int | None, bias: Bias | None
) -> Array:
    """cuDNN's kernel; it fills fully masked rows with an average, so they are zeroed here as everywhere."""
    batch, num_queries, num_heads, _ = q_BTHK.shape
    num_keys = k_BSGK.shape[1]
    if callable(bias):
        bias = bias(jnp.arange(num_queries), jnp.arange(num_keys))
    if window is not None:
        band = band_mask(num_queries, num_keys, causal, window)
        mask = band if mask is None else mask & band
    full = None if mask is None else jnp.broadcast_to(mask, (batch, num_heads, num_queries, num_keys))
    outputs = jax.nn.dot_product_attention(
        q_BTHK,
        k_BSGK,
        v_BSGK,
        bias=None if bias is None else bias.astype(q_BTHK.dtype),
        mask=full,
        is_causal=causal,
        implementation="cudnn",
    )
    if full is None:
        return outputs
    allowed = full & band_mask(num_queries, num_keys, causal) if causal else full
    any_key_BTH1 = jnp.any(allowed, axis=-1).swapaxes(1, 2)[..., None]
    return jnp.where(any_key_BTH1, outputs, jnp.zeros((), outputs.dtype))


def _wide(x: Array) -> Array:
    return x.astype(jnp.promote_types(x.dtype, jnp.float32))


def _check(q: Array, k: Array, v: Array, causal: bool, window: int | None) -> None:
    if q.ndim != 4 or k.ndim != 4 or v.ndim != 4 or q.shape[0] != k.shape[0] or q.shape[3] != k.shape[3]:
        raise ValueError(
            f"queries {q.shape} and keys {k.shape} must be (B, T, H, K) and (B, S, G, K) with equal B and K"
        )
    if k.shape[:3] != v.shape[:3]:
        raise ValueError(f"keys {k.shape} and values {v.shape} must agree in (B, S, G)")
    if q.shape[2] % k.shape[2]:
        raise ValueError(
            f"{k.shape[2]} key heads do not divide {q.shape[2]} query heads; use a divisor of {q.shape[2]}"
        )
    if causal and q.shape[1] != k.shape[1]:
        raise ValueError(f"causal attention of {q.shape[1]} queries to {k.shape[1]} keys is ambiguous; pass a mask")
    if window is not None and window < 1:
        raise ValueError(f"window={window} must be at least 1; use None for no window")
