"""GPT: a decoder-only transformer language model with the course's seven keys, and the variants that the notes name.

    ids -> token + position embedding -> blocks -> norm -> head -> logits

Sources: F122-F127, F132-F134, F139, F141, F144, F149, S38.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import DTypeLike

from nn_core.activations import gelu
from nn_core.initializers import GPT2_STDDEV
from nn_core.models.attention.branches import what_is_seen
from nn_core.models.attention.multi_head import head_width
from nn_core.models.attention.patterns import Pattern
from nn_core.models.attention.positions import (
    RelativeBias,
    Rope,
    alibi_bias,
    position_indices,
    sinusoidal_positions,
)
from nn_core.models.layers import Dropout
from nn_core.models.transformer.block import REMAT_POLICIES, Block, Stack, make_norm

POSITIONS = ("learned", "sinusoidal", "rotary", "alibi", "relative", "none")
# Logits of standard deviation 0.4 cost 0.08 nats at the start; wider models need a head below 0.02 to stay there.
MAX_LOGIT_STDDEV = 0.4


def head_stddev(width: int) -> float:
    """GPT-2's 0.02, or less where that would start with a loss more than 0.1 above ln V (F132)."""
    return min(GPT2_STDDEV, MAX_LOGIT_STDDEV * width**-0.5)


