"""One side of a transformer: positions, blocks and the last norm; and the settings that encoders and decoders share.

Sources: F126-F131, F135, F136, F140-F142.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import flax.linen as nn
from jax import Array
from jax.nn.initializers import Initializer
from jax.typing import DTypeLike

from nn_core.activations import gelu
from nn_core.models.attention.branches import what_is_seen
from nn_core.models.attention.multi_head import head_width
from nn_core.models.attention.patterns import Pattern
from nn_core.models.attention.positions import RelativeBias, alibi_bias, position_indices, sinusoidal_positions
from nn_core.models.layers import Dropout
from nn_core.models.transformer.block import REMAT_POLICIES, Block, Stack, make_norm

POSITIONS = ("learned", "sinusoidal", "rotary", "alibi", "relative", "none")


class Tower(nn.Module):
    """Embedded tokens in, what the heads read out: an encoder, or a decoder that may read a memory.

    Leaves: "position_embedding" (learned positions), "embedding_norm", "relative_bias", "stack", "norm_out" (pre-norm).

    Attributes:
      make_block: name -> Block.
      layers_num, scan_layers, remat, remat_policy: see `Stack`.
      width: D.
      heads_num: H, for the biases.
      context_size: places of learned positions, and of the cache.
      position: one of POSITIONS.
      bidirectional: whether relative positions distinguish before from after.
      pattern: which keys a token may see.
      make_norm: name -> norm.
      embedding_norm: a norm after the positions are added (BERT, BART).
      last_norm: a norm after the last block (pre-norm).
      dropout_rate: after the positions are added.
      position_init: of learned positions.
    """

    make_block: Callable[..., nn.Module]
    layers_num: int
    width: int
    heads_num: int
    context_size: int
    position: str
    pattern: Pattern
    make_norm: Callable[..., nn.Module]
    embedding_norm: bool
    last_norm: bool
    position_init: Initializer
    dropout_rate: float | Array | None = None
    scan_layers: bool = False
    remat: bool = False
    remat_policy: str = REMAT_POLICIES[0]
    dtype: DTypeLike | None = None

    def setup(self) -> None:
        """Makes the parts."""
        if self.position == "learned":
            self.position_embedding = nn.Embed(
                self.context_size, self.width, embedding_init=self.position_init, dtype=self.dtype
            )
        if self.position == "relative":
            self.relative_bias = RelativeBias(self.heads_num, bidirectional=not self.pattern.causal)
        if self.embedding_norm:
            self.norm_in = self.make_norm(name="embedding_norm")
        if self.last_norm:
            self.norm_out = self.make_norm()
        self.dropout = Dropout(self.dropout_rate)
        self.stack = Stack(self.make_block, self.layers_num, self.scan_layers, self.remat, self.remat_policy)

    def __call__(
        self,
        x_BTD: Array,
        deterministic: bool = True,
        *,
        mask: Array | None = None,
        positions_BT: Array | None = None,
        **memory: Any,
    ) -> Array:
        """Reads whole texts.

        Args:
          x_BTD: embedded tokens, without their positions.
          deterministic: False in training, where dropout draws from the rng collection "dropout".
          mask: booleans that broadcast to (B, H, T, T), True where a token may look; None: wherever the pattern lets it.
          positions_BT: each token's place; None: 0 .. T - 1.
          memory: memory_BSD and memory_mask of `Block`.

        Returns:
          (B, T, D).

        Raises:
          ValueError: more tokens than learned positions.
        """
        length = x_BTD.shape[1]
        if self.position == "learned" and length > self.context_size:
            raise ValueError(
                f"{length} tokens are more than the context_size={self.context_size} learned positions; "
                f"give at most {self.context_size} tokens"
            )
        # Given as a function of the indices, it is never held whole by the blockwise path.
        by_index = self.position == "alibi" and positions_BT is None
        positions_BT = position_indices(length) if positions_BT is None else positions_BT
        bias = partial(_alibi_of_indices, self.heads_num) if by_index else self._bias(positions_BT, positions_BT)
        x_BTD = self._enter(x_BTD, positions_BT, deterministic)
        options = {"mask": mask, "bias": bias, "positions_BT": positions_BT, **self.pattern._asdict(), **memory}
        return self._leave(self.stack(x_BTD, deterministic, **options))

    def extend(
        self, x_BTD: Array, positions_BT: Array, valid_BT: Array, lines_BRS: Array | None = None, **memory: Any
    ) -> Array:
        """New tokens that see the cache and each other; the collection "cache" takes them in.

        Args:
          x_BTD: embedded tokens.
          positions_BT: their places in 0 .. context_size - 1, which differ from row to row.
          valid_BT: booleans; False: not written (the row's hidden state there means nothing).
          lines_BRS: of R texts that share a cache, see `own_line`; their tokens stand one text after the other.
          memory: memory_BSD, memory_mask and keep_memory of `Block`.

        Returns:
          (B, T, D).
        """
        slots_1S = position_indices(self.context_size)
        bias = self._bias(positions_BT, slots_1S)
        seen = what_is_seen(positions_BT, valid_BT, slots_1S, self.pattern._replace(causal=True), bias, lines_BRS)
        x_BTD = self.stack(
            self._enter(x_BTD, positions_BT, deterministic=True),
            mask=seen.mask_B1TS,
            bias=seen.bias,
            positions_BT=positions_BT,
            slots_BT=seen.slots_BT,
            **memory,
        )
        return self._leave(x_BTD)

    def _enter(self, x_BTD: Array, positions_BT: Array, deterministic: bool) -> Array:
        if self.position == "learned":
            x_BTD = x_BTD + self.position_embedding(positions_BT)
        if self.position == "sinusoidal":
            x_BTD = x_BTD + sinusoidal_positions(positions_BT, self.width).astype(x_BTD.dtype)
        return self.dropout(self.norm_in(x_BTD) if self.embedding_norm else x_BTD, deterministic)

    def _leave(self, x_BTD: Array) -> Array:
        return self.norm_out(x_BTD) if self.last_norm else x_BTD

    def _bias(self, query_positions_BT: Array, key_positions_BS: Array) -> Array | None:
        if self.position == "alibi":
            return alibi_bias(self.heads_num, query_positions_BT, key_positions_BS)
        if self.position == "relative":
            return self.relative_bias(query_positions_BT, key_positions_BS)
        return None


class Transformer(nn.Module):
    """What encoders and encoder-decoders have in common: their settings, and towers made from them.

    Attributes:
      vocabulary_size: V >= 1.
      context_size: most tokens of a text that learned positions, or the cache of a decoder, have a place for.
      embedding_dim: width D.
      heads_num: a divisor of D, unless head_features is given.
      layers_num: blocks of each side.
      pad_id: the id of padding, which nothing sees.
      dropout_rate: of embeddings, attention weights and the blocks' outputs, may be a tracer; None: no dropout.
      use_bias: whether dense layers and layer norms have biases.
      position: "learned", "sinusoidal", "rotary", "alibi", "relative" (T5's bias, shared by the layers) or "none".
      norm, norm_position, norm_epsilon: "layer" or "rms"; "pre" (with a norm at the end) or "post"; None: the norm's own.
      embedding_norm: a norm of the embeddings (BERT, BART).
      activation: of the "mlp" feed-forward.
      ffn, ffn_features: "mlp", "swiglu" or "geglu"; F, None: 4 D or the like.
      head_features: None: D / H; else the width of a head.
      kv_heads_num: key and value heads, a divisor of heads_num; None: heads_num.
      scale_scores: divide scores by the square root of the head's width; False: T5.
      attention: "dense", "blockwise", "cudnn" or "linear".
      attention_dropout: False keeps dropout off the attention weights, which "cudnn" and "linear" need.
      window, global_tokens, stride: which tokens self-attention sees, see `Pattern`.
      scan_layers, remat, remat_policy: see `Stack`.
      dtype: of the computation, bfloat16 for mixed precision; parameters, softmax, norms and logits are float32.
      kernel_init: of all kernels.
    """

    vocabulary_size: int
    context_size: int
    embedding_dim: int
    heads_num: int
    layers_num: int
    pad_id: int = 0
    dropout_rate: float | Array | None = None
    use_bias: bool = True
    position: str = "learned"
    norm: str = "layer"
    norm_position: str = "pre"
    norm_epsilon: float | None = None
    embedding_norm: bool = False
    activation: Callable[[Array], Array] = gelu
    ffn: str = "mlp"
    ffn_features: int | None = None
    head_features: int | None = None
    kv_heads_num: int | None = None
    scale_scores: bool = True
    attention: str = "dense"
    attention_dropout: bool = True
    window: int | None = None
    global_tokens: int = 0
    stride: int | None = None
    scan_layers: bool = False
    remat: bool = False
    remat_policy: str = REMAT_POLICIES[0]
    dtype: DTypeLike | None = None
    kernel_init: Initializer = nn.initializers.xavier_uniform()

    def make_tower(
        self, *, causal: bool = False, cross_attention: bool = False, layers_num: int | None = None
    ) -> Tower:
        """One side.

        Raises:
          ValueError: an unknown name, or heads that do not divide the width.
        """
        if self.position not in POSITIONS:
            raise ValueError(f"position {self.position!r} is unknown; use one of {', '.join(POSITIONS)}")
        if self.head_features is None:
            head_width(self.embedding_dim, self.heads_num, ("heads_num", "embedding_dim"))
        return Tower(
            make_block=partial(Block, cross_attention=cross_attention, **self._block_options()),
            layers_num=self.layers_num if layers_num is None else layers_num,
            width=self.embedding_dim,
            heads_num=self.heads_num,
            context_size=self.context_size,
            position=self.position,
            pattern=Pattern(causal, self.window, self.global_tokens, self.stride),
            make_norm=self.norm_factory(),
            embedding_norm=self.embedding_norm,
            last_norm=self.norm_position == "pre",
            position_init=nn.initializers.normal(self.embedding_dim**-0.5),
            dropout_rate=self.dropout_rate,
            scan_layers=self.scan_layers,
            remat=self.remat,
            remat_policy=self.remat_policy,
            dtype=self.dtype,
        )

    def norm_factory(self) -> Callable[..., nn.Module]:
        """name -> a norm of these settings."""
        return partial(make_norm, self.norm, self.use_bias, self.norm_epsilon)

    def make_embedding(self, size: int, stddev: float | None = None) -> nn.Embed:
        """A table of `size` vectors, from N(0, 1 / D) unless said otherwise."""
        stddev = self.embedding_dim**-0.5 if stddev is None else stddev
        return nn.Embed(size, self.embedding_dim, embedding_init=nn.initializers.normal(stddev), dtype=self.dtype)

    def _block_options(self) -> dict[str, Any]:
        return {
            "num_heads": self.heads_num,
            "head_features": self.head_features,
            "num_kv_heads": self.kv_heads_num,
            "attention": self.attention,
            "rotary": self.position == "rotary",
            "scale_scores": self.scale_scores,
            "ffn": self.ffn,
            "ffn_features": self.ffn_features,
            "activation": self.activation,
            "norm": self.norm,
            "norm_position": self.norm_position,
            "norm_epsilon": self.norm_epsilon,
            "use_bias": self.use_bias,
            "dropout_rate": self.dropout_rate,
            "attention_dropout_rate": self.dropout_rate if self.attention_dropout else None,
            "kernel_init": self.kernel_init,
            "dtype": self.dtype,
        }


def _alibi_of_indices(num_heads: int, queries: Array, keys: Array) -> Array:
    return alibi_bias(num_heads, queries[None], keys[None])
