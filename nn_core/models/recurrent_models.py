"""What recurrent networks are used for, by the shape of input and output (L1933-L1941 with S36; F113, F116, F117).

| shape | module |
|---|---|
| many to one (a class or number for a sequence) | `SequenceToOne` |
| many to many, aligned (a tag for each token) | `SequenceTagger` |
| one to many (text from a start) | `RecurrentLanguageModel` with its `Decoder` |
| many to many (another sequence) | `SequenceToSequence` with its `Decoder` |

One to one is an ordinary network; what the notes call so, a class for a sequence, is many to one (S36).
"""

from __future__ import annotations

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from nn_core.generation.decoder import Decoder
from nn_core.models.embeddings import Embedding
from nn_core.models.layers import Dense, Dropout
from nn_core.models.recurrent import Carries, Recurrent, check_sizes, final_hidden, zero_carries


class SequenceToOne(nn.Module):
    """A class, or a number, for a whole sequence: the last valid hidden state through a dense layer.

    Attributes:
        num_outputs: C >= 1 classes, or numbers.
        cell, features, num_layers, bidirectional, dropout_rate: of the `Recurrent` stack; also dropout on the output.
        vocabulary_size: V of token ids; None: the inputs are vectors.
        embedding_size: E of the token vectors.
        pad_id: id of padding, which the result does not depend on; None: there is none.
        forget_bias: of the `Recurrent` stack.
    """

    num_outputs: int
    cell: str = "lstm"
    features: int = 64
    num_layers: int = 1
    bidirectional: bool = False
    dropout_rate: float | Array | None = None
    vocabulary_size: int | None = None
    embedding_size: int = 32
    pad_id: int | None = None
    forget_bias: float | Array = 1.0

    @nn.compact
    def __call__(self, inputs: Array, deterministic: bool = True) -> Array:
        """Reads the sequences.

        Args:
            inputs: (B, T) ids, or (B, T, D) vectors where vocabulary_size is None.
            deterministic: False in training.
        Returns:
            (B, num_outputs) logits or predictions.
        """
        x_BTD, keep_BT = _read(inputs, self.vocabulary_size, self.embedding_size, self.pad_id)
        carries, _ = _stack(self, "recurrent")(x_BTD, None, keep_BT, deterministic)
        hidden_BH = final_hidden(carries)
        if self.dropout_rate is not None:
            hidden_BH = Dropout(self.dropout_rate, name="dropout")(hidden_BH, deterministic=deterministic)
        return Dense(self.num_outputs, name="output")(hidden_BH)


class SequenceTagger(nn.Module):
    """A class for every token. Attributes as `SequenceToOne`."""

    num_outputs: int
    cell: str = "lstm"
    features: int = 64
    num_layers: int = 1
    bidirectional: bool = False
    dropout_rate: float | Array | None = None
    vocabulary_size: int | None = None
    embedding_size: int = 32
    pad_id: int | None = None
    forget_bias: float | Array = 1.0

    @nn.compact
    def __call__(self, inputs: Array, deterministic: bool = True) -> Array:
        """Reads the sequences; arguments as `SequenceToOne`. Returns (B, T, num_outputs) logits."""
        x_BTD, keep_BT = _read(inputs, self.vocabulary_size, self.embedding_size, self.pad_id)
        _, hidden_BTH = _stack(self, "recurrent")(x_BTD, None, keep_BT, deterministic)
        return Dense(self.num_outputs, name="output")(hidden_BTH)


class RecurrentLanguageModel(nn.Module):
    """Predicts each next token from the tokens so far, p(x_{t+1} | x_1 .. x_t).

    Attributes:
        vocabulary_size: V.
        cell, features, num_layers, dropout_rate, forget_bias: of the `Recurrent` stack; also dropout around it.
        embedding_size: E of the token vectors.
    """

    vocabulary_size: int
    cell: str = "lstm"
    features: int = 256
    num_layers: int = 1
    embedding_size: int = 64
    dropout_rate: float | Array | None = None
    forget_bias: float | Array = 1.0

    def setup(self) -> None:
        check_sizes(vocabulary_size=self.vocabulary_size, embedding_size=self.embedding_size)
        self.embedding = Embedding(self.vocabulary_size, self.embedding_size)
        self.recurrent = Recurrent(
            self.cell,
            self.features,
            self.num_layers,
            dropout_rate=self.dropout_rate,
            forget_bias=self.forget_bias,
        )
        self.output = Dense(self.vocabulary_size)
        if self.dropout_rate is not None:
            self.input_dropout, self.output_dropout = Dropout(self.dropout_rate), Dropout(self.dropout_rate)

    def __call__(self, ids_BT: Array, deterministic: bool = True) -> Array:
        """Returns next-token logits (B, T, V), each seeing the tokens up to its own."""
        return self.with_carries(ids_BT, None, None, deterministic)[1]

    def with_carries(
        self, ids_BT: Array, carries: Carries | None, keep_BT: Array | None = None, deterministic: bool = True
    ) -> tuple[Carries, Array]:
        """Goes on from a state, so that a long text can be read in pieces: carry in, carry out (F110).

        Args:
            ids_BT: (B, T) token ids.
            carries: state after the tokens before; None: zeros.
            keep_BT: (B, T), False where there is no token.
            deterministic: False in training.
        Returns:
            (state after these tokens, logits (B, T, V)).
        """
        carries, hidden_BTH = self.hidden(ids_BT, carries, keep_BT, deterministic)
        return carries, self.output(hidden_BTH)

    def hidden(
        self, ids_BT: Array, carries: Carries | None, keep_BT: Array | None, deterministic: bool = True
    ) -> tuple[Carries, Array]:
        """As `with_carries`, but the hidden states (B, T, H) instead of logits."""
        x_BTE = self.embedding(ids_BT)
        if self.dropout_rate is None:
            return self.recurrent(x_BTE, carries, keep_BT, deterministic)
        x_BTE = self.input_dropout(x_BTE, deterministic=deterministic)
        carries, hidden_BTH = self.recurrent(x_BTE, carries, keep_BT, deterministic)
        return carries, self.output_dropout(hidden_BTH, deterministic=deterministic)


