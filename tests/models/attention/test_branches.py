"""Rows that share a cache: beams find what they find when every row has its own, for every attention and position."""

import jax
import numpy as np
import pytest

from nn_core.generation.beam import BeamSearch, beam_search
from nn_core.models.attention import cached
from nn_core.models.transformer.encoder_decoder import EncoderDecoder
from nn_core.models.transformer.gpt import GPT
from nn_core.models.transformer.language_model import make_decoder
from nn_core.models.transformer.translation import make_decoder as make_translator
from tests.jitted import drawn

V, CONTEXT = 17, 11
GPTS = {
    "learned": {},
    "rotary, grouped heads": {"position": "rotary", "kv_heads_num": 1},
    "alibi, window": {"position": "alibi", "window": 5, "global_tokens": 1},
    "relative": {"position": "relative"},
    "linear": {"attention": "linear", "attention_dropout": False},
}
PROMPTS = [[1], [2, 3, 4], [5, 6] * 9]


def assert_equal(shared: BeamSearch, own: BeamSearch) -> None:
    assert np.diff(np.sort(own.log_probs_PK, axis=1)).min() > 1e-4  # other texts have other numbers
    np.testing.assert_array_equal(shared.ids_PKN, own.ids_PKN)
    np.testing.assert_allclose(shared.log_probs_PK, own.log_probs_PK, rtol=2e-5)


SLOW = ("relative", "linear")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in GPTS]
)
def test_beams_of_a_gpt_that_outgrow_its_window(name: str) -> None:
    model = GPT(V, CONTEXT, 12, 2, 2, **GPTS[name])
    params = drawn(model, np.zeros((1, CONTEXT), np.int32), stddev=0.5)["params"]
    decoder = make_decoder(model)
    options = {"num_beams": 3, "max_new_tokens": 19, "eos_id": 3, "length_penalty": 1.3, "keep": 4}
    shared = beam_search(decoder, params, PROMPTS, **options)
    assert_equal(shared, beam_search(decoder._replace(share=None), params, PROMPTS, **options))


@pytest.mark.parametrize("position", [pytest.param("sinusoidal", marks=pytest.mark.slow), "relative"])
def test_beams_of_a_translator(position: str) -> None:
    model = EncoderDecoder(V, CONTEXT, 12, 3, 2, position=position)
    source = np.random.default_rng(0).integers(3, V, (3, 7)).astype(np.int32)
    source[1, 4:] = 0
    params = drawn(model, (source, source), stddev=0.7)["params"], source
    decoder, options = make_translator(model), {"num_beams": 4, "max_new_tokens": 14, "eos_id": [2, 9]}
    shared = beam_search(decoder, params, [[1], [4, 5], [6]], **options)
    assert_equal(shared, beam_search(decoder._replace(share=None), params, [[1], [4, 5], [6]], **options))


def test_several_blocks_of_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wider cache has other blocks than that of a single row."""
    monkeypatch.setattr(cached, "SMALLEST_BLOCK", 4)
    monkeypatch.setattr("nn_core.models.attention.branches.SMALLEST_BLOCK", 4)
    model = GPT(V, CONTEXT, 12, 2, 1)
    params = drawn(model, np.zeros((1, CONTEXT), np.int32), stddev=0.5)["params"]
    options = {"num_beams": 3, "max_new_tokens": 9}
    shared = beam_search(make_decoder(model), params, PROMPTS, **options)
    assert_equal(shared, beam_search(make_decoder(model)._replace(share=None), params, PROMPTS, **options))


def test_nothing_of_the_cache_moves_with_a_row() -> None:
    model = GPT(V, CONTEXT, 12, 2, 1)
    params = drawn(model, np.zeros((1, CONTEXT), np.int32))["params"]
    decoder = make_decoder(model)
    assert decoder.share is not None
    cache = decoder.share(decoder.init_cache(params, 2), 3)
    moved = decoder.reorder(cache, np.array([2, 0, 1, 3, 3, 5]))
    assert all(jax.tree.leaves(jax.tree.map(lambda a, b: a is b, moved.layers, cache.layers)))
    assert moved.lines_BS.shape == (6, CONTEXT)
