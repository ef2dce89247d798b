"""Toy language models: a Markov chain, a recurrent state, and a look at every token of a window and at its position."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nn_core.generation.decoder import Decoder

VOCABULARY = 7


def markov_cache(table_VV: jax.Array, batch_size: int) -> jax.Array:
    """The chain remembers nothing; a cache must have a row per text."""
    return jnp.zeros((batch_size, 1))


def markov_step(table_VV: jax.Array, cache: jax.Array, ids_B: jax.Array, positions_B: jax.Array) -> Any:
    """The next token depends on the last one only."""
    return cache, table_VV[ids_B]


MARKOV = Decoder(markov_cache, markov_step)


def random_table(seed: int, vocabulary: int = VOCABULARY) -> np.ndarray:
    """Logits of the next token for each last token, (V, V)."""
    return 2 * np.random.default_rng(seed).normal(size=(vocabulary, vocabulary)).astype(np.float32)


def recurrent_cache(params: dict[str, jax.Array], batch_size: int) -> jax.Array:
    """The state before the first token."""
    return jnp.zeros((batch_size, params["table"].shape[1]))


def recurrent_step(params: dict[str, jax.Array], state_BV: jax.Array, ids_B: jax.Array, positions_B: jax.Array) -> Any:
    """A state that forgets half of itself at every token: taking a token in twice shows."""
    state_BV = 0.5 * state_BV + params["table"][ids_B]
    return state_BV, state_BV


RECURRENT = Decoder(recurrent_cache, recurrent_step)


def recurrent_greedy(params: dict[str, np.ndarray], prompt: Sequence[int], new_tokens: int) -> list[int]:
    """Greedy text of the recurrent model, token by token."""
    table_VV = np.asarray(params["table"])
    state_V, text = np.zeros(table_VV.shape[1]), list(prompt)
    for position in range(len(prompt) + new_tokens - 1):
        state_V = 0.5 * state_V + table_VV[text[position]]
        if position >= len(prompt) - 1:
            text.append(int(state_V.argmax()))
    return text[len(prompt) :]


class Traces:
    """How often the functions of a decoder were traced."""

    def __init__(self) -> None:
        self.steps = 0
        self.prefills = 0


def make_window_params(context_size: int, seed: int = 0, vocabulary: int = VOCABULARY) -> dict[str, np.ndarray]:
    """Weights of ``make_window_decoder``'s model."""
    rng = np.random.default_rng(seed)
    return {
        "table": 3 * rng.normal(size=(vocabulary, vocabulary)).astype(np.float32),
        "weight": rng.normal(size=(context_size, context_size)).astype(np.float32),
    }


def make_window_decoder(context_size: int, prefill: bool = True, traces: Traces | None = None) -> Decoder:
    """logits = sum over the slots s <= position of weight[position, s] * table[id_s].

    The cache counts the steps, and the tokens that were read into each row at once. It starts full of a foreign token,
    so that a slot that is looked at before it is written shows in the logits.
    """
    traces = traces or Traces()

    def init_cache(params: dict[str, jax.Array], batch_size: int) -> dict[str, jax.Array]:
        ids_BS = jnp.full((batch_size, context_size), 1, jnp.int32)
        return {"ids": ids_BS, "read": jnp.zeros(batch_size, jnp.int32), "steps": jnp.int32(0)}

    def step(params: dict[str, jax.Array], cache: Any, ids_B: jax.Array, positions_B: jax.Array) -> Any:
        traces.steps += 1
        rows_B = jnp.arange(ids_B.shape[0])
        ids_BS = cache["ids"].at[rows_B, positions_B].set(ids_B)
        visible_BS = jnp.arange(context_size)[None] <= positions_B[:, None]
        weight_BS = jnp.where(visible_BS, params["weight"][positions_B], 0.0)
        logits_BV = jnp.einsum("bs,bsv->bv", weight_BS, params["table"][ids_BS])
        return cache | {"ids": ids_BS, "steps": cache["steps"] + 1}, logits_BV

    def read(params: Any, cache: Any, ids_BT: jax.Array, start: jax.Array, lengths_B: jax.Array) -> Any:
        traces.prefills += 1
        width = ids_BT.shape[1]
        old_BT = jax.lax.dynamic_slice_in_dim(cache["ids"], start, width, axis=1)
        real_BT = jnp.arange(width)[None] < lengths_B[:, None]
        ids_BS = jax.lax.dynamic_update_slice(cache["ids"], jnp.where(real_BT, ids_BT, old_BT), (0, start))
        return cache | {"ids": ids_BS, "read": cache["read"] + lengths_B}

    return Decoder(init_cache, step, read if prefill else None, context_size)


def window_logits(params: dict[str, np.ndarray], window: Sequence[int]) -> np.ndarray:
    """The same model without a cache: logits (V,) after these tokens."""
    weight_S = np.asarray(params["weight"])[len(window) - 1, : len(window)]
    return weight_S @ np.asarray(params["table"])[list(window)]


def greedy_without_cache(
    params: dict[str, np.ndarray], prompt: Sequence[int], new_tokens: int, context_size: int, keep: int
) -> list[int]:
    """Greedy text of the window model, every step computed anew from the tokens that the rule of the window leaves."""
    text, window = list(prompt), list(prompt)[-context_size:]
    for _ in range(new_tokens):
        if len(window) > context_size:
            window = text[-keep:]
        token = int(np.argmax(window_logits(params, window)))
        text.append(token)
        window = [*window, token]
    return text[len(prompt) :]
