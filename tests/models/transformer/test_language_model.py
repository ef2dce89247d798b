"""Losses in chunks, attention maps, and the decoder: what the cache gives is what the whole text gives."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array, lax
from scipy.special import softmax

from nn_core.generation.decoder import Decoder
from nn_core.losses import cross_entropy
from nn_core.models.attention import cached
from nn_core.models.transformer.gpt import GPT
from nn_core.models.transformer.language_model import (
    attention_maps,
    embedding_norm_ratio,
    make_decoder,
    stack_layers,
    token_losses,
    unstack_layers,
)
from tests.jitted import method, shapes

V, C, D, H, L = 13, 16, 24, 4, 2
IDS_BT = np.random.default_rng(0).integers(0, V, (3, 11), np.int32)

# Several layers must not share a cache; one case shows it.
CACHED: dict[str, dict[str, Any]] = {
    "learned": {"layers_num": 1},
    "rotary, grouped, scanned": {"position": "rotary", "kv_heads_num": 2, "scan_layers": True},
    "alibi": {"position": "alibi", "layers_num": 1},
    "relative, local": {"position": "relative", "window": 3, "layers_num": 1},
    "sinusoidal, post, tied": {
        "position": "sinusoidal",
        "norm_position": "post",
        "tied_head": True,
        "layers_num": 1,
    },
}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of 16 places in three blocks, as one of 256 would be in four."""
    monkeypatch.setattr(cached, "SMALLEST_BLOCK", 5)


def make(**options: Any) -> tuple[GPT, Any]:
    """A model whose attention is sharp enough for a test to see it: `init`, slow to compile, draws smaller weights."""
    model = GPT(V, C, D, H, options.pop("layers_num", L), **options)
    generator = np.random.default_rng(1)

    def draw(path: tuple[Any, ...], leaf: Any) -> np.ndarray:
        if path[-1].key in ("kernel", "embedding"):
            return generator.normal(0, 0.1, leaf.shape).astype(np.float32)
        return np.full(leaf.shape, path[-1].key == "scale", np.float32)

    return model, jax.tree_util.tree_map_with_path(draw, shapes(model, IDS_BT)["params"])


@functools.cache
def make_cached(case: str) -> tuple[GPT, Any, Decoder]:
    """A model, its parameters and its decoder, whose functions are compiled."""
    model, params = make(**CACHED[case])
    decoder = make_decoder(model)
    init_cache = jax.jit(decoder.init_cache, static_argnums=1)
    return model, params, Decoder(init_cache, jax.jit(decoder.step), jax.jit(decoder.prefill), decoder.context_size)


def test_token_losses_are_the_cross_entropy_of_each_place() -> None:
    model, params = make(layers_num=1)
    losses = jax.jit(functools.partial(token_losses, model))(params, IDS_BT[:, :-1], IDS_BT[:, 1:])
    # No place sees a later one, so that the last logits of the whole text are left over.
    logits_BTV = np.asarray(method(model)({"params": params}, IDS_BT))[:, :-1]
    expected = jax.jit(functools.partial(cross_entropy, reduction="none"))(logits_BTV, IDS_BT[:, 1:])
    assert losses.shape == (3, 10)
    np.testing.assert_allclose(losses, expected, atol=1e-6)


