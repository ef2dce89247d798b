"""The two-stage argmax is NumPy's, whatever the width, the ties and the axes before it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nn_core.argmax import BLOCK, FEWEST, argmax


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
