"""BERT: an encoder that sees a text from both sides, and the heads that read it (F098, F135, F138).

    ids -> token + segment + position embedding -> norm -> blocks without a causal mask -> a head

| output | module |
|---|---|
| hidden tokens; a vector of the text | `Encoder`, `HiddenStates` |
| which words are hidden | `MaskedLanguageModel` |
| which words are hidden, does the second sentence follow | `Pretraining` |
| does the second sentence follow | `NextSentence` |
| a class of the text | `TextClassifier` |
| a class of each token | `TokenClassifier` |
| where an answer stands | `SpanReader` |

BERT is an encoder without a decoder, unlike in the notes' list of families (S42).
"""

from collections.abc import Callable

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from nn_core.models.layers import Dense, Dropout
from nn_core.models.transformer.gpt import project
from nn_core.models.transformer.tower import Transformer


class Encoder(Transformer):
    """Tokens that know their neighbours on both sides.

    Leaves: "token_embedding", "segment_embedding", "tower"; "pooler" where `pooled` is used.

    Attributes:
      num_segments: kinds of segment, 0: no segment embedding.
      norm_position, embedding_norm: "post" and True are BERT's.
      pooler_activation: of `pooled`; DistilBERT's classifier has a ReLU there.
    """

    num_segments: int = 2
    norm_position: str = "post"
    embedding_norm: bool = True
    pooler_activation: Callable[[Array], Array] = jnp.tanh

    def setup(self) -> None:
        """Makes the parts; every check of the structure is here, before anything is compiled."""
        self.token_embedding = self.make_embedding(self.vocabulary_size)
        if self.num_segments:
            self.segment_embedding = self.make_embedding(self.num_segments)
        self.tower = self.make_tower()
        self.pooler = Dense(self.embedding_dim, kernel_init=self.kernel_init, dtype=self.dtype)

    def __call__(self, ids_BT: Array, segments_BT: Array | None = None, deterministic: bool = True) -> Array:
        """Hidden states.

        Args:
          ids_BT: int32 in [0, V); no token sees `pad_id`.
          segments_BT: int32 in [0, num_segments); None: all 0.
          deterministic: False in training, where dropout draws from the rng collection "dropout".

        Returns:
          (B, T, D); at padding they mean nothing.

        Raises:
          ValueError: segments for an encoder without them, more tokens than learned positions.
        """
        x_BTD = self.token_embedding(ids_BT)
        if self.num_segments:
            x_BTD = x_BTD + self.segment_embedding(jnp.zeros_like(ids_BT) if segments_BT is None else segments_BT)
        elif segments_BT is not None:
            raise ValueError("segments are given to an encoder with num_segments=0; leave them out, or use 2")
        return self.tower(x_BTD, deterministic, mask=self.keep(ids_BT)[:, None, None])

    def keep(self, ids_BT: Array) -> Array:
        """Which tokens are not padding: booleans (B, T)."""
        return ids_BT != self.pad_id

    def pooled(self, hidden_BTD: Array) -> Array:
        """tanh(W h + b) of the first token, [CLS]: (B, T, D) -> (B, D)."""
        return self.pooler_activation(self.pooler(hidden_BTD[:, 0]))

    def sentence_vectors(self, ids_BT: Array, segments_BT: Array | None = None) -> Array:
        """The mean of a text's hidden states, padding left out: (B, D) in float32; zeros where all is padding."""
        hidden_BTD = self(ids_BT, segments_BT).astype(jnp.float32)
        keep_BT1 = self.keep(ids_BT)[..., None]
        return jnp.sum(jnp.where(keep_BT1, hidden_BTD, 0.0), axis=1) / jnp.maximum(jnp.sum(keep_BT1, axis=1), 1)

    def word_logits(self, hidden_BTD: Array, bias_V: Array) -> Array:
        """h E^T + b by the token embedding: (..., D) -> (..., V) float32."""
        return project(hidden_BTD, self.token_embedding.embedding.T) + bias_V.reshape(
            (1,) * (hidden_BTD.ndim - 1) + (-1,)
        )


class MaskedWords(nn.Module):
    """The masked-language head: dense, activation, norm, then the token embedding with its own bias.

    Leaves: "transform", "transform_norm", "bias"; "kernel" (D, V) in place of the embedding where it is not tied.

    Attributes:
      encoder: whose embedding it is.
      tied_head: whether the embedding gives the logits.
    """

    encoder: Encoder
    tied_head: bool = True

    @nn.compact
    def __call__(self, hidden_BTD: Array) -> Array:
        """(..., D) -> logits (..., V) float32."""
        settings = self.encoder
        dense = Dense(settings.embedding_dim, kernel_init=settings.kernel_init, dtype=settings.dtype, name="transform")
        x_BTD = settings.norm_factory()(name="transform_norm")(settings.activation(dense(hidden_BTD)))
        bias_V = self.param("bias", nn.initializers.zeros_init(), (settings.vocabulary_size,))
        if self.tied_head:
            return settings.word_logits(x_BTD, bias_V)
        kernel_DV = self.param("kernel", settings.kernel_init, (settings.embedding_dim, settings.vocabulary_size))
        return project(x_BTD, kernel_DV) + bias_V.reshape((1,) * (x_BTD.ndim - 1) + (-1,))


class HiddenStates(nn.Module):
    """An encoder alone, or with its pooled first token. Leaves: "encoder".

    Attributes:
      encoder: reads the text.
      with_pooled: give the pooled first token too.
    """

    encoder: Encoder
    with_pooled: bool = False

    def __call__(
        self, ids_BT: Array, segments_BT: Array | None = None, deterministic: bool = True
    ) -> Array | tuple[Array, Array]:
        """Hidden states (B, T, D), or these and the pooled ones (B, D)."""
        hidden_BTD = self.encoder(ids_BT, segments_BT, deterministic)
        return (hidden_BTD, self.encoder.pooled(hidden_BTD)) if self.with_pooled else hidden_BTD


