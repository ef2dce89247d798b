"""Answers drawn inside a compiled program: what a policy learns from is sampled in the step that learns (F171).

Prompts stand at the left and answers right behind them, so that a row's positions are 0, 1, 2, ... whatever its length,
and padding is at the end only, where a causal model never looks.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from nn_core.alignment.answer_loss import token_log_probs
from nn_core.alignment.ppo import filtered_log_probs
from nn_core.floats import wide
from nn_core.generation.decoder import Decoder
from nn_core.generation.filters import Sampling, draw_tokens, filter_logits
from nn_core.largest import argmax

Params = Any


class Rollout(NamedTuple):
    """Prompts and the answers that were drawn.

    Attributes:
        ids_BT: prompt, answer, padding; T = prompt width + most new tokens.
        answer_BT: float32, 1 at the answer's tokens, the end token included.
        log_probs_BT: of the answer's tokens under the distribution they were drawn from; 0 elsewhere.
        ended_B: float32, 1 where the end token was drawn, 0 where the room ran out.
    """

    ids_BT: Array
    answer_BT: Array
    log_probs_BT: Array
    ended_B: Array


def draw_answers(
    decoder: Decoder,
    params: Params,
    prompt_BL: Array,
    lengths_B: Array,
    key: Array | None,
    *,
    new_tokens: int,
    end_id: int,
    pad_id: int,
    sampling: Sampling | None = None,
) -> Rollout:
    """Draws an answer to each prompt, with a cache, in one scan.

    Args:
        decoder: of the policy; its context holds L + new_tokens.
        params: the policy's.
        prompt_BL: prompts from place 0 on, padded at the end.
        lengths_B: tokens of each prompt, >= 1.
        key: typed; row b draws its n-th token with fold_in(fold_in(key, b), n). None: greedy.
        new_tokens: N, most tokens of an answer, its end token included.
        end_id: the token that ends an answer; it may be the padding token.
        pad_id: behind the ends.
        sampling: filters; their log-probabilities are the ones that are kept.
    Returns:
        The answers.
    Raises:
        ValueError: a context that is too small.
    """
    rows, width = prompt_BL.shape
    check_decoder(decoder, width, new_tokens)
    sampling = Sampling() if sampling is None else sampling
    row_keys_B = None if key is None else jax.vmap(jax.random.fold_in, (None, 0))(key, jnp.arange(rows))
    cache = decoder.init_cache(params, rows)
    assert decoder.prefill is not None
    cache = decoder.prefill(params, cache, prompt_BL, jnp.int32(0), lengths_B - 1)
    last_B = jnp.take_along_axis(prompt_BL, lengths_B[:, None] - 1, axis=1)[:, 0]

    def step(carried: tuple[Any, Array, Array], place: Array) -> tuple[tuple[Any, Array, Array], tuple[Array, ...]]:
        cache, last_B, running_B = carried
        # A finished row is fed at its last place again and again; nothing of that is used.
        cache, logits_BV = decoder.step(params, cache, last_B, lengths_B - 1 + place)
        if row_keys_B is None:
            drawn_B = argmax(logits_BV)
        else:
            drawn_B = draw_tokens(jax.vmap(jax.random.fold_in, (0, None))(row_keys_B, place), logits_BV, sampling)
        log_probs_BV = jax.nn.log_softmax(kept_logits(logits_BV, sampling, row_keys_B is None))
        found_B = jnp.take_along_axis(log_probs_BV, drawn_B[:, None], axis=1)[:, 0]
        written_B = jnp.where(running_B, drawn_B, pad_id)
        told = (written_B, running_B, jnp.where(running_B, found_B, 0.0))
        return (cache, written_B, running_B & (drawn_B != end_id)), told

    start = (cache, last_B, jnp.ones(rows, bool))
    (_, _, running_B), (ids_NB, real_NB, log_probs_NB) = lax.scan(step, start, jnp.arange(new_tokens))
    place_BN = lengths_B[:, None] + jnp.arange(new_tokens)[None]
    empty_BT = jnp.zeros((rows, width + new_tokens), jnp.float32)
    row_B1 = jnp.arange(rows)[:, None]
    prompt_BT = jnp.pad(prompt_BL, ((0, 0), (0, new_tokens)), constant_values=pad_id)
    prompt_BT = jnp.where(jnp.arange(width + new_tokens)[None] < lengths_B[:, None], prompt_BT, pad_id)
    return Rollout(
        prompt_BT.at[row_B1, place_BN].set(ids_NB.T),
        empty_BT.at[row_B1, place_BN].set(real_NB.T.astype(jnp.float32)),
        empty_BT.at[row_B1, place_BN].set(log_probs_NB.T),
        1.0 - running_B.astype(jnp.float32),
    )


def check_decoder(decoder: Decoder, width: int, new_tokens: int) -> None:
    """Raises ValueError for a model that reads no prompts in one pass, or a context that is too small."""
    if decoder.prefill is None:
        raise ValueError("this model reads prompts token by token, which rollouts do not; use a GPT")
    if decoder.context_size is not None and width + new_tokens > decoder.context_size:
        raise ValueError(
            f"a prompt of {width} tokens and an answer of {new_tokens} are more than the context of "
            f"{decoder.context_size}; lower data.new_tokens, or use a model with a larger context"
        )


def kept_logits(logits_BV: Array, sampling: Sampling, greedy: bool) -> Array:
    """Logits of the distribution that a draw is made from."""
    plain = sampling.top_k is None and sampling.top_p is None and sampling.min_p is None
    logits_BV = wide(logits_BV)
    if greedy or not plain:
        return logits_BV if greedy else filter_logits(logits_BV, sampling)
    return logits_BV if sampling.temperature is None else logits_BV / sampling.temperature


def score_answers(
    logits_BTV: Array, ids_BT: Array, temperature: Array | float | None = None, kept_BTV: Array | None = None
) -> Array:
    """Log-probabilities of given tokens at the temperature and filters that they were drawn with, (B, T).

    Args:
        logits_BTV: of the token after each one.
        ids_BT: the tokens.
        temperature: T > 0; None: 1.
        kept_BTV: booleans, the tokens that the filters kept when the answers were drawn; None: all.
    """
    if temperature is None and kept_BTV is None:
        return token_log_probs(logits_BTV, ids_BT)
    log_probs_BTV = filtered_log_probs(logits_BTV[:, :-1], 1.0 if temperature is None else temperature, kept_BTV)
    found_BT = jnp.take_along_axis(log_probs_BTV, ids_BT[:, 1:, None], axis=2)[..., 0]
    return jnp.pad(found_BT, ((0, 0), (1, 0)))
