"""How the next token is drawn: filters of logits with traced strengths, and the draw itself.

The order is fixed: repetition penalty, temperature, top-k, top-p, min-p (F191-F194), and
each filter sees the renormalised distribution of the one before it. Tokens are ranked at most once: the ``width`` most
probable ones are extracted in order, a filter keeps a prefix of that ranking, and the draw picks a rank.
"""

import dataclasses

import jax
import jax.numpy as jnp

from nn_core.largest import argmax
from nn_core.largest import top_k as largest

Strength = jax.Array | float | None


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Sampling:
    """Strengths of the filters. An option that is None is not in the program; other values are traced.

    Each may be a scalar or have the shape (B,): one value per row.

    Attributes:
        temperature: T >= 0; logits are divided by it *before* the softmax (S50), 0 takes the most probable token.
        top_k: k >= 1; the k most probable tokens stay, with ties broken by the lower id; k may exceed V.
        top_p: p in (0, 1]; the smallest set of most probable tokens with mass >= p stays, the crossing one too (S49).
        min_p: in [0, 1]; tokens with at least this fraction of the highest probability stay.
        repetition_penalty: > 0; the score of a token that the text already holds is divided by it if positive,
            multiplied by it if negative (Keskar et al. 2019, CTRL, section 4.1).
        width: static number of tokens that top-k ranks; None ranks all V. A width below V is exact while
            top_k <= width, and much cheaper for a large V (on a CPU, V = 50,257: 0.06 ms for 64 tokens, 5 ms for all).
    """

    temperature: Strength = None
    top_k: jax.Array | int | None = None
    top_p: Strength = None
    min_p: Strength = None
    repetition_penalty: Strength = None
    width: int | None = dataclasses.field(default=None, metadata={"static": True})


def _per_row(value: jax.Array | float) -> jax.Array:
    """A scalar unchanged, a (B,) vector as a (B, 1) column."""
    array = jnp.asarray(value)
    return array[:, None] if array.ndim else array


def rank_tokens(logits_BV: jax.Array, width: int | None = None) -> tuple[jax.Array, jax.Array]:
    """The ``width`` highest logits of each row in decreasing order, ties by increasing id.

    Args:
        logits_BV: scores, (B, V).
        width: how many, at least 1; None or anything above V means V.

    Returns:
        The logits and their ids, both (B, min(width, V)).
    """
    size = logits_BV.shape[1]
    if width is None or width >= size:
        # One column more than needed: XLA:CPU then selects, 2 (V = 50,257) to 5 times (V = 65) faster than its sort.
        return largest(jnp.pad(logits_BV, ((0, 0), (0, 1)), constant_values=-jnp.inf), size)
    return largest(logits_BV, width)


def scale_temperature(logits_BV: jax.Array, temperature: jax.Array | float) -> jax.Array:
    """Logits divided by the temperature, with the highest one shifted to 0: softmax(z / T), p**(1/T) renormalised.

    Args:
        logits_BV: scores, (B, V).
        temperature: T > 0, scalar or (B,); rows with T = 0 are only shifted.

    Returns:
        Scores (B, V) <= 0; the softmax does not see the shift, and a tiny T cannot overflow.
    """
    temperature = _per_row(temperature)
    shifted_BV = logits_BV - jnp.max(logits_BV, axis=1, keepdims=True)
    return shifted_BV / jnp.where(_is_greedy(temperature), 1.0, temperature)


def _is_greedy(temperature: jax.Array | float) -> jax.Array:
    """Whether T is 0, or so small that a CPU flushes it to 0."""
    return jnp.asarray(temperature) < jnp.finfo(jnp.float32).tiny


def penalise_repetition(logits_BV: jax.Array, seen_BV: jax.Array, penalty: jax.Array | float) -> jax.Array:
    """Logits with those of tokens already in the text reduced: z / penalty where z > 0, z * penalty elsewhere.

    Args:
        logits_BV: scores, (B, V).
        seen_BV: booleans, True where the row's prompt or text holds the token.
        penalty: > 0, scalar or (B,); 1 changes nothing, below 1 rewards repetition.

    Returns:
        Scores (B, V). Source: Keskar et al. 2019 (CTRL), which assumes scores of both signs.
    """
    penalty = _per_row(penalty)
    return jnp.where(seen_BV, jnp.where(logits_BV > 0, logits_BV / penalty, logits_BV * penalty), logits_BV)