@pytest.mark.parametrize("tied", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_chunks_change_neither_losses_nor_gradients(tied: bool) -> None:
    model, params = make(tied_head=tied, layers_num=1)

    def total(params: Any, chunk_size: int | None) -> Array:
        return jnp.sum(token_losses(model, params, IDS_BT[:, :-1], IDS_BT[:, 1:], chunk_size=chunk_size))

    differentiate = jax.jit(jax.value_and_grad(total), static_argnums=1)
    (whole, grads), (chunked, chunked_grads) = differentiate(params, None), differentiate(params, 7)
    np.testing.assert_allclose(chunked, whole, rtol=1e-6)
    for ours, theirs in zip(jax.tree.leaves(chunked_grads), jax.tree.leaves(grads), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_chunks_keep_the_logits_of_a_large_vocabulary_out_of_memory() -> None:
    model = GPT(5_000, 128, 8, 1, 1)
    params = shapes(model, np.zeros((1, 1), np.int32))["params"]
    ids = jax.ShapeDtypeStruct((4, 128), jnp.int32)

    def temporaries(chunk_size: int | None) -> int:
        def total(params: Any, ids_BT: Array) -> Array:
            return jnp.sum(token_losses(model, params, ids_BT, ids_BT, chunk_size=chunk_size))

        return jax.jit(jax.grad(total)).lower(params, ids).compile().memory_analysis().temp_size_in_bytes

    assert temporaries(None) > 4 * 128 * 5_000 * 4 > 3 * temporaries(32)


@pytest.mark.parametrize("scan_layers", [False, True])
def test_attention_maps_are_causal_rows_of_every_layer_and_head(scan_layers: bool) -> None:
    model, params = make(scan_layers=scan_layers, attention="blockwise")
    maps = np.asarray(jax.jit(functools.partial(attention_maps, model))(params, IDS_BT))
    assert maps.shape == (L, 3, H, 11, 11)
    np.testing.assert_allclose(maps.sum(axis=-1), 1.0, atol=1e-6)
    assert np.all(maps[..., np.triu_indices(11, 1)[0], np.triu_indices(11, 1)[1]] == 0)
    # The first layer's map by hand, for head 1.
    flat = unstack_layers(params)["stack"]["block_0"]
    x_BTD = params["token_embedding"]["embedding"][IDS_BT] + params["position_embedding"]["embedding"][:11]
    x_BTD = (x_BTD - x_BTD.mean(axis=-1, keepdims=True)) / np.sqrt(x_BTD.var(axis=-1, keepdims=True) + 1e-5)
    q, k, _ = np.split(x_BTD @ flat["attention"]["qkv"]["kernel"], 3, axis=-1)
    scores = np.einsum("btk,bsk->bts", q[..., 6:12], k[..., 6:12]) / np.sqrt(6)
    scores = np.where(np.tril(np.ones((11, 11), bool)), scores, -np.inf)
    np.testing.assert_allclose(maps[0, :, 1], softmax(scores, axis=-1), atol=1e-5)


def test_neither_embedding_dominates_at_the_start() -> None:

    def ratio(**options: Any) -> Array:
        model, params = make(layers_num=1, **options)
        return jax.jit(functools.partial(embedding_norm_ratio, model))(params, IDS_BT)

    assert 0.8 < ratio() < 1.25
    # Sinusoids have length sqrt(D / 2), tokens 0.1 sqrt(D) here: sqrt(2) / 10, and sqrt(D) times that if scaled.
    for scale, expected in ((False, 0.1414), (True, 0.1414 * np.sqrt(D))):
        np.testing.assert_allclose(ratio(position="sinusoidal", scale_embedding=scale), expected, rtol=0.15)
    with pytest.raises(ValueError, match="position 'rotary' adds no vectors"):
        ratio(position="rotary")


def test_stacking_and_unstacking_layers_are_inverse() -> None:
    _, params = make()
    stacked = jax.jit(stack_layers)(params)
    assert stacked["stack"]["blocks"]["attention"]["qkv"]["kernel"].shape == (L, D, 3 * D)
    back = jax.jit(unstack_layers)(stacked)
    assert jax.tree.structure(back) == jax.tree.structure(params)
    jax.tree.map(np.testing.assert_array_equal, back, params)
    assert stack_layers(stacked) is stacked and unstack_layers(params) is params


@pytest.mark.parametrize("case", CACHED)
def test_steps_with_the_cache_equal_the_whole_text(case: str) -> None:
    model, params, decoder = make_cached(case)
    assert decoder.context_size == C
    cache, logits_TBV = decoder.init_cache(params, 3), []
    for position, ids_B in enumerate(IDS_BT.T):
        cache, logits_BV = decoder.step(params, cache, ids_B, np.full(3, position, np.int32))
        logits_TBV.append(logits_BV)
    expected_BTV = method(model)({"params": params}, IDS_BT)
    np.testing.assert_allclose(np.stack(logits_TBV, axis=1), expected_BTV, atol=1e-4)


@pytest.mark.parametrize("case", CACHED)
def test_prefill_reads_rows_of_different_length_in_pieces(case: str) -> None:
    model, params, decoder = make_cached(case)
    lengths_B = np.array([10, 5, 0], np.int32)
    # What an earlier, longer window left behind must not be seen.
    cache = jax.tree.map(lambda leaf: np.full(leaf.shape, 7.0, leaf.dtype), decoder.init_cache(params, 3))
    for start in (0, 4, 7):
        before = cache
        lengths = np.clip(lengths_B - start, 0, 4)
        cache = jax.device_get(decoder.prefill(params, cache, IDS_BT[:, start : start + 4], np.int32(start), lengths))
        jax.tree.map(lambda new, old: np.testing.assert_array_equal(new[2], old[2]), cache, before)
    _, logits_BV = decoder.step(params, cache, IDS_BT[np.arange(3), lengths_B], lengths_B)
    # No place sees a later one: the whole texts give what each row's beginning gives.
    expected_BTV = np.asarray(method(model)({"params": params}, IDS_BT))
    np.testing.assert_allclose(logits_BV, expected_BTV[np.arange(3), lengths_B], atol=1e-4)


def test_every_cache_leaf_leads_with_the_batch_and_takes_the_compute_dtype() -> None:
    model, params = make(scan_layers=True, dtype="bfloat16", kv_heads_num=1)
    cache = jax.eval_shape(functools.partial(make_decoder(model).init_cache, batch_size=5), params)
    leaves = jax.tree.leaves(cache)
    assert len(leaves) >= 1 and all(leaf.shape[0] == 5 and leaf.dtype == jnp.bfloat16 for leaf in leaves)
    assert sum(leaf.size for leaf in leaves) == 5 * L * 2 * C * D // H


def test_greedy_ids_are_the_same_with_and_without_cache() -> None:
    """One token at a time from the cache, against the whole text through the network for every token."""
    model, params = make(layers_num=1)
    decoder = make_decoder(model)

    def cached(carry: tuple[Any, Array], position: Array) -> tuple[tuple[Any, Array], Array]:
        cache, ids_B = carry
        cache, logits_BV = decoder.step(params, cache, ids_B, jnp.broadcast_to(position, ids_B.shape))
        ids_B = jnp.argmax(logits_BV, axis=-1).astype(jnp.int32)
        return (cache, ids_B), ids_B

    def whole(carry: Array, position: Array) -> tuple[Array, Array]:
        logits_BTV = model.apply({"params": params}, carry)
        ids_B = jnp.argmax(logits_BTV[:, position], axis=-1).astype(jnp.int32)
        return carry.at[:, jnp.minimum(position + 1, C - 1)].set(ids_B), ids_B

    first_B, steps = np.arange(5, dtype=np.int32), np.arange(C, dtype=np.int32)

    @jax.jit
    def both() -> tuple[Array, Array]:
        text_BC = jnp.zeros((5, C), jnp.int32).at[:, 0].set(first_B)
        _, with_cache = lax.scan(cached, (decoder.init_cache(params, 5), first_B), steps)
        return with_cache, lax.scan(whole, text_BC, steps)[1]

    with_cache, without_cache = both()
    np.testing.assert_array_equal(with_cache, without_cache)
    assert len(np.unique(with_cache)) > 2
