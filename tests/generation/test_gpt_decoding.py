"""The loops around the GPT and its cache: the tokens of the network read anew for every token."""

import timeit
from collections.abc import Callable

import jax
import numpy as np
import pytest

from nn_core.generation.beam import beam_search
from nn_core.generation.decode import completions, generate
from nn_core.models.transformer.gpt import GPT
from nn_core.models.transformer.language_model import make_decoder
from tests.jitted import drawn

CONTEXT, VOCABULARY = 7, 13
MODEL = GPT(vocabulary_size=VOCABULARY, context_size=CONTEXT, embedding_dim=10, heads_num=2, layers_num=1)
DECODER = make_decoder(MODEL)
PROMPTS = [[1], [2, 3, 4], list(range(12)), [5] * 7]


@pytest.fixture(scope="module")
def params() -> dict:
    # Large weights: without a training a small network would repeat one token.
    return drawn(MODEL, np.zeros((1, CONTEXT), np.int32), stddev=0.5)["params"]


@jax.jit
def log_softmax(params: dict, ids_1T: jax.Array) -> jax.Array:
    return jax.nn.log_softmax(MODEL.apply({"params": params}, ids_1T))[0]


def log_probs_after(params: dict, window: list[int]) -> np.ndarray:
    """Log-probabilities (V,) of the token after these, by the whole network."""
    padded = np.zeros((1, CONTEXT), np.int32)
    padded[0, : len(window)] = window
    return np.asarray(log_softmax(params, padded))[len(window) - 1]


def without_cache(params: dict, prompt: list[int], new_tokens: int, keep: int) -> tuple[list[int], list[float]]:
    """Greedy tokens and their log-probabilities, the whole window through the network for each of them."""
    text, window, log_probs = list(prompt), list(prompt)[-CONTEXT:], []
    for _ in range(new_tokens):
        if len(window) > CONTEXT:
            window = text[-keep:]
        log_probs_V = log_probs_after(params, window)
        token = int(log_probs_V.argmax())
        text.append(token)
        window = [*window, token]
        log_probs.append(float(log_probs_V[token]))
    return text[len(prompt) :], log_probs


@pytest.mark.parametrize("keep", [3, CONTEXT])
def test_the_cache_changes_neither_tokens_nor_log_probs(params: dict, keep: int) -> None:
    generation = generate(DECODER, params, PROMPTS, max_new_tokens=20, keep=keep)
    texts, log_probs_BN = completions(generation), np.asarray(generation.log_probs_BN)
    assert len({tuple(text) for text in texts}) == len(PROMPTS)
    for row, prompt in enumerate(PROMPTS):
        expected, log_probs = without_cache(params, prompt, 20, keep)
        assert texts[row] == expected
        np.testing.assert_allclose(log_probs_BN[row, :20], log_probs, atol=1e-5)


def test_beams_of_the_gpt_carry_their_caches_along(params: dict) -> None:
    search = jax.device_get(beam_search(DECODER, params, PROMPTS[:2], num_beams=3, max_new_tokens=4))
    for row, prompt in enumerate(PROMPTS[:2]):
        for place in range(3):
            new = search.ids_PKN[row, place, :4].tolist()
            expected = sum(log_probs_after(params, prompt + new[:n])[new[n]] for n in range(4))
            np.testing.assert_allclose(search.log_probs_PK[row, place], expected, atol=1e-4)


@pytest.mark.slow
def test_the_cache_makes_256_tokens_at_least_five_times_as_fast() -> None:
    """F196: 50 to 80 times on two cores; the fastest of three tries of each, so that other work hardly matters."""
    length, new = 288, 256
    model = GPT(65, length, 128, 4, 4)
    weights = drawn(model, np.zeros((1, length), np.int32), stddev=0.2)["params"]
    decoder = make_decoder(model)
    choose = jax.jit(lambda ids_1T, last: model.apply({"params": weights}, ids_1T)[0, last].argmax())

    def without() -> list[int]:
        ids_1T = np.zeros((1, length), np.int32)
        ids_1T[0, :3] = [1, 2, 3]
        for last in range(2, 2 + new):
            ids_1T[0, last + 1] = int(choose(ids_1T, last))
        return ids_1T[0, 3 : 3 + new].tolist()

    def with_cache() -> list[int]:
        return completions(generate(decoder, weights, [[1, 2, 3]], max_new_tokens=new))[0]

    def fastest(write: Callable[[], list[int]]) -> float:
        return min(timeit.repeat(write, number=1, repeat=3))

    assert with_cache() == without()
    assert fastest(without) > 5 * fastest(with_cache)
