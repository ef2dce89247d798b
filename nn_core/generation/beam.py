"""Beam search: of all continuations of the n best texts keep the n best, step by step (F190).

A hypothesis that has ended keeps its place in the beam as long as its score is among the n best, so a beam of one is
greedy decoding, and a beam that has room for every text is exhaustive search. Scores are

    score(y) = log p(y | prompt) / |y|**length_penalty,     log p(y | prompt) = sum over t of log p(y_t | prompt, y_<t),

with |y| the number of new tokens, the end token counted: 0 compares the sums, which favours short texts; 1 compares the
mean log-probability; more than 1 favours long texts. The search of a prompt stops

* when its best ``num_return_sequences`` hypotheses have ended and no running one can still overtake them: sums only
  fall, so a running one can climb to sum / longest**length_penalty at most, and not at all where length_penalty <= 0;
* with ``early_stopping``, as soon as the best ``num_return_sequences`` have ended, whatever others might still reach;
* at the longest length, where every hypothesis counts as it stands.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from nn_core.generation.decoder import Cache, Decoder, Params
from nn_core.generation.options import check_options, new_token_limits
from nn_core.generation.prompts import bucket, pack_prompts, read_prompts
from nn_core.generation.request import NO_EOS, SMALLEST_CAPACITY, make_keep, on_host
from nn_core.generation.window import Text, append, full_rows, make_room


class BeamRequest(NamedTuple):
    """What was asked for; all of it traced.

    Attributes:
        limits_P: most new tokens of each prompt's texts.
        length_penalty: the exponent of the length.
        early_stopping: whether to stop as soon as the wanted hypotheses have ended.
        num_wanted: how many hypotheses are wanted, 1 .. K.
        eos_id: the token that ends a hypothesis, -1 for none.
        pad_id: what stands behind the end.
        keep: how many tokens are read again when a window is full.
    """

    limits_P: jax.Array
    length_penalty: jax.Array
    early_stopping: jax.Array
    num_wanted: jax.Array
    eos_id: jax.Array
    pad_id: jax.Array
    keep: jax.Array


class BeamTree(NamedTuple):
    """Every beam of every step: column k of step n is the hypothesis that ranks k after n + 1 tokens.

    Attributes:
        parents_NPK: its place in the beam one step before.
        ids_NPK: the token it added, the pad id where it had ended before.
        log_probs_NPK: log p of its tokens so far; -inf where the place is empty.
        grew_NPK: whether it added a token; False also after the search of its prompt stopped.
    """

    parents_NPK: jax.Array
    ids_NPK: jax.Array
    log_probs_NPK: jax.Array
    grew_NPK: jax.Array


class BeamState(NamedTuple):
    """What the loop carries; rows of text and cache are prompt * K + place in the beam."""

    text: Text
    cache: Cache
    log_probs_PK: jax.Array
    ended_PK: jax.Array
    done_P: jax.Array
    step: jax.Array
    tree: BeamTree


class BeamSearch(NamedTuple):
    """The hypotheses of each prompt, best first.

    Attributes:
        ids_PKN: new tokens, the end token included, then padding.
        lengths_PK: number of new tokens.
        log_probs_PK: sum of the tokens' log-probabilities; -inf where there are fewer than K texts.
        scores_PK: log_probs / lengths**length_penalty, falling.
        ended_PK: True where the text has its end token, False where the limit cut it or the search stopped before.
        tree: all steps, for a figure; see ``tree_nodes``.
    """

    ids_PKN: jax.Array
    lengths_PK: jax.Array
    log_probs_PK: jax.Array
    scores_PK: jax.Array
    ended_PK: jax.Array
    tree: BeamTree


def _score(log_probs: jax.Array, lengths: jax.Array, length_penalty: jax.Array) -> jax.Array:
    """log p / length**length_penalty, elementwise."""
    return log_probs / lengths.astype(jnp.float32) ** length_penalty


def _start(decoder: Decoder, cache: Cache, text: Text, beams: int, pad_id: jax.Array) -> BeamState:
    """K copies of each prompt, of which only the first counts: the others are empty places."""
    rows, capacity = text.new_ids_BN.shape
    prompts = rows // beams
    first_PK = jnp.broadcast_to(jnp.arange(beams)[None] == 0, (prompts, beams))
    shape = (capacity, prompts, beams)
    tree = BeamTree(
        parents_NPK=jnp.zeros(shape, jnp.int32),
        ids_NPK=jnp.full(shape, pad_id, jnp.int32),
        log_probs_NPK=jnp.full(shape, -jnp.inf, jnp.float32),
        grew_NPK=jnp.zeros(shape, bool),
    )
    return BeamState(
        text=text,
        cache=cache,
        log_probs_PK=jnp.where(first_PK, 0.0, -jnp.inf),
        ended_PK=jnp.zeros((prompts, beams), bool),
        done_P=jnp.zeros(prompts, bool),
        step=jnp.int32(0),
        tree=tree,
    )


def _live(state: BeamState) -> jax.Array:
    """Hypotheses that grow: booleans (P, K)."""
    return ~state.ended_PK & ~state.done_P[:, None]


def _candidates(
    logits_BV: jax.Array, state: BeamState, length_penalty: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """The K best of all continuations: log p, parent and token, each (P, K), by falling score."""
    prompts, beams = state.log_probs_PK.shape
    live_PK1 = _live(state)[:, :, None]
    log_probs_PKV = jax.nn.log_softmax(logits_BV.astype(jnp.float32)).reshape(prompts, beams, -1)
    size = log_probs_PKV.shape[2]
    # A hypothesis that grows no more has one continuation: itself, in the place of token 0.
    itself_PKV = jnp.where(jnp.arange(size)[None, None] == 0, 0.0, -jnp.inf)
    sums_PKV = state.log_probs_PK[:, :, None] + jnp.where(live_PK1, log_probs_PKV, itself_PKV)
    old_lengths_PK1 = state.text.new_lengths_B.reshape(prompts, beams, 1)
    scores_PKV = _score(sums_PKV, jnp.maximum(old_lengths_PK1 + live_PK1, 1), length_penalty)
    best_scores_PK, best_PK = lax.top_k(scores_PKV.reshape(prompts, beams * size), beams)
    sums_PK = jnp.take_along_axis(sums_PKV.reshape(prompts, beams * size), best_PK, axis=1)
    # The scores must be looked at: XLA:CPU sorts everything (100 times slower at V = 50,257) if only the places are.
    sums_PK = jnp.where(best_scores_PK == -jnp.inf, -jnp.inf, sums_PK)
    return sums_PK, best_PK // size, best_PK % size


def _is_done(request: BeamRequest, log_probs_PK: jax.Array, lengths_PK: jax.Array, ended_PK: jax.Array) -> jax.Array:
    """Whether a prompt's search may stop: booleans (P,). The hypotheses stand by falling score."""
    wanted_1K = jnp.arange(log_probs_PK.shape[1])[None] < request.num_wanted
    empty_PK = log_probs_PK == -jnp.inf
    scores_PK = _score(log_probs_PK, lengths_PK, request.length_penalty)
    at_limit_PK = _score(log_probs_PK, request.limits_P[:, None], request.length_penalty)
    reach_PK = jnp.where(ended_PK, -jnp.inf, at_limit_PK)
    last_wanted_P = jnp.min(jnp.where(wanted_1K, scores_PK, jnp.inf), axis=1)
    nothing_better_P = request.early_stopping | (jnp.max(reach_PK, axis=1) <= last_wanted_P)
    return jnp.all(ended_PK | empty_PK | ~wanted_1K, axis=1) & nothing_better_P


