"""Multi-head attention against flax, the fused projection against the separate ones, grouped heads, and the cache."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nn_core.models.attention import padding_mask
from nn_core.models.multi_head import MultiHeadAttention, head_width

B, T, S, D, H = 2, 5, 7, 12, 3
X_BTD = jax.random.normal(jax.random.key(0), (B, T, D))
MEMORY_BSD = jax.random.normal(jax.random.key(1), (B, S, D))
SOME = nn.initializers.normal(0.3)


def make(**options: object) -> MultiHeadAttention:
    return MultiHeadAttention(num_heads=H, kernel_init=SOME, **options)  # type: ignore[arg-type]


def with_biases(params: dict) -> dict:
    """Biases start at zero, where a forgotten one would not be seen."""
    keys = iter(jax.random.split(jax.random.key(9), 20))
    return jax.tree.map(lambda x: jax.random.normal(next(keys), x.shape) if x.ndim == 1 else x, params)


def test_equals_flax_with_copied_weights() -> None:
    flax_module = nn.MultiHeadDotProductAttention(H, qkv_features=D)
    ours = make(fused_qkv=False)
    params = with_biases(ours.init(jax.random.key(2), X_BTD, MEMORY_BSD)["params"])
    theirs = {
        name: {"kernel": leaf["kernel"].reshape(D, H, D // H), "bias": leaf["bias"].reshape(H, D // H)}
        for name, leaf in params.items()
        if name != "out"
    }
    theirs["out"] = {"kernel": params["out"]["kernel"].reshape(H, D // H, D), "bias": params["out"]["bias"]}
    mask = padding_mask(jnp.array([7, 4]), S)
    expected = flax_module.apply({"params": theirs}, X_BTD, MEMORY_BSD, mask=mask)
    outputs = ours.apply({"params": params}, X_BTD, MEMORY_BSD, mask=mask)
    assert outputs.shape == (B, T, D)
    np.testing.assert_allclose(outputs, expected, atol=2e-6)


def test_the_fused_projection_equals_three() -> None:
    fused, separate = make(), make(fused_qkv=False)
    params = with_biases(fused.init(jax.random.key(2), X_BTD)["params"])
    parts = {
        name: {leaf: params["qkv"][leaf][..., i * D : (i + 1) * D] for leaf in ("kernel", "bias")}
        for i, name in enumerate(("query", "key", "value"))
    }
    np.testing.assert_allclose(
        fused.apply({"params": params}, X_BTD, causal=True),
        separate.apply({"params": {**parts, "out": params["out"]}}, X_BTD, causal=True),
        atol=1e-6,
    )


def test_75_wide_embeddings_have_3_or_5_heads_but_not_4() -> None:
    assert head_width(75, 3) == 25
    with pytest.raises(ValueError, match="num_heads=4 does not divide width=75; use 1, 3, 5, 15, 25 or 75"):
        MultiHeadAttention(num_heads=4).init(jax.random.key(0), jnp.zeros((1, 2, 75)))


def test_grouped_heads_equal_repeated_ones() -> None:
    x_BTD = jax.random.normal(jax.random.key(3), (B, T, 16))
    grouped = MultiHeadAttention(num_heads=4, num_kv_heads=2, kernel_init=SOME, fused_qkv=False)
    params = grouped.init(jax.random.key(2), x_BTD)["params"]
    assert params["key"]["kernel"].shape == (16, 8) and params["query"]["kernel"].shape == (16, 16)

    def repeat(leaf: jax.Array) -> jax.Array:
        return jnp.repeat(leaf.reshape(*leaf.shape[:-1], 2, 4), 2, axis=-2).reshape(*leaf.shape[:-1], 16)

    repeated = {**params, **{name: jax.tree.map(repeat, params[name]) for name in ("key", "value")}}
    full = MultiHeadAttention(num_heads=4, fused_qkv=False)
    np.testing.assert_allclose(
        grouped.apply({"params": params}, x_BTD), full.apply({"params": repeated}, x_BTD), atol=1e-6
    )


def test_permuting_the_memory_changes_nothing_without_positions() -> None:
    module = make()
    params = module.init(jax.random.key(2), X_BTD, MEMORY_BSD)["params"]
    order = jnp.array([3, 0, 6, 1, 5, 2, 4])
    mask = padding_mask(jnp.array([7, 4]), S)
    outputs = module.apply({"params": params}, X_BTD, MEMORY_BSD, mask=mask)
    permuted = module.apply({"params": params}, X_BTD, MEMORY_BSD[:, order], mask=mask[..., order])
    assert outputs.shape == (B, T, D)
    np.testing.assert_allclose(outputs, permuted, atol=1e-6)
    assert np.max(np.abs(outputs - module.apply({"params": params}, X_BTD, MEMORY_BSD[:, order], mask=mask))) > 1e-3


def test_use_bias_false_removes_every_bias() -> None:
    params = make(use_bias=False).init(jax.random.key(2), X_BTD)["params"]
    assert jax.tree.map(jnp.shape, params) == {"qkv": {"kernel": (D, 3 * D)}, "out": {"kernel": (D, D)}}


def test_weights_are_sown_on_request_only() -> None:
    module = make(attention="blockwise")
    params = module.init(jax.random.key(2), X_BTD)["params"]
    outputs, state = module.apply({"params": params}, X_BTD, causal=True, mutable=["intermediates"])
    (weights_BHTS,) = state["intermediates"]["attention_weights"]
    assert weights_BHTS.shape == (B, H, T, T)
    np.testing.assert_allclose(weights_BHTS.sum(axis=-1), 1.0, atol=1e-6)
    np.testing.assert_allclose(outputs, module.apply({"params": params}, X_BTD, causal=True), atol=1e-6)


@pytest.mark.parametrize("rotary", [False, True])
def test_the_cache_gives_what_causal_attention_gives(rotary: bool) -> None:
    module = MultiHeadAttention(num_heads=H, kernel_init=SOME, rotary=rotary)
    params = module.init(jax.random.key(2), X_BTD)["params"]
    expected = module.apply({"params": params}, X_BTD, causal=True)
    cache, outputs = {}, []
    for t in range(T):
        positions = jnp.full((B, 1), t)
        out, state = module.apply(
            {"params": params, **cache},
            X_BTD[:, t : t + 1],
            mask=(jnp.arange(S) <= t)[None, None, None],
            positions_BT=positions,
            slots_BT=positions,
            mutable=["cache"],
        )
        cache = {"cache": state["cache"]}
        outputs.append(out)
    np.testing.assert_allclose(jnp.concatenate(outputs, axis=1), expected, atol=1e-6)
    assert cache["cache"]["key_0"].shape == (B, H, S, D // H)


def test_a_cache_without_a_mask_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a mask"):
        make().init(jax.random.key(0), X_BTD, slots_BT=jnp.zeros((B, T), jnp.int32))
