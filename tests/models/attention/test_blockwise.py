"""Blockwise attention: equal to the dense one in values and gradients, and its memory does not grow with T x S."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

from nn_core.models.attention.dot_product import apply_weights, attention_weights, dot_product_attention
from nn_core.models.attention.positions import alibi_bias

B, T, H, K = 2, 29, 4, 6
BLOCK = 8

attend = jax.jit(dot_product_attention, static_argnames=("causal", "window", "implementation", "block_size"))


def make_inputs(groups: int = H, keys: int = T) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    shapes = ((B, T, H, K), (B, keys, groups, K), (B, keys, groups, K))
    return tuple(generator.normal(size=shape).astype(np.float32) for shape in shapes)  # type: ignore[return-value]


def random_mask(keys: int = T) -> np.ndarray:
    """About half of the keys, and one query that may look nowhere."""
    mask = np.random.default_rng(5).random((B, 1, T, keys)) < 0.5
    mask[:, :, 11] = False
    return mask


BIAS = np.random.default_rng(6).normal(size=(1, H, T, T)).astype(np.float32)


CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "causal": {"causal": True},
    "window and array bias": {"window": 5, "bias": BIAS},
    "causal window and mask": {"causal": True, "window": 14, "mask": random_mask()},
    "function bias": {"bias": lambda queries, keys: alibi_bias(H, queries[None], keys[None]), "causal": True},
}


@pytest.mark.parametrize(
    ("case", "groups"),
    [
        pytest.param("plain", H, marks=pytest.mark.slow),
        pytest.param("causal", 2, marks=pytest.mark.slow),  # as the last one is
        *((case, 2) for case in list(CASES)[2:]),
    ],
)
def test_values_and_gradients_equal_the_dense_path(case: str, groups: int) -> None:
    options = dict(CASES[case])
    bias = options.pop("bias", None)
    arrays = (*make_inputs(groups), *([bias] if isinstance(bias, np.ndarray) else []))

    def outputs_of(implementation: str, q: Array, k: Array, v: Array, bias: Any = bias) -> tuple[Array, Array]:
        outputs = dot_product_attention(q, k, v, bias=bias, implementation=implementation, block_size=BLOCK, **options)
        return jnp.sum(jnp.sin(outputs)), outputs

    argnums = tuple(range(1, 1 + len(arrays)))
    differentiate = jax.jit(jax.value_and_grad(outputs_of, argnums=argnums, has_aux=True), static_argnums=0)
    (_, dense), (*dense_grads,) = jax.device_get(differentiate("dense", *arrays))
    (_, blocks), (*block_grads,) = jax.device_get(differentiate("blockwise", *arrays))
    np.testing.assert_allclose(blocks, dense, atol=2e-6)
    if len(arrays) == 4:
        dense_grad, block_grad = dense_grads.pop(), block_grads.pop()
        np.testing.assert_allclose(block_grad, dense_grad, atol=1e-6)
        assert np.max(np.abs(dense_grad)) > 1e-2
    for block_grad, dense_grad in zip(block_grads, dense_grads, strict=True):
        np.testing.assert_allclose(block_grad, dense_grad, atol=2e-5)
        assert np.max(np.abs(dense_grad)) > 0.1


def test_cross_attention_with_fewer_keys_than_queries() -> None:
    q, k, v = make_inputs(keys=5)
    blocks = attend(q, k, v, mask=random_mask(5), implementation="blockwise", block_size=BLOCK)
    np.testing.assert_allclose(blocks, attend(q, k, v, mask=random_mask(5)), atol=2e-6)
    np.testing.assert_array_equal(blocks[:, 11], 0.0)


def test_large_scores_do_not_overflow() -> None:
    q, k, v = make_inputs()
    blocks = attend(300.0 * q, k, v, implementation="blockwise", block_size=BLOCK)
    np.testing.assert_allclose(blocks, attend(300.0 * q, k, v), atol=1e-4)


@jax.jit
def dense_moments(q: Array, k: Array, v: Array) -> tuple[Array, Array]:
    """Mean and variance of outputs with half of the weights dropped.

    Each weight w becomes 2 w or 0: the variance of a sum is the sum of (w v)^2.
    """
    weights = attention_weights(q, k)
    return apply_weights(weights, v), apply_weights(jnp.square(weights), jnp.square(v))


def test_dropout_keeps_the_mean_and_drops_whole_weights() -> None:
    q, k, v = make_inputs()

    def draw(key: Array) -> Array:
        return dot_product_attention(
            q, k, v, dropout_key=key, dropout_rate=0.5, implementation="blockwise", block_size=16
        )

    draws = np.asarray(jax.jit(jax.vmap(draw))(jax.random.split(jax.random.key(1), 500)))
    dense, variance = dense_moments(q, k, v)
    # Six standard errors: 1,392 numbers are compared.
    assert np.all(np.abs(draws.mean(axis=0) - dense) < 6 * draws.std(axis=0) / np.sqrt(500))
    np.testing.assert_allclose(draws.var(axis=0).mean(), np.mean(variance), rtol=0.05)


@functools.cache
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