def _grow(decoder: Decoder, params: Params, request: BeamRequest, state: BeamState) -> BeamState:
    """One step of every beam: feed the last tokens, rank all continuations, keep the best K."""
    prompts, beams = state.log_probs_PK.shape
    cache, logits_BV = decoder.step(params, state.cache, state.text.last_ids_B, state.text.positions_B)
    log_probs_PK, parents_PK, tokens_PK = _candidates(logits_BV, state, request.length_penalty)
    rows_B = (jnp.arange(prompts)[:, None] * beams + parents_PK).reshape(-1)
    cache, text = jax.tree.map(lambda leaf: leaf[rows_B] if leaf.ndim else leaf, (cache, state.text))
    grew_PK = jnp.take_along_axis(_live(state), parents_PK, axis=1)
    ended_PK = jnp.take_along_axis(state.ended_PK, parents_PK, axis=1) | (grew_PK & (tokens_PK == request.eos_id))
    ids_PK = jnp.where(grew_PK, tokens_PK, request.pad_id)
    at_limit_P1 = state.step + 1 >= request.limits_P[:, None]
    goes_on_PK = grew_PK & ~ended_PK & ~at_limit_P1
    text = append(text, state.step, ids_PK.reshape(-1), grew_PK.reshape(-1), goes_on_PK.reshape(-1))
    lengths_PK = text.new_lengths_B.reshape(prompts, beams)
    done_P = state.done_P | at_limit_P1[:, 0] | _is_done(request, log_probs_PK, lengths_PK, ended_PK)
    places = BeamTree(parents_PK, ids_PK, log_probs_PK, grew_PK)
    tree = jax.tree.map(lambda all_NPK, now_PK: all_NPK.at[state.step].set(now_PK), state.tree, places)
    return BeamState(text, cache, log_probs_PK, ended_PK, done_P, state.step + 1, tree)