class MaskedLanguageModel(nn.Module):
    """Predicts masked words only, without a second task (RoBERTa). Leaves: "encoder", "masked_words".

    Attributes: see `MaskedWords`.
    """

    encoder: Encoder
    tied_head: bool = True

    def setup(self) -> None:
        """Makes the head."""
        self.masked_words = MaskedWords(self.encoder, self.tied_head)

    def __call__(self, ids_BT: Array, segments_BT: Array | None = None, deterministic: bool = True) -> Array:
        """Logits of every token's word, (B, T, V)."""
        return self.masked_words(self.encoder(ids_BT, segments_BT, deterministic))


class Pretraining(nn.Module):
    """Predicts masked words and the next sentence from one encoder (F098, F138).

    Leaves: "encoder", "masked_words", "next_sentence". Attributes: see `MaskedWords`.
    """

    encoder: Encoder
    tied_head: bool = True

    def setup(self) -> None:
        """Makes the heads."""
        self.masked_words = MaskedWords(self.encoder, self.tied_head)
        self.next_sentence = Dense(2, kernel_init=self.encoder.kernel_init)

    def __call__(
        self, ids_BT: Array, segments_BT: Array | None = None, deterministic: bool = True
    ) -> tuple[Array, Array]:
        """Logits of every token's word (B, T, V), and of "the second does not follow, follows" (B, 2)."""
        hidden_BTD = self.encoder(ids_BT, segments_BT, deterministic)
        return self.masked_words(hidden_BTD), self.next_sentence(self.encoder.pooled(hidden_BTD))

    def at(
        self, ids_BT: Array, places_BM: Array, segments_BT: Array | None = None, deterministic: bool = True
    ) -> tuple[Array, Array]:
        """As `__call__`, but only for the words at some places: (B, M, V) instead of (B, T, V)."""
        hidden_BTD = self.encoder(ids_BT, segments_BT, deterministic)
        chosen_BMD = jnp.take_along_axis(hidden_BTD, places_BM[..., None], axis=1)
        return self.masked_words(chosen_BMD), self.next_sentence(self.encoder.pooled(hidden_BTD))


class NextSentence(nn.Module):
    """Predicts the next sentence alone. Leaves: "encoder", "next_sentence"."""

    encoder: Encoder

    @nn.compact
    def __call__(self, ids_BT: Array, segments_BT: Array | None = None, deterministic: bool = True) -> Array:
        """Logits of "the second follows, does not follow", (B, 2)."""
        pooled_BD = self.encoder.pooled(self.encoder(ids_BT, segments_BT, deterministic))
        return Dense(2, kernel_init=self.encoder.kernel_init, name="next_sentence")(pooled_BD)


class TextClassifier(nn.Module):
    """A class, or a number, of a whole text, or of a pair of texts in two segments. Leaves: "encoder", "output".

    Attributes:
      encoder: reads the text.
      num_outputs: C >= 1.
      pooling: "first": the pooled first token, as BERT; "mean": the mean of the hidden states.
    """

    encoder: Encoder
    num_outputs: int
    pooling: str = "first"

    @nn.compact
    def __call__(self, ids_BT: Array, segments_BT: Array | None = None, deterministic: bool = True) -> Array:
        """(B, T) ids -> (B, C) logits."""
        if self.pooling not in ("first", "mean"):
            raise ValueError(f"pooling={self.pooling!r} is unknown; use first or mean")
        hidden_BTD = self.encoder(ids_BT, segments_BT, deterministic)
        if self.pooling == "first":
            x_BD = self.encoder.pooled(hidden_BTD)
        else:
            keep_BT1 = self.encoder.keep(ids_BT)[..., None]
            total_BD = jnp.sum(jnp.where(keep_BT1, hidden_BTD, 0), axis=1)
            x_BD = total_BD / jnp.maximum(jnp.sum(keep_BT1, axis=1), 1).astype(total_BD.dtype)
        x_BD = Dropout(self.encoder.dropout_rate, name="dropout")(x_BD, deterministic)
        return Dense(self.num_outputs, kernel_init=self.encoder.kernel_init, name="output")(x_BD)


class TokenClassifier(nn.Module):
    """A class of each token. Leaves: "encoder", "output". Attributes as `TextClassifier`."""

    encoder: Encoder
    num_outputs: int

    @nn.compact
    def __call__(self, ids_BT: Array, segments_BT: Array | None = None, deterministic: bool = True) -> Array:
        """(B, T) ids -> (B, T, C) logits."""
        hidden_BTD = self.encoder(ids_BT, segments_BT, deterministic)
        hidden_BTD = Dropout(self.encoder.dropout_rate, name="dropout")(hidden_BTD, deterministic)
        return Dense(self.num_outputs, kernel_init=self.encoder.kernel_init, name="output")(hidden_BTD)


class SpanReader(nn.Module):
    """Where an answer begins and ends in a text. Leaves: "encoder", "output"."""

    encoder: Encoder

    @nn.compact
    def __call__(self, ids_BT: Array, segments_BT: Array | None = None, deterministic: bool = True) -> Array:
        """(B, T) ids -> (B, 2, T) float32 logits over the places of the start and of the end; padding gets none."""
        hidden_BTD = self.encoder(ids_BT, segments_BT, deterministic)
        logits_BT2 = Dense(2, kernel_init=self.encoder.kernel_init, name="output")(hidden_BTD).astype(jnp.float32)
        lowest = jnp.finfo(jnp.float32).min
        return jnp.where(self.encoder.keep(ids_BT)[:, None], logits_BT2.swapaxes(1, 2), lowest)
