"""Ledger rows of attention (F118-F122): the library's function against its gradients by hand."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.special

from nn_core.formulas.ledger import FLOAT32_TOLERANCE, Formula, Oracle, about, normal
from nn_core.models.attention.dot_product import attention_weights, causal_mask, dot_product_attention
from nn_core.models.attention.multi_head import MultiHeadAttention

# Two heads of width 3, five queries and keys; cross attention looks at four other keys.
Q_THK, K_THK, V_THK = normal(101, 5, 2, 3), normal(102, 5, 2, 3), normal(103, 5, 2, 3)
K_SHK, V_SHK = normal(104, 4, 2, 3), normal(105, 4, 2, 3)
COTANGENT_THK = normal(106, 5, 2, 3)
X_TD, W_QKV_3DE = normal(107, 5, 6), normal(108, 3, 6, 6)
W_OUT_ED, COTANGENT_TD = normal(109, 6, 6), normal(110, 5, 6)
KEY_WIDTH = 64
UPPER_TS = np.triu(np.ones((5, 5), bool), 1)


def attend(q_THK: Any, k_SHK: Any, v_SHK: Any, causal: bool = False) -> Any:
    """The library's attention on one example, (T, H, K)."""
    return dot_product_attention(q_THK[None], k_SHK[None], v_SHK[None], causal=causal)[0]


def _numpy_weights(q_THK: Any, k_SHK: Any, hidden_TS: Any = None) -> Any:
    scores_HTS = np.einsum("thk,shk->hts", q_THK, k_SHK) / np.sqrt(q_THK.shape[-1])
    if hidden_TS is not None:
        scores_HTS = np.where(hidden_TS[None], -np.inf, scores_HTS)
    return scipy.special.softmax(scores_HTS, axis=-1)


def _numpy_attend(q_THK: Any, k_SHK: Any, v_SHK: Any, hidden_TS: Any = None) -> Any:
    return np.einsum("hts,shk->thk", _numpy_weights(q_THK, k_SHK, hidden_TS), v_SHK)


def projected_attention(qkv: Any, cotangent_THK: Any, causal: bool) -> Any:
    """sum C * attention(Q, K, V): a scalar whose gradient carries every entry of the outputs."""
    return jnp.sum(cotangent_THK * attend(qkv[0], qkv[1], qkv[2], causal))


def attention_gradients(qkv: Any, cotangent_THK: Any, causal: bool) -> Any:
    """By hand, per head, C the slope of the outputs.

    dV = A^T C;  dA = C V^T;  dS = A * (dA - rowsum(A * dA)) / sqrt(K);  dQ = dS K;  dK = dS^T Q
    """
    q_THK, k_SHK, v_SHK = qkv
    scores_HTS = jnp.einsum("thk,shk->hts", q_THK, k_SHK) / np.sqrt(q_THK.shape[-1])
    if causal:
        scores_HTS = jnp.where(UPPER_TS[None], -jnp.inf, scores_HTS)
    exponentials = jnp.exp(scores_HTS - jnp.max(scores_HTS, axis=-1, keepdims=True))
    weights_HTS = exponentials / jnp.sum(exponentials, axis=-1, keepdims=True)
    slope_HTS = jnp.einsum("thk,shk->hts", cotangent_THK, v_SHK)
    slope_HTS = weights_HTS * (slope_HTS - jnp.sum(weights_HTS * slope_HTS, axis=-1, keepdims=True))
    slope_HTS = slope_HTS / np.sqrt(q_THK.shape[-1])
    return (
        jnp.einsum("hts,shk->thk", slope_HTS, k_SHK),
        jnp.einsum("hts,thk->shk", slope_HTS, q_THK),
        jnp.einsum("hts,thk->shk", weights_HTS, cotangent_THK),
    )


def multi_head(w_out_ED: Any, x_TD: Any, w_qkv_3DE: Any) -> Any:
    """The library's two heads without biases, with the three projections side by side in one product."""
    params = {"qkv": {"kernel": jnp.concatenate(list(w_qkv_3DE), axis=1)}, "out": {"kernel": w_out_ED}}
    return MultiHeadAttention(num_heads=2, use_bias=False).apply({"params": params}, x_TD[None])[0]


def _heads(x_TD: Any, w_qkv_3DE: Any) -> Any:
    """Concat(head_1, head_2), head_i = attention(x W_i^Q, x W_i^K, x W_i^V)."""
    q, k, v = ((x_TD @ w).reshape(5, 2, 3) for w in w_qkv_3DE)
    return attend(q, k, v).reshape(5, 6)


def _flax_multi_head(w_out_ED: Any, x_TD: Any, w_qkv_3DE: Any) -> Any:
    import flax.linen as nn

    module = nn.MultiHeadDotProductAttention(num_heads=2, use_bias=False, param_dtype=jnp.float64)
    names = ("query", "key", "value")
    params = {name: {"kernel": w.reshape(6, 2, 3)} for name, w in zip(names, w_qkv_3DE, strict=True)}
    params["out"] = {"kernel": w_out_ED.reshape(2, 3, 6)}
    return module.apply({"params": params}, x_TD[None])[0]


def _jax_attention(q: Any, k: Any, v: Any, causal: bool = False) -> Any:
    return jax.nn.dot_product_attention(q[None], k[None], v[None], is_causal=causal)[0]


def _dot_product_variances(_: Any) -> Any:
    """Variance of q.k and of q.k / sqrt(K) over 20,000 pairs of standard normal vectors of width 64."""
    query_key, key_key = jax.random.split(jax.random.key(8))
    products = jnp.sum(
        jax.random.normal(query_key, (20_000, KEY_WIDTH)) * jax.random.normal(key_key, (20_000, KEY_WIDTH)), axis=1
    )
    return jnp.var(products), jnp.var(products / np.sqrt(KEY_WIDTH))


