"""The texts of a beam search: growing ones, finished ones, and the tree of all candidates."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from nn_core.generation.decoder import Cache
from nn_core.generation.request import ends
from nn_core.generation.window import Text


class BeamRequest(NamedTuple):
    """The request; all of it is traced.

    Attributes:
        limits_P: most new tokens of each prompt's texts.
        length_penalty: the exponent of the length.
        early_stopping: whether to stop as soon as the wanted hypotheses have ended.
        num_wanted: number of wanted hypotheses, 1 .. K.
        eos_id: the token that ends a hypothesis, -1 for none; or several, (E,).
        pad_id: the token after the end.
        keep: number of tokens to read again when a window is full.
    """

    limits_P: jax.Array
    length_penalty: jax.Array
    early_stopping: jax.Array
    num_wanted: jax.Array
    eos_id: jax.Array
    pad_id: jax.Array
    keep: jax.Array


class BeamTree(NamedTuple):
    """The candidates of every step: column m of step n is the text that ranks m of M after n + 1 tokens.

    Attributes:
        parents_NPM: its column one step earlier; 0 at the first step.
        ids_NPM: the token it added.
        log_probs_NPM: log p of its tokens so far; -inf where there are fewer texts.
        kept_NPM: whether it continued or was finished; False after the search of its prompt has stopped.
    """

    parents_NPM: jax.Array
    ids_NPM: jax.Array
    log_probs_NPM: jax.Array
    kept_NPM: jax.Array


class Finished(NamedTuple):
    """The best finished texts of each prompt, by decreasing score; empty places have the score -inf.

    Attributes:
        ids_PKN: their new tokens, then padding.
        lengths_PK: number of new tokens.
        log_probs_PK: sum of the tokens' log-probabilities.
        scores_PK: log_probs / lengths**length_penalty.
        ended_PK: whether the end token is their last.
        columns_PK: their columns of the tree, in step length - 1.
    """

    ids_PKN: jax.Array
    lengths_PK: jax.Array
    log_probs_PK: jax.Array
    scores_PK: jax.Array
    ended_PK: jax.Array
    columns_PK: jax.Array


class BeamState(NamedTuple):
    """The state of the loop; rows of text and cache are prompt * K + place among the growing texts."""

    text: Text
    cache: Cache
    log_probs_PK: jax.Array
    columns_PK: jax.Array
    finished: Finished
    done_P: jax.Array
    step: jax.Array
    tree: BeamTree


def score(log_probs: jax.Array, lengths: jax.Array, length_penalty: jax.Array) -> jax.Array:
    """log p / length**length_penalty, elementwise."""
    return log_probs / lengths.astype(jnp.float32) ** length_penalty


def choose(texts: Finished, places_PK: jax.Array) -> Finished:
    """The texts at these places of their prompts' lists."""

    def pick(leaf: jax.Array) -> jax.Array:
        return jnp.take_along_axis(leaf, places_PK.reshape(*places_PK.shape, *[1] * (leaf.ndim - 2)), axis=1)

    return jax.tree.map(pick, texts)


def joined(one: Finished, other: Finished) -> Finished:
    """Two lists of texts, concatenated."""
    return jax.tree.map(lambda a, b: jnp.concatenate([a, b], axis=1), one, other)


def ending(
    request: BeamRequest, state: BeamState, sums_PM: jax.Array, parents_PM: jax.Array, tokens_PM: jax.Array
) -> Finished:
    """The first K candidates as texts; those that do not end, by the end token or at the limit, have the score -inf."""
    prompts, beams = state.log_probs_PK.shape
    sums_PK, parents_PK, tokens_PK = sums_PM[:, :beams], parents_PM[:, :beams], tokens_PM[:, :beams]
    ids_PKN = state.text.new_ids_BN.reshape(prompts, beams, -1)
    ids_PKN = jnp.take_along_axis(ids_PKN, parents_PK[:, :, None], axis=1).at[:, :, state.step].set(tokens_PK)
    ended_PK = ends(tokens_PK, request.eos_id)
    closes_PK = (ended_PK | (state.step + 1 >= request.limits_P[:, None])) & (sums_PK > -jnp.inf)
    lengths_PK = jnp.full((prompts, beams), state.step + 1)
    closes_PK &= ~state.done_P[:, None]
    scores_PK = jnp.where(closes_PK, score(sums_PK, lengths_PK, request.length_penalty), -jnp.inf)
    columns_PK = jnp.broadcast_to(jnp.arange(beams), (prompts, beams))
    log_probs_PK = jnp.where(closes_PK, sums_PK, -jnp.inf)
    return Finished(ids_PKN, lengths_PK, log_probs_PK, scores_PK, ended_PK, columns_PK)