class GPT(nn.Module):
    """A causal language model (F132, F139).

    Kernels start from N(0, 0.02^2), those that write to the residual stream from that divided by sqrt(2 layers_num), as
    in GPT-2, so that the variance of the stream does not grow with depth and the first loss is ln V. Token vectors
    that `scale_embedding` multiplies start with length 1, as in the Transformer of 2017, unless a head reads them too.

    Attributes:
      vocabulary_size: V >= 1.
      context_size: most tokens that a learned position or the cache has a place for.
      embedding_dim: width D.
      heads_num: a divisor of D.
      layers_num: blocks.
      dropout_rate: of embeddings, attention weights and the blocks' outputs, may be a tracer; None: no dropout.
      use_bias: whether dense layers, layer norms and an untied head have biases.
      position: "learned", "sinusoidal", "rotary", "alibi", "relative" (T5's bias) or "none".
      rope: wavelengths of "rotary" positions and their scaling; None: as in Su et al.
      norm, norm_position: "layer" or "rms"; "pre" (with a norm at the end) or "post".
      norm_epsilon: None: the norm's own.
      activation: of the "mlp" feed-forward: gelu (exact) or gelu_tanh.
      ffn, ffn_features: "mlp", "swiglu" or "geglu"; F, None: 4 D or the like.
      kv_heads_num: key and value heads, a divisor of heads_num; None: heads_num.
      head_features, qkv_bias, out_bias, qk_norm: of the attention, see `MultiHeadAttention`.
      tied_head: the head is the token embedding, transposed; no bias.
      head_bias: whether an untied head has a bias; None: use_bias.
      scale_embedding: multiply token embeddings by sqrt(D) before positions are added (Vaswani et al.; F127).
      attention: "dense", "blockwise", "cudnn" or "linear".
      attention_dropout: False keeps dropout off the attention weights, which "cudnn" and "linear" need.
      window, global_tokens, stride: which tokens a layer sees, see `Pattern`.
      scan_layers, remat, remat_policy: see `Stack`.
      dtype: of the computation, bfloat16 for mixed precision; parameters, softmax, norms and logits are float32.
    """

    vocabulary_size: int
    context_size: int
    embedding_dim: int
    heads_num: int
    layers_num: int
    dropout_rate: float | Array | None = None
    use_bias: bool = True
    position: str = "learned"
    rope: Rope | None = None
    norm: str = "layer"
    norm_position: str = "pre"
    norm_epsilon: float | None = None
    activation: Callable[[Array], Array] = gelu
    ffn: str = "mlp"
    ffn_features: int | None = None
    kv_heads_num: int | None = None
    head_features: int | None = None
    qkv_bias: bool | None = None
    out_bias: bool | None = None
    qk_norm: float | None = None
    tied_head: bool = False
    head_bias: bool | None = None
    scale_embedding: bool = False
    attention: str = "dense"
    attention_dropout: bool = True
    window: int | None = None
    global_tokens: int = 0
    stride: int | None = None
    scan_layers: bool = False
    remat: bool = False
    remat_policy: str = REMAT_POLICIES[0]
    dtype: DTypeLike | None = None

    def setup(self) -> None:
        """Makes the parts; every check of the structure is here, before anything is compiled."""
        if self.position not in POSITIONS:
            raise ValueError(f"position {self.position!r} is unknown; use one of {', '.join(POSITIONS)}")
        if self.head_features is None:
            head_width(self.embedding_dim, self.heads_num, ("heads_num", "embedding_dim"))
        init = nn.initializers.normal(GPT2_STDDEV)
        last_init = nn.initializers.normal(head_stddev(self.embedding_dim))
        token_init = nn.initializers.normal(self.embedding_dim**-0.5) if self.scale_embedding else init
        self.token_embedding = nn.Embed(
            self.vocabulary_size,
            self.embedding_dim,
            embedding_init=last_init if self.tied_head else token_init,
            dtype=self.dtype,
        )
        if self.position == "learned":
            self.position_embedding = nn.Embed(
                self.context_size, self.embedding_dim, embedding_init=init, dtype=self.dtype
            )
        if self.position == "relative":
            self.relative_bias = RelativeBias(self.heads_num, bidirectional=False)
        self.dropout = Dropout(self.dropout_rate)
        remat = self.remat, self.remat_policy
        self.stack = Stack(partial(Block, **self._block_options()), self.layers_num, self.scan_layers, *remat)
        if self.norm_position == "pre":
            self.norm_out = make_norm(self.norm, self.use_bias, self.norm_epsilon)
        if not self.tied_head:
            use_bias = self.use_bias if self.head_bias is None else self.head_bias
            self.head = Head(self.vocabulary_size, use_bias, last_init)

    def __call__(self, ids_BT: Array, deterministic: bool = True) -> Array:
        """Logits of the token after each one.

        Args:
          ids_BT: int32 in [0, V); T <= context_size where positions are learned.
          deterministic: False in training, where dropout draws from the rng collection "dropout".

        Returns:
          (B, T, V) float32.

        Raises:
          ValueError: more tokens than learned positions.
        """
        return self.logits(self.hidden(ids_BT, deterministic))

    def hidden(self, ids_BT: Array, deterministic: bool = True, segments_BT: Array | None = None) -> Array:
        """What the head reads: (B, T) -> (B, T, D) of the computation's dtype.

        Args:
          ids_BT, deterministic: as for the logits.
          segments_BT: None, or a number for each token of rows that hold several texts one after the other: a token sees
            its own text only, and positions start anew in each.
        """
        length = ids_BT.shape[1]
        if self.position == "learned" and length > self.context_size:
            raise ValueError(
                f"{length} tokens are more than the context_size={self.context_size} learned positions; "
                f"crop the input to its last {self.context_size} tokens"
            )
        positions_BT = position_indices(length) if segments_BT is None else _within_segments(segments_BT)
        same_B1TT = None if segments_BT is None else (segments_BT[:, :, None] == segments_BT[:, None, :])[:, None]
        # Given as a function of the indices, it is never held whole by the blockwise path.
        alibi = partial(_alibi_of_indices, self.heads_num)
        bias = alibi if self.position == "alibi" else self._bias(positions_BT, positions_BT)
        x_BTD = self.dropout(self.embed(ids_BT, positions_BT), deterministic)
        x_BTD = self.stack(
            x_BTD,
            deterministic,
            mask=same_B1TT,
            bias=bias,
            positions_BT=positions_BT,
            **self._pattern()._asdict(),
        )
        return self.norm_out(x_BTD) if self.norm_position == "pre" else x_BTD

    def embed(self, ids_BT: Array, positions_BT: Array) -> Array:
        """Token embedding plus, where positions are added, position embedding: (B, T, D) (F127)."""
        x_BTD = self.token_embedding(ids_BT)
        if self.scale_embedding:
            x_BTD = x_BTD * jnp.asarray(self.embedding_dim**0.5, x_BTD.dtype)
        if self.position == "learned":
            return x_BTD + self.position_embedding(positions_BT)
        if self.position == "sinusoidal":
            return x_BTD + sinusoidal_positions(positions_BT, self.embedding_dim).astype(x_BTD.dtype)
        return x_BTD

    def logits(self, hidden_BTD: Array) -> Array:
        """The head: (..., D) -> (..., V) float32."""
        if self.tied_head:
            return project(hidden_BTD, self.token_embedding.embedding.T)
        return self.head(hidden_BTD)

    def extend(self, ids_BT: Array, positions_BT: Array, valid_BT: Array, lines_BRS: Array | None = None) -> Array:
        """Hidden states of new tokens that see the cache and each other; the collection "cache" takes them in.

        Args:
          ids_BT: new tokens.
          positions_BT: their places in 0 .. context_size - 1, which differ from row to row.
          valid_BT: booleans; False: not written (the row's hidden state there means nothing).
          lines_BRS: of R texts that share a cache, see `own_line`; their tokens stand one text after the other.

        Returns:
          (B, T, D).
        """
        slots_1S = position_indices(self.context_size)
        bias = self._bias(positions_BT, slots_1S)
        seen = what_is_seen(positions_BT, valid_BT, slots_1S, self._pattern(), bias, lines_BRS)
        x_BTD = self.stack(
            self.embed(ids_BT, positions_BT),
            mask=seen.mask_B1TS,
            bias=seen.bias,
            positions_BT=positions_BT,
            slots_BT=seen.slots_BT,
        )
        return self.norm_out(x_BTD) if self.norm_position == "pre" else x_BTD

    def _pattern(self) -> Pattern:
        return Pattern(True, self.window, self.global_tokens, self.stride)

    def _bias(self, query_positions_BT: Array, key_positions_BS: Array) -> Array | None:
        if self.position == "alibi":
            return alibi_bias(self.heads_num, query_positions_BT, key_positions_BS)
        if self.position == "relative":
            return self.relative_bias(query_positions_BT, key_positions_BS)
        return None

    def _block_options(self) -> dict[str, Any]:
        return {
            "num_heads": self.heads_num,
            "num_kv_heads": self.kv_heads_num,
            "head_features": self.head_features,
            "qkv_bias": self.qkv_bias,
            "out_bias": self.out_bias,
            "qk_norm": self.qk_norm,
            "attention": self.attention,
            "rotary": self.position == "rotary",
            "rope": self.rope,
            "ffn": self.ffn,
            "ffn_features": self.ffn_features,
            "activation": self.activation,
            "norm": self.norm,
            "norm_position": self.norm_position,
            "norm_epsilon": self.norm_epsilon,
            "use_bias": self.use_bias,
            "dropout_rate": self.dropout_rate,
            "attention_dropout_rate": self.dropout_rate if self.attention_dropout else None,
            "kernel_init": nn.initializers.normal(GPT2_STDDEV),
            "out_kernel_init": nn.initializers.normal(GPT2_STDDEV * (2 * self.layers_num) ** -0.5),
            "dtype": self.dtype,
        }


