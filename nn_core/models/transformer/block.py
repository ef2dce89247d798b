"""The transformer block and stacks of it, for decoders (causal), encoders (no mask) and encoder-decoders (memory).

Sources: F128-F131, F134-F136, F141, F144, S41.
"""

from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
from jax import Array
from jax.nn.initializers import Initializer
from jax.typing import DTypeLike

from nn_core.activations import gelu, gelu_tanh, swish
from nn_core.models.attention.multi_head import MultiHeadAttention
from nn_core.models.attention.positions import Rope
from nn_core.models.layers import Dense, Dropout, LayerNorm, RMSNorm

NORMS = ("layer", "rms")
# What a rematerialised layer keeps beside its input, by the names of jax.checkpoint_policies: nothing, the results of
# matrix products, or of those without a batch dimension (dense layers, not the scores of attention).
REMAT_POLICIES = ("nothing_saveable", "dots_saveable", "dots_with_no_batch_dims_saveable")
NORM_POSITIONS = ("pre", "post")
# Gated forms multiply one half of the first layer by an activation of the other (Shazeer 2020; LLaMA, T5 v1.1).
GATES: dict[str, Callable[[Array], Array]] = {"swiglu": swish, "geglu": gelu_tanh}
FEED_FORWARDS = ("mlp", *GATES)


