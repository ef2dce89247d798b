"""Ledger rows of the transformer block and the whole model (F128-F132)."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import scipy.special
import scipy.stats

from nn_core.activations import gelu, gelu_derivative
from nn_core.formulas.ledger import Formula, Oracle, about, normal
from nn_core.models.layers import LayerNorm, RMSNorm
from nn_core.models.transformer.block import Block, FeedForward
from nn_core.models.transformer.gpt import GPT
from nn_core.models.transformer.language_model import parameter_count

X_TD = normal(114, 3, 4)
FEED_FORWARD = {
    "down": {"bias": normal(118, 4), "kernel": normal(117, 16, 4)},
    "up": {"bias": normal(116, 16), "kernel": normal(115, 4, 16)},
}
RESIDUAL_DD = normal(124, 4, 4)
SCALE_D, SHIFT_D = normal(119, 4), normal(120, 4)
QKV_DE = normal(125, 4, 12)
EPSILON = 1e-5


def feed_forward(params: Any, x_TD: Any) -> Any:
    """The library's GELU(x W1 + b1) W2 + b2 with a hidden layer four times as wide (F057, F128)."""
    return FeedForward().apply({"params": params}, x_TD)


def _feed_forward_gradient(params: Any, x_TD: Any, slope_TD: Any) -> Any:
    z_TF = x_TD @ params["up"]["kernel"] + params["up"]["bias"][None]
    delta_TF = (slope_TD @ params["down"]["kernel"].T) * gelu_derivative(z_TF)
    return {
        "down": {"bias": slope_TD.sum(0), "kernel": gelu(z_TF).T @ slope_TD},
        "up": {"bias": delta_TF.sum(0), "kernel": x_TD.T @ delta_TF},
    }


def _feed_forward_numpy(params: Any, x_TD: Any) -> Any:
    z_TF = x_TD @ params["up"]["kernel"] + params["up"]["bias"]
    return z_TF * scipy.stats.norm.cdf(z_TF) @ params["down"]["kernel"] + params["down"]["bias"]


def _block(x_TD: Any, order: str) -> Any:
    """The library's block of one head with fixed weights."""
    params = {
        "attention": {"qkv": {"kernel": QKV_DE}, "out": {"kernel": RESIDUAL_DD}},
        "feed_forward": {
            "up": {"kernel": FEED_FORWARD["up"]["kernel"]},
            "down": {"kernel": FEED_FORWARD["down"]["kernel"]},
        },
        "attention_norm": {"scale": SCALE_D},
        "feed_forward_norm": {"scale": SHIFT_D},
    }
    block = Block(num_heads=1, use_bias=False, norm_position=order)
    return block.apply({"params": params}, x_TD[None], causal=True)[0]


def _block_by_hand(x_TD: Any, order: str) -> Any:
    """Two residuals and two norms in NumPy: x + f(norm(x)) or norm(x + f(x)), f attention, then feed-forward."""

    def norm(x: Any, scale_D: Any) -> Any:
        return scale_D * (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + EPSILON)

    def attend(x: Any) -> Any:
        q, k, v = np.split(x @ QKV_DE, 3, axis=1)
        scores = np.where(np.tri(len(x)) > 0, q @ k.T / np.sqrt(q.shape[1]), -np.inf)
        return scipy.special.softmax(scores, axis=1) @ v @ RESIDUAL_DD

    def feed(x: Any) -> Any:
        z = x @ FEED_FORWARD["up"]["kernel"]
        return z * scipy.stats.norm.cdf(z) @ FEED_FORWARD["down"]["kernel"]

    for sublayer, scale_D in ((attend, SCALE_D), (feed, SHIFT_D)):
        x_TD = x_TD + sublayer(norm(x_TD, scale_D)) if order == "pre" else norm(x_TD + sublayer(x_TD), scale_D)
    return x_TD


def normalise(x_TD: Any, scale_D: Any, shift_D: Any) -> Any:
    """The library's layer normalisation with given parameters."""
    return LayerNorm(epsilon=EPSILON).apply({"params": {"scale": scale_D, "bias": shift_D}}, x_TD)


def _normalise_gradient(x_TD: Any, scale_D: Any, cotangent_TD: Any) -> Any:
    """(g - mean g - x^ mean(g x^)) / sigma, with g = C * scale and x^ the normalised row."""
    centred = x_TD - jnp.mean(x_TD, axis=1, keepdims=True)
    sigma = jnp.sqrt(jnp.mean(centred**2, axis=1, keepdims=True) + EPSILON)
    x_hat, g = centred / sigma, cotangent_TD * scale_D[None]
    mean_g = jnp.mean(g, axis=1, keepdims=True)
    return (g - mean_g - x_hat * jnp.mean(g * x_hat, axis=1, keepdims=True)) / sigma


def _rms_gradient(x_TD: Any, scale_D: Any, cotangent_TD: Any) -> Any:
    """(g - x mean(g x) / r^2) / r, with r = sqrt(mean x^2 + epsilon)."""
    r = jnp.sqrt(jnp.mean(x_TD**2, axis=1, keepdims=True) + 1e-6)
    g = cotangent_TD * scale_D[None]
    return (g - x_TD * jnp.mean(g * x_TD, axis=1, keepdims=True) / r**2) / r


def _flax_norm(x_TD: Any, scale_D: Any, shift_D: Any) -> Any:
    module = nn.LayerNorm(epsilon=EPSILON, param_dtype=jnp.float64, use_fast_variance=False)
    return module.apply({"params": {"scale": scale_D, "bias": shift_D}}, x_TD)


