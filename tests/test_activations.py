"""Activations against autodiff, finite differences, jax.nn and the numbers of the course."""

import functools
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


STEP = 1e-5
EXTREMES = np.float32([-1e4, -200.0, -0.0, 0.0, 200.0, 1e4, np.nan])


# One program for all activations, each in double precision on the grid, or in float32 at the extremes.
@functools.cache
def on_the_grid() -> dict[str, tuple[np.ndarray, ...]]:
    """name -> (value without hparams, derivative by hand, by autodiff and by a finite difference, all with hparams)."""

    @jax.jit
    def everything(x: jax.Array) -> dict[str, tuple[jax.Array, ...]]:
        found = {}
        for name in NAMES:
            f, derivative = act.make_activation(name, HPARAMS), act.make_activation_derivative(name, HPARAMS)
            above, below = jnp.split(f(jnp.concatenate([x + STEP, x - STEP])), 2)
            slopes = derivative(x), jax.vmap(jax.grad(f))(x), (above - below) / (2 * STEP)
            found[name] = act.make_activation(name, {})(x), *slopes
        return found

    with jax.enable_x64(True):
        return jax.device_get(everything(jnp.asarray(GRID)))


@functools.cache
def at_extremes() -> dict[str, tuple[np.ndarray, ...]]:
    """name -> (value, derivative by autodiff and by hand)."""

    @jax.jit
    def everything(x: jax.Array) -> dict[str, tuple[jax.Array, ...]]:
        fs = {name: act.make_activation(name, {}) for name in NAMES}
        return {
            name: (f(x), jax.vmap(jax.grad(f))(x), act.make_activation_derivative(name, {})(x))
            for name, f in fs.items()
        }

    return jax.device_get(everything(EXTREMES))


