"""Blocks of neighbouring words: every pair of words in a window is one entry of a small matrix (F091, F092).

Pairs drawn one at a time fetch two vectors each. A block fetches the vector of a word once for all its pairs, and the
scores of a block are one matrix product (Ji et al. 2016, "Parallelizing Word2Vec in Shared and Distributed Memory").
An epoch still drops frequent words and draws a window of 1 to `window` words for each centre.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from nn_core.text.pairs import ThinCorpus


class Blocks(NamedTuple):
    """B runs of T centre words, each with `window` words before and behind: L = T + 2 window places.

    Attributes:
        ids_BL: int32 word ids; the centres are `ids_BL[:, window:-window]`.
        near_BTL: float32, 1 where place l is in the window of centre t and in its sentence, else 0.
    """

    ids_BL: Array
    near_BTL: Array


def draw_blocks(key: Array, thin: ThinCorpus, *, num_blocks: int, block_size: int, window: int) -> Blocks:
    """Draws blocks at random places; all words are equally likely to be a centre.

    Args:
        key: typed key; fold the step in.
        thin: this epoch's corpus.
        num_blocks: B >= 1.
        block_size: T >= 1 centres of a block.
        window: most words on each side, >= 1.
    Returns:
        The blocks; places outside the corpus hold the id 0 and are near no centre.
    """
    place_key, width_key = jax.random.split(key)
    size = thin.ids_N.shape[0]
    starts_B = jax.random.randint(place_key, (num_blocks,), 1 - block_size, jnp.maximum(thin.num_kept, 1))
    widths_BT = jax.random.randint(width_key, (num_blocks, block_size), 1, window + 1)
    offsets_L = jnp.arange(-window, block_size + window)
    places_BL = starts_B[:, None] + offsets_L[None]
    inside_BL = (places_BL >= 0) & (places_BL < thin.num_kept)
    safe_BL = jnp.clip(places_BL, 0, size - 1)
    ids_BL = jnp.where(inside_BL, thin.ids_N[safe_BL], 0)
    sentences_BL = jnp.where(inside_BL, thin.sentences_N[safe_BL], -1)
    centres_BT = slice(window, window + block_size)
    distances_TL = jnp.abs(offsets_L[None] - jnp.arange(block_size)[:, None])[None]
    same_BTL = sentences_BL[:, centres_BT, None] == sentences_BL[:, None]
    valid_BTL = (distances_TL > 0) & (distances_TL <= widths_BT[:, :, None]) & inside_BL[:, None]
    return Blocks(ids_BL, (valid_BTL & same_BTL).astype(jnp.float32))
