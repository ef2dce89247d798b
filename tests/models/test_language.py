"""Losses in chunks, attention maps, and the decoder: what the cache gives is what the whole text gives."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array, lax

from nn_core.losses import cross_entropy
from nn_core.models import cached_attention
from nn_core.models.gpt import GPT
from nn_core.models.language import (
    attention_maps,
    embedding_norm_ratio,
    make_decoder,
    stack_layers,
    token_losses,
    unstack_layers,
)
from nn_core.regularizers import penalised_mask

V, C, D, H, L = 13, 16, 24, 4, 2
IDS_BT = jax.random.randint(jax.random.key(0), (3, 11), 0, V)

CACHED: dict[str, dict[str, Any]] = {
    "learned": {},
    "rotary, grouped, scanned": {"position": "rotary", "kv_heads_num": 2, "scan_layers": True},
    "alibi": {"position": "alibi"},
    "relative, local": {"position": "relative", "window": 3},
    "sinusoidal, post, tied": {"position": "sinusoidal", "norm_position": "post", "tied_head": True},
}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of 16 places in three blocks, as one of 256 would be in four."""
    monkeypatch.setattr(cached_attention, "SMALLEST_BLOCK", 5)


def make(**options: Any) -> tuple[GPT, Any]:
    """A model whose attention is sharp enough for a test to see it."""
    model = GPT(V, C, D, H, L, **options)
    params = jax.jit(model.init)(jax.random.key(1), IDS_BT)["params"]
    weights = penalised_mask(params)
    return model, jax.tree.map(lambda leaf, weight: leaf * 5 if weight else leaf, params, weights)


def test_token_losses_are_the_cross_entropy_of_each_place() -> None:
    model, params = make()
    losses = token_losses(model, params, IDS_BT[:, :-1], IDS_BT[:, 1:])
    expected = cross_entropy(model.apply({"params": params}, IDS_BT[:, :-1]), IDS_BT[:, 1:], reduction="none")
    assert losses.shape == (3, 10)
    np.testing.assert_allclose(losses, expected, atol=1e-6)


@pytest.mark.parametrize("tied", [False, True])
def test_chunks_change_neither_losses_nor_gradients(tied: bool) -> None:
    model, params = make(tied_head=tied)

    def total(params: Any, chunk_size: int | None) -> Array:
        return jnp.sum(token_losses(model, params, IDS_BT[:, :-1], IDS_BT[:, 1:], chunk_size=chunk_size))

    differentiate = jax.jit(jax.value_and_grad(total), static_argnums=1)
    (whole, grads), (chunked, chunked_grads) = differentiate(params, None), differentiate(params, 7)
    np.testing.assert_allclose(chunked, whole, rtol=1e-6)
    for ours, theirs in zip(jax.tree.leaves(chunked_grads), jax.tree.leaves(grads), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)


def test_chunks_keep_the_logits_of_a_large_vocabulary_out_of_memory() -> None:
    model = GPT(5_000, 128, 8, 1, 1)
    shapes = jax.eval_shape(model.init, jax.random.key(0), jnp.zeros((1, 1), jnp.int32))["params"]
    ids = jax.ShapeDtypeStruct((4, 128), jnp.int32)

    def temporaries(chunk_size: int | None) -> int:
        def total(params: Any, ids_BT: Array) -> Array:
            return jnp.sum(token_losses(model, params, ids_BT, ids_BT, chunk_size=chunk_size))

        return jax.jit(jax.grad(total)).lower(shapes, ids).compile().memory_analysis().temp_size_in_bytes

    assert temporaries(None) > 4 * 128 * 5_000 * 4 > 3 * temporaries(32)


@pytest.mark.parametrize("scan_layers", [False, True])
def test_attention_maps_are_causal_rows_of_every_layer_and_head(scan_layers: bool) -> None:
    model, params = make(scan_layers=scan_layers, attention="blockwise")
    maps = np.asarray(attention_maps(model, params, IDS_BT))
    assert maps.shape == (L, 3, H, 11, 11)
    np.testing.assert_allclose(maps.sum(axis=-1), 1.0, atol=1e-6)
    assert np.all(maps[..., np.triu_indices(11, 1)[0], np.triu_indices(11, 1)[1]] == 0)
    # The first layer's map by hand, for head 1.
    flat = unstack_layers(params)["stack"]["block_0"]
    x_BTD = model.apply({"params": params}, IDS_BT, jnp.arange(11)[None], method="embed")
    x_BTD = (x_BTD - x_BTD.mean(axis=-1, keepdims=True)) / jnp.sqrt(x_BTD.var(axis=-1, keepdims=True) + 1e-5)
    q, k, _ = jnp.split(x_BTD @ flat["attention"]["qkv"]["kernel"], 3, axis=-1)
    scores = jnp.einsum("btk,bsk->bts", q[..., 6:12], k[..., 6:12]) / np.sqrt(6)
    scores = jnp.where(jnp.tril(jnp.ones((11, 11), bool))[None], scores, -jnp.inf)
    np.testing.assert_allclose(maps[0, :, 1], jax.nn.softmax(scores, axis=-1), atol=1e-5)


