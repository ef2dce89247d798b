"""Simulated annealing: the Metropolis rule, the cooling, and Rastrigin's many minima (F066)."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from nn_core.by_hand.annealing import anneal, geometric_temperatures
from nn_core.by_hand.surfaces import descend, quadratic, rastrigin

bowl = partial(quadratic, curvatures_D=np.ones(1, np.float32))
START = np.float32([3.0, -2.0])


@jax.jit
def short_chain(key):
    """97 steps on Rastrigin's surface."""
    return anneal(rastrigin, jnp.asarray(START), geometric_temperatures(30.0, 1.0, 97), 0.5, key)


def test_temperatures_fall_by_a_constant_factor() -> None:
    temperatures = geometric_temperatures(8.0, 0.5, 5)
    np.testing.assert_allclose(temperatures, [8.0, 4.0, 2.0, 1.0, 0.5], rtol=1e-6)


def test_finds_the_global_minimum_of_rastrigin_where_descent_stays_in_the_nearest() -> None:
    """F066: at least 8 of 10 seeds against at most 5 of 10."""

    @jax.jit
    def ends():
        starts = jax.random.uniform(jax.random.key(0), (10, 2), minval=-5.12, maxval=5.12)
        keys = jax.random.split(jax.random.key(1), 10)
        temperatures = geometric_temperatures(10.0, 0.1, 3000)
        chains = jax.vmap(lambda start, key: anneal(rastrigin, start, temperatures, 2.0, key))(starts, keys)
        paths = jax.vmap(lambda start: descend(rastrigin, start, optax.sgd(1e-3), 300))(starts)
        return chains.best_D, paths[:, -1]

    best, descended = ends()
    assert np.sum(np.linalg.norm(best, axis=1) < 0.5) >= 8
    assert np.sum(np.linalg.norm(descended, axis=1) < 0.5) <= 5


def test_result_is_consistent_with_its_path() -> None:
    result = jax.device_get(short_chain(jax.random.key(2)))
    assert result.path_KD.shape == (98, 2) and np.array_equal(result.path_KD[0], START)
    np.testing.assert_allclose(result.energies_K, jax.jit(jax.vmap(rastrigin))(result.path_KD), rtol=1e-5)
    assert result.best_energy == np.min(result.energies_K)
    assert np.array_equal(result.best_D, result.path_KD[np.argmin(result.energies_K)])
    moved = np.any(np.diff(result.path_KD, axis=0) != 0, axis=1)
    assert np.array_equal(moved, result.accepted_K) and 5 < moved.sum() < 92


def test_members_equal_their_solo_runs() -> None:
    keys = [jax.random.key(seed) for seed in (3, 4, 5)]
    together = np.asarray(jax.jit(jax.vmap(short_chain))(jnp.stack(keys)).path_KD)
    for key, path in zip(keys, together, strict=True):
        np.testing.assert_allclose(short_chain(key).path_KD, path, rtol=1e-5)
    assert not np.allclose(together[0], together[1])


def test_cold_chain_never_climbs_and_constant_temperature_samples_boltzmann() -> None:
    """At T the energy x^2 / 2 has density exp(-x^2 / 2T): variance T, mean energy T / 2."""
    # A hundred chains of a thousand steps, after a hundred that lead away from the start.
    chains, steps, burn_in = 100, 1_100, 100
    run = jax.jit(jax.vmap(partial(anneal, bowl), in_axes=(None, None, None, 0)))
    keys = jax.random.split(jax.random.key(4), chains)
    cold = jax.device_get(run(np.float32([2.0]), np.full(steps, 1e-9, np.float32), 0.5, keys))
    assert np.all(np.diff(cold.energies_K[:, :201], axis=1) <= 0) and cold.energies_K[0, 200] < 0.01
    warm = jax.device_get(run(np.zeros(1, np.float32), np.full(steps, 0.7, np.float32), 2.0, keys))
    assert np.mean(warm.energies_K[:, burn_in:]) == pytest.approx(0.35, rel=0.05)
    assert np.var(warm.path_KD[:, burn_in:]) == pytest.approx(0.7, rel=0.05)


def test_an_energy_that_is_not_a_number_is_never_entered() -> None:
    run = jax.jit(partial(anneal, lambda x: jnp.sqrt(x[0])))
    result = jax.device_get(run(np.ones(1, np.float32), np.ones(300, np.float32), 1.0, jax.random.key(6)))
    assert np.all(np.isfinite(result.energies_K)) and np.all(result.path_KD >= 0) and 0 < result.accepted_K.sum() < 300