@pytest.mark.parametrize("name", NAMES)
def test_derivative_equals_autodiff_and_finite_differences(name: str) -> None:
    _, found, automatic, difference = on_the_grid()[name]
    np.testing.assert_allclose(found, automatic, atol=1e-10, rtol=0)
    smooth = np.abs(GRID) > 2 * STEP  # a difference across a kink is no derivative
    np.testing.assert_allclose(found[smooth], difference[smooth], atol=1e-6, rtol=0)


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
    np.testing.assert_allclose(on_the_grid()[name][0], oracle(GRID), atol=1e-12, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_extreme_inputs_give_finite_values_and_gradients_in_float32(name: str) -> None:
    for result in at_extremes()[name]:
        assert np.all(np.isfinite(result[:-1])) and result.dtype == EXTREMES.dtype


@pytest.mark.parametrize("name", NAMES)
def test_dtype_is_kept_and_nan_is_not_hidden(name: str) -> None:
    hparams = {"negative_slope": np.float32(0.1), "elu_alpha": np.float32(0.1)}
    f = act.make_activation(name, hparams)
    assert jax.eval_shape(f, jax.ShapeDtypeStruct((3,), jnp.bfloat16)).dtype == jnp.bfloat16
    if name != "step":
        assert np.isnan(at_extremes()[name][0][-1])


softmax = jax.jit(act.softmax, static_argnames=("axis",))
log_softmax = jax.jit(act.log_softmax, static_argnames=("axis",))
sigmoid, sigmoid_derivative = jax.jit(act.sigmoid), jax.jit(act.sigmoid_derivative)


def test_step_is_one_at_zero() -> None:
    np.testing.assert_array_equal(jax.jit(act.step)(np.float32([-1e-9, 0.0, 1e-9])), [0.0, 1.0, 1.0])


def test_sigmoid_numbers() -> None:
    np.testing.assert_array_equal(sigmoid(np.float32([-1e4, 0.0, 1e4])), [0.0, 0.5, 1.0])
    with jax.enable_x64(True):
        slopes = np.asarray(sigmoid_derivative(jnp.asarray(GRID)))
        assert slopes.max() == 0.25 and GRID[np.argmax(slopes)] == 0.0
        s = np.asarray(sigmoid(jnp.asarray(GRID)))
        np.testing.assert_allclose(slopes, s * (1 - s), atol=1e-15)


def test_large_coefficients_flatten_the_slope_and_raise_the_loss() -> None:
    """F046: x1 + x2 against 10 x1 + 10 x2 at (1, 1)."""
    with jax.enable_x64(True):
        both = jnp.asarray(np.array([2.0, 20.0]))
        small, large = np.asarray(sigmoid(both))
        assert small == pytest.approx(0.8808, abs=5e-5)
        assert 1 - large == pytest.approx(2e-9, abs=1e-10)
        small_slope, large_slope = np.asarray(sigmoid_derivative(both))
        assert small_slope == pytest.approx(0.105, abs=5e-4)
        assert large_slope == pytest.approx(2e-9, abs=1e-10)
        low, high = -np.asarray(log_softmax(jnp.asarray(np.array([[2.0, 0.0], [20.0, 0.0]]))))[:, 1]
        assert low == pytest.approx(2.13, abs=5e-3)
        assert high == pytest.approx(20.0, abs=1e-6)


def test_tanh_is_a_stretched_sigmoid_with_a_larger_slope_only_near_zero() -> None:
    assert jax.jit(act.tanh)(np.float32(1000.0)) == 1.0
    with jax.enable_x64(True):
        tanh, stretched = jax.jit(lambda x: (act.tanh(x), 2 * act.sigmoid(2 * x) - 1))(jnp.asarray(GRID))
        np.testing.assert_allclose(tanh, stretched, atol=1e-15)
        difference = jax.jit(lambda v: act.tanh_derivative(v) - act.sigmoid_derivative(v))
        crossing = optimize.brentq(lambda v: float(difference(v)), 0.5, 4.0)
        assert crossing == pytest.approx(2 * math.acosh((1 + math.sqrt(3)) / 2), abs=1e-9)
        assert crossing == pytest.approx(1.6629, abs=5e-5)


def test_relu_gradient_at_zero_is_zero_where_maximum_gives_one_half() -> None:

    @jax.jit
    def slopes(x: jax.Array) -> list[jax.Array]:
        return [jax.grad(act.relu)(x), act.relu_derivative(x), jax.grad(lambda x: jnp.maximum(x, 0.0))(x)]

    assert jax.device_get(slopes(np.float32(0.0))) == [0.0, 0.0, 0.5]


def test_leaky_relu_slope_is_an_axis_of_a_sweep() -> None:
    def value_and_slope(negative_slope):
        hparams = {"negative_slope": negative_slope}
        return jax.value_and_grad(act.make_activation("leaky_relu", hparams))(-3.0)

    values, slopes = jax.jit(jax.vmap(value_and_slope))(jnp.asarray([0.0, 0.01, 0.3]))
    np.testing.assert_allclose(values, [0.0, -0.03, -0.9], rtol=1e-6)
    np.testing.assert_allclose(slopes, [0.0, 0.01, 0.3], rtol=1e-6)


def test_elu_numbers_and_the_gradient_that_a_naive_where_loses() -> None:

    @jax.jit
    def value_and_slopes(x: jax.Array, large: jax.Array) -> tuple[jax.Array, ...]:
        naive = jax.grad(lambda x: jnp.where(x > 0, x, jnp.exp(x) - 1.0))(large)
        return act.elu(x), *jax.grad(act.elu, argnums=(0, 1))(large, jnp.float32(1.0)), naive

    value, slope, by_alpha, naive = value_and_slopes(np.float32(-1.0), np.float32(200.0))
    assert value == pytest.approx(-0.63212, abs=5e-6)
    assert slope == 1.0 and by_alpha == 0.0 and np.isnan(naive)


def test_selu_keeps_mean_and_variance_over_twenty_layers() -> None:
    assert jax.jit(act.selu)(np.float32(-1.0)) == pytest.approx(-1.11133, abs=5e-6)

    @jax.jit
    def twenty_layers(key: jax.Array) -> jax.Array:
        keys = jax.random.split(key, 21)
        initializer = jax.nn.initializers.lecun_normal()
        return jax.lax.scan(
            lambda x_BD, key: (act.selu(x_BD @ initializer(key, (256, 256))), None),
            jax.random.normal(keys[0], (256, 256)),
            keys[1:],
        )[0]

    x_BD = np.asarray(twenty_layers(jax.random.key(0)))
    assert abs(float(x_BD.mean())) < 0.1
    assert 0.8 < float(x_BD.var()) < 1.2


def test_gelu_has_two_forms() -> None:
    exact, by_tanh = jax.jit(lambda x: (act.gelu(x), act.gelu_tanh(x)))(np.float32(1.0))
    assert exact == pytest.approx(0.841345, abs=5e-7)
    assert by_tanh == pytest.approx(0.841192, abs=5e-7)


def test_softmax_numbers_and_order() -> None:
    found = softmax(np.float32([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(found, [0.0900, 0.2447, 0.6652], atol=5e-5)
    np.testing.assert_array_equal(softmax(np.float32([1e4, 0.0, 0.0])), [1.0, 0.0, 0.0])
    x_BC = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
    np.testing.assert_array_equal(np.argsort(softmax(x_BC)), np.argsort(x_BC))
    np.testing.assert_allclose(np.asarray(softmax(x_BC, axis=0)).sum(axis=0), np.ones(5), rtol=1e-6)


def test_softmax_ignores_a_shift_but_not_a_scale() -> None:
    with jax.enable_x64(True):
        z = np.asarray([0.3, -1.2, 2.0])
        plain, shifted, scaled = (np.asarray(softmax(jnp.asarray(x))) for x in (z, z + 57.0, 2 * z))
        np.testing.assert_allclose(shifted, plain, atol=1e-14)
        assert np.abs(scaled - plain).max() > 0.1


def test_softmax_jacobians_equal_autodiff() -> None:
    with jax.enable_x64(True):
        x_BC = np.random.default_rng(1).normal(size=(3, 5))
        for f, jacobian in ((act.softmax, act.softmax_jacobian), (act.log_softmax, act.log_softmax_jacobian)):
            found, expected = jax.jit(lambda x, f=f, j=jacobian: (j(x), jax.vmap(jax.jacfwd(f))(x)))(jnp.asarray(x_BC))
            np.testing.assert_allclose(found, expected, atol=1e-12)
        s, found = jax.device_get(jax.jit(lambda x: (act.softmax(x), act.softmax_jacobian(x)))(jnp.asarray(x_BC[0])))
        np.testing.assert_allclose(found, np.diag(s) - np.outer(s, s), atol=1e-15)


@pytest.mark.parametrize("z", [[1000.0, 1001.0, 1002.0], [-1000.0, -1001.0, -1001.0]])
def test_softmax_is_stable_where_the_printed_form_is_not(z: list[float]) -> None:
    z_C = np.float32(z)
    with np.errstate(all="ignore"):
        naive = np.exp(z_C) / np.exp(z_C).sum()
        naive_log = z_C - np.log(np.exp(z_C).sum())
    assert not np.all(np.isfinite(naive)) and not np.all(np.isfinite(naive_log))
    np.testing.assert_allclose(softmax(z_C), softmax(z_C - z_C[0]), rtol=1e-6)
    np.testing.assert_allclose(log_softmax(z_C), special.log_softmax(np.asarray(z, np.float64)), rtol=1e-5)


def test_masked_entries_get_nothing_and_a_masked_row_gives_zeros() -> None:
    inf = np.inf
    x_BC = np.float32([[1.0, -inf, 2.0], [-inf, -inf, -inf]])
    found = np.asarray(softmax(x_BC))
    np.testing.assert_allclose(found[0], [0.268941, 0.0, 0.731059], atol=1e-6)
    np.testing.assert_array_equal(found[1], [0.0, 0.0, 0.0])
    np.testing.assert_array_equal(np.asarray(log_softmax(x_BC))[1], [-inf, -inf, -inf])
    mask_BC = np.asarray([[True, False, True], [False, False, False]])
    slope = jax.jit(jax.grad(lambda x: jnp.sum(softmax(jnp.where(mask_BC, x, -inf)) ** 2)))
    gradient = np.asarray(slope(np.ones((2, 3), np.float32)))
    assert np.all(np.isfinite(gradient)) and not gradient[1].any()


def test_unknown_name_lists_the_choices() -> None:
    assert set(act.ACTIVATION_DERIVATIVES) == set(act.ACTIVATIONS)
    for make in (act.make_activation, act.make_activation_derivative):
        with pytest.raises(ValueError, match="'rleu' is unknown; use one of .*relu"):
            make("rleu", {})


@pytest.mark.parametrize("name", NAMES)
def test_a_plain_number_is_as_good_as_an_array_of_it(name: str) -> None:
    function, derivative = act.ACTIVATIONS[name], act.ACTIVATION_DERIVATIVES[name]
    np.testing.assert_array_equal(function(1.5), function(jnp.float32(1.5)))
    np.testing.assert_array_equal(derivative(1.5), derivative(jnp.float32(1.5)))
    np.testing.assert_allclose(jax.grad(function)(1.5), derivative(1.5), rtol=1e-6)
    np.testing.assert_array_equal(function(2), function(2.0))


@pytest.mark.parametrize(
    ("name", "x", "slope"),
    [
        ("elu", -20.0, math.exp(-20)),
        ("selu", -20.0, act.SELU_SCALE * act.SELU_ALPHA * math.exp(-20)),
        ("tanh", 20.0, math.cosh(20) ** -2),
        ("sigmoid", 30.0, math.exp(-30)),
    ],
)
def test_small_slopes_do_not_cancel_to_zero(name: str, x: float, slope: float) -> None:
    assert act.ACTIVATION_DERIVATIVES[name](x) == pytest.approx(slope, rel=1e-5)
    if name != "tanh":  # JAX's own tanh: 1 - tanh^2
        assert jax.grad(act.ACTIVATIONS[name])(x) == pytest.approx(slope, rel=1e-5)
