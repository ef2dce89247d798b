"""Error surfaces: known values, critical points, what descent, momentum and two starts do there (F036, F061, F063)."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy import special

from nn_core.by_hand import surfaces
from nn_core.by_hand.surfaces import CRITICAL_POINT_KINDS, classify_critical_point, descend, find_critical_point

# Small programs that run once: compile them fast.
FAST = {"xla_backend_optimization_level": 0}
descend = jax.jit(descend, static_argnums=(0, 2, 3), compiler_options=FAST)
find_critical_point = jax.jit(find_critical_point, static_argnums=(0, 2), compiler_options=FAST)
classify = jax.jit(classify_critical_point, static_argnums=0, compiler_options=FAST)


def kind(surface: surfaces.Surface, point: list[float]) -> str:
    return CRITICAL_POINT_KINDS[int(classify(surface, np.float32(point)).kind)]


def test_known_values() -> None:
    widths = (1, 2, 5)

    @jax.jit
    def values() -> tuple[list[jax.Array], list[jax.Array], list[jax.Array]]:
        exact = [
            surfaces.quadratic(jnp.array([1.0, 2.0]), jnp.array([3.0, 5.0])),
            surfaces.saddle(jnp.array([3.0, 2.0])),
            surfaces.quartic(jnp.array([1.0, -2.0])),
            surfaces.two_minima(jnp.array([1.0, 2.0]), 0.5),
        ]
        lowest = [surfaces.rastrigin(jnp.zeros(width)) for width in widths]
        half = [surfaces.rastrigin(jnp.full(width, 0.5)) for width in widths]
        return exact, lowest, [surfaces.hump(jnp.array([-2.0])), *half]

    exact, lowest, (hump, *half) = jax.device_get(values())
    assert exact == [11.5, 5.0, 17.0, 4.5] and lowest == [0.0] * 3
    assert hump == pytest.approx(0.4)
    np.testing.assert_allclose(half, 20.25 * np.array(widths), rtol=1e-5)


def test_critical_points_are_told_apart_by_the_hessian() -> None:
    """F061, S24: positive definite is sufficient for a minimum, not necessary."""
    bowl = partial(surfaces.quadratic, curvatures_D=np.float32([1.0, 7.0]))
    assert kind(bowl, [0.0, 0.0]) == "minimum"
    assert kind(lambda x: -bowl(x), [0.0, 0.0]) == "maximum"
    assert kind(surfaces.saddle, [0.0, 0.0]) == "saddle"
    assert kind(bowl, [0.5, 0.0]) == "not critical"
    assert kind(surfaces.quartic, [0.0, 0.0]) == "degenerate"
    nearby = 0.1 * np.random.default_rng(0).normal(size=(100, 2)).astype(np.float32)
    heights = np.asarray(jax.jit(jax.vmap(surfaces.quartic))(np.concatenate([np.zeros((1, 2), np.float32), nearby])))
    assert np.all(heights[1:] > heights[0])
    # A trough that rises one way is not a saddle, one that falls as well is.
    assert kind(lambda x: x[0] ** 2, [0.0, 0.0]) == "degenerate"
    assert kind(lambda x: x[0] ** 2 - x[1] ** 2 + 0 * x[2], [0.0, 0.0, 0.0]) == "saddle"
    eigenvalues = classify(bowl, np.zeros(2, np.float32)).eigenvalues_D
    np.testing.assert_allclose(eigenvalues, [1.0, 7.0])


def test_two_minima_and_the_saddle_between_them() -> None:
    """two local minima, not equally low; S24: with tilt 0 they are equal."""
    points = [find_critical_point(surfaces.two_minima, np.float32([x, 0.2]), 8) for x in (-1.0, 0.1, 1.0)]
    assert [kind(surfaces.two_minima, point) for point in points] == ["minimum", "saddle", "minimum"]
    height = jax.jit(surfaces.two_minima)
    left, middle, right = (float(height(point)) for point in points)
    assert left + 0.5 < right < middle
    level = jax.jit(partial(surfaces.two_minima, tilt=0.0))
    assert level(np.float32([-1.0, 0.0])) == level(np.float32([1.0, 0.0])) == 0.0


def test_two_starts_descend_into_two_minima() -> None:
    """F036, S24b: many steps find *a* minimum, here the higher one from the right."""
    ends, rule, heights = [], optax.sgd(0.05), jax.jit(jax.vmap(surfaces.two_minima))
    for start in ([-0.2, 1.0], [0.6, 1.0]):
        path = np.asarray(descend(surfaces.two_minima, np.float32(start), rule, 200))
        assert path.shape == (201, 2) and np.array_equal(path[0], np.float32(start))
        assert np.all(np.diff(heights(path)) <= 1e-6)
        target = np.asarray(find_critical_point(surfaces.two_minima, path[-1], 8))
        assert np.linalg.norm(path[-1] - target) < 1e-2 and kind(surfaces.two_minima, path[-1]) == "minimum"
        ends.append(path[-1])
    assert ends[0][0] < -0.9 and ends[1][0] > 0.9


def test_descent_reaches_the_minimum_of_a_neurons_error() -> None:
    """F036: two weights, a sigmoid unit, the path ends within 1e-2 of the minimum."""
    inputs = np.random.default_rng(1).normal(size=(50, 2)).astype(np.float32)
    truth = np.float32([1.5, -0.7])
    error = partial(surfaces.neuron_error, inputs_ND=inputs, targets_N=special.expit(inputs @ truth))
    path = np.asarray(descend(error, np.float32([-2.0, 2.0]), optax.sgd(5.0), 400))
    assert np.linalg.norm(path[-1] - truth) < 1e-2 and kind(error, path[-1]) == "minimum"


def test_two_weights_in_a_chain_have_mirrored_minima_and_a_saddle() -> None:
    inputs = np.linspace(-2.0, 2.0, 21, dtype=np.float32)
    error = partial(surfaces.chain_error, inputs_N=inputs, targets_N=0.8 * np.tanh(1.2 * inputs))
    assert kind(error, [0.0, 0.0]) == "saddle"
    np.testing.assert_allclose(*jax.jit(jax.vmap(error))(np.float32([[0.3, 0.9], [-0.3, -0.9]])))
    rule = optax.sgd(0.5)
    for start, end in (([0.5, 0.1], [1.2, 0.8]), ([-0.1, -0.5], [-1.2, -0.8])):
        path = np.asarray(descend(error, np.float32(start), rule, 1500))
        np.testing.assert_allclose(path[-1], end, atol=1e-2)
        assert kind(error, end) == "minimum"


@jax.jit
def ends_before_the_hump(rate: jax.Array) -> list[jax.Array]:
    """Where plain descent, momentum and Nesterov's momentum end."""
    momenta = [optax.sgd(rate, momentum=0.9, nesterov=nesterov) for nesterov in (False, True)]
    start = jnp.array([-5.0])
    return [surfaces.descend(surfaces.hump, start, rule, 1000)[-1] for rule in (optax.sgd(rate), *momenta)]