def _kept_ranks(scores_BK: jax.Array, sampling: Sampling) -> jax.Array:
    """Which ranks the filters keep: booleans (B, K), True for a prefix of at least one rank.

    Args:
        scores_BK: scores in decreasing order, already divided by the temperature.
        sampling: the filters.
    """
    ranks_1K = jnp.arange(scores_BK.shape[1])[None]
    keep_BK = (ranks_1K == 0) | (scores_BK > -jnp.inf)
    if sampling.top_k is not None:
        keep_BK &= ranks_1K < _per_row(sampling.top_k)
    if sampling.top_p is not None:
        top_p = _per_row(sampling.top_p)
        mass_BK = jnp.cumsum(jax.nn.softmax(jnp.where(keep_BK, scores_BK, -jnp.inf)), axis=1)
        before_BK = jnp.pad(mass_BK[:, :-1], ((0, 0), (1, 0)))
        # Rounding may bring the mass to 1 before the last token: p = 1 keeps all of them nevertheless.
        keep_BK &= (before_BK < top_p) | (top_p >= 1)
    if sampling.min_p is not None:
        keep_BK &= jnp.exp(scores_BK - scores_BK[:, :1]) >= _per_row(sampling.min_p)
    if sampling.temperature is not None:
        keep_BK &= (ranks_1K == 0) | ~_is_greedy(_per_row(sampling.temperature))
    return keep_BK


