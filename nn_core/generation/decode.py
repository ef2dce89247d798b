"""One compiled loop that turns prompts into text, one token per step, for every model.

``generate`` does it in one call. ``begin`` and ``generate_chunk`` do it in pieces of any number of tokens, so that a
terminal can show the text as it grows; the pieces run the same compiled program and give the same tokens.
Lengths, strengths of the filters, keys and the end token are traced: changing them needs no new compilation.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from nn_core.generation.decoder import Cache, Decoder, Params
from nn_core.generation.filters import Sampling, draw_tokens, take_most_probable
from nn_core.generation.options import check_strengths, new_token_limits
from nn_core.generation.prompts import bucket, pack_prompts, read_prompts, vocabulary_size
from nn_core.generation.request import SMALLEST_CAPACITY, Request, check_greedy, ends, make_request
from nn_core.generation.window import Text, append, full_rows, make_room

__all__ = ["Decoder", "Generation", "Progress", "begin", "completions", "generate", "generate_chunk", "result"]


class Progress(NamedTuple):
    """What the loop carries.

    Attributes:
        text: prompts, new tokens, windows.
        cache: the decoder's.
        log_probs_BN: log p of each new token under the model itself (no filter, temperature 1).
        stopped_B: rows that drew the end token.
        step: number of tokens of the rows that are still running.
        seen_BV: which tokens a row holds, if a repetition penalty needs it.
    """

    text: Text
    cache: Cache
    log_probs_BN: jax.Array
    stopped_B: jax.Array
    step: jax.Array
    seen_BV: jax.Array | None


class Generation(NamedTuple):
    """New tokens, without the prompts.

    Attributes:
        ids_BN: tokens, the end token included, then padding; N is a capacity, at least the longest limit.
        lengths_B: number of tokens of each row, the end token included.
        log_probs_BN: log p of each token under the model itself (no filter, temperature 1), then zeros.
        stopped_B: True if a row ended at the end token, False if at its limit.
    """

    ids_BN: jax.Array
    lengths_B: jax.Array
    log_probs_BN: jax.Array
    stopped_B: jax.Array


@partial(jax.jit, static_argnames=("decoder", "copies", "capacity"))
def _start(
    decoder: Decoder,
    params: Params,
    prompt_ids_PL: jax.Array,
    lengths_P: jax.Array,
    pad_id: jax.Array,
    whole_prompts: tuple[jax.Array, jax.Array] | None,
    *,
    copies: int,
    capacity: int,
) -> Progress:
    """The state before the first new token; `whole_prompts` count as seen even if the context is shorter."""
    cache, text = read_prompts(decoder, params, prompt_ids_PL, lengths_P, pad_id, copies, capacity)
    prompts = len(prompt_ids_PL)
    rows = prompts * copies
    seen_BV = None
    if whole_prompts is not None:
        ids_PW, whole_lengths_P = whole_prompts
        real_PW = jnp.arange(ids_PW.shape[1])[None] < whole_lengths_P[:, None]
        seen_PV = jnp.zeros((prompts, vocabulary_size(decoder, params, cache, rows)), bool)
        seen_PV = seen_PV.at[jnp.arange(prompts)[:, None], ids_PW].max(real_PW)
        seen_BV = jnp.repeat(seen_PV, copies, axis=0)
    return Progress(
        text=text,
        cache=cache,
        log_probs_BN=jnp.zeros((rows, capacity), jnp.float32),
        stopped_B=jnp.zeros(rows, bool),
        step=jnp.int32(0),
        seen_BV=seen_BV,
    )


def running_rows(request: Request, progress: Progress) -> jax.Array:
    """The rows that get another token, as booleans (B,)."""
    return ~progress.stopped_B & (progress.text.new_lengths_B < request.limits_B)


def _next_token(decoder: Decoder, params: Params, request: Request, progress: Progress) -> Progress:
    """One step of all rows: feeds the last token, chooses the next one and writes it."""
    text, active_B = progress.text, running_rows(request, progress)
    cache, logits_BV = decoder.step(params, progress.cache, text.last_ids_B, text.positions_B)
    if request.row_keys_B is None:
        chosen_B = take_most_probable(logits_BV, request.sampling, progress.seen_BV)
    else:
        keys_B = jax.vmap(jax.random.fold_in, (0, None))(request.row_keys_B, progress.step)
        chosen_B = draw_tokens(keys_B, logits_BV, request.sampling, progress.seen_BV)
    log_probs_BV = jax.nn.log_softmax(logits_BV.astype(jnp.float32))
    log_probs_B1 = jnp.take_along_axis(log_probs_BV, chosen_B[:, None], axis=1)
    stopped_B = progress.stopped_B | (active_B & ends(chosen_B, request.eos_id))
    goes_on_B = active_B & ~stopped_B & (text.new_lengths_B + 1 < request.limits_B)
    seen_BV = progress.seen_BV
    if seen_BV is not None:
        seen_BV = seen_BV.at[jnp.arange(chosen_B.shape[0]), chosen_B].max(active_B)
    return Progress(
        text=append(text, progress.step, jnp.where(active_B, chosen_B, request.pad_id), active_B, goes_on_B),
        cache=cache,
        log_probs_BN=lax.dynamic_update_slice(
            progress.log_probs_BN, jnp.where(active_B[:, None], log_probs_B1, 0.0), (0, progress.step)
        ),
        stopped_B=stopped_B,
        step=progress.step + 1,
        seen_BV=seen_BV,
    )


@partial(jax.jit, static_argnames=("decoder",), donate_argnames=("progress",))
def generate_chunk(
    decoder: Decoder, params: Params, request: Request, progress: Progress, num_tokens: jax.Array | int
) -> Progress:
    """Continues for up to ``num_tokens`` tokens a row in one compiled loop; stops early when every row has ended.

    Calls with 7, 1 and 30 give the same tokens as one call with 38: a row's n-th draw depends only on its key and n.

    Args:
        decoder: the model; static.
        params: its parameters.
        request: from ``begin``.
        progress: from ``begin`` or the last call; its buffers are donated to the result.
        num_tokens: number of tokens, >= 0; traced.

    Returns:
        The progress; ``progress.step`` is the number of tokens of the running rows.
    """
    until = progress.step + num_tokens

    def unfinished(progress: Progress) -> jax.Array:
        return (progress.step < until) & jnp.any(running_rows(request, progress))

    def has_room(progress: Progress) -> jax.Array:
        full_B = full_rows(decoder, progress.text, running_rows(request, progress))
        return unfinished(progress) & ~jnp.any(full_B)

    def window(progress: Progress) -> Progress:
        active_B = running_rows(request, progress)
        cache, text = make_room(decoder, params, progress.cache, progress.text, active_B, request.keep)
        progress = progress._replace(cache=cache, text=text)
        return lax.while_loop(has_room, partial(_next_token, decoder, params, request), progress)

    # Two nested loops: the inner one updates the cache in place, whereas a branch would copy it at every step.
    return lax.while_loop(unfinished, window, progress)


def begin(
    decoder: Decoder,
    params: Params,
    prompts: Sequence[Sequence[int]],
    *,
    key: jax.Array | None = None,
    sampling: Sampling | None = None,
    max_new_tokens: int | None = None,
    max_length: int | None = None,
    eos_id: int | Sequence[int] | None = None,
    pad_id: int = 0,
    num_return_sequences: int = 1,
    keep: int | None = None,
) -> tuple[Request, Progress]:
    """Checks the arguments and reads the prompts; see ``generate`` for the arguments.

    Returns:
        The request and the progress for ``generate_chunk``.
    """
    sampling = Sampling() if sampling is None else sampling
    check_strengths(sampling)
    check_greedy(key, sampling, num_return_sequences)
    ids_PL, lengths_P, whole_lengths_P = pack_prompts(prompts, decoder.context_size)
    limits_B = new_token_limits(whole_lengths_P, max_new_tokens, max_length).repeat(num_return_sequences)
    request = make_request(decoder, limits_B, key, sampling, eos_id, pad_id, keep)
    penalised = sampling.repetition_penalty is not None
    progress = _start(
        decoder,
        params,
        ids_PL,
        lengths_P,
        request.pad_id,
        pack_prompts(prompts, None)[:2] if penalised else None,
        copies=num_return_sequences,
        capacity=bucket(int(limits_B.max()), SMALLEST_CAPACITY),
    )
    return request, progress


def result(progress: Progress) -> Generation:
    """The tokens so far."""
    text = progress.text
    return Generation(text.new_ids_BN, text.new_lengths_B, progress.log_probs_BN, progress.stopped_B)


def generate(
    decoder: Decoder,
    params: Params,
    prompts: Sequence[Sequence[int]],
    *,
    key: jax.Array | None = None,
    sampling: Sampling | None = None,
    max_new_tokens: int | None = None,
    max_length: int | None = None,
    eos_id: int | Sequence[int] | None = None,
    pad_id: int = 0,
    num_return_sequences: int = 1,
    keep: int | None = None,
) -> Generation:
    """Continues prompts, all rows at once, in one compiled loop with a cache (F186-F189, F195, F196).

    Row r = prompt * num_return_sequences + copy draws its n-th token with fold_in(fold_in(key, r), n), whatever the
    other rows do: the same call gives the same text, and a row of a batch equals the row alone under the same row key.

    Args:
        decoder: the model; build it once, because programs are looked up by it.
        params: its parameters.
        prompts: P lists of token ids, of any lengths >= 1. Past the context window the rule of ``window`` applies.
        key: a typed key, or one per row (B,); None takes the most probable token each time (greedy).
        sampling: the filters; None draws from the model's own distribution.
        max_new_tokens, max_length: most new tokens of a row, or most tokens including the prompt; give exactly one.
        eos_id: the token, or one of several, at which a row ends; it is kept. None: rows end at their limit only.
        pad_id: the token after the end of a row.
        num_return_sequences: rows per prompt; the prompt is read once.
        keep: tokens to read again when a window is full, 1 .. context_size; None is half of it.

    Returns:
        New tokens of the B = P * num_return_sequences rows.

    Raises:
        ValueError: one line, for values out of range, conflicting lengths, an empty prompt, options without effect.
    """
    request, progress = begin(
        decoder,
        params,
        prompts,
        key=key,
        sampling=sampling,
        max_new_tokens=max_new_tokens,
        max_length=max_length,
        eos_id=eos_id,
        pad_id=pad_id,
        num_return_sequences=num_return_sequences,
        keep=keep,
    )
    return result(generate_chunk(decoder, params, request, progress, progress.log_probs_BN.shape[1]))


def completions(generation: Generation) -> list[list[int]]:
    """The new tokens of each row as a list, without padding."""
    ids_BN, lengths_B = jax.device_get((generation.ids_BN, generation.lengths_B))
    return [ids_N[:length].tolist() for ids_N, length in zip(ids_BN, lengths_B, strict=True)]
