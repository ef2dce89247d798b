"""Layers against Flax, and their laws: flattening, dropout by the flag, normalisation in float32."""

from collections.abc import Callable

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

from nn_core.models.layers import Dense, Dropout, GroupNorm, LayerNorm, RMSNorm, standardise

X_BTD = np.random.default_rng(0).normal(size=(3, 5, 7)).astype(np.float32) * 4 + 1


def value_and_gradients(modules: tuple[nn.Module, ...], variables, x):
    """Of each module, in one program."""

    def run(variables, x):
        losses = [lambda v, x, module=module: jnp.sum(jnp.sin(module.apply(v, x))) for module in modules]
        return [jax.value_and_grad(loss, argnums=(0, 1))(variables, x) for loss in losses]

    return jax.device_get(jax.jit(run)(variables, x))


def assert_same(ours: nn.Module, theirs: nn.Module, x) -> None:
    shapes = jax.eval_shape(theirs.init, jax.random.key(1), x)
    assert jax.tree.map(lambda leaf: leaf.shape, jax.eval_shape(ours.init, jax.random.key(1), x)) == jax.tree.map(
        lambda leaf: leaf.shape, shapes
    )
    rng = np.random.default_rng(0)
    variables = jax.tree.map(lambda leaf: rng.normal(size=leaf.shape).astype(np.float32), shapes)
    found, expected = value_and_gradients((ours, theirs), variables, x)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", [(7,), (3, 7), (3, 5, 7), (2, 3, 5, 7)])
def test_dense_equals_flax_for_any_leading_axes(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    assert_same(Dense(11), nn.Dense(11), x)
    output, _ = jax.eval_shape(Dense(11).init_with_output, jax.random.key(0), x)
    assert output.shape == (*shape[:-1], 11)


def test_dense_without_bias_and_in_half_precision() -> None:
    assert_same(Dense(11, use_bias=False), nn.Dense(11, use_bias=False), X_BTD)
    layer = Dense(11, dtype=jnp.bfloat16)
    output, variables = jax.eval_shape(layer.init_with_output, jax.random.key(0), X_BTD)
    assert output.dtype == jnp.bfloat16 and variables["params"]["kernel"].dtype == jnp.float32


def test_dense_multiplies_a_flat_matrix() -> None:
    text = str(jax.make_jaxpr(lambda x: Dense(11).init_with_output(jax.random.key(0), x)[0])(X_BTD))
    product = next(line for line in text.splitlines() if "dot_general" in line)
    assert "f32[15,11]" in product


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (LayerNorm(), nn.LayerNorm(epsilon=1e-5, use_fast_variance=False)),
        (LayerNorm(use_bias=False), nn.LayerNorm(epsilon=1e-5, use_bias=False, use_fast_variance=False)),
        (LayerNorm(use_scale=False), nn.LayerNorm(epsilon=1e-5, use_scale=False, use_fast_variance=False)),
        (GroupNorm(7), nn.GroupNorm(7, epsilon=1e-5, use_fast_variance=False)),
        (GroupNorm(1), nn.GroupNorm(1, epsilon=1e-5, use_fast_variance=False)),
        (RMSNorm(), nn.RMSNorm(epsilon=1e-6)),
        (RMSNorm(epsilon=0.5), nn.RMSNorm(epsilon=0.5)),
    ],
)
def test_norms_equal_flax(ours: nn.Module, theirs: nn.Module) -> None:
    assert_same(ours, theirs, X_BTD)


def test_layer_norm_rows_have_mean_zero_and_variance_one() -> None:
    """F130; a constant row is finite, and so is its gradient."""
    rows = np.asarray(jax.jit(LayerNorm().init_with_output)(jax.random.key(0), X_BTD)[0])
    np.testing.assert_allclose(rows.mean(-1), np.zeros((3, 5)), atol=1e-6)
    np.testing.assert_allclose(rows.var(-1), np.ones((3, 5)), rtol=1e-4)
    constant = np.full((2, 7), 1e4, np.float32)
    both = {"params": {"scale": np.ones(7, np.float32), "bias": np.zeros(7, np.float32)}}
    found = value_and_gradients((LayerNorm(), RMSNorm()), both, constant)
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(found))
    np.testing.assert_array_equal(jax.jit(LayerNorm().apply)(both, constant), np.zeros((2, 7)))


