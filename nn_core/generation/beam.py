"""Beam search: at every step, keeps the n best continuations of the n best texts (F190).

Finished texts are kept apart from growing ones. The 2n most probable continuations are candidates: one that ends and is
among the first n becomes a finished text; the first n that do not end continue. So finished texts take no place in the
beam, as in transformers. The n best finished texts are kept. A beam of one takes the first text
that ends, and is greedy decoding; a beam that has room for every text is exhaustive search. Scores are

    score(y) = log p(y | prompt) / |y|**length_penalty,     log p(y | prompt) = sum over t of log p(y_t | prompt, y_<t),

with |y| the number of new tokens, including the end token: 0 compares the sums, which favours short texts; 1 compares the
mean log-probability; more than 1 favours long texts. The search of a prompt stops

* when ``num_return_sequences`` texts are finished and none that grows can still overtake them: sums only fall, so it can
  climb to sum / longest**length_penalty at most, and not at all where length_penalty <= 0;
* with ``early_stopping``, as soon as ``num_return_sequences`` texts are finished, whatever others could still reach;
* at the greatest length, when every text counts as it is.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from nn_core.generation.beam_texts import (
    BeamRequest,
    BeamState,
    BeamTree,
    Finished,
    choose,
    ending,
    filled,
    joined,
    of_prompts,
    put_back,
    record,
    score,
    stops,
    where,
)
from nn_core.generation.decoder import Cache, Decoder, Params, take_rows
from nn_core.generation.options import check_options, new_token_limits
from nn_core.generation.prompts import bucket, pack_prompts, read_prompts, vocabulary_size
from nn_core.generation.request import SMALLEST_CAPACITY, end_ids, ends, make_keep, on_host
from nn_core.generation.window import Text, append, full_rows, make_room
from nn_core.largest import top_k

# From here on a batch is divided, once: the second loop is compiled too, which costs some seconds.
MANY_PROMPTS = 32


class BeamSearch(NamedTuple):
    """The texts of each prompt, best first; after an early stop, finished texts come before the others.

    Attributes:
        ids_PKN: new tokens, the end token included, then padding.
        lengths_PK: number of new tokens.
        log_probs_PK: sum of the tokens' log-probabilities; -inf if there are fewer than K texts.
        scores_PK: log_probs / lengths**length_penalty.
        ended_PK: True if the text has its end token, False if the limit cut it or the search stopped earlier.
        columns_PK: their columns in the tree.
        tree: all steps, for a figure; see ``tree_nodes``.
    """

    ids_PKN: jax.Array
    lengths_PK: jax.Array
    log_probs_PK: jax.Array
    scores_PK: jax.Array
    ended_PK: jax.Array
    columns_PK: jax.Array
    tree: BeamTree


def _start(cache: Cache, text: Text, beams: int, candidates: int, pad_id: jax.Array) -> BeamState:
    """K copies of each prompt; only the first counts, the others are empty places."""
    rows, capacity = text.new_ids_BN.shape
    prompts = rows // beams
    first_PK = jnp.broadcast_to(jnp.arange(beams)[None] == 0, (prompts, beams))
    nothing_PK, empty_PK = jnp.zeros((prompts, beams), jnp.int32), jnp.full((prompts, beams), -jnp.inf, jnp.float32)
    shape = (capacity, prompts, candidates)
    return BeamState(
        text=text,
        cache=cache,
        log_probs_PK=jnp.where(first_PK, 0.0, -jnp.inf),
        columns_PK=nothing_PK,
        finished=Finished(
            ids_PKN=jnp.full((prompts, beams, capacity), pad_id, jnp.int32),
            lengths_PK=nothing_PK,
            log_probs_PK=empty_PK,
            scores_PK=empty_PK,
            ended_PK=jnp.zeros((prompts, beams), bool),
            columns_PK=nothing_PK,
        ),
        done_P=jnp.zeros(prompts, bool),
        step=jnp.int32(0),
        tree=BeamTree(
            parents_NPM=jnp.zeros(shape, jnp.int32),
            ids_NPM=jnp.full(shape, pad_id, jnp.int32),
            log_probs_NPM=jnp.full(shape, -jnp.inf, jnp.float32),
            kept_NPM=jnp.zeros(shape, bool),
        ),
    )


def _candidates(logits_BV: jax.Array, log_probs_PK: jax.Array, number: int) -> tuple[jax.Array, jax.Array, jax.Array]:
    """The M most probable continuations of the growing texts: log p, parent and token, each (P, M), in decreasing order."""
    prompts, beams = log_probs_PK.shape
    log_probs_PKV = jax.nn.log_softmax(logits_BV.astype(jnp.float32)).reshape(prompts, beams, -1)
    sums_PKV = log_probs_PK[:, :, None] + log_probs_PKV
    sums_PM, best_PM = top_k(sums_PKV.reshape(prompts, -1), number)
    size = log_probs_PKV.shape[2]
    return sums_PM, best_PM // size, best_PM % size


def _grow(decoder: Decoder, params: Params, request: BeamRequest, state: BeamState) -> BeamState:
    """One step of every beam: feeds the last tokens, ranks all continuations, finishes some and continues with the best K."""
    prompts, beams = state.log_probs_PK.shape
    open_P1 = ~state.done_P[:, None]
    cache, logits_BV = decoder.step(params, state.cache, state.text.last_ids_B, state.text.positions_B)
    number = state.tree.ids_NPM.shape[2]
    sums_PM, parents_PM, tokens_PM = _candidates(logits_BV, state.log_probs_PK, number)
    endings = ending(request, state, sums_PM, parents_PM, tokens_PM)
    both = joined(state.finished, endings)
    # Those of a search that has stopped stay in their order while others go on.
    finished = where(state.done_P, state.finished, choose(both, top_k(both.scores_PK, beams)[1]))

    growing_PM = jnp.where(ends(tokens_PM, request.eos_id), -jnp.inf, sums_PM)
    log_probs_PK, columns_PK = top_k(growing_PM, beams)
    parents_PK = jnp.take_along_axis(parents_PM, columns_PK, axis=1)
    ids_PK = jnp.where(open_P1, jnp.take_along_axis(tokens_PM, columns_PK, axis=1), request.pad_id)
    rows_B = (jnp.arange(prompts)[:, None] * beams + parents_PK).reshape(-1)
    cache, text = decoder.reorder(cache, rows_B), take_rows(state.text, rows_B)
    open_B = jnp.repeat(~state.done_P, beams)
    at_limit_P = state.step + 1 >= request.limits_P
    text = append(text, state.step, ids_PK.reshape(-1), open_B, open_B & ~jnp.repeat(at_limit_P, beams))

    stops_P = stops(request, finished, log_probs_PK[:, 0], state.step + 1, beams) & ~at_limit_P
    lengths_PK = jnp.full((prompts, beams), state.step + 1)
    scores_PK = score(log_probs_PK, lengths_PK, request.length_penalty)
    texts_PKN, unended_PK = text.new_ids_BN.reshape(prompts, beams, -1), jnp.zeros((prompts, beams), bool)
    growing = Finished(texts_PKN, lengths_PK, log_probs_PK, scores_PK, unended_PK, columns_PK)
    finished = filled(finished, growing, stops_P & ~state.done_P)
    done_P = state.done_P | at_limit_P | stops_P | (log_probs_PK[:, 0] == -jnp.inf)
    tree = record(state, sums_PM, parents_PM, tokens_PM, growing_PM, log_probs_PK[:, -1:], endings.scores_PK)
    return BeamState(text, cache, log_probs_PK, columns_PK, finished, done_P, state.step + 1, tree)


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
    """Reads the prompts and searches until every prompt is done."""
    cache, text = read_prompts(decoder, params, prompt_ids_PL, lengths_P, request.pad_id, beams, capacity, True)
    size = vocabulary_size(decoder, params, cache, text.last_ids_B.shape[0])
    start = _start(cache, text, beams, beams * min(size, 1 + request.eos_id.size), request.pad_id)
    finished, tree = _finish(decoder, params, request, start)
    return BeamSearch(*finished, tree=tree)


def _finish(decoder: Decoder, params: Params, request: BeamRequest, state: BeamState) -> tuple[Finished, BeamTree]:
    """Searches until every prompt is done. When a few are left of many, they go on as a smaller batch."""
    prompts, beams = state.log_probs_PK.shape
    few = prompts // 4 if prompts >= MANY_PROMPTS else 0

    def crowded(state: BeamState) -> jax.Array:
        return jnp.sum(~state.done_P) > few

    def live_rows(state: BeamState) -> jax.Array:
        return jnp.repeat(~state.done_P, beams)

    def has_room(state: BeamState) -> jax.Array:
        return crowded(state) & ~jnp.any(full_rows(decoder, state.text, live_rows(state)))

    def window(state: BeamState) -> BeamState:
        cache, text = make_room(decoder, params, state.cache, state.text, live_rows(state), request.keep)
        state = state._replace(cache=cache, text=text)
        return lax.while_loop(has_room, partial(_grow, decoder, params, request), state)

    state = lax.while_loop(crowded, window, state)
    if not few:
        return state.finished, state.tree
    rest_Q = jnp.argsort(state.done_P, stable=True)[:few]
    found = _finish(decoder, params, *of_prompts(request, state, rest_Q))
    return put_back(state, rest_Q, found)


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
    eos_id: int | Sequence[int] | None = None,
    pad_id: int = 0,
    keep: int | None = None,
) -> BeamSearch:
    """The most probable continuations that a beam finds; one compiled loop for all prompts.

    Args:
        decoder: the model; build it once, because programs are looked up by it.
        params: its parameters.
        prompts: P lists of token ids, of any lengths >= 1. Past the context window the rule of ``window`` applies.
        num_beams: K >= 1, static; the memory is that of P * K rows.
        length_penalty: exponent of the length in the score.
        early_stopping: stop as soon as ``num_return_sequences`` texts have ended.
        num_return_sequences: number of wanted texts, 1 .. K; None is K. It decides when to stop; all K are returned.
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
        eos_id=end_ids(eos_id),
        pad_id=on_host(pad_id, np.int32),
        keep=make_keep(decoder, keep),
    )
    capacity = bucket(int(limits_P.max()), SMALLEST_CAPACITY)
    return _search(decoder, params, ids_PL, lengths_P, request, beams=num_beams, capacity=capacity)
