"""One compiled loop that turns prompts into text, one token a step, whatever the model."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax

Params = Any
Cache = Any


class Decoder(NamedTuple):
    """What a language model offers to the loops of this package (GPT with its KV cache, RNN, the decoder of a translator).

    Build it once and keep it: the compiled loops are remembered by these functions, so a new closure compiles again.
    Every cache leaf has the leading axis B, so that rows can be repeated and reordered (beams); scalars are left alone.
    Positions count from 0 inside the row's window: row b writes its cache slot ``positions_B[b]``, sees the slots 0 .. positions_B[b],
    and must never look at what is stored beyond (an earlier, longer text of this row may have left something there).

    Attributes:
        init_cache: ``(params, batch_size) -> cache``.
        step: ``(params, cache, ids_B, positions_B) -> (cache, logits_BV)``: takes one token a row in and returns the
            logits of the next one. Feeding the same (id, position) twice must be harmless: finished rows do it.
        prefill: ``(params, cache, ids_BT, start, lengths_B) -> cache`` or None (then prompts are read through ``step``):
            takes the tokens of positions start .. start + T - 1 in at once, in one parallel pass, and returns no logits. T is static,
            ``start`` a traced int32 scalar with start + T <= context_size, ``lengths_B`` (0 .. T) says how many of a row's T tokens
            are real: the others must not be written, so a row of length 0 leaves as it came. Earlier positions are in the cache.
        context_size: number of positions the cache holds; None when there is no limit (recurrent models).
    """

    init_cache: Callable[[Params, int], Cache]
    step: Callable[[Params, Cache, jax.Array, jax.Array], tuple[Cache, jax.Array]]
    prefill: Callable[[Params, Cache, jax.Array, jax.Array, jax.Array], Cache] | None = None
    context_size: int | None = None
