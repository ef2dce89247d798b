"""What recurrent networks are used for, by the shape of input and output (F113 with S36, F116, F117).

| shape | module |
|---|---|
| many to one (a class or number for a sequence) | `SequenceToOne` |
| many to many, aligned (a tag for each token) | `SequenceTagger` |
| one to many (text from a start) | `RecurrentLanguageModel` with its `Decoder` |
| many to many (another sequence) | `SequenceToSequence` with its `Decoder` |

One to one is an ordinary network. The notes use that name for a class of a sequence, which is many to one (S36). Each
module is made from a `Recurrent` stack and an `Embedding`, which know their own sizes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from nn_core.generation.decoder import Decoder, take_rows
from nn_core.models.attention.dot_product import masked_softmax
from nn_core.models.embeddings import Embedding
from nn_core.models.layers import Dense, Dropout
from nn_core.models.recurrent.layers import Carries, Recurrent, final_hidden, zero_carries


class SequenceToOne(nn.Module):
    """A class, or a number, for a whole sequence: the last valid hidden state through a dense layer.

    Attributes:
        num_outputs: C >= 1 classes, or numbers.
        recurrent: reads the sequence; its dropout also acts on its last state.
        embedding: of token ids; None: the inputs are vectors.
        pad_id: id of padding, which is not read; None: there is none. More of it changes the result by rounding at
            most, see `cells.scan_cell`.
    """

    num_outputs: int
    recurrent: Recurrent
    embedding: Embedding | None = None
    pad_id: int | None = None

    @nn.compact
    def __call__(self, inputs: Array, deterministic: bool = True) -> Array:
        """Reads the sequences.

        Args:
            inputs: (B, T) ids, or (B, T, D) vectors where there is no embedding.
            deterministic: False in training.
        Returns:
            (B, num_outputs) logits or predictions.
        """
        x_BTD, keep_BT = look_up(self.embedding, inputs, self.pad_id)
        hidden_BH = final_hidden(self.recurrent(x_BTD, None, keep_BT, deterministic)[0])
        hidden_BH = Dropout(self.recurrent.dropout_rate, name="dropout")(hidden_BH, deterministic=deterministic)
        return Dense(self.num_outputs, name="output")(hidden_BH)


class SequenceTagger(nn.Module):
    """A class for every token. Attributes are as in `SequenceToOne`."""

    num_outputs: int
    recurrent: Recurrent
    embedding: Embedding | None = None
    pad_id: int | None = None

    @nn.compact
    def __call__(self, inputs: Array, deterministic: bool = True) -> Array:
        """Reads the sequences; arguments as `SequenceToOne`. Returns (B, T, num_outputs) logits."""
        x_BTD, keep_BT = look_up(self.embedding, inputs, self.pad_id)
        return Dense(self.num_outputs, name="output")(self.recurrent(x_BTD, None, keep_BT, deterministic)[1])


def look_up(embedding: Embedding | None, inputs: Array, pad_id: int | None) -> tuple[Array, Array | None]:
    """Vectors (B, T, D) and which tokens count, (B, T) or None for all.

    Raises:
        ValueError: ids without an embedding.
    """
    if embedding is None:
        if inputs.ndim != 3:
            raise ValueError(f"inputs have shape {inputs.shape}; without an embedding give vectors (B, T, D)")
        return inputs, None
    return embedding(inputs), None if pad_id is None else inputs != pad_id


def check_forward(recurrent: Recurrent, what: str) -> None:
    """Raises ValueError for a stack that would read an unfinished text backwards."""
    if recurrent.bidirectional:
        raise ValueError(f"bidirectional=True lets a {what} see the tokens that it predicts; use bidirectional=False")


class RecurrentLanguageModel(nn.Module):
    """Predicts each next token from the tokens so far, p(x_{t+1} | x_1 .. x_t).

    Attributes:
        embedding: of the V tokens.
        recurrent: reads them, forwards; its dropout also acts on its inputs and outputs.
    """

    embedding: Embedding
    recurrent: Recurrent

    def setup(self) -> None:
        check_forward(self.recurrent, "language model")
        self.output = Dense(self.embedding.vocabulary_size)
        self.input_dropout = Dropout(self.recurrent.dropout_rate)
        self.output_dropout = Dropout(self.recurrent.dropout_rate)

    def __call__(self, ids_BT: Array, deterministic: bool = True) -> Array:
        """Returns next-token logits (B, T, V), each seeing the tokens up to its own."""
        return self.with_carries(ids_BT, None, None, deterministic)[1]

    def with_carries(
        self, ids_BT: Array, carries: Carries | None, keep_BT: Array | None = None, deterministic: bool = True
    ) -> tuple[Carries, Array]:
        """Continues from a state, so that a long text can be read in pieces: carry in, carry out (F110).

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
        x_BTE = self.input_dropout(self.embedding(ids_BT), deterministic=deterministic)
        carries, hidden_BTH = self.recurrent(x_BTE, carries, keep_BT, deterministic)
        return carries, self.output_dropout(hidden_BTH, deterministic=deterministic)


