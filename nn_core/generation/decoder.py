"""The interface of a model for decoding: a cache, a step, and optionally a parallel reading of prompts."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

Params = Any
Cache = Any


def take_rows(cache: Cache, rows_B: jax.Array) -> Cache:
    """Every leaf's rows in another order; scalars as they are."""
    return jax.tree.map(lambda leaf: leaf[rows_B] if leaf.ndim else leaf, cache)


def repeat_rows(cache: Cache, times: int) -> Cache:
    """Repeats every row ``times`` times, one after the other; scalars are unchanged."""
    return jax.tree.map(lambda leaf: jnp.repeat(leaf, times, axis=0) if leaf.ndim else leaf, cache)


class Decoder(NamedTuple):
    """A language model as the loops of this package see it: GPT with its KV cache, an RNN, a translator's decoder.

    Build it once and keep it: compiled loops are looked up by these functions, so a new closure compiles again.
    Every cache leaf has the leading axis B, so that rows can be repeated and reordered (beams); scalars are left unchanged.
    What all rows of a prompt have in common may stay as it is: then a decoder brings its own `repeat` and `reorder`.
    Positions count from 0 inside a row's window: row b writes its cache slot ``positions_B[b]``, sees the slots
    0 .. positions_B[b] and must never look beyond (an earlier, longer window may have left something there).

    Attributes:
        init_cache: ``(params, batch_size) -> cache``. Whatever a row carries besides its tokens (such as an encoder's memory)
            belongs in the cache; ``params`` may be any pytree, (weights, source) for example.
        step: ``(params, cache, ids_B, positions_B) -> (cache, logits_BV)``: reads one token of each row and returns the
            logits of the next one. A finished row is fed its last token repeatedly, at the same position.
        prefill: ``(params, cache, ids_BT, start, lengths_B) -> cache``, or None (``step`` reads prompts then):
            reads the tokens of positions start .. start + T - 1 in one parallel pass and returns no logits
            (the last token of a prompt always goes through ``step``). T is static, ``start`` a traced int32 scalar with
            start + T <= context_size; ``lengths_B`` in 0 .. T says how many of a row's T tokens are real: the others
            must not be written, so a row of length 0 leaves as it came. Earlier positions are in the cache already;
            where T does not divide context_size, the last piece reads some of them again.
        context_size: number of positions the cache holds; None when there is no limit (recurrent models).
        reorder: ``(cache, rows_B) -> cache`` in which row b goes on from row ``rows_B[b]``, a row of the same prompt; see
            ``take_rows``. A translator leaves what it keeps of the source.
        repeat: ``(cache, times) -> cache`` of as many rows after each other for each row; see ``repeat_rows``.
        share: None, or ``(cache, times) -> cache`` of as many rows, which ``reorder`` then moves without a copy of what
            they hold, for beams; None: ``repeat`` is used.
    """

    init_cache: Callable[[Params, int], Cache]
    step: Callable[[Params, Cache, jax.Array, jax.Array], tuple[Cache, jax.Array]]
    prefill: Callable[[Params, Cache, jax.Array, jax.Array, jax.Array], Cache] | None = None
    context_size: int | None = None
    reorder: Callable[[Cache, jax.Array], Cache] = take_rows
    repeat: Callable[[Cache, int], Cache] = repeat_rows
    share: Callable[[Cache, int], Cache] | None = None