@pytest.mark.parametrize("rate", [0.05, 0.3, 1.0])
def test_plain_descent_stops_before_the_hump_and_momentum_passes(rate: float) -> None:
    """F063, C10."""
    plain, *heavy = jax.device_get(ends_before_the_hump(rate))
    assert -2.7 < plain[0] < -2.4 and kind(surfaces.hump, plain) == "minimum"
    assert np.all(np.abs(heavy) < 0.05)
    assert kind(surfaces.hump, find_critical_point(surfaces.hump, np.float32([-2.1]), 8)) == "maximum"


def test_momentum_on_a_slope_steps_by_the_rate_over_one_minus_beta() -> None:
    """S26: the weights 1, beta, beta^2 .. start at the current step and sum to 1 / (1 - beta): no average."""
    path = np.asarray(descend(lambda x: 3.0 * x[0], np.zeros(1, np.float32), optax.sgd(0.01, momentum=0.9), 150))[:, 0]
    steps = np.diff(path)
    np.testing.assert_allclose(steps[:3], -0.03 * np.array([1.0, 1.9, 2.71]), rtol=1e-4)
    assert steps[-1] == pytest.approx(-0.3, rel=1e-4)


def test_descent_can_be_a_population() -> None:
    """The transformation's numbers may be tracers."""
    rates = np.float32([0.01, 0.1])
    run = jax.vmap(lambda rate: surfaces.descend(surfaces.saddle, jnp.array([1.0, 1e-3]), optax.sgd(rate), 5))
    paths = np.asarray(jax.jit(run)(rates))
    np.testing.assert_allclose(paths[:, -1, 0], (1 - 2 * rates) ** 5, rtol=1e-5)
    np.testing.assert_allclose(paths[:, -1, 1], 1e-3 * (1 + 2 * rates) ** 5, rtol=1e-5)