def make_language_model_decoder(model: RecurrentLanguageModel) -> Decoder:
    """The language model as the generation loops see it: the cache is the carry, and there is no context limit."""

    def init_cache(params: Any, batch_size: int) -> Carries:
        del params
        stack = model.recurrent
        return zero_carries(stack.cell, stack.features, stack.num_layers, batch_size)

    def step(params: Any, cache: Carries, ids_B: Array, positions_B: Array) -> tuple[Carries, Array]:
        del positions_B  # the carry knows how far it has read
        cache, logits_B1V = _apply(model, "with_carries", params, ids_B[:, None], cache)
        return cache, logits_B1V[:, 0]

    def prefill(params: Any, cache: Carries, ids_BT: Array, start: Array, lengths_B: Array) -> Carries:
        del start
        keep_BT = jnp.arange(ids_BT.shape[1])[None] < lengths_B[:, None]
        return _apply(model, "hidden", params, ids_BT, cache, keep_BT)[0]

    return Decoder(init_cache, step, prefill, context_size=None)


class Reading(NamedTuple):
    """What a decoder with attention carries: its state, the encoder's states, and which of these are not padding."""

    carries: Carries
    states_BSH: Array
    keep_BS: Array


class SequenceToSequence(nn.Module):
    """Reads a source sequence into a state, then writes a target sequence from it (F117).

    Attributes:
        encoder: reads the source; another stack than the decoder, of the same cell and sizes.
        decoder: writes the target, forwards.
        source_embedding, target_embedding: of their tokens.
        reverse_source: read the source backwards, which brings its beginning near the target's (Sutskever et al. 2014).
        source_pad_id: id of padding in the source; None: there is none.
        attention: before each token, the decoder looks back at all states of the encoder (Luong et al. 2015):
            softmax(h W m_s) weighs them, and the output layer reads tanh(W_c [h; mean]).
    """

    encoder: Recurrent
    decoder: Recurrent
    source_embedding: Embedding
    target_embedding: Embedding
    reverse_source: bool = False
    source_pad_id: int | None = None
    attention: bool = False

    def setup(self) -> None:
        check_forward(self.decoder, "decoder")
        self.output = Dense(self.target_embedding.vocabulary_size)
        if self.attention:
            self.query = Dense(self.encoder.features * (1 + self.encoder.bidirectional), use_bias=False)
            self.combine = Dense(self.decoder.features, use_bias=False)

    def __call__(self, inputs: tuple[Array, Array], deterministic: bool = True) -> Array:
        """Teacher forcing: predicts each target token from the source and the *true* tokens before it.

        Args:
            inputs: (B, S) source ids, and (B, T) target ids that begin with the start token.
            deterministic: False in training.
        Returns:
            (B, T, V) logits; logits t are for target token t + 1.
        """
        source_BS, target_BT = inputs
        return self.decode(target_BT, self.encode(source_BS, deterministic), deterministic)[1]

    def encode(self, source_BS: Array, deterministic: bool = True) -> Any:
        """The state after the source, and what else the decoder needs from the encoder."""
        if self.reverse_source:
            source_BS = source_BS[:, ::-1]
        keep_BS = None if self.source_pad_id is None else source_BS != self.source_pad_id
        carries, states_BSH = self.encoder(self.source_embedding(source_BS), None, keep_BS, deterministic)
        if not self.attention:
            return carries
        return Reading(carries, states_BSH, jnp.ones(source_BS.shape, bool) if keep_BS is None else keep_BS)

    def decode(self, target_BT: Array, state: Any, deterministic: bool = True) -> tuple[Any, Array]:
        """Continues from a state: (state after these tokens, logits (B, T, target_size))."""
        carries = state.carries if self.attention else state
        carries, hidden_BTH = self.decoder(self.target_embedding(target_BT), carries, None, deterministic)
        if not self.attention:
            return carries, self.output(hidden_BTH)
        scores_BTS = jnp.einsum("bth,bsh->bts", self.query(hidden_BTH), state.states_BSH)
        weights_BTS = masked_softmax(scores_BTS, state.keep_BS[:, None])
        seen_BTH = jnp.einsum("bts,bsh->bth", weights_BTS, state.states_BSH)
        self.sow("intermediates", "attention_weights", weights_BTS)
        joined = jnp.concatenate([hidden_BTH, seen_BTH.astype(hidden_BTH.dtype)], axis=-1)
        return state._replace(carries=carries), self.output(jnp.tanh(self.combine(joined)))


def make_sequence_decoder(model: SequenceToSequence) -> Decoder:
    """The generation loops' view; its params are the pair (weights, source_BS), one source for each row."""

    def init_cache(params: Any, batch_size: int) -> Any:
        weights, source_BS = params
        if source_BS.shape[0] != batch_size:
            raise ValueError(f"{source_BS.shape[0]} sources for batch_size={batch_size}; give one source for each row")
        return _apply(model, "encode", weights, source_BS)

    def step(params: Any, cache: Any, ids_B: Array, positions_B: Array) -> tuple[Any, Array]:
        del positions_B
        cache, logits_B1V = _apply(model, "decode", params[0], ids_B[:, None], cache)
        return cache, logits_B1V[:, 0]

    def reorder(cache: Any, rows_B: Array) -> Any:
        if not model.attention:
            return take_rows(cache, rows_B)
        return cache._replace(
            carries=take_rows(cache.carries, rows_B)
        )  # what was read is the same in all rows of a source

    return Decoder(init_cache, step, prefill=None, context_size=None, reorder=reorder)


def _apply(model: nn.Module, method: str, params: Any, *arguments: Any) -> Any:
    return model.apply({"params": params}, *arguments, method=method)
