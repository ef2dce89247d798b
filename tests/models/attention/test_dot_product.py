"""Attention against NumPy and jax.nn; masks by gradients; linear attention by its kernel form."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

from nn_core.models.attention import blocks, dot_product
from nn_core.models.attention.dot_product import (
    apply_weights,
    attention_weights,
    band_mask,
    causal_mask,
    dot_product_attention,
    masked_softmax,
    padding_mask,
)
from nn_core.models.attention.linear import linear_attention, positive_features

B, T, S, H, K = 2, 5, 7, 3, 4

attend = jax.jit(dot_product_attention, static_argnames=("causal", "window", "implementation", "block_size"))
weigh = jax.jit(attention_weights)
reference = jax.jit(jax.nn.dot_product_attention, static_argnames="is_causal")


def make_qkv(keys: int = S, groups: int = H) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    shapes = ((B, T, H, K), (B, keys, groups, K), (B, keys, groups, K))
    return tuple(generator.normal(size=shape).astype(np.float32) for shape in shapes)  # type: ignore[return-value]


def naive(q: Array, k: Array, v: Array, mask: np.ndarray | None = None) -> np.ndarray:
    """One query of one head at a time, in float64."""
    q, k, v = (np.asarray(x, np.float64) for x in (q, k, v))
    outputs = np.zeros((*q.shape[:3], v.shape[-1]))
    for b, t, h in np.ndindex(*q.shape[:3]):
        scores = k[b, :, h] @ q[b, t, h] / np.sqrt(q.shape[-1])
        seen = np.ones(len(scores), bool) if mask is None else mask[b, h, t]
        if seen.any():
            exp = np.exp(scores[seen] - scores[seen].max())
            outputs[b, t, h] = exp / exp.sum() @ v[b, seen, h]
    return outputs


def test_equals_numpy_and_jax_nn_for_cross_attention() -> None:
    q, k, v = make_qkv()
    outputs = attend(q, k, v)
    assert outputs.shape == (B, T, H, K)
    np.testing.assert_allclose(outputs, naive(q, k, v), atol=1e-6)
    np.testing.assert_allclose(outputs, reference(q, k, v), atol=1e-6)


def test_equals_jax_nn_with_mask_bias_causality_and_groups() -> None:
    q, k, v = make_qkv(keys=T, groups=1)
    bias = np.random.default_rng(3).normal(size=(1, H, T, T)).astype(np.float32)
    mask = (np.random.default_rng(4).random((B, 1, T, T)) < 0.7) | np.eye(T, dtype=bool)
    ours = attend(q, k, v, mask=mask, bias=bias, causal=True)
    full = np.broadcast_to(mask, (B, H, T, T))
    np.testing.assert_allclose(ours, reference(q, k, v, mask=full, bias=bias, is_causal=True), atol=1e-6)
    assert np.max(np.abs(ours - attend(q, k, v, mask=mask, causal=True))) > 1e-2


def test_worked_example_by_hand() -> None:
    # One query (1, 0), keys (1, 0) and (0, 1), K = 2: scores 0.7071 and 0, weights 0.6698 and 0.3302.
    q = np.array([1.0, 0.0], np.float32).reshape(1, 1, 1, 2)
    k = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32).reshape(1, 2, 1, 2)
    v = np.array([[10.0, 0.0], [0.0, 10.0]], np.float32).reshape(1, 2, 1, 2)
    np.testing.assert_allclose(np.asarray(weigh(q, k))[0, 0, 0], [0.66976, 0.33024], atol=1e-5)
    np.testing.assert_allclose(np.asarray(attend(q, k, v))[0, 0, 0], [6.6976, 3.3024], atol=1e-4)


def test_softmax_runs_over_keys_so_rows_sum_to_one() -> None:
    q, k, _ = make_qkv()
    weights_BHTS = np.asarray(weigh(q, k))
    np.testing.assert_allclose(weights_BHTS.sum(axis=-1), 1.0, atol=1e-6)
    assert np.max(np.abs(weights_BHTS.sum(axis=-2) - T / S)) > 0.05


def test_scaling_keeps_the_variance_of_scores_at_one() -> None:
    # The weights' logarithms differ as the scores do; without 1/sqrt(K) their variance would be K = 64.
    q, k = np.random.default_rng(0).normal(size=(2, 1, 64, 4, 64)).astype(np.float32)
    logs = np.log(np.asarray(weigh(q, k)))
    assert 0.9 < np.var(logs - logs.mean(axis=-1, keepdims=True)) < 1.1


def test_a_query_with_nothing_to_see_gets_zeros_and_no_nan_gradient() -> None:
    q, k, v = make_qkv()
    mask = np.asarray(jax.jit(padding_mask, static_argnums=1)(np.array([0, 3]), S))

    def total(q: Array, k: Array, v: Array) -> Array:
        return jnp.sum(jnp.square(attend(q, k, v, mask=mask)))

    outputs = np.asarray(attend(q, k, v, mask=mask))
    np.testing.assert_array_equal(outputs[0], 0.0)
    np.testing.assert_allclose(outputs, naive(q, k, v, np.broadcast_to(mask, (B, H, T, S))), atol=1e-6)
    for grad in jax.jit(jax.grad(total, argnums=(0, 1, 2)))(q, k, v):
        assert np.all(np.isfinite(grad)) and np.all(np.asarray(grad[0]) == 0) and np.any(np.asarray(grad[1]) != 0)


def test_causal_jacobian_is_exactly_zero_above_the_diagonal() -> None:
    q, k, v = make_qkv(keys=T)

    def outputs_of(x_TK: Array) -> Array:
        x = jnp.broadcast_to(x_TK[None, :, None], (1, T, H, K))
        return attend(x, x, x, causal=True)[0, :, 0, 0]

    jacobian_TS = np.abs(np.asarray(jax.jit(jax.jacobian(outputs_of))(q[0, :, 0]))).sum(axis=-1)
    assert np.all(jacobian_TS[np.triu_indices(T, 1)] == 0)
    assert np.all(jacobian_TS[np.tril_indices(T)] > 0)


@pytest.mark.parametrize(("tokens", "groups"), [(5, 3), (11, 1), (13, 3)])
def test_causal_attention_in_blocks_of_queries_equals_the_masked_whole(tokens: int, groups: int, monkeypatch) -> None:
    """Values and gradients; 11 and 13 tokens are cut into blocks, the last one shorter."""
    monkeypatch.setattr(dot_product, "SMALLEST_BLOCK", 3)
    generator = np.random.default_rng(5)
    shapes = ((B, tokens, H, K), (B, tokens, groups, K), (B, tokens, groups, K), (B, tokens, H, K))
    q, k, v, weights = (generator.normal(size=shape).astype(np.float32) for shape in shapes)
    assert len(blocks.block_bounds(tokens, 3, "cpu")) == {5: 1, 11: 3, 13: 4}[tokens]

    def results(**options: Any) -> Any:
        return jax.jit(
            jax.value_and_grad(
                lambda q, k, v: jnp.sum(weights * jnp.sin(dot_product_attention(q, k, v, **options))), (0, 1, 2)
            )
        )(q, k, v)

    for ours, whole in zip(
        jax.tree.leaves(results(causal=True)), jax.tree.leaves(results(mask=causal_mask(tokens))), strict=True
    ):
        np.testing.assert_allclose(ours, whole, rtol=1e-6, atol=2e-6)


def test_masks_by_hand() -> None:
    @jax.jit
    def masks(lengths_B: Array) -> tuple[Array, ...]:
        bands = band_mask(4, 4, causal=True, window=2), band_mask(4, 5, causal=False, window=2)
        return causal_mask(3), *bands, padding_mask(lengths_B, 3)

    causal, causal_band, band, padding = jax.device_get(masks(np.array([2, 0])))
    np.testing.assert_array_equal(causal[0, 0], [[1, 0, 0], [1, 1, 0], [1, 1, 1]])
    np.testing.assert_array_equal(causal_band[0, 0, 3], [0, 0, 1, 1])
    np.testing.assert_array_equal(band[0, 0, 2], [0, 1, 1, 1, 0])
    np.testing.assert_array_equal(padding[:, 0, 0], [[1, 1, 0], [0, 0, 0]])


def test_masked_softmax_is_exact_zero_where_masked() -> None:
    scores = np.float32([[1.0, 2.0, 1e30], [5.0, 5.0, 5.0]])
    mask = np.array([[True, True, False], [False, False, False]])
    weights = jax.jit(masked_softmax)(scores, mask)
    np.testing.assert_allclose(weights, [[0.268941, 0.731059, 0], [0, 0, 0]], atol=1e-6)
    assert jax.eval_shape(masked_softmax, scores.astype(jnp.bfloat16), None).dtype == jnp.float32


def test_local_attention_is_dense_attention_with_a_band_mask() -> None:
    q, k, v = make_qkv(keys=T)
    local = attend(q, k, v, causal=True, window=2)
    banded = attend(q, k, v, mask=np.asarray(jax.jit(lambda: band_mask(T, T, causal=True, window=2))()))
    np.testing.assert_array_equal(local, banded)
    assert np.max(np.abs(local - attend(q, k, v, causal=True))) > 1e-2


def test_a_bias_may_be_a_function_of_the_indices() -> None:
    q, k, v = make_qkv()

    def bias(queries: Array, keys: Array) -> Array:
        return -0.3 * jnp.abs(queries[:, None] - keys[None])[None, None]

    @jax.jit
    def both() -> list[Array]:
        as_array = bias(jnp.arange(T), jnp.arange(S))
        return [dot_product_attention(q, k, v, bias=each) for each in (as_array, bias)]

    as_array, as_function = both()
    np.testing.assert_array_equal(as_array, as_function)


def test_dropout_acts_on_the_weights_and_keeps_their_mean() -> None:
    q, k, v = make_qkv()
    key = jax.random.key(1)
    one = attend(q, k, v, dropout_key=key, dropout_rate=0.5)
    by_parts = jax.jit(lambda key: apply_weights(attention_weights(q, k), v, key, 0.5))(key)
    np.testing.assert_allclose(one, by_parts, atol=1e-6)
    many = jax.jit(jax.vmap(lambda key: dot_product_attention(q, k, v, dropout_key=key, dropout_rate=0.5)))(
        jax.random.split(key, 2000)
    )
    # Five standard errors of the mean of 2,000 draws.
    mean, many = attend(q, k, v), np.asarray(many)
    assert np.all(np.abs(many.mean(axis=0) - mean) < 5 * many.std(axis=0) / np.sqrt(2000))
    assert np.max(np.abs(one - mean)) > 0.1


@pytest.mark.parametrize("causal", [False, True])
def test_linear_attention_equals_its_kernel_form(causal: bool) -> None:
    q, k, v = make_qkv(keys=T)
    features_q, features_k = map(np.asarray, jax.jit(lambda *x: [positive_features(each) for each in x])(q, k))
    kernel = np.einsum("bthk,bshk->bhts", features_q, features_k)
    kernel = np.tril(kernel) if causal else kernel
    expected = np.einsum("bhts,bshk->bthk", kernel / kernel.sum(axis=-1, keepdims=True), v)
    outputs = jax.jit(linear_attention, static_argnames="causal")(q, k, v, causal=causal)
    np.testing.assert_allclose(outputs, expected, atol=1e-6)


def test_half_precision_inputs_keep_a_float32_softmax() -> None:
    q, k, v = (x.astype(jnp.bfloat16) for x in make_qkv())
    assert jax.eval_shape(attention_weights, q, k).dtype == jnp.float32
    outputs = np.asarray(attend(q, k, v))
    assert outputs.dtype == jnp.bfloat16
    # bfloat16 has 8 bits: 2^-8 of values up to 3.
    np.testing.assert_allclose(outputs.astype(np.float32), naive(q, k, v), atol=0.02)


@pytest.mark.parametrize(
    ("shapes", "options", "message"),
    [
        (((1, 2, 3, 4), (1, 2, 3, 5), (1, 2, 3, 5)), {}, "equal B and K"),
        (((1, 2, 3, 4), (1, 2, 3, 4), (1, 3, 3, 4)), {}, "must agree"),
        (((1, 2, 3, 4), (1, 2, 2, 4), (1, 2, 2, 4)), {}, "2 key heads do not divide 3 query heads"),
        (((1, 2, 3, 4), (1, 5, 3, 4), (1, 5, 3, 4)), {"causal": True}, "ambiguous; pass a mask"),
        (((1, 2, 3, 4), (1, 2, 3, 4), (1, 2, 3, 4)), {"window": 0}, "window=0 must be at least 1"),
        (((1, 2, 3, 4), (1, 2, 3, 4), (1, 2, 3, 4)), {"implementation": "flash"}, "use one of dense, blockwise, cudnn"),
    ],
)
def test_what_does_not_fit_is_refused(shapes: tuple, options: dict, message: str) -> None:
    q, k, v = (np.zeros(shape, np.float32) for shape in shapes)
    with pytest.raises(ValueError, match=message):
        dot_product_attention(q, k, v, **options)


def test_cudnn_refuses_dropout_on_weights() -> None:
    q, k, v = make_qkv()
    with pytest.raises(ValueError, match="no dropout on its weights; use 'dense'"):
        dot_product_attention(q, k, v, implementation="cudnn", dropout_key=jax.random.key(0), dropout_rate=0.1)


@pytest.mark.gpu
@pytest.mark.parametrize("causal", [False, True])
def test_cudnn_equals_dense(causal: bool) -> None:
    keys = jax.random.split(jax.random.key(0), 3)
    q, k, v = (jax.random.normal(key, (2, 128, 4, 64), jnp.bfloat16) for key in keys)
    mask = padding_mask(jnp.array([128, 100]), 128)
    for options in ({}, {"mask": mask}, {"window": 17}):
        dense = dot_product_attention(q, k, v, causal=causal, **options).astype(jnp.float32)
        fused = dot_product_attention(q, k, v, causal=causal, implementation="cudnn", **options).astype(jnp.float32)
        np.testing.assert_allclose(fused, dense, atol=0.02)
