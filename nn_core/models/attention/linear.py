"""Linear attention: time and memory grow with the number of keys, not with its product with the queries.

Sources: F142; Katharopoulos et al. 2020.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array, lax

from nn_core.models.attention.dot_product import check_shapes, wide


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
    check_shapes(q_BTHK, k_BSHK, v_BSHK, causal, None)
    q, k, v = wide(features(q_BTHK)), wide(features(k_BSHK)), wide(v_BSHK)
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
