"""Blockwise attention: equal to the dense one in values and gradients, and its memory does not grow with T x S."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

from nn_core.models.attention import apply_weights, attention_weights, dot_product_attention
from nn_core.models.positions import alibi_bias

B, T, H, K = 2, 29, 4, 6
BLOCK = 8

attend = jax.jit(dot_product_attention, static_argnames=("causal", "window", "implementation", "block_size"))


def make_inputs(groups: int = H, keys: int = T) -> tuple[Array, Array, Array]:
    q_key, k_key, v_key = jax.random.split(jax.random.key(0), 3)
    return (
        jax.random.normal(q_key, (B, T, H, K)),
        jax.random.normal(k_key, (B, keys, groups, K)),
        jax.random.normal(v_key, (B, keys, groups, K)),
    )


def random_mask(keys: int = T) -> Array:
    """About half of the keys, and one query that may look nowhere."""
    return jax.random.bernoulli(jax.random.key(5), 0.5, (B, 1, T, keys)).at[:, :, 11].set(False)


CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "causal": {"causal": True},
    "window and array bias": {"window": 5, "bias": jax.random.normal(jax.random.key(6), (1, H, T, T))},
    "causal window and mask": {"causal": True, "window": 14, "mask": random_mask()},
    "function bias": {"bias": lambda queries, keys: alibi_bias(H, queries[None], keys[None]), "causal": True},
}


@pytest.mark.parametrize(("case", "groups"), [("plain", H), *((case, 2) for case in list(CASES)[1:])])
def test_values_and_gradients_equal_the_dense_path(case: str, groups: int) -> None:
    options = CASES[case]

    def outputs_of(q: Array, k: Array, v: Array, implementation: str) -> tuple[Array, Array]:
        outputs = dot_product_attention(q, k, v, implementation=implementation, block_size=BLOCK, **options)
        return jnp.sum(jnp.sin(outputs)), outputs

    differentiate = jax.jit(jax.value_and_grad(outputs_of, argnums=(0, 1, 2), has_aux=True), static_argnums=3)
    (_, dense), dense_grads = differentiate(*make_inputs(groups), "dense")
    (_, blocks), block_grads = differentiate(*make_inputs(groups), "blockwise")
    np.testing.assert_allclose(blocks, dense, atol=2e-6)
    for block_grad, dense_grad in zip(block_grads, dense_grads, strict=True):
        np.testing.assert_allclose(block_grad, dense_grad, atol=2e-5)
        assert np.max(np.abs(dense_grad)) > 0.1


def test_the_gradient_of_a_bias_equals_the_dense_one() -> None:
    q, k, v = make_inputs()

    def total(bias: Array, implementation: str) -> Array:
        outputs = dot_product_attention(q, k, v, bias=bias, implementation=implementation, block_size=BLOCK)
        return jnp.sum(jnp.sin(outputs))

    bias = jax.random.normal(jax.random.key(6), (1, H, T, T))
    differentiate = jax.jit(jax.grad(total), static_argnums=1)
    dense, blocks = differentiate(bias, "dense"), differentiate(bias, "blockwise")
    np.testing.assert_allclose(blocks, dense, atol=1e-6)
    assert np.max(np.abs(dense)) > 1e-2


def test_cross_attention_with_fewer_keys_than_queries() -> None:
    q, k, v = make_inputs(keys=5)
    blocks = attend(q, k, v, mask=random_mask(5), implementation="blockwise", block_size=BLOCK)
    np.testing.assert_allclose(blocks, attend(q, k, v, mask=random_mask(5)), atol=2e-6)
    np.testing.assert_array_equal(blocks[:, 11], 0.0)


def test_large_scores_do_not_overflow() -> None:
    q, k, v = make_inputs()
    blocks = attend(300.0 * q, k, v, implementation="blockwise", block_size=BLOCK)
    np.testing.assert_allclose(blocks, attend(300.0 * q, k, v), atol=1e-4)


def test_dropout_keeps_the_mean_and_drops_whole_weights() -> None:
    q, k, v = make_inputs()

    def draw(key: Array) -> Array:
        return dot_product_attention(
            q, k, v, dropout_key=key, dropout_rate=0.5, implementation="blockwise", block_size=16
        )

    draws = jax.jit(jax.vmap(draw))(jax.random.split(jax.random.key(1), 500))
    dense = apply_weights(attention_weights(q, k), v)
    # Six standard errors: 1,392 numbers are compared.
    assert np.all(np.abs(np.asarray(draws.mean(axis=0) - dense)) < 6 * np.asarray(draws.std(axis=0)) / np.sqrt(500))
    # Each weight w becomes 2 w or 0: the variance of a sum is the sum of (w v)^2.
    variance = apply_weights(jnp.square(attention_weights(q, k)), jnp.square(v))
    np.testing.assert_allclose(draws.var(axis=0).mean(), variance.mean(), rtol=0.05)


def temporary_bytes(length: int, implementation: str) -> int:
    """Temporaries of the compiled gradient, by XLA's own account."""
    shape = jax.ShapeDtypeStruct((1, length, 2, 8), jnp.float32)

    def total(q: Array, k: Array, v: Array) -> Array:
        return jnp.sum(dot_product_attention(q, k, v, causal=True, implementation=implementation, block_size=64))

    compiled = jax.jit(jax.grad(total, argnums=(0, 1, 2))).lower(shape, shape, shape).compile()
    return compiled.memory_analysis().temp_size_in_bytes


def test_memory_grows_linearly_where_the_dense_path_grows_quadratically() -> None:
    short, long = 512, 2048
    assert temporary_bytes(long, "dense") > 12 * temporary_bytes(short, "dense")
    assert temporary_bytes(long, "blockwise") < 5 * temporary_bytes(short, "blockwise")
    assert temporary_bytes(long, "blockwise") < 0.1 * temporary_bytes(long, "dense")
