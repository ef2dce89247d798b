"""The part of a text that the cache holds, and how it gets there: prompts, and texts that outgrow the context window.

A cache of context_size C positions holds a window of each row's text. A prompt that is longer than C is read from its
last C tokens. When a window is full, the last ``keep`` tokens of the text are read again as if they were a prompt, at
positions 0 .. keep - 1, and the row continues. So every token is predicted from its last ``keep`` to C predecessors, for
about C / (C - keep + 1) token evaluations each. keep = C is the rule of nanoGPT's ``generate``, which reads the last C
tokens again for every new one; keep = C // 2 costs two evaluations a token instead of C. Each row has its own window,
so that a row of a batch equals the row alone.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from nn_core.generation.decoder import Cache, Decoder, Params

PREFILL_WIDTH = 32


class Text(NamedTuple):
    """The rows' tokens and windows.

    Attributes:
        prompt_ids_BP: prompts, right-padded.
        prompt_lengths_B: their lengths, 1 .. P.
        new_ids_BN: generated tokens, padded; column n is a row's n-th new token.
        new_lengths_B: number of real ones.
        last_ids_B: the token that the decoder reads next.
        positions_B: its position in the row's window; the cache holds the positions before it.
    """

    prompt_ids_BP: jax.Array
    prompt_lengths_B: jax.Array
    new_ids_BN: jax.Array
    new_lengths_B: jax.Array
    last_ids_B: jax.Array
    positions_B: jax.Array


def make_text(prompt_ids_BP: jax.Array, prompt_lengths_B: jax.Array, capacity: int, pad_id: jax.Array | int) -> Text:
    """Prompts with room for ``capacity`` new tokens, none of them read yet."""
    rows = prompt_ids_BP.shape[0]
    last_ids_B = jnp.take_along_axis(prompt_ids_BP, prompt_lengths_B[:, None] - 1, axis=1)[:, 0]
    new_ids_BN = jnp.full((rows, capacity), pad_id, jnp.int32)
    return Text(
        prompt_ids_BP, prompt_lengths_B, new_ids_BN, jnp.zeros(rows, jnp.int32), last_ids_B, prompt_lengths_B - 1
    )


def window_ids(text: Text, indices_T: jax.Array) -> jax.Array:
    """Tokens (B, T) at these positions of each row's window; arbitrary where the window has none."""
    prompt_width, capacity = text.prompt_ids_BP.shape[1], text.new_ids_BN.shape[1]
    first_B = text.prompt_lengths_B + text.new_lengths_B - 1 - text.positions_B
    index_BT = first_B[:, None] + indices_T[None]
    in_prompt_BT = index_BT < text.prompt_lengths_B[:, None]
    column_BT = jnp.where(in_prompt_BT, index_BT, index_BT - text.prompt_lengths_B[:, None] + prompt_width)
    joined_BL = jnp.concatenate([text.prompt_ids_BP, text.new_ids_BN], axis=1)
    return jnp.take_along_axis(joined_BL, jnp.clip(column_BT, 0, prompt_width + capacity - 1), axis=1)


def read_window(decoder: Decoder, params: Params, cache: Cache, text: Text, rows_B: jax.Array) -> Cache:
    """Reads the tokens before ``positions_B`` of the chosen rows into the cache; other rows are unchanged.

    They are read in pieces of PREFILL_WIDTH tokens inside one loop with a traced count: one program for every length.

    Args:
        decoder: the model.
        params: its parameters.
        cache: cache of B rows.
        text: the rows.
        rows_B: booleans, which rows to read.

    Returns:
        The cache.
    """
    lengths_B = jnp.where(rows_B, text.positions_B, 0)
    width = 1 if decoder.prefill is None else min(PREFILL_WIDTH, decoder.context_size or PREFILL_WIDTH)

    def read_piece(piece: jax.Array, cache: Cache) -> Cache:
        start = piece * width
        if decoder.context_size is not None:
            start = jnp.minimum(start, decoder.context_size - width)
        ids_BT = window_ids(text, start + jnp.arange(width))
        if decoder.prefill is None:
            return _read_by_step(decoder, params, cache, ids_BT[:, 0], start, start < lengths_B)
        return decoder.prefill(params, cache, ids_BT, start, jnp.clip(lengths_B - start, 0, width))

    pieces = (jnp.max(lengths_B) + width - 1) // width
    return lax.fori_loop(0, pieces, read_piece, cache)


def _read_by_step(
    decoder: Decoder, params: Params, cache: Cache, ids_B: jax.Array, position: jax.Array, rows_B: jax.Array
) -> Cache:
    """Feeds one token of the chosen rows through ``step`` and restores the leaves of the other rows."""
    after, _ = decoder.step(params, cache, ids_B, jnp.full_like(ids_B, position))

    def choose(new: jax.Array, old: jax.Array) -> jax.Array:
        return jnp.where(rows_B.reshape(-1, *[1] * (new.ndim - 1)), new, old) if new.ndim else new

    return jax.tree.map(choose, after, cache)


def full_rows(decoder: Decoder, text: Text, active_B: jax.Array) -> jax.Array:
    """The active rows without a position left for their next token, as booleans (B,)."""
    if decoder.context_size is None:
        return jnp.zeros_like(active_B)
    return active_B & (text.positions_B >= decoder.context_size)


def make_room(
    decoder: Decoder, params: Params, cache: Cache, text: Text, active_B: jax.Array, keep: jax.Array
) -> tuple[Cache, Text]:
    """Reads the last ``keep`` tokens of every full row again, at the beginning of its window."""
    if decoder.context_size is None:
        return cache, text
    full_B = full_rows(decoder, text, active_B)
    text = text._replace(positions_B=jnp.where(full_B, keep - 1, text.positions_B))
    return read_window(decoder, params, cache, text, full_B), text


def append(text: Text, column: jax.Array, ids_B: jax.Array, active_B: jax.Array, feed_B: jax.Array) -> Text:
    """Writes one new token to each row.

    Args:
        text: the rows.
        column: scalar index into ``new_ids_BN``, the number of tokens of the active rows so far.
        ids_B: the new tokens, the pad id in rows that are not active.
        active_B: rows that get a token.
        feed_B: rows that continue; the others are fed their last token again, at its old position.

    Returns:
        The text.
    """
    return text._replace(
        new_ids_BN=lax.dynamic_update_slice(text.new_ids_BN, ids_B[:, None], (0, column)),
        new_lengths_B=text.new_lengths_B + active_B,
        last_ids_B=jnp.where(feed_B, ids_B, text.last_ids_B),
        positions_B=text.positions_B + feed_B,
    )