def make_language_model_decoder(model: RecurrentLanguageModel) -> Decoder:
    """The language model as the generation loops see it: the cache is the carry, and there is no context limit."""

    def init_cache(params: Any, batch_size: int) -> Carries:
        del params
        return zero_carries(model.cell, model.features, model.num_layers, batch_size)

    def step(params: Any, cache: Carries, ids_B: Array, positions_B: Array) -> tuple[Carries, Array]:
        del positions_B  # the carry knows how far it has read
        cache, logits_B1V = _apply(model, "with_carries", params, ids_B[:, None], cache)
        return cache, logits_B1V[:, 0]

    def prefill(params: Any, cache: Carries, ids_BT: Array, start: Array, lengths_B: Array) -> Carries:
        del start
        keep_BT = jnp.arange(ids_BT.shape[1])[None] < lengths_B[:, None]
        return _apply(model, "hidden", params, ids_BT, cache, keep_BT)[0]

    return Decoder(init_cache, step, prefill, context_size=None)


class SequenceToSequence(nn.Module):
    """Reads a source sequence into a state, then writes a target sequence from it (L1938-L1941, F117).

    Attributes:
        source_size: V of source ids.
        target_size: V of target ids.
        cell, features, num_layers, dropout_rate, forget_bias: of both stacks.
        embedding_size: E of the token vectors.
        reverse_source: read the source backwards: its beginning comes near the target's (Sutskever et al. 2014).
        source_pad_id: id of padding in the source; None: there is none.
    """

    source_size: int
    target_size: int
    cell: str = "lstm"
    features: int = 128
    num_layers: int = 1
    embedding_size: int = 32
    dropout_rate: float | Array | None = None
    forget_bias: float | Array = 1.0
    reverse_source: bool = False
    source_pad_id: int | None = None

    def setup(self) -> None:
        self.source_embedding = Embedding(self.source_size, self.embedding_size)
        self.target_embedding = Embedding(self.target_size, self.embedding_size)
        self.encoder, self.decoder = self._stack(), self._stack()
        self.output = Dense(self.target_size)

    def _stack(self) -> Recurrent:
        return Recurrent(
            self.cell,
            self.features,
            self.num_layers,
            dropout_rate=self.dropout_rate,
            forget_bias=self.forget_bias,
        )

    def __call__(self, source_BS: Array, target_BT: Array, deterministic: bool = True) -> Array:
        """Teacher forcing: predicts each target token from the source and the *true* tokens before it.

        Args:
            source_BS: (B, S) source ids.
            target_BT: (B, T) target ids that begin with the start token; logits t are for token t + 1.
            deterministic: False in training.
        Returns:
            (B, T, target_size) logits.
        """
        return self.decode(target_BT, self.encode(source_BS, deterministic), deterministic)[1]

    def encode(self, source_BS: Array, deterministic: bool = True) -> Carries:
        """The state after the source."""
        if self.reverse_source:
            source_BS = source_BS[:, ::-1]
        keep_BS = None if self.source_pad_id is None else source_BS != self.source_pad_id
        return self.encoder(self.source_embedding(source_BS), None, keep_BS, deterministic)[0]

    def decode(self, target_BT: Array, carries: Carries, deterministic: bool = True) -> tuple[Carries, Array]:
        """Goes on from a state: (state after these tokens, logits (B, T, target_size))."""
        carries, hidden_BTH = self.decoder(self.target_embedding(target_BT), carries, None, deterministic)
        return carries, self.output(hidden_BTH)


def make_sequence_decoder(model: SequenceToSequence) -> Decoder:
    """The generation loops' view; its params are the pair (weights, source_BS), one source for each row."""

    def init_cache(params: Any, batch_size: int) -> Carries:
        weights, source_BS = params
        if source_BS.shape[0] != batch_size:
            raise ValueError(f"{source_BS.shape[0]} sources for batch_size={batch_size}; give one source for each row")
        return _apply(model, "encode", weights, source_BS)

    def step(params: Any, cache: Carries, ids_B: Array, positions_B: Array) -> tuple[Carries, Array]:
        del positions_B
        cache, logits_B1V = _apply(model, "decode", params[0], ids_B[:, None], cache)
        return cache, logits_B1V[:, 0]

    return Decoder(init_cache, step, prefill=None, context_size=None)


def _apply(model: nn.Module, method: str, params: Any, *arguments: Any) -> Any:
    return model.apply({"params": params}, *arguments, method=method)


def _read(
    inputs: Array, vocabulary_size: int | None, embedding_size: int, pad_id: int | None
) -> tuple[Array, Array | None]:
    """Vectors (B, T, D) and which tokens count."""
    if vocabulary_size is None:
        if inputs.ndim != 3:
            raise ValueError(f"inputs have shape {inputs.shape}; without vocabulary_size give vectors (B, T, D)")
        return inputs, None
    keep_BT = None if pad_id is None else inputs != pad_id
    return Embedding(vocabulary_size, embedding_size, name="embedding")(inputs), keep_BT


def _stack(module: SequenceToOne | SequenceTagger, name: str) -> Recurrent:
    return Recurrent(
        module.cell,
        module.features,
        module.num_layers,
        bidirectional=module.bidirectional,
        dropout_rate=module.dropout_rate,
        forget_bias=module.forget_bias,
        name=name,
    )
