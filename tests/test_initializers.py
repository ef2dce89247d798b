"""Initializers: the standard deviations they promise, and their scale as an hparam."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nn_core.initializers import INITIALIZERS, make_initializer

FAN_IN, FAN_OUT = 400, 300
STANDARD_DEVIATIONS = {
    "zeros": 0.0,
    "normal": 1.0,
    "gpt2_normal": 0.02,
    "uniform": 1 / math.sqrt(3 * FAN_IN),
    "glorot_normal": math.sqrt(2 / (FAN_IN + FAN_OUT)),
    "glorot_uniform": math.sqrt(2 / (FAN_IN + FAN_OUT)),
    "he_normal": math.sqrt(2 / FAN_IN),
    "he_uniform": math.sqrt(2 / FAN_IN),
    "lecun_normal": math.sqrt(1 / FAN_IN),
    "lecun_uniform": math.sqrt(1 / FAN_IN),
    "orthogonal": 1 / math.sqrt(FAN_IN),
}


@functools.cache
def draw(name: str) -> tuple[np.ndarray, np.ndarray]:
    """What it draws by itself, and at half the scale."""

    @jax.jit
    def both(key: jax.Array) -> tuple[jax.Array, ...]:
        initializers = (make_initializer(name, hparams) for hparams in ({}, {"init_scale": 0.5}))
        return tuple(initializer(key, (FAN_IN, FAN_OUT), jnp.float32) for initializer in initializers)

    return jax.device_get(both(jax.random.key(0)))


@pytest.mark.parametrize("name", INITIALIZERS)
def test_standard_deviation_and_scale(name: str) -> None:
    plain, half = draw(name)
    assert plain.std() == pytest.approx(STANDARD_DEVIATIONS[name], rel=0.01)
    assert abs(plain.mean()) <= 4 * STANDARD_DEVIATIONS[name] / math.sqrt(plain.size)
    np.testing.assert_array_equal(half, 0.5 * plain)


def test_uniform_is_torchs_default() -> None:
    bound = 1 / math.sqrt(FAN_IN)
    drawn, _ = draw("uniform")
    assert 0.999 * bound < np.abs(drawn).max() <= bound


def test_orthogonal_columns() -> None:
    w, _ = draw("orthogonal")
    np.testing.assert_allclose(w.T @ w, np.eye(FAN_OUT), atol=1e-5)


@pytest.mark.parametrize(
    "shape", [(17, 53), (3, 5, 11), *(pytest.param(shape, marks=pytest.mark.slow) for shape in ((31, 31), (53, 17)))]
)
def test_orthogonal_is_jaxs_matrix_without_its_lapack_call(shape: tuple[int, ...]) -> None:
    ours = jax.jit(INITIALIZERS["orthogonal"], static_argnums=1).lower(jax.random.key(2), shape)
    theirs = jax.jit(jax.nn.initializers.orthogonal(), static_argnums=1)(jax.random.key(2), shape)
    np.testing.assert_allclose(ours.compile()(jax.random.key(2)), theirs, atol=1e-5)
    assert "custom_call" not in ours.as_text()
    with pytest.raises(ValueError, match="no two axes"):
        INITIALIZERS["orthogonal"](jax.random.key(0), (7,))


def test_scale_is_an_axis_of_a_sweep_and_keeps_the_dtype() -> None:
    def draw_one(scale):
        return make_initializer("he_normal", {"init_scale": scale})(jax.random.key(0), (3, 5), jnp.bfloat16)

    drawn = jax.jit(jax.vmap(draw_one))(np.float32([0.0, 1.0, 2.0]))
    drawn = np.asarray(drawn)
    assert drawn.dtype == jnp.bfloat16 and not drawn[0].any()
    np.testing.assert_array_equal(2 * drawn[1], drawn[2])


def test_unknown_name_lists_the_choices() -> None:
    with pytest.raises(ValueError, match="initializer 'xavier' is unknown; use one of zeros, .*glorot_normal"):
        make_initializer("xavier", {})