def _value_jacobian(v_THK: Any, q_THK: Any, k_THK: Any) -> Any:
    """d output_(t, h, k) / d V_(s, g, l) = A_(h, t, s) where h = g and k = l: zero above the diagonal."""
    scores_HTS = jnp.einsum("thk,shk->hts", q_THK, k_THK) / np.sqrt(3.0)
    weights_HTS = jnp.exp(scores_HTS) * ~UPPER_TS[None]
    weights_HTS = weights_HTS / jnp.sum(weights_HTS, axis=-1, keepdims=True)
    return jnp.einsum("hts,hg,kl->thksgl", weights_HTS, jnp.eye(2), jnp.eye(3))


FORMULAS: tuple[Formula, ...] = (
    Formula(
        "F118",
        "Query, key and value projections",
        "Q = XW_Q, K = XW_K, V = XW_V",
        "∂(ΣC⊙XW)/∂W = XᵀC",
        lambda w, x, c: jnp.sum(c * (x @ w)),
        (W_QKV_3DE[0], X_TD, COTANGENT_TD),
        lambda w, x, c: x.T @ c,
        oracles=(Oracle("np.einsum", lambda w, x, c: np.einsum("te,td,de->", c, x, w)),),
    ),
    Formula(
        "F119a",
        "Scaled dot-product attention",
        "softmax(QKᵀ/√d_k)V, softmax over the keys",
        "dV = AᵀC, dS = A⊙(CVᵀ − Σ A⊙CVᵀ), dQ = dS·K/√d_k, dK = dSᵀQ/√d_k",
        lambda qkv, c: projected_attention(qkv, c, False),
        ((Q_THK, K_THK, V_THK), COTANGENT_THK),
        lambda qkv, c: attention_gradients(qkv, c, False),
        oracles=(Oracle("NumPy", lambda qkv, c: (c * _numpy_attend(*qkv)).sum()),),
        slips=("S37", "S37b"),
    ),
    Formula(
        "F119b",
        "Attention weights",
        "A = softmax(QKᵀ/√d_k), rows sum to 1",
        "every output is a weighted sum of the values",
        lambda q, k: attention_weights(q[None], k[None])[0],
        (Q_THK, K_SHK),
        oracles=(Oracle("NumPy", _numpy_weights),),
        slips=("S37",),
    ),
    Formula(
        "F119c",
        "Why the scores are divided by √d_k",
        "Var(q·k) = d_k = 64, Var(q·k/√d_k) = 1",
        "20,000 pairs, four standard errors",
        _dot_product_variances,
        (np.float64(0.0),),
        oracles=(about(64.0, 2.6, entry=0), about(1.0, 0.04, entry=1)),
    ),
    Formula(
        "F120",
        "Multi-head attention",
        "Concat(head₁, …, head_h)W^O, headᵢ = Attention(XWᵢ^Q, XWᵢ^K, XWᵢ^V)",
        "∂(ΣC⊙·)/∂W^O = Concat(heads)ᵀC",
        lambda w_out, x, w: jnp.sum(COTANGENT_TD * multi_head(w_out, x, w)),
        (W_OUT_ED, X_TD, W_QKV_3DE),
        lambda w_out, x, w: _heads(x, w).T @ COTANGENT_TD,
        oracles=(
            Oracle("flax linen", lambda *weights: jnp.sum(COTANGENT_TD * _flax_multi_head(*weights)), traced=True),
        ),
        slips=("S38b",),
    ),
    Formula(
        "F121",
        "Cross-attention, decoder to encoder",
        "softmax(Q_dec K_encᵀ/√d_k)V_enc: one output per query",
        "the same for permuted keys and values",
        attend,
        (Q_THK, K_SHK, V_SHK),
        oracles=(
            Oracle("jax.nn", _jax_attention, FLOAT32_TOLERANCE, traced=True),
            Oracle("permuted keys", lambda q, k, v: _numpy_attend(q, k[[2, 0, 3, 1]], v[[2, 0, 3, 1]])),
        ),
    ),
    Formula(
        "F122a",
        "Causal mask: −∞ above the diagonal",
        "softmax(QKᵀ/√d_k + M)V, M = −∞ for key > query",
        "as F119a with the masked weights",
        lambda qkv, c: projected_attention(qkv, c, True),
        ((Q_THK, K_THK, V_THK), COTANGENT_THK),
        lambda qkv, c: attention_gradients(qkv, c, True),
        oracles=(
            Oracle("NumPy", lambda qkv, c: (c * _numpy_attend(qkv[0], qkv[1], qkv[2], UPPER_TS)).sum()),
            Oracle(
                "jax.nn", lambda qkv, c: jnp.sum(c * _jax_attention(qkv[0], qkv[1], qkv[2], True)), 1e-6, traced=True
            ),
        ),
        slips=("S39", "S40"),
    ),
    Formula(
        "F122b",
        "Causal mask: no output depends on a later token",
        "∂output_t/∂V_s = A_ts, 0 for s > t",
        "a lower triangle in every head",
        lambda v, q, k: attend(q, k, v, causal=True),
        (V_THK, Q_THK, K_THK),
        _value_jacobian,
        "jacobian",
        (Oracle("NumPy", lambda v, q, k: _numpy_attend(q, k, v, UPPER_TS)),),
        ("S39",),
    ),
    Formula(
        "F122c",
        "The mask itself",
        "query t sees the keys s ≤ t, itself included",
        "a lower triangle with its diagonal",
        lambda _: causal_mask(5),
        (np.float64(0.0),),
        oracles=(Oracle("np.tril", lambda _: np.tril(np.ones((5, 5))), 0.0),),
        slips=("S39", "S40"),
    ),
)
