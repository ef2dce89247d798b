"""Encoder-decoders: the original Transformer of 2017, T5 and BART as settings of one module (F136, F137, F140).

    source -> encoder -> memory;   target so far, memory -> decoder -> logits of the next token

| | original | T5 | v1.1 | BART |
|---|---|---|---|---|
| position | sinusoidal | relative | relative | learned |
| norm, norm_position | layer, post | rms, pre | rms, pre | layer, post |
| use_bias | True | False | False | True |
| ffn, activation | mlp, relu | mlp, relu | geglu | mlp, gelu |
| tied_head | True | True | False | True |
| scale_embedding | True | False | False | False |
| scale_logits | False | True | False | False |
| scale_scores | True | False | False | True |
| embedding_norm | False | False | False | True |

Sources: Vaswani et al. 2017; Raffel et al. 2020; Lewis et al. 2020.
"""

import flax.linen as nn
import jax.numpy as jnp
from jax import Array, lax

from nn_core.models.transformer.gpt import Head, project
from nn_core.models.transformer.tower import Transformer


class EncoderDecoder(Transformer):
    """Reads a source from both sides, and writes a target token by token.

    Leaves: "token_embedding" (shared unless `target_vocabulary_size` is given, then also "target_embedding"),
    "encoder" and "decoder" (towers), "head", or "head_bias" for a tied head with a bias.

    Attributes:
      decoder_layers_num: blocks of the decoder; None: layers_num.
      target_vocabulary_size: None: source and target share one vocabulary and one embedding.
      tied_head: the head is the target's embedding, transposed.
      head_bias: whether the head has a bias.
      scale_embedding: multiply embeddings by sqrt(D) before positions are added (Vaswani et al.; F127).
      scale_logits: multiply what a tied head reads by 1 / sqrt(D) (T5).
    """

    decoder_layers_num: int | None = None
    target_vocabulary_size: int | None = None
    position: str = "sinusoidal"
    tied_head: bool = True
    head_bias: bool = False
    scale_embedding: bool = True
    scale_logits: bool = False

    def setup(self) -> None:
        """Makes the parts; every check of the structure is here, before anything is compiled."""
        # A table that a head reads, or that is multiplied by sqrt(D), starts with vectors of length 1; others with sqrt(D).
        small = not self.scale_logits and (self.tied_head or self.scale_embedding)
        stddev = self.embedding_dim**-0.5 if small else 1.0
        self.token_embedding = self.make_embedding(self.vocabulary_size, stddev)
        if self.target_vocabulary_size is not None:
            self.target_embedding = self.make_embedding(self.target_vocabulary_size, stddev)
        self.encoder = self.make_tower()
        self.decoder = self.make_tower(causal=True, cross_attention=True, layers_num=self.decoder_layers_num)
        size = self.target_vocabulary_size or self.vocabulary_size
        if not self.tied_head:
            self.head = Head(size, self.head_bias, nn.initializers.normal(self.embedding_dim**-0.5))
        elif self.head_bias:
            self.bias_V = self.param("head_bias", nn.initializers.zeros_init(), (size,))

    def __call__(self, inputs: tuple[Array, ...], deterministic: bool = True) -> Array:
        """Teacher forcing: each target token is predicted from the source and the *true* tokens before it.

        Args:
          inputs: int32 (B, S) source ids, padded with `pad_id` at their ends, and (B, T) target ids that begin with the
            start token. If several pairs share a row, also the (B, S) and (B, T) number of each token's pair: a
            token sees those of its own pair, and positions count from the pair's beginning.
          deterministic: False in training, where dropout draws from the rng collection "dropout".

        Returns:
          (B, T, V) float32 logits; logits t are for target token t + 1.

        Raises:
          ValueError: more tokens than learned positions.
        """
        source_BS, target_BT, *pairs = inputs
        source_pairs_BS, target_pairs_BT = pairs or (None, None)
        memory_BSD = self.encode(source_BS, deterministic, source_pairs_BS)
        mask = self.keep(source_BS)[:, None, None]
        if source_pairs_BS is not None and target_pairs_BT is not None:
            mask = mask & _same(target_pairs_BT, source_pairs_BS)
        return self.logits(self.decode(target_BT, memory_BSD, mask, deterministic, target_pairs_BT))

    def keep(self, source_BS: Array) -> Array:
        """Which source tokens are not padding: booleans (B, S)."""
        return source_BS != self.pad_id

    def encode(self, source_BS: Array, deterministic: bool = True, pairs_BS: Array | None = None) -> Array:
        """The memory: (B, S) -> (B, S, D)."""
        mask = self.keep(source_BS)[:, None, None]
        mask = mask if pairs_BS is None else mask & _same(pairs_BS, pairs_BS)
        x_BSD = self._embed(self.token_embedding, source_BS)
        return self.encoder(x_BSD, deterministic, mask=mask, positions_BT=_places(pairs_BS))

    def decode(
        self,
        target_BT: Array,
        memory_BSD: Array,
        memory_mask: Array,
        deterministic: bool = True,
        pairs_BT: Array | None = None,
    ) -> Array:
        """What the head reads: (B, T, D); the mask is (B, 1, T or 1, S)."""
        x_BTD = self._embed(self._target_table(), target_BT)
        return self.decoder(
            x_BTD,
            deterministic,
            mask=None if pairs_BT is None else _same(pairs_BT, pairs_BT),
            positions_BT=_places(pairs_BT),
            memory_BSD=memory_BSD,
            memory_mask=memory_mask,
        )

    def extend(
        self,
        ids_BT: Array,
        positions_BT: Array,
        valid_BT: Array,
        lines_BRS: Array | None,
        memory_BSD: Array | None,
        keep_BS: Array,
    ) -> Array:
        """As `decode` for new tokens that see the cache; see `Tower.extend`.

        Args:
          ids_BT, positions_BT, valid_BT: the new tokens, their places and whether they are written.
          lines_BRS: of R texts that share a cache, see `own_line`; None: each has its own.
          memory_BSD: of the first call, which keeps its keys and values in the cache; None in all later ones.
          keep_BS: which source tokens are not padding.

        Returns:
          (B, T, D).
        """
        x_BTD = self._embed(self._target_table(), ids_BT)
        memory = {"memory_BSD": memory_BSD, "memory_mask": keep_BS[:, None, None], "keep_memory": True}
        return self.decoder.extend(x_BTD, positions_BT, valid_BT, lines_BRS, **memory)

    def logits(self, hidden_BTD: Array) -> Array:
        """The head: (..., D) -> (..., V) float32."""
        if not self.tied_head:
            return self.head(hidden_BTD)
        if self.scale_logits:
            hidden_BTD = hidden_BTD * jnp.asarray(self.embedding_dim**-0.5, hidden_BTD.dtype)
        logits = project(hidden_BTD, self._target_table().embedding.T)
        return logits + self.bias_V.reshape((1,) * (logits.ndim - 1) + (-1,)) if self.head_bias else logits

    def _target_table(self) -> nn.Embed:
        return self.token_embedding if self.target_vocabulary_size is None else self.target_embedding

    def _embed(self, table: nn.Embed, ids_BT: Array) -> Array:
        x_BTD = table(ids_BT)
        return x_BTD * jnp.asarray(self.embedding_dim**0.5, x_BTD.dtype) if self.scale_embedding else x_BTD


def _same(queries_BT: Array, keys_BS: Array) -> Array:
    """Which tokens belong to one pair: booleans (B, 1, T, S)."""
    return (queries_BT[:, :, None] == keys_BS[:, None, :])[:, None]


def _places(pairs_BT: Array | None) -> Array | None:
    """Each token's place within its pair; the tokens of a pair are side by side."""
    if pairs_BT is None:
        return None
    places_1T = jnp.arange(pairs_BT.shape[1])[None]
    begins_BT = jnp.concatenate([jnp.ones_like(pairs_BT[:, :1], bool), pairs_BT[:, 1:] != pairs_BT[:, :-1]], axis=1)
    return places_1T - lax.cummax(jnp.where(begins_BT, places_1T, 0), axis=1)