@pytest.mark.parametrize("layer", [LayerNorm(), RMSNorm()])
def test_norms_compute_in_float32_and_return_the_dtype_of_their_inputs(layer: nn.Module) -> None:
    x = (X_BTD + 300).astype(jnp.bfloat16)
    found, variables = jax.jit(layer.init_with_output)(jax.random.key(0), x)
    assert found.dtype == jnp.bfloat16
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype(jnp.float32)}
    exact = np.asarray(jax.jit(layer.apply)(variables, x.astype(np.float32)))
    np.testing.assert_array_equal(found, exact.astype(jnp.bfloat16))


def test_dropout_is_off_in_deterministic_mode_and_asks_for_no_key() -> None:
    layer = Dropout(0.5)
    np.testing.assert_array_equal(layer.apply({}, X_BTD), X_BTD)
    np.testing.assert_array_equal(layer.apply({}, X_BTD, deterministic=True), X_BTD)
    dropped = np.asarray(
        jax.jit(lambda x: layer.apply({}, x, deterministic=False, rngs={"dropout": jax.random.key(0)}))(X_BTD)
    )
    kept = dropped != 0
    assert 0.2 < kept.mean() < 0.8
    np.testing.assert_allclose(dropped[kept], 2 * np.asarray(X_BTD)[kept], rtol=1e-6)


def test_absent_dropout_is_not_in_the_program() -> None:
    program = str(jax.make_jaxpr(lambda x: Dropout(None).apply({}, x, deterministic=False))(X_BTD))
    assert "random" not in program and "threefry" not in program


def test_dropout_rate_is_an_axis_of_a_sweep_also_under_scan() -> None:
    class Stack(nn.Module):
        rate: jax.Array

        @nn.compact
        def __call__(self, x):
            def body(module, x, _):
                return module(x, deterministic=False), None

            scan = nn.scan(body, variable_axes={"params": 0}, split_rngs={"params": True, "dropout": True}, length=2)
            return scan(Dropout(self.rate), x, None)[0]

    def run(rate):
        return Stack(rate).apply({}, jnp.ones((100, 100)), rngs={"dropout": jax.random.key(0)})

    found = np.asarray(jax.jit(jax.vmap(run))(jnp.asarray([0.0, 0.5, 1.0])))
    np.testing.assert_array_equal(found[0], np.ones((100, 100)))
    assert (found[1] == 0).mean() == pytest.approx(0.75, abs=0.02)  # two independent masks
    assert not found[2].any()


def test_standardise_has_the_derivative_of_its_formula_in_both_modes() -> None:
    """The written-out derivative against autodiff of the plain formula, forwards and backwards."""
    rng = np.random.default_rng(0)
    x = rng.normal(1.0, 2.0, (3, 7)).astype(np.float32)
    direction = rng.normal(size=(3, 7)).astype(np.float32)

    def plain(x: Array) -> Array:
        return (x - x.mean(axis=-1, keepdims=True)) / jnp.sqrt(x.var(axis=-1, keepdims=True) + 1e-3)

    def ours(x: Array) -> Array:
        return standardise(x, 1e-3)

    def derivatives(f: Callable[[Array], Array], x: Array) -> tuple[Array, Array]:
        forward, backward = jax.jvp(f, (x,), (direction,))[1], jax.grad(lambda x: jnp.sum(direction * f(x)))(x)
        return forward, backward

    found, expected = jax.jit(lambda x: [derivatives(f, x) for f in (ours, plain)])(x)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
        assert np.max(np.abs(other)) > 0.1
