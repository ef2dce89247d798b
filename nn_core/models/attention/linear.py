"""Linear attention: time and memory grow with the number of keys, not with queries times keys.

Sources: F142; Katharopoulos et al. 2020.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array, lax

from nn_core.floats import wide
from nn_core.models.attention.shapes import check_shapes


def positive_features(x: Array) -> Array:
    """elu(x) + 1 > 0: the feature map of Katharopoulos et al. 2020."""
    return jax.nn.elu(x) + 1.0


CHUNK = 64  # tokens per step of the causal scan; within a step the weights are computed, 64 x 64 per head


def linear_attention(
    q_BTHK: Array,
    k_BSHK: Array,
    v_BSHK: Array,
    *,
    causal: bool = False,
    keep_BS: Array | None = None,
    features: Callable[[Array], Array] = positive_features,
) -> Array:
    """phi(Q) (phi(K)^T V) / phi(Q) sum phi(K): exp(q.k) replaced by phi(q).phi(k), in time linear in S (F142).

    The brackets avoid the T x S weights; with `causal` the sums run along time, one chunk of tokens per step.

    Args:
      q_BTHK, k_BSHK, v_BSHK: queries, keys and values.
      causal: query t sees the keys 0 .. t; needs S = T.
      keep_BS: None, or False for keys that no query sees.
      features: phi, positive.

    Returns:
      (B, T, H, K) of the dtype of the values; a query that sees no key gets zeros.

    Raises:
      ValueError: shapes that do not fit.
    """
    check_shapes(q_BTHK, k_BSHK, v_BSHK, causal)
    q, k, v = wide(features(q_BTHK)), wide(features(k_BSHK)), wide(v_BSHK)
    if keep_BS is not None:
        k = jnp.where(keep_BS[:, :, None, None], k, 0.0)
    # A column of ones beside the values: its sum is the normalizer.
    v = jnp.concatenate([v, jnp.ones((*v.shape[:-1], 1), v.dtype)], axis=-1)
    if causal:
        sums = _causal_sums(q, k, v)
    else:
        sums = jnp.einsum("bthk,bhkv->bthv", q, jnp.einsum("bshk,bshv->bhkv", k, v))
    outputs, normalizer = sums[..., :-1], sums[..., -1:]
    empty = normalizer == 0
    return jnp.where(empty, 0.0, outputs / jnp.where(empty, 1.0, normalizer)).astype(v_BSHK.dtype)


def _causal_sums(q: Array, k: Array, v: Array) -> Array:
    """Sum over s <= t of (q_t . k_s) v_s, (B, T, H, V): earlier chunks enter through their sum of k v^T."""
    batch, length, heads, width = q.shape
    size = min(CHUNK, length)
    chunks = -(-length // size)

    def cut(x: Array) -> Array:
        x = jnp.pad(x, ((0, 0), (0, chunks * size - length), (0, 0), (0, 0)))
        return x.reshape(batch, chunks, size, heads, -1).transpose(1, 0, 3, 2, 4)

    @jax.checkpoint
    def step(state_BHKV: Array, qkv: tuple[Array, Array, Array]) -> tuple[Array, Array]:
        q_BHtK, k_BHtK, v_BHtV = qkv
        weights_BHts = jnp.tril(jnp.einsum("bhtk,bhsk->bhts", q_BHtK, k_BHtK))
        sums = jnp.einsum("bhtk,bhkv->bhtv", q_BHtK, state_BHKV) + jnp.einsum("bhts,bhsv->bhtv", weights_BHts, v_BHtV)
        return state_BHKV + jnp.einsum("bhsk,bhsv->bhkv", k_BHtK, v_BHtV), sums

    empty = jnp.zeros((batch, heads, width, v.shape[-1]), k.dtype)
    _, sums = lax.scan(step, empty, (cut(q), cut(k), cut(v)))
    return sums.transpose(1, 0, 3, 2, 4).reshape(batch, chunks * size, heads, -1)[:, :length]