def _ranked(logits_BV: jax.Array, sampling: Sampling) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Scores in decreasing order, their ids, and whether they stay; each (B, K)."""
    scores_BK, ids_BK = rank_tokens(logits_BV, None if sampling.top_k is None else sampling.width)
    if sampling.temperature is not None:
        scores_BK = scale_temperature(scores_BK, sampling.temperature)
    return scores_BK, ids_BK, _kept_ranks(scores_BK, sampling)


def filter_logits(logits_BV: jax.Array, sampling: Sampling, seen_BV: jax.Array | None = None) -> jax.Array:
    """Logits whose softmax is the distribution of the draw; dropped tokens are at -inf.

    Args:
        logits_BV: scores of the model, (B, V).
        sampling: the filters; with temperature 0 one token a row stays.
        seen_BV: booleans (B, V), needed by the repetition penalty only.

    Returns:
        Float32 scores, (B, V).

    Raises:
        ValueError: for a repetition penalty without ``seen_BV``.
    """
    logits_BV = _penalised(logits_BV, sampling, seen_BV)
    scores_BK, ids_BK, keep_BK = _ranked(logits_BV, sampling)
    dropped_BV = jnp.full_like(logits_BV, -jnp.inf)
    rows_B1 = jnp.arange(logits_BV.shape[0])[:, None]
    return dropped_BV.at[rows_B1, ids_BK].set(jnp.where(keep_BK, scores_BK, -jnp.inf), unique_indices=True)


def keep_top_k(logits_BV: jax.Array, top_k: jax.Array | int) -> jax.Array:
    """Logits with all but the k highest at -inf, (B, V); of ties, those with the lower id stay (F191)."""
    return filter_logits(logits_BV, Sampling(top_k=top_k))


def keep_top_p(logits_BV: jax.Array, top_p: jax.Array | float) -> jax.Array:
    """Logits with all but the smallest set of mass >= p at -inf, (B, V); the crossing token stays (F192)."""
    return filter_logits(logits_BV, Sampling(top_p=top_p))


def keep_min_p(logits_BV: jax.Array, min_p: jax.Array | float) -> jax.Array:
    """Logits with the tokens below ``min_p`` times the highest probability at -inf, (B, V) (Nguyen et al. 2024)."""
    return filter_logits(logits_BV, Sampling(min_p=min_p))


def _penalised(logits_BV: jax.Array, sampling: Sampling, seen_BV: jax.Array | None) -> jax.Array:
    """Float32 logits with the repetition penalty, where there is one."""
    logits_BV = logits_BV.astype(jnp.float32)
    if sampling.repetition_penalty is None:
        return logits_BV
    if seen_BV is None:
        raise ValueError("repetition_penalty needs seen_BV (the tokens in the text); pass it or leave the penalty out")
    return penalise_repetition(logits_BV, seen_BV, sampling.repetition_penalty)


def take_most_probable(logits_BV: jax.Array, sampling: Sampling, seen_BV: jax.Array | None = None) -> jax.Array:
    """Greedy choice (F188): ids (B,) of the highest logits after the repetition penalty, ties to the lowest."""
    return argmax(_penalised(logits_BV, sampling, seen_BV))


def draw_tokens(
    keys_B: jax.Array, logits_BV: jax.Array, sampling: Sampling, seen_BV: jax.Array | None = None
) -> jax.Array:
    """One token a row, drawn from softmax(filter_logits(logits)) (F189).

    The token is found in the cumulative distribution from one uniform number a row: the Gumbel trick would need one per
    token of the vocabulary, and random bits are the most expensive part of a draw on a CPU (V = 50,257: 2 ms against 0.1 ms).
    Probabilities are accurate to 2**-23, the resolution of a float32 uniform. Nothing is ranked without top-k and top-p.

    Args:
        keys_B: one typed key a row, (B,): a row's token depends on its own key and logits only.
        logits_BV: scores of the model, (B, V).
        sampling: the filters.
        seen_BV: booleans (B, V), needed by the repetition penalty only.

    Returns:
        Int32 ids, (B,).

    Raises:
        ValueError: for a repetition penalty without ``seen_BV``.
    """
    logits_BV = _penalised(logits_BV, sampling, seen_BV)
    if sampling.top_k is None and sampling.top_p is None:
        return _draw_unranked(keys_B, logits_BV, sampling)
    scores_BK, ids_BK, keep_BK = _ranked(logits_BV, sampling)
    weights_BK = jnp.where(keep_BK, jnp.exp(scores_BK - scores_BK[:, :1]), 0.0)
    rank_B = pick_columns(jax.vmap(jax.random.uniform)(keys_B), weights_BK)
    return jnp.take_along_axis(ids_BK, rank_B[:, None], axis=1)[:, 0]


def _draw_unranked(keys_B: jax.Array, logits_BV: jax.Array, sampling: Sampling) -> jax.Array:
    """Draws with temperature and min-p only, which do not need the order of the tokens."""
    scores_BV = logits_BV
    if sampling.temperature is not None:
        scores_BV = scale_temperature(scores_BV, sampling.temperature)
    weights_BV = jnp.exp(scores_BV - jnp.max(scores_BV, axis=1, keepdims=True))
    if sampling.min_p is not None:
        weights_BV = jnp.where(weights_BV >= _per_row(sampling.min_p), weights_BV, 0.0)
    drawn_B = pick_columns(jax.vmap(jax.random.uniform)(keys_B), weights_BV)
    if sampling.temperature is None:
        return drawn_B
    return jnp.where(_is_greedy(sampling.temperature), argmax(logits_BV), drawn_B)


def pick_columns(uniform_B: jax.Array, weights_BK: jax.Array) -> jax.Array:
    """Columns in proportion to their weights: the first one whose cumulative weight exceeds u * total.

    Args:
        uniform_B: u in [0, 1), (B,).
        weights_BK: >= 0, at least one of a row > 0; they need not sum to 1.

    Returns:
        Int32 columns (B,), never one of weight 0.
    """
    mass_BK = jnp.cumsum(weights_BK, axis=1)
    columns_1K = jnp.arange(weights_BK.shape[1])[None]
    possible_BK = weights_BK > 0
    # A parallel cumulative sum need not be monotonic in its last bit, so columns of weight 0 are excluded by name.
    beyond_BK = possible_BK & (mass_BK > uniform_B[:, None] * mass_BK[:, -1:])
    first_B = jnp.min(jnp.where(beyond_BK, columns_1K, weights_BK.shape[1]), axis=1)
    return jnp.minimum(first_B, jnp.max(jnp.where(possible_BK, columns_1K, 0), axis=1))
