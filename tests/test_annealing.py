"""Simulated annealing: the Metropolis rule, the cooling, and Rastrigin's many minima (L1379, F066)."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from nn_core.annealing import anneal, geometric_temperatures
from nn_core.surfaces import descend, quadratic, rastrigin

bowl = partial(quadratic, curvatures_D=jnp.ones(1))


def test_temperatures_fall_by_a_constant_factor() -> None:
    temperatures = geometric_temperatures(8.0, 0.5, 5)
    np.testing.assert_allclose(temperatures, [8.0, 4.0, 2.0, 1.0, 0.5], rtol=1e-6)


def test_finds_the_global_minimum_of_rastrigin_where_descent_stays_in_the_nearest() -> None:
    """F066: at least 8 of 10 seeds against at most 5 of 10."""
    starts = jax.random.uniform(jax.random.key(0), (10, 2), minval=-5.12, maxval=5.12)
    keys = jax.random.split(jax.random.key(1), 10)
    temperatures = geometric_temperatures(10.0, 0.1, 3000)
    chains = jax.jit(jax.vmap(lambda start, key: anneal(rastrigin, start, temperatures, 2.0, key)))(starts, keys)
    paths = jax.jit(jax.vmap(lambda start: descend(rastrigin, start, optax.sgd(1e-3), 300)))(starts)
    assert np.sum(np.linalg.norm(chains.best_D, axis=1) < 0.5) >= 8
    assert np.sum(np.linalg.norm(paths[:, -1], axis=1) < 0.5) <= 5


def test_result_is_consistent_with_its_path() -> None:
    start = jnp.array([3.0, -2.0])
    result = jax.jit(partial(anneal, rastrigin))(start, geometric_temperatures(30.0, 1.0, 97), 0.5, jax.random.key(2))
    assert result.path_KD.shape == (98, 2) and np.array_equal(result.path_KD[0], start)
    np.testing.assert_allclose(result.energies_K, jax.vmap(rastrigin)(result.path_KD), rtol=1e-5)
    assert result.best_energy == np.min(result.energies_K)
    assert np.array_equal(result.best_D, result.path_KD[np.argmin(result.energies_K)])
    moved = np.any(np.diff(result.path_KD, axis=0) != 0, axis=1)
    assert np.array_equal(moved, result.accepted_K) and 5 < moved.sum() < 92


def test_members_equal_their_solo_runs() -> None:
    run = partial(anneal, rastrigin, jnp.array([1.0, 1.0]), geometric_temperatures(30.0, 1.0, 50), 0.5)
    keys = jax.random.split(jax.random.key(3), 3)
    together = jax.jit(jax.vmap(run))(keys)
    for i, key in enumerate(keys):
        np.testing.assert_allclose(jax.jit(run)(key).path_KD, together.path_KD[i], rtol=1e-5)
    assert not np.allclose(together.path_KD[0], together.path_KD[1])


def test_cold_chain_never_climbs_and_constant_temperature_samples_boltzmann() -> None:
    """At T the energy x^2 / 2 has density exp(-x^2 / 2T): variance T, mean energy T / 2."""
    cold = jax.jit(partial(anneal, bowl))(jnp.array([2.0]), jnp.full(200, 1e-9), 0.5, jax.random.key(4))
    assert np.all(np.diff(cold.energies_K) <= 0) and cold.energies_K[-1] < 0.01
    warm = jax.jit(partial(anneal, bowl))(jnp.zeros(1), jnp.full(100_000, 0.7), 2.0, jax.random.key(5))
    assert np.mean(warm.energies_K) == pytest.approx(0.35, rel=0.05)
    assert np.var(warm.path_KD) == pytest.approx(0.7, rel=0.05)


def test_an_energy_that_is_not_a_number_is_never_entered() -> None:
    result = jax.jit(partial(anneal, lambda x: jnp.sqrt(x[0])))(jnp.ones(1), jnp.full(300, 1.0), 1.0, jax.random.key(6))
    assert np.all(np.isfinite(result.energies_K)) and np.all(result.path_KD >= 0) and 0 < result.accepted_K.sum() < 300