class Head(nn.Module):
    """Logits in float32, for every dtype of the products."""

    features: int
    use_bias: bool
    kernel_init: nn.initializers.Initializer

    @nn.compact
    def __call__(self, x: Array) -> Array:
        """(..., D) -> (..., V) float32."""
        logits = project(x, self.param("kernel", self.kernel_init, (x.shape[-1], self.features)))
        if not self.use_bias:
            return logits
        bias = self.param("bias", nn.initializers.zeros_init(), (self.features,))
        return logits + bias.reshape((1,) * (x.ndim - 1) + (-1,))


def _within_segments(segments_BT: Array) -> Array:
    """0, 1, 2, ... anew in each run of equal numbers: (B, T) int32."""
    places_1T = position_indices(segments_BT.shape[1])
    begins_BT = jnp.pad(segments_BT[:, 1:] != segments_BT[:, :-1], ((0, 0), (1, 0)), constant_values=True)
    return places_1T - lax.cummax(jnp.where(begins_BT, places_1T, 0), axis=1)


def _alibi_of_indices(num_heads: int, queries: Array, keys: Array) -> Array:
    return alibi_bias(num_heads, queries[None], keys[None])


def project(x: Array, kernel_DV: Array) -> Array:
    """x W with operands in the dtype of x and sums in float32: (..., D) -> (..., V)."""
    flat = x.reshape(-1, x.shape[-1])
    product = jnp.matmul(flat, kernel_DV.astype(x.dtype), preferred_element_type=jnp.float32)
    return product.reshape(*x.shape[:-1], kernel_DV.shape[-1])
