"""Prepares prompts for the loops: packs them into one array, reads them once and repeats them for each of their rows."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from nn_core.generation.decoder import Cache, Decoder, Params, repeat_rows
from nn_core.generation.window import Text, make_text, read_window

SMALLEST_PROMPT_WIDTH = 64
# Rows that share a cache look at the places of all of them, so the work grows with their square; a copy grows with them.
MOST_SHARED = 16


def pack_prompts(
    prompts: Sequence[Sequence[int]], context_size: int | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Prompts as one right-padded array: the last context_size tokens of each.

    Args:
        prompts: P prompts of at least one token.
        context_size: also the width of the array, whatever the lengths; None takes the next power of two from 64 on.

    Returns:
        int32 ids (P, width), int32 lengths (P,) within the array, int32 lengths (P,) of the whole prompts.

    Raises:
        ValueError: for no prompt, or an empty one.
    """
    lengths = np.array([len(prompt) for prompt in prompts], np.int32)
    if not len(lengths):
        raise ValueError("prompts=[] is empty; give at least one prompt")
    if lengths.min() < 1:
        row = int(lengths.argmin())
        raise ValueError(f"prompt {row} is empty, there is nothing to continue; give it at least one token")
    width = context_size or bucket(int(lengths.max()), SMALLEST_PROMPT_WIDTH)
    ids = np.zeros((len(prompts), width), np.int32)
    for row, prompt in enumerate(prompts):
        tail = np.asarray(prompt, np.int32)[-width:]
        ids[row, : len(tail)] = tail
    return ids, np.minimum(lengths, width), lengths


def bucket(size: int, smallest: int) -> int:
    """The next power of two, at least ``smallest``: few buffer sizes mean few programs."""
    return max(smallest, 1 << (size - 1).bit_length())


def vocabulary_size(decoder: Decoder, params: Params, cache: Cache, rows: int) -> int:
    """V, from the shape of a step's logits; nothing is computed."""
    ids_B = jax.ShapeDtypeStruct((rows,), jnp.int32)
    return jax.eval_shape(decoder.step, params, cache, ids_B, ids_B)[1].shape[1]


def read_prompts(
    decoder: Decoder,
    params: Params,
    prompt_ids_PL: jax.Array,
    lengths_P: jax.Array,
    pad_id: jax.Array,
    copies: int,
    capacity: int,
    change_places: bool = False,
) -> tuple[Cache, Text]:
    """Reads each prompt once into a cache, then makes ``copies`` rows of it, which may change places (beams) or not."""
    text = make_text(prompt_ids_PL, lengths_P, capacity, pad_id)
    cache = decoder.init_cache(params, lengths_P.shape[0])
    cache = read_window(decoder, params, cache, text, jnp.ones_like(lengths_P, bool))
    if decoder.context_size is None:
        # Never used again, so that its width does not reach the loop's shapes.
        text = text._replace(prompt_ids_BP=prompt_ids_PL[:, :0])
    shared = decoder.share if change_places and copies <= MOST_SHARED else None
    repeat = decoder.repeat if shared is None else shared
    return repeat(cache, copies), repeat_rows(text, copies)
