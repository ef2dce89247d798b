"""Multi-head attention against flax, the fused projection against the separate ones, grouped heads, and the cache."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

from nn_core.models.attention.dot_product import padding_mask
from nn_core.models.attention.multi_head import MultiHeadAttention, head_width
from tests.jitted import method, shapes

B, T, S, D, H = 2, 5, 7, 12, 3
X_BTD = np.random.default_rng(0).normal(size=(B, T, D)).astype(np.float32)
MEMORY_BSD = np.random.default_rng(1).normal(size=(B, S, D)).astype(np.float32)


def make(**options: object) -> MultiHeadAttention:
    return MultiHeadAttention(num_heads=H, **options)  # type: ignore[arg-type]


def drawn(module: nn.Module, *inputs: np.ndarray) -> Any:
    """Biases too, for they start at zero, where a forgotten one would not be seen; NumPy has nothing to compile."""
    generator = np.random.default_rng(2)

    def draw(leaf: jax.ShapeDtypeStruct) -> np.ndarray:
        return generator.normal(0, 1.0 if leaf.ndim == 1 else 0.3, leaf.shape).astype(np.float32)

    return jax.tree.map(draw, shapes(module, *inputs)["params"])


def test_equals_flax_with_copied_weights() -> None:
    flax_module = nn.MultiHeadDotProductAttention(H, qkv_features=D)
    ours = make(fused_qkv=False)
    params = drawn(ours, X_BTD, MEMORY_BSD)
    theirs = {
        name: {"kernel": leaf["kernel"].reshape(D, H, D // H), "bias": leaf["bias"].reshape(H, D // H)}
        for name, leaf in params.items()
        if name != "out"
    }
    theirs["out"] = {"kernel": params["out"]["kernel"].reshape(H, D // H, D), "bias": params["out"]["bias"]}
    mask = np.asarray(padding_mask(np.array([7, 4]), S))
    expected = method(flax_module)({"params": theirs}, X_BTD, MEMORY_BSD, mask=mask)
    outputs = method(ours)({"params": params}, X_BTD, MEMORY_BSD, mask=mask)
    assert outputs.shape == (B, T, D)
    np.testing.assert_allclose(outputs, expected, atol=2e-6)


def test_the_fused_projection_equals_three() -> None:
    fused, separate = make(), make(fused_qkv=False)
    params = drawn(fused, X_BTD)
    parts = {
        name: {leaf: params["qkv"][leaf][..., i * D : (i + 1) * D] for leaf in ("kernel", "bias")}
        for i, name in enumerate(("query", "key", "value"))
    }
    np.testing.assert_allclose(
        method(fused, causal=True)({"params": params}, X_BTD),
        method(separate, causal=True)({"params": {**parts, "out": params["out"]}}, X_BTD),
        atol=1e-6,
    )


def test_75_wide_embeddings_have_3_or_5_heads_but_not_4() -> None:
    assert head_width(75, 3) == 25
    with pytest.raises(ValueError, match="num_heads=4 does not divide width=75; use 1, 3, 5, 15, 25 or 75"):
        drawn(MultiHeadAttention(num_heads=4), np.zeros((1, 2, 75), np.float32))


def test_grouped_heads_equal_repeated_ones() -> None:
    x_BTD = np.random.default_rng(3).normal(size=(B, T, 16)).astype(np.float32)
    grouped = MultiHeadAttention(num_heads=4, num_kv_heads=2, fused_qkv=False)
    params = drawn(grouped, x_BTD)
    assert params["key"]["kernel"].shape == (16, 8) and params["query"]["kernel"].shape == (16, 16)

    def repeat(leaf: np.ndarray) -> np.ndarray:
        return np.repeat(leaf.reshape(*leaf.shape[:-1], 2, 4), 2, axis=-2).reshape(*leaf.shape[:-1], 16)

    repeated = {**params, **{name: jax.tree.map(repeat, params[name]) for name in ("key", "value")}}
    full = MultiHeadAttention(num_heads=4, fused_qkv=False)
    np.testing.assert_allclose(
        method(grouped)({"params": params}, x_BTD), method(full)({"params": repeated}, x_BTD), atol=1e-6
    )


def test_permuting_the_memory_changes_nothing_without_positions() -> None:
    module = make()
    params = drawn(module, X_BTD, MEMORY_BSD)
    order = np.array([3, 0, 6, 1, 5, 2, 4])
    mask = np.asarray(padding_mask(np.array([7, 4]), S))
    outputs = method(module)({"params": params}, X_BTD, MEMORY_BSD, mask=mask)
    permuted = method(module)({"params": params}, X_BTD, MEMORY_BSD[:, order], mask=mask[..., order])
    assert outputs.shape == (B, T, D)
    np.testing.assert_allclose(outputs, permuted, atol=1e-6)
    assert np.max(np.abs(outputs - method(module)({"params": params}, X_BTD, MEMORY_BSD[:, order], mask=mask))) > 1e-3


def test_use_bias_false_removes_every_bias() -> None:
    params = drawn(make(use_bias=False), X_BTD)
    assert jax.tree.map(np.shape, params) == {"qkv": {"kernel": (D, 3 * D)}, "out": {"kernel": (D, D)}}


def test_weights_are_sown_on_request_only() -> None:
    module = make(attention="blockwise")
    params = drawn(module, X_BTD)
    outputs, state = method(module, causal=True, mutable=("intermediates",))({"params": params}, X_BTD)
    (weights_BHTS,) = state["intermediates"]["attention_weights"]
    assert weights_BHTS.shape == (B, H, T, T)
    np.testing.assert_allclose(weights_BHTS.sum(axis=-1), 1.0, atol=1e-6)
    np.testing.assert_allclose(outputs, method(module, causal=True)({"params": params}, X_BTD), atol=1e-6)


@pytest.mark.parametrize("rotary", [False, True])
def test_the_cache_gives_what_causal_attention_gives(rotary: bool) -> None:
    module = MultiHeadAttention(num_heads=H, rotary=rotary)
    params = drawn(module, X_BTD)
    expected = method(module, causal=True)({"params": params}, X_BTD)

    def step(cache: Any, t: Array) -> tuple[Array, Any]:
        positions = jnp.broadcast_to(t, (B, 1))
        out, state = module.apply(
            {"params": params, **cache},
            jax.lax.dynamic_slice_in_dim(X_BTD, t, 1, axis=1),
            mask=(jnp.arange(S) <= t)[None, None, None],
            positions_BT=positions,
            slots_BT=positions,
            mutable=["cache"],
        )
        return out, {"cache": state["cache"]}

    shapes = jax.eval_shape(step, {}, jnp.int32(0))[1]
    cache = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
    outputs, compiled = [], jax.jit(step)
    for t in range(T):
        out, cache = compiled(cache, np.int32(t))
        outputs.append(out)
    np.testing.assert_allclose(np.concatenate(outputs, axis=1), expected, atol=1e-6)
    assert cache["cache"]["key_0"].shape == (B, H, S, D // H)


def test_a_cache_without_a_mask_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a mask"):
        jax.eval_shape(make().init, jax.random.key(0), X_BTD, slots_BT=np.zeros((B, T), np.int32))