def feed_forward_width(width: int, kind: str) -> int:
    """4 D; for gated kinds 8 D / 3, rounded up to a multiple of 8, so that their third matrix adds no cost (F128)."""
    return 4 * width if kind == "mlp" else -(-8 * width // 24) * 8


class FeedForward(nn.Module):
    """D -> F -> activation -> D for each position by itself (F128); leaves "up" and "down".

    Attributes:
      kind: "mlp", or "swiglu" / "geglu": (activation(x W_1) * x W_2) W_3, with W_1 and W_2 side by side in "up".
      features: F; None: `feed_forward_width`.
      activation: of the "mlp" kind.
      use_bias: whether the layers have biases.
      kernel_init, out_kernel_init: of "up" and of "down" (None: as "up").
      dtype: of the computation.
    """

    kind: str = "mlp"
    features: int | None = None
    activation: Callable[[Array], Array] = gelu
    use_bias: bool = True
    kernel_init: Initializer = nn.initializers.lecun_normal()
    out_kernel_init: Initializer | None = None
    dtype: DTypeLike | None = None

    @nn.compact
    def __call__(self, x_BTD: Array) -> Array:
        """(..., D) -> (..., D)."""
        width = x_BTD.shape[-1]
        features = self.features or feed_forward_width(width, self.kind)
        if self.kind == "mlp":
            hidden = self.activation(self._dense(features, "up", self.kernel_init)(x_BTD))
        else:
            joined = self._dense(2 * features, "up", self.kernel_init)(x_BTD)
            hidden = _choose("ffn", self.kind, GATES)(joined[..., :features]) * joined[..., features:]
        return self._dense(width, "down", self.out_kernel_init or self.kernel_init)(hidden)

    def _dense(self, features: int, name: str, kernel_init: Initializer) -> Dense:
        return Dense(features, use_bias=self.use_bias, kernel_init=kernel_init, dtype=self.dtype, name=name)


class Block(nn.Module):
    """Attention and feed-forward, each with dropout, residual and norm (F131).

        pre:  x + f(norm(x))        post:  norm(x + f(x))        f: self-attention, [cross-attention], feed-forward

    Attributes:
      num_heads, num_kv_heads, head_features, qkv_bias, out_bias, qk_norm, attention, rotary, rope, scale_scores: see
        `MultiHeadAttention`.
      cross_attention: whether there is attention to a memory between the two (decoders of encoder-decoders).
      ffn, ffn_features, activation: see `FeedForward`.
      norm: "layer" or "rms".
      norm_position: "pre" (GPT-2) or "post" (Vaswani et al.; S41).
      norm_epsilon: None: the norm's own.
      use_bias: whether dense layers and layer norms have biases.
      dropout_rate: of each f's output, may be a tracer; None: no dropout.
      attention_dropout_rate: of the attention weights.
      kernel_init: of all kernels except those that write to the residual stream.
      out_kernel_init: of those; None: kernel_init.
      dtype: of the computation; parameters, norms and softmax are float32.
    """

    num_heads: int
    num_kv_heads: int | None = None
    head_features: int | None = None
    qkv_bias: bool | None = None
    out_bias: bool | None = None
    qk_norm: float | None = None
    attention: str = "dense"
    rotary: bool = False
    rope: Rope | None = None
    scale_scores: bool = True
    cross_attention: bool = False
    ffn: str = "mlp"
    ffn_features: int | None = None
    activation: Callable[[Array], Array] = gelu
    norm: str = "layer"
    norm_position: str = "pre"
    norm_epsilon: float | None = None
    use_bias: bool = True
    dropout_rate: float | Array | None = None
    attention_dropout_rate: float | Array | None = None
    kernel_init: Initializer = nn.initializers.lecun_normal()
    out_kernel_init: Initializer | None = None
    dtype: DTypeLike | None = None

    @nn.compact
    def __call__(
        self,
        x_BTD: Array,
        deterministic: bool = True,
        memory_BSD: Array | None = None,
        memory_mask: Array | None = None,
        keep_memory: bool = False,
        **self_attention: Any,
    ) -> Array:
        """Applies the block.

        Args:
          x_BTD: the residual stream.
          deterministic: False in training, where dropout draws from the rng collection "dropout".
          memory_BSD: the encoder's output, for `cross_attention`; None if the cache already holds its keys and values.
          memory_mask: booleans that broadcast to (B, H, T, S), True where the memory may be seen.
          keep_memory: see `MultiHeadAttention`.
          self_attention: mask, causal, window and the like, bias, positions_BT, slots_BT of `MultiHeadAttention`.

        Returns:
          (B, T, D).
        """
        if self.cross_attention != (memory_BSD is not None or keep_memory):
            raise ValueError(f"cross_attention={self.cross_attention} needs a memory_BSD if and only if it is True")

        def add(x: Array, name: str, sublayer: Callable[[Array], Array]) -> Array:
            norm = make_norm(self.norm, self.use_bias, self.norm_epsilon, name=f"{name}_norm")
            drop = Dropout(self.dropout_rate, name=f"{name}_dropout")
            if _choose("norm_position", self.norm_position, NORM_POSITIONS) == "pre":
                return x + drop(sublayer(norm(x)), deterministic)
            return norm(x + drop(sublayer(x), deterministic))

        x_BTD = add(
            x_BTD,
            "attention",
            lambda x: self._attention("attention", self.rotary)(x, None, deterministic, **self_attention),
        )
        if self.cross_attention:
            cross = self._attention("cross_attention", rotary=False)
            x_BTD = add(
                x_BTD,
                "cross_attention",
                lambda x: cross(x, memory_BSD, deterministic, mask=memory_mask, keep_memory=keep_memory),
            )
        return add(x_BTD, "feed_forward", self._feed_forward())

    def _attention(self, name: str, rotary: bool) -> MultiHeadAttention:
        return MultiHeadAttention(
            num_heads=self.num_heads,
            num_kv_heads=self.num_kv_heads,
            head_features=self.head_features,
            use_bias=self.use_bias,
            qkv_bias=self.qkv_bias,
            out_bias=self.out_bias,
            qk_norm=self.qk_norm,
            dropout_rate=self.attention_dropout_rate,
            attention=self.attention,
            rotary=rotary,
            rope=self.rope,
            scale_scores=self.scale_scores,
            kernel_init=self.kernel_init,
            out_kernel_init=self.out_kernel_init,
            dtype=self.dtype,
            name=name,
        )

    def _feed_forward(self) -> FeedForward:
        return FeedForward(
            kind=_choose("ffn", self.ffn, FEED_FORWARDS),
            features=self.ffn_features,
            activation=self.activation,
            use_bias=self.use_bias,
            kernel_init=self.kernel_init,
            out_kernel_init=self.out_kernel_init,
            dtype=self.dtype,
            name="feed_forward",
        )


class Stack(nn.Module):
    """L blocks, one after the other: "block_0" .. in the parameters, or "blocks" with a leading axis L if scanned.

    Attributes:
      make_block: name -> Block.
      num_layers: L >= 1.
      scan_layers: one program for all layers, so that compile time does not grow with depth.
      remat: keep only the layers' inputs for the backward pass and compute the rest again: less memory, more time.
      remat_policy: one of REMAT_POLICIES: what is kept nevertheless.
    """

    make_block: Callable[..., nn.Module]
    num_layers: int
    scan_layers: bool = False
    remat: bool = False
    remat_policy: str = REMAT_POLICIES[0]

    @nn.compact
    def __call__(self, x_BTD: Array, deterministic: bool = True, **context: Any) -> Array:
        """Applies the blocks; `context` goes to each of them: (B, T, D) -> (B, T, D)."""

        def apply(block: nn.Module, x: Array) -> Array:
            return block(x, deterministic, **context)

        if self.remat:
            # Inside a scan nothing can be shared between the passes, so nothing has to keep them apart.
            policy = getattr(jax.checkpoint_policies, _choose("remat_policy", self.remat_policy, REMAT_POLICIES))
            apply = nn.remat(apply, prevent_cse=not self.scan_layers, policy=policy)
        if not self.scan_layers:
            for i in range(self.num_layers):
                x_BTD = apply(self.make_block(name=f"block_{i}"), x_BTD)
            return x_BTD
        scanned = nn.scan(
            lambda block, x, _: (apply(block, x), None),
            variable_axes={"params": 0, "intermediates": 0},
            split_rngs={"params": True, "dropout": True},
            length=self.num_layers,
        )
        return scanned(self.make_block(name="blocks"), x_BTD, None)[0]


def make_norm(kind: str, use_bias: bool, epsilon: float | None, name: str | None = None) -> nn.Module:
    """The norm of that name: LayerNorm with or without bias, or RMSNorm (F130, F141)."""
    options: dict[str, Any] = {} if epsilon is None else {"epsilon": epsilon}
    if _choose("norm", kind, NORMS) == "layer":
        return LayerNorm(use_bias=use_bias, name=name, **options)
    return RMSNorm(name=name, **options)


def _choose(what: str, name: str, choices: Any) -> Any:
    if name not in choices:
        raise ValueError(f"{what} {name!r} is unknown; use one of {', '.join(choices)}")
    return choices[name] if isinstance(choices, dict) else name