def model_parameters(vocabulary: Any, context: Any, width: Any, layers: Any) -> Any:
    """Untied GPT with biases: V D + T D + L (12 D^2 + 13 D) + 2 D + (D + 1) V."""
    return (
        vocabulary * width
        + context * width
        + layers * (12 * width**2 + 13 * width)
        + 2 * width
        + (width + 1) * vocabulary
    )


def _library_count(layers: Any, vocabulary: Any, context: Any, width: Any) -> Any:
    return float(parameter_count(GPT(int(vocabulary), int(context), int(width), heads_num=6, layers_num=int(layers))))


FORMULAS: tuple[Formula, ...] = (
    Formula(
        "F128a",
        "Feed-forward block",
        "FF(x) = GELU(xW₁ + b₁)W₂ + b₂, W₁ (D, 4D)",
        "dW₂ = GELU(z)ᵀC, δ = (CW₂ᵀ)⊙GELU′(z), dW₁ = xᵀδ, db = Σδ",
        lambda p, x, c: jnp.sum(c * feed_forward(p, x)),
        (FEED_FORWARD, X_TD, normal(121, 3, 4)),
        _feed_forward_gradient,
        oracles=(Oracle("NumPy", lambda p, x, c: (c * _feed_forward_numpy(p, x)).sum()),),
    ),
    Formula(
        "F128b",
        "Parameters of the feed-forward block",
        "D·4D + 4D + 4D·D + D = 8D² + 5D",
        "∂/∂D = 16D + 5",
        lambda d: 8 * d**2 + 5 * d,
        (np.float64(4.0),),
        lambda d: 16 * d + 5,
        oracles=(Oracle("its arrays", lambda _: float(sum(w.size for w in jax.tree.leaves(FEED_FORWARD))), 0.0),),
    ),
    Formula(
        "F129",
        "Residual connection",
        "y = x + f(x)",
        "∂y/∂x = I + ∂f/∂x: the gradient passes undiminished",
        lambda x: x + jnp.tanh(RESIDUAL_DD @ x),
        (X_TD[0],),
        lambda x: jnp.eye(4) + (1 - jnp.tanh(RESIDUAL_DD @ x) ** 2)[:, None] * RESIDUAL_DD,
        "jacobian",
    ),
    Formula(
        "F130a",
        "Layer normalization",
        "γ(x − μ)/√(σ² + ε) + β over the features of one token",
        "∂/∂x = (g − mean g − x̂·mean(g·x̂))/√(σ² + ε), g = γC",
        lambda x, scale, shift, c: jnp.sum(c * normalise(x, scale, shift)),
        (X_TD, SCALE_D, SHIFT_D, normal(122, 3, 4)),
        lambda x, scale, shift, c: _normalise_gradient(x, scale, c),
        oracles=(
            Oracle("flax linen", lambda x, scale, shift, c: jnp.sum(c * _flax_norm(x, scale, shift)), traced=True),
        ),
        slips=("S41",),
    ),
    Formula(
        "F130b",
        "Layer normalization: mean 0, variance 1",
        "mean(LN(x)) = 0, var(LN(x)) = σ²/(σ² + ε)",
        "per token, before γ and β",
        lambda x: (
            jnp.mean(normalise(x, jnp.ones(4), jnp.zeros(4)), 1),
            jnp.var(normalise(x, jnp.ones(4), jnp.zeros(4)), 1),
        ),
        (X_TD,),
        oracles=(Oracle("NumPy", lambda x: (np.zeros(3), x.var(1) / (x.var(1) + EPSILON))),),
    ),
    Formula(
        "F130c",
        "Root-mean-square normalization",
        "γx/√(mean x² + ε)",
        "∂/∂x = (g − x·mean(g·x)/r²)/r, r = √(mean x² + ε), g = γC",
        lambda x, scale, c: jnp.sum(c * RMSNorm().apply({"params": {"scale": scale}}, x)),
        (X_TD, SCALE_D, normal(123, 3, 4)),
        _rms_gradient,
        oracles=(
            Oracle("NumPy", lambda x, scale, c: (c * scale * x / np.sqrt((x**2).mean(1, keepdims=True) + 1e-6)).sum()),
        ),
    ),
    Formula(
        "F131a",
        "Transformer block, norms before (GPT)",
        "x + MHA(LN(x)), then x + FF(LN(x))",
        "two residuals, two norms",
        lambda x: _block(x, "pre"),
        (X_TD,),
        oracles=(Oracle("NumPy", lambda x: _block_by_hand(x, "pre")),),
        slips=("S41",),
    ),
    Formula(
        "F131b",
        "Transformer block, norms after (Vaswani et al.)",
        "LN(x + MHA(x)), then LN(x + FF(x))",
        "two residuals, two norms",
        lambda x: _block(x, "post"),
        (X_TD,),
        oracles=(Oracle("NumPy", lambda x: _block_by_hand(x, "post")),),
        slips=("S41",),
    ),
    Formula(
        "F132",
        "Parameters of the whole model",
        "VD + TD + L(12D² + 13D) + 2D + (D + 1)V",
        "∂/∂L = 12D² + 13D; 10.80 M for V = 65, T = 256, D = 384, L = 6",
        lambda layers, v, t, d: model_parameters(v, t, d, layers),
        (np.float64(6), np.float64(65), np.float64(256), np.float64(384)),
        lambda layers, v, t, d: 12 * d**2 + 13 * d,
        oracles=(
            Oracle("library GPT", _library_count, 0.0),
            about(10.80e6, 0.005e6),
        ),
    ),
)
