"""Texts that part from each other, as beams do: they share a cache, and which row wrote each of their tokens is a table.

A prompt's R rows have one cache of R places for each position; row r writes place R t + r at position t. A row that goes
on from another row takes over that row's line of the table, R times S small integers, where keys and values, all layers
of them, would be copied in every step. A query looks at the places of its own line.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

from nn_core.models.attention.blocks import block_bounds
from nn_core.models.attention.cached import SMALLEST_BLOCK
from nn_core.models.attention.patterns import Pattern, allowed


class Seen(NamedTuple):
    """What queries see of a cache.

    Attributes:
      mask_B1TS: True where a query may look.
      bias: None, or (B or 1, H or 1, T, S) to be added to the scores.
      slots_BT: where the keys and values of the queries' tokens are written; S and more: nowhere.
    """

    mask_B1TS: Array
    bias: Array | None
    slots_BT: Array


def what_is_seen(
    positions_BT: Array,
    valid_BT: Array,
    slots_1S: Array,
    pattern: Pattern,
    bias: Array | None,
    lines_BRS: Array | None,
) -> Seen:
    """What new tokens see of a cache, each of the places that its text wrote.

    Args:
      positions_BT: of the tokens.
      valid_BT: booleans; False: not written.
      slots_1S: the positions that the cache has places for.
      pattern: which of them a token may see.
      bias: by positions, None or (B or 1, H or 1, T, S).
      lines_BRS: of R texts that share the cache, see `own_line`; None: there is one text.
    """
    mask_B1TS = allowed(positions_BT, slots_1S, pattern)[:, None]
    written_BT = jnp.where(valid_BT, positions_BT, slots_1S.shape[1])
    return own_line(Seen(mask_B1TS, bias, written_BT), lines_BRS)


def own_line(seen: Seen, lines_PRS: Array | None) -> Seen:
    """The same for rows that share a cache; the queries of a prompt's R rows stand one row after the other.

    Args:
      seen: by positions, (P, 1, R T, S).
      lines_PRS: which of the R rows wrote each position of a row's text; None: every row has a cache of its own.

    Returns:
      By places, (P, 1, R T, S R).
    """
    if lines_PRS is None:
        return seen
    rows, (prompts, _, queries, positions) = lines_PRS.shape[1], seen.mask_B1TS.shape
    row_N = jnp.arange(queries) // (queries // rows)
    is_line = lines_PRS[:, row_N, :, None] == jnp.arange(rows).reshape(1, 1, 1, rows)
    mask = (seen.mask_B1TS[:, 0, :, :, None] & is_line).reshape(prompts, 1, queries, positions * rows)
    bias = None if seen.bias is None else jnp.repeat(seen.bias, rows, axis=-1)
    return Seen(mask, bias, seen.slots_BT * rows + row_N[None])


def branch(layers: Mapping[str, Any], rows: int) -> dict[str, Any]:
    """A cache of `MultiHeadAttention`s with room for R rows of each prompt; what was read so far is row 0's.

    Args:
      layers: nested dicts that hold "key_0", "value_0", "key_1", …: (P, G, s, K) of consecutive positions.
      rows: R >= 1.

    Returns:
      The same with S R places; what is kept of a memory stays as it is.
    """
    if "key_0" not in layers:
        return {name: branch(part, rows) if isinstance(part, Mapping) else part for name, part in layers.items()}
    found = {}
    for kind in ("key", "value"):
        parts = [layers[f"{kind}_{number}"] for number in range(len(layers) // 2)]
        whole_PGSK = jnp.concatenate(parts, axis=2)
        prompts, groups, positions, width = whole_PGSK.shape
        wide = jnp.pad(whole_PGSK[:, :, :, None], ((0, 0), (0, 0), (0, 0), (0, rows - 1), (0, 0)))
        wide = wide.reshape(prompts, groups, positions * rows, width)
        for number, (start, end) in enumerate(block_bounds(positions * rows, SMALLEST_BLOCK)):
            found[f"{kind}_{number}"] = wide[:, :, start:end]
    return found


def extend_rows(
    run: Callable[..., tuple[Array, Any]],
    layers: Any,
    lines_BS: Array | None,
    ids_BT: Array,
    positions_BT: Array,
    valid_BT: Array,
) -> tuple[Array, Any, Array | None]:
    """New tokens of all rows, whether each has a cache of its own or the rows of a prompt share one.

    Args:
      run: (ids, positions, valid, lines_BRS) -> hidden states and the layers' caches; see `GPT.extend`.
      layers: the caches so far, of B rows or of P = B / R prompts; None: there are none yet.
      lines_BS: the table of rows that share a cache; None: every row has its own.
      ids_BT, positions_BT, valid_BT: as in `GPT.extend`.

    Returns:
      Hidden states (B, T, D), caches, table.
    """
    if lines_BS is None:
        return *run(ids_BT, positions_BT, valid_BT, None), None
    prompts, rows_B1 = jax.tree.leaves(layers)[0].shape[0], jnp.arange(len(ids_BT))[:, None]
    rows = len(ids_BT) // prompts
    places_BT = jnp.where(valid_BT, positions_BT, lines_BS.shape[1])
    lines_BS = lines_BS.at[rows_B1, places_BT].set((rows_B1 % rows).astype(lines_BS.dtype), mode="drop")
    tokens = (tokens_BT.reshape(prompts, -1) for tokens_BT in (ids_BT, positions_BT, valid_BT))
    hidden_PND, layers = run(*tokens, lines_BS.reshape(prompts, rows, -1))
    return hidden_PND.reshape(*ids_BT.shape, -1), layers, lines_BS


def first_lines(prompts: int, rows: int, positions: int) -> Array:
    """The table when R rows of each prompt begin: all go on from row 0."""
    return jnp.zeros((prompts * rows, positions), jnp.int32)
