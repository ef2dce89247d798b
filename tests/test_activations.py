"""Activations against autodiff, finite differences, jax.nn and the numbers of the inventory."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import optimize, special

from nn_core import activations as act

GRID = np.linspace(-8.0, 8.0, 1001)  # holds 0, where the kinks are
NAMES = sorted(act.ACTIVATIONS)
HPARAMS = {"negative_slope": 0.2, "elu_alpha": 1.7}


@pytest.mark.parametrize("name", NAMES)
def test_derivative_equals_autodiff_and_finite_differences(name: str) -> None:
    with jax.enable_x64(True):
        f, derivative = act.make_activation(name, HPARAMS), act.make_activation_derivative(name, HPARAMS)
        h = 1e-5
        found, automatic, difference = jax.jit(
            lambda x: (derivative(x), jax.vmap(jax.grad(f))(x), (f(x + h) - f(x - h)) / (2 * h))
        )(jnp.asarray(GRID))
        np.testing.assert_allclose(found, automatic, atol=1e-10, rtol=0)
        smooth = np.abs(GRID) > 2 * h  # a difference across a kink is no derivative
        np.testing.assert_allclose(np.asarray(found)[smooth], np.asarray(difference)[smooth], atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("name", "oracle"),
    [
        ("sigmoid", special.expit),
        ("tanh", np.tanh),
        ("relu", lambda x: np.maximum(x, 0)),
        ("leaky_relu", lambda x: np.where(x > 0, x, 0.01 * x)),
        ("elu", lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0)))),
        ("selu", lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0)))),
        ("gelu", lambda x: x * special.ndtr(x)),
        ("gelu_tanh", lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))),
        ("swish", lambda x: x * special.expit(x)),
        ("silu", lambda x: x * special.expit(x)),
        ("identity", lambda x: x),
        ("step", lambda x: (x >= 0).astype(float)),
    ],
)
def test_value_equals_numpy(name: str, oracle) -> None:
    with jax.enable_x64(True):
        found = jax.jit(act.make_activation(name, {}))(jnp.asarray(GRID))
        np.testing.assert_allclose(found, oracle(GRID), atol=1e-12, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_extreme_inputs_give_finite_values_and_gradients_in_float32(name: str) -> None:
    x = jnp.asarray([-1e4, -200.0, -0.0, 0.0, 200.0, 1e4], jnp.float32)
    f = act.make_activation(name, {})
    derivative = act.make_activation_derivative(name, {})
    for result in jax.jit(lambda x: (f(x), jax.vmap(jax.grad(f))(x), derivative(x)))(x):
        assert np.all(np.isfinite(result)) and result.dtype == x.dtype


@pytest.mark.parametrize("name", NAMES)
def test_dtype_is_kept_and_nan_is_not_hidden(name: str) -> None:
    hparams = {"negative_slope": jnp.float32(0.1), "elu_alpha": jnp.float32(0.1)}
    f = act.make_activation(name, hparams)
    assert jax.eval_shape(f, jnp.ones((3,), jnp.bfloat16)).dtype == jnp.bfloat16
    if name != "step":
        assert np.isnan(jax.jit(f)(jnp.float32(jnp.nan)))


softmax = jax.jit(act.softmax, static_argnames=("axis",))
log_softmax = jax.jit(act.log_softmax, static_argnames=("axis",))


def test_step_is_one_at_zero() -> None:
    np.testing.assert_array_equal(act.step(jnp.asarray([-1e-9, 0.0, 1e-9])), [0.0, 1.0, 1.0])


def test_sigmoid_numbers() -> None:
    assert act.sigmoid(jnp.float32(0.0)) == 0.5
    np.testing.assert_array_equal(act.sigmoid(jnp.asarray([-1e4, 1e4])), [0.0, 1.0])
    with jax.enable_x64(True):
        slopes = act.sigmoid_derivative(jnp.asarray(GRID))
        assert slopes.max() == 0.25 and GRID[np.argmax(slopes)] == 0.0
        s = act.sigmoid(jnp.asarray(GRID))
        np.testing.assert_allclose(slopes, s * (1 - s), atol=1e-15)


def test_large_coefficients_flatten_the_slope_and_raise_the_loss() -> None:
    """F046: x1 + x2 against 10 x1 + 10 x2 at (1, 1)."""
    with jax.enable_x64(True):
        small, large = jnp.float64(2.0), jnp.float64(20.0)
        assert act.sigmoid(small) == pytest.approx(0.8808, abs=5e-5)
        assert 1 - act.sigmoid(large) == pytest.approx(2e-9, abs=1e-10)
        assert act.sigmoid_derivative(small) == pytest.approx(0.105, abs=5e-4)
        assert act.sigmoid_derivative(large) == pytest.approx(2e-9, abs=1e-10)
        assert -log_softmax(jnp.stack([small, jnp.zeros_like(small)]))[1] == pytest.approx(2.13, abs=5e-3)
        assert -log_softmax(jnp.stack([large, jnp.zeros_like(large)]))[1] == pytest.approx(20.0, abs=1e-6)


def test_tanh_is_a_stretched_sigmoid_with_a_larger_slope_only_near_zero() -> None:
    assert act.tanh(jnp.float32(1000.0)) == 1.0
    with jax.enable_x64(True):
        x = jnp.asarray(GRID)
        np.testing.assert_allclose(act.tanh(x), 2 * act.sigmoid(2 * x) - 1, atol=1e-15)
        crossing = optimize.brentq(lambda v: float(act.tanh_derivative(v) - act.sigmoid_derivative(v)), 0.5, 4.0)
        assert crossing == pytest.approx(2 * math.acosh((1 + math.sqrt(3)) / 2), abs=1e-9)
        assert crossing == pytest.approx(1.6629, abs=5e-5)


def test_relu_gradient_at_zero_is_zero_where_maximum_gives_one_half() -> None:
    assert jax.grad(act.relu)(0.0) == 0.0 == act.relu_derivative(jnp.float32(0.0))
    assert jax.grad(lambda x: jnp.maximum(x, 0.0))(0.0) == 0.5


def test_leaky_relu_slope_is_an_axis_of_a_sweep() -> None:
    def value_and_slope(negative_slope):
        hparams = {"negative_slope": negative_slope}
        return jax.value_and_grad(act.make_activation("leaky_relu", hparams))(-3.0)

    values, slopes = jax.jit(jax.vmap(value_and_slope))(jnp.asarray([0.0, 0.01, 0.3]))
    np.testing.assert_allclose(values, [0.0, -0.03, -0.9], rtol=1e-6)
    np.testing.assert_allclose(slopes, [0.0, 0.01, 0.3], rtol=1e-6)


def test_elu_numbers_and_the_gradient_that_a_naive_where_loses() -> None:
    assert act.elu(jnp.float32(-1.0)) == pytest.approx(-0.63212, abs=5e-6)
    assert jax.grad(act.elu)(200.0) == 1.0
    assert jax.grad(act.elu, argnums=1)(jnp.float32(200.0), 1.0) == 0.0
    assert np.isnan(jax.grad(lambda x: jnp.where(x > 0, x, jnp.exp(x) - 1.0))(200.0))


def test_selu_keeps_mean_and_variance_over_twenty_layers() -> None:
    assert act.selu(jnp.float32(-1.0)) == pytest.approx(-1.11133, abs=5e-6)
    keys = jax.random.split(jax.random.key(0), 21)
    initializer = jax.nn.initializers.lecun_normal()
    x_BD, _ = jax.lax.scan(
        lambda x_BD, key: (act.selu(x_BD @ initializer(key, (256, 256))), None),
        jax.random.normal(keys[0], (256, 256)),
        keys[1:],
    )
    assert abs(float(x_BD.mean())) < 0.1
    assert 0.8 < float(x_BD.var()) < 1.2


def test_gelu_has_two_forms() -> None:
    assert act.gelu(jnp.float32(1.0)) == pytest.approx(0.841345, abs=5e-7)
    assert act.gelu_tanh(jnp.float32(1.0)) == pytest.approx(0.841192, abs=5e-7)


def test_softmax_numbers_and_order() -> None:
    found = softmax(jnp.asarray([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(found, [0.0900, 0.2447, 0.6652], atol=5e-5)
    np.testing.assert_array_equal(softmax(jnp.asarray([1e4, 0.0])), [1.0, 0.0])
    x_BC = jax.random.normal(jax.random.key(0), (7, 5))
    np.testing.assert_array_equal(jnp.argsort(softmax(x_BC)), jnp.argsort(x_BC))
    np.testing.assert_allclose(softmax(x_BC, axis=0).sum(axis=0), np.ones(5), rtol=1e-6)


def test_softmax_ignores_a_shift_but_not_a_scale() -> None:
    with jax.enable_x64(True):
        z = jnp.asarray([0.3, -1.2, 2.0])
        np.testing.assert_allclose(softmax(z + 57.0), softmax(z), atol=1e-14)
        assert np.abs(softmax(2 * z) - softmax(z)).max() > 0.1


def test_softmax_jacobians_equal_autodiff() -> None:
    with jax.enable_x64(True):
        x_BC = jax.random.normal(jax.random.key(1), (3, 5), jnp.float64)
        for f, jacobian in (
            (softmax, jax.jit(act.softmax_jacobian)),
            (log_softmax, jax.jit(act.log_softmax_jacobian)),
        ):
            np.testing.assert_allclose(jacobian(x_BC), jax.jit(jax.vmap(jax.jacfwd(f)))(x_BC), atol=1e-12)
        s = softmax(x_BC[0])
        np.testing.assert_allclose(jax.jit(act.softmax_jacobian)(x_BC[0]), jnp.diag(s) - jnp.outer(s, s), atol=1e-15)


@pytest.mark.parametrize("z", [[1000.0, 1001.0, 1002.0], [-1000.0, -1001.0]])
def test_softmax_is_stable_where_the_printed_form_is_not(z: list[float]) -> None:
    z_C = jnp.asarray(z, jnp.float32)
    naive = jnp.exp(z_C) / jnp.exp(z_C).sum()
    naive_log = z_C - jnp.log(jnp.exp(z_C).sum())
    assert not np.all(np.isfinite(naive)) and not np.all(np.isfinite(naive_log))
    np.testing.assert_allclose(softmax(z_C), softmax(z_C - z_C[0]), rtol=1e-6)
    np.testing.assert_allclose(log_softmax(z_C), special.log_softmax(np.asarray(z, np.float64)), rtol=1e-5)


def test_masked_entries_get_nothing_and_a_masked_row_gives_zeros() -> None:
    inf = jnp.inf
    x_BC = jnp.asarray([[1.0, -inf, 2.0], [-inf, -inf, -inf]])
    found = softmax(x_BC)
    np.testing.assert_allclose(found[0], [0.268941, 0.0, 0.731059], atol=1e-6)
    np.testing.assert_array_equal(found[1], [0.0, 0.0, 0.0])
    np.testing.assert_array_equal(log_softmax(x_BC)[1], [-inf, -inf, -inf])
    mask_BC = jnp.asarray([[True, False, True], [False, False, False]])
    gradient = jax.grad(lambda x: jnp.sum(softmax(jnp.where(mask_BC, x, -inf)) ** 2))(jnp.ones((2, 3)))
    assert np.all(np.isfinite(gradient)) and not gradient[1].any()


def test_unknown_name_lists_the_choices() -> None:
    assert set(act.ACTIVATION_DERIVATIVES) == set(act.ACTIVATIONS)
    for make in (act.make_activation, act.make_activation_derivative):
        with pytest.raises(ValueError, match="'rleu' is unknown; use one of .*relu"):
            make("rleu", {})