@partial(jax.jit, static_argnames=("decoder", "beams", "capacity"))
def _search(
    decoder: Decoder,
    params: Params,
    prompt_ids_PL: jax.Array,
    lengths_P: jax.Array,
    request: BeamRequest,
    *,
    beams: int,
    capacity: int,
) -> BeamSearch:
    """Read the prompts, search until every prompt is done."""
    cache, text = read_prompts(decoder, params, prompt_ids_PL, lengths_P, request.pad_id, beams, capacity)

    def unfinished(state: BeamState) -> jax.Array:
        return jnp.any(~state.done_P)

    def has_room(state: BeamState) -> jax.Array:
        return unfinished(state) & ~jnp.any(full_rows(decoder, state.text, _live(state).reshape(-1)))

    def window(state: BeamState) -> BeamState:
        live_B = _live(state).reshape(-1)
        cache, text = make_room(decoder, params, state.cache, state.text, live_B, request.keep)
        state = state._replace(cache=cache, text=text)
        return lax.while_loop(has_room, partial(_grow, decoder, params, request), state)

    start = _start(decoder, cache, text, beams, request.pad_id)
    state = lax.while_loop(unfinished, window, start)
    lengths_PK = state.text.new_lengths_B.reshape(-1, beams)
    return BeamSearch(
        ids_PKN=state.text.new_ids_BN.reshape(-1, beams, capacity),
        lengths_PK=lengths_PK,
        log_probs_PK=state.log_probs_PK,
        scores_PK=_score(state.log_probs_PK, lengths_PK, request.length_penalty),
        ended_PK=state.ended_PK,
        tree=state.tree,
    )


def beam_search(
    decoder: Decoder,
    params: Params,
    prompts: Sequence[Sequence[int]],
    *,
    num_beams: int,
    length_penalty: float = 1.0,
    early_stopping: bool = False,
    num_return_sequences: int | None = None,
    max_new_tokens: int | None = None,
    max_length: int | None = None,
    eos_id: int | None = None,
    pad_id: int = 0,
    keep: int | None = None,
) -> BeamSearch:
    """The most probable continuations that a beam finds; one compiled loop for all prompts.

    Args:
        decoder: the model; build it once, programs are remembered by it.
        params: its parameters.
        prompts: P lists of token ids, of any lengths >= 1. Past the context window the rule of ``window`` applies.
        num_beams: K >= 1, static; the memory is that of P * K rows.
        length_penalty: exponent of the length in the score.
        early_stopping: stop as soon as the best ``num_return_sequences`` have ended.
        num_return_sequences: how many are wanted, 1 .. K; None is K. It decides when to stop; all K come back.
        max_new_tokens, max_length, eos_id, pad_id, keep: as in ``generate``.

    Returns:
        The K hypotheses of each prompt, best first.

    Raises:
        ValueError: one line, for values out of range, conflicting lengths, an empty prompt.
    """
    wanted = num_beams if num_return_sequences is None else num_return_sequences
    check_options(num_beams=num_beams, num_return_sequences=wanted)
    if wanted > num_beams:
        raise ValueError(f"num_return_sequences={wanted} is more than num_beams={num_beams}; raise num_beams")
    ids_PL, lengths_P, whole_lengths_P = pack_prompts(prompts, decoder.context_size)
    limits_P = new_token_limits(whole_lengths_P, max_new_tokens, max_length)
    request = BeamRequest(
        limits_P=on_host(limits_P, np.int32),
        length_penalty=on_host(length_penalty, np.float32),
        early_stopping=on_host(early_stopping, np.bool_),
        num_wanted=on_host(wanted, np.int32),
        eos_id=on_host(NO_EOS if eos_id is None else eos_id, np.int32),
        pad_id=on_host(pad_id, np.int32),
        keep=make_keep(decoder, keep),
    )
    capacity = bucket(int(limits_P.max()), SMALLEST_CAPACITY)
    return _search(decoder, params, ids_PL, lengths_P, request, beams=num_beams, capacity=capacity)