def test_neither_embedding_dominates_at_the_start() -> None:
    model, params = make()
    assert 0.8 < embedding_norm_ratio(model, params, IDS_BT) < 1.25
    # Sinusoids have length sqrt(D / 2), tokens 5 * 0.02 sqrt(D) here: sqrt(2) / 10, and sqrt(D) times that if scaled.
    for scale, expected in ((False, 0.1414), (True, 0.1414 * np.sqrt(D))):
        model, params = make(position="sinusoidal", scale_embedding=scale)
        np.testing.assert_allclose(embedding_norm_ratio(model, params, IDS_BT), expected, rtol=0.15)
    with pytest.raises(ValueError, match="position 'rotary' adds no vectors"):
        embedding_norm_ratio(*make(position="rotary"), IDS_BT)


def test_stacking_and_unstacking_layers_are_inverse() -> None:
    _, params = make()
    stacked = stack_layers(params)
    assert stacked["stack"]["blocks"]["attention"]["qkv"]["kernel"].shape == (L, D, 3 * D)
    back = unstack_layers(stacked)
    assert jax.tree.structure(back) == jax.tree.structure(params)
    jax.tree.map(np.testing.assert_array_equal, back, params)
    assert stack_layers(stacked) is stacked and unstack_layers(params) is params


@pytest.mark.parametrize("case", CACHED)
def test_steps_with_the_cache_equal_the_whole_text(case: str) -> None:
    model, params = make(**CACHED[case])
    decoder = make_decoder(model)
    assert decoder.context_size == C

    def step(cache: Any, column: tuple[Array, Array]) -> tuple[Any, Array]:
        return decoder.step(params, cache, *column)

    positions_TB = jnp.broadcast_to(jnp.arange(11)[:, None], (11, 3))
    _, logits_TBV = jax.jit(lambda cache: lax.scan(step, cache, (IDS_BT.T, positions_TB)))(
        decoder.init_cache(params, 3)
    )
    np.testing.assert_allclose(logits_TBV.swapaxes(0, 1), model.apply({"params": params}, IDS_BT), atol=1e-4)


@pytest.mark.parametrize("case", CACHED)
def test_prefill_reads_rows_of_different_length_in_pieces(case: str) -> None:
    model, params = make(**CACHED[case])
    decoder = make_decoder(model)
    prefill, step = jax.jit(decoder.prefill), jax.jit(decoder.step)
    lengths_B = jnp.array([10, 5, 0])
    # What an earlier, longer window left behind must not be seen.
    cache = jax.tree.map(lambda leaf: leaf + 7.0, decoder.init_cache(params, 3))
    for start in (0, 4, 7):
        ids_BT = IDS_BT[:, start : start + 4]
        before = cache
        cache = prefill(params, cache, ids_BT, jnp.int32(start), jnp.clip(lengths_B - start, 0, 4))
        jax.tree.map(lambda new, old: np.testing.assert_array_equal(new[2], old[2]), cache, before)
    next_ids_B = jnp.take_along_axis(IDS_BT, lengths_B[:, None], axis=1)[:, 0]
    _, logits_BV = step(params, cache, next_ids_B, lengths_B)
    for row, length in enumerate(lengths_B.tolist()):
        expected = model.apply({"params": params}, IDS_BT[row : row + 1, : length + 1])[0, -1]
        np.testing.assert_allclose(logits_BV[row], expected, atol=1e-4)


def test_every_cache_leaf_leads_with_the_batch_and_takes_the_compute_dtype() -> None:
    model, params = make(scan_layers=True, dtype="bfloat16", kv_heads_num=1)
    cache = make_decoder(model).init_cache(params, 5)
    leaves = jax.tree.leaves(cache)
    assert len(leaves) >= 1 and all(leaf.shape[0] == 5 and leaf.dtype == jnp.bfloat16 for leaf in leaves)
    assert sum(leaf.size for leaf in leaves) == 5 * L * 2 * C * D // H


def test_greedy_ids_are_the_same_with_and_without_cache() -> None:
    """One token at a time from the cache, against the whole text through the network for every token."""
    model, params = make()
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

    first_B = jnp.arange(5, dtype=jnp.int32)
    steps = jnp.arange(C)
    _, with_cache = jax.jit(lambda: lax.scan(cached, (decoder.init_cache(params, 5), first_B), steps))()
    text_BC = jnp.zeros((5, C), jnp.int32).at[:, 0].set(first_B)
    _, without_cache = jax.jit(lambda: lax.scan(whole, text_BC, steps))()
    np.testing.assert_array_equal(with_cache, without_cache)
    assert len(np.unique(with_cache)) > 2