def stops(request: BeamRequest, finished: Finished, best_P: jax.Array, length: jax.Array, beams: int) -> jax.Array:
    """Whether enough texts are finished and no growing one, the best of which has log p ``best_P``, can overtake them."""
    wanted_1K = jnp.arange(beams)[None] < request.num_wanted
    last_wanted_P = jnp.min(jnp.where(wanted_1K, finished.scores_PK, jnp.inf), axis=1)
    now_P = score(best_P, length, request.length_penalty)
    reach_P = jnp.maximum(now_P, score(best_P, request.limits_P, request.length_penalty))
    early = request.early_stopping | (beams == 1)  # greedy decoding ends at its first end token
    return (last_wanted_P > -jnp.inf) & (early | (reach_P <= last_wanted_P))


def filled(finished: Finished, growing: Finished, fill_P: jax.Array) -> Finished:
    """The finished texts when the search stops; growing texts fill the empty places as they are."""
    beams = finished.scores_PK.shape[1]
    both = joined(finished, growing)
    empty_PK = both.scores_PK == -jnp.inf
    grows_K = jnp.arange(2 * beams) >= beams
    places_PK = jnp.argsort(jnp.where(empty_PK, 2, grows_K[None].astype(jnp.int32)), axis=1, stable=True)[:, :beams]
    return where(fill_P, choose(both, places_PK), finished)


def where(these_P: jax.Array, one: Finished, other: Finished) -> Finished:
    """The texts of one list for these prompts, and of the other for the rest."""
    return jax.tree.map(lambda a, b: jnp.where(these_P.reshape(-1, *[1] * (a.ndim - 1)), a, b), one, other)


def record(
    state: BeamState,
    sums_PM: jax.Array,
    parents_PM: jax.Array,
    tokens_PM: jax.Array,
    growing_PM: jax.Array,
    last_P1: jax.Array,
    ending_scores_PK: jax.Array,
) -> BeamTree:
    """The tree with this step's candidates; those that continue and those that end are marked as kept."""
    beams, number = state.log_probs_PK.shape[1], sums_PM.shape[1]
    ends_PM = jnp.pad(ending_scores_PK > -jnp.inf, ((0, 0), (0, number - beams)))
    grows_PM = (growing_PM > -jnp.inf) & (growing_PM >= last_P1)
    kept_PM = (ends_PM | grows_PM) & ~state.done_P[:, None]
    columns_PM = jnp.take_along_axis(state.columns_PK, parents_PM, axis=1)
    now = BeamTree(columns_PM, tokens_PM, sums_PM, kept_PM)
    return jax.tree.map(lambda all_NPM, now_PM: all_NPM.at[state.step].set(now_PM), state.tree, now)


def of_prompts(request: BeamRequest, state: BeamState, places_Q: jax.Array) -> tuple[BeamRequest, BeamState]:
    """The request and the state of some of the prompts; the rows of a prompt stand side by side in every leaf."""
    prompts = state.done_P.shape[0]

    def take(leaf: jax.Array) -> jax.Array:
        if not leaf.ndim:
            return leaf
        each, others = leaf.shape[0] // prompts, leaf.shape[1:]
        return leaf.reshape(prompts, each, *others)[places_Q].reshape(len(places_Q) * each, *others)

    parts = state._asdict()
    tree = BeamTree(*(leaf_NPM[:, places_Q] for leaf_NPM in parts.pop("tree")))
    return request._replace(limits_P=request.limits_P[places_Q]), BeamState(**jax.tree.map(take, parts), tree=tree)


def put_back(state: BeamState, places_Q: jax.Array, found: tuple[Finished, BeamTree]) -> tuple[Finished, BeamTree]:
    """The texts and the tree of all prompts, with those of some of them replaced."""
    finished, tree = found
    finished = jax.tree.map(lambda all_P, some_Q: all_P.at[places_Q].set(some_Q), state.finished, finished)
    return finished, jax.tree.map(lambda all_NPM, some: all_NPM.at[:, places_Q].set(some), state.tree, tree)
