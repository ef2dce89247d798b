"""The two-stage argmax is NumPy's, whatever the width, the ties and the axes before it; top-k never sorts everything."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nn_core.largest import BLOCK, FEWEST, argmax, top_k


@pytest.mark.parametrize("size", [7, FEWEST, FEWEST + 1, 5 * BLOCK - 1, 5 * BLOCK + 3])
def test_it_is_numpy_s(size):
    rng = np.random.default_rng(size)
    whole = rng.integers(0, 5, (3, 11, size)).astype(np.float32)  # nearly all rows have several largest values
    values = np.concatenate([whole, rng.normal(size=whole.shape)], dtype=np.float32)
    values[0, 0] = -np.inf
    values[1, 1, -1] = np.inf
    values[2, 2, 4:6] = np.nan
    found = jax.jit(argmax)(values)
    assert found.dtype == jnp.int32
    np.testing.assert_array_equal(found, values.argmax(axis=-1))
    np.testing.assert_array_equal(argmax(jnp.asarray(values[0, 0])), 0)


def test_a_loss_may_hold_it():
    values = jax.random.normal(jax.random.key(0), (3, FEWEST))
    slopes = jax.grad(lambda x: jnp.sum(x * (argmax(x) > 7)[:, None]))(values)
    np.testing.assert_array_equal(slopes, jnp.broadcast_to((argmax(values) > 7)[:, None], values.shape))


def test_half_precision():
    values = jnp.asarray(np.random.default_rng(0).normal(size=(3, 300)), jnp.bfloat16)
    np.testing.assert_array_equal(argmax(values), jnp.argmax(values, axis=-1))


@pytest.mark.parametrize("size", [2 * 5 * BLOCK - 1, 2 * 5 * BLOCK, 11 * BLOCK + 3])
def test_top_k_in_two_stages_is_lax_s(size):
    rng = np.random.default_rng(size)
    values = rng.integers(0, 40, (13, size)).astype(np.float32)  # most rows have several of the largest values
    values[0] = -np.inf
    values[1, :-2] = -np.inf
    values[2, rng.permutation(size)[: size - 3]] = -np.inf
    values[3:5] = rng.normal(size=(2, size))
    for found, right in zip(jax.jit(lambda x: top_k(x, 5))(values), jax.lax.top_k(values, 5), strict=True):
        np.testing.assert_array_equal(found, right)


def test_top_k_is_lax_s_and_selects_where_fewer_values_than_places_are_read():
    values = np.random.default_rng(0).integers(0, 9, (3, 701)).astype(np.float32)
    for found, right in zip(top_k(values, 10), jax.lax.top_k(values, 10), strict=True):
        np.testing.assert_array_equal(found, right)
    doubled = jax.vmap(lambda row: top_k(row, 4)[1])(values)
    np.testing.assert_array_equal(doubled, jax.lax.top_k(values, 4)[1])

    def best_five_and_ten_places(values):
        largest, places = top_k(values, 10)
        return largest[:, :5], places

    compiled = jax.jit(best_five_and_ten_places).lower(values).compile().as_text()
    assert " sort(" not in compiled


@pytest.mark.parametrize("size", [101, 11 * BLOCK])
def test_top_k_in_a_program_of_several_devices(size):
    """XLA aborted the process: a sweep over two cores ended when its translators searched."""
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:2]), ("member",))
    values = np.random.default_rng(size).normal(size=(4, 3, size)).astype(np.float32)
    over_members = jax.shard_map(
        jax.vmap(lambda rows: top_k(rows, 5)), mesh=mesh, in_specs=jax.P("member"), out_specs=jax.P("member")
    )
    for found, right in zip(jax.jit(over_members)(values), jax.lax.top_k(values, 5), strict=True):
        np.testing.assert_array_equal(found, right)
