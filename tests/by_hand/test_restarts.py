"""Random restarts: the two kinds of start, the choice of the best, and its exact expectation (F062)."""

import itertools
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from nn_core.by_hand import restarts
from nn_core.by_hand.restarts import independent_starts, perturbed_starts
from nn_core.by_hand.surfaces import descend, rastrigin

best_of, expected_best = jax.jit(restarts.best_of), jax.jit(restarts.expected_best)


def test_independent_starts_are_fresh_initializations() -> None:
    @jax.jit
    def starts_and_one_alone(key: jax.Array) -> tuple[dict[str, jax.Array], jax.Array]:
        starts = independent_starts(lambda key: {"kernel": jax.random.normal(key, (3, 2))}, key, 5)
        return starts, jax.random.normal(jax.random.split(key, 5)[3], (3, 2))

    starts, alone = jax.device_get(starts_and_one_alone(jax.random.key(0)))
    assert starts["kernel"].shape == (5, 3, 2) and len(np.unique(starts["kernel"][:, 0, 0])) == 5
    assert np.array_equal(starts["kernel"][3], alone)


def test_perturbed_starts_scatter_around_the_start_with_sigma() -> None:
    """S25: w0 + epsilon is a perturbation, not a restart; with sigma 0 it is w0 itself."""
    params = {"kernel": np.full((3, 7), 2.0, np.float32), "bias": np.zeros(7, np.float32)}

    @jax.jit
    def perturbed(key: jax.Array) -> tuple:
        given = jax.tree.map(jnp.asarray, params)
        twins = perturbed_starts((jnp.zeros(7), jnp.zeros(7)), 0.5, key, 400)
        return perturbed_starts(given, 0.5, key, 400), twins, perturbed_starts(given, 0.0, key, 2)

    starts, twins, still = jax.device_get(perturbed(jax.random.key(1)))
    assert starts["kernel"].shape == (400, 3, 7) and starts["bias"].shape == (400, 7)
    noise = np.concatenate([(starts["kernel"] - 2.0).ravel(), starts["bias"].ravel()])
    assert abs(noise.mean()) < 0.02 and noise.std() == pytest.approx(0.5, rel=0.02)
    assert abs(np.corrcoef(twins[0].ravel(), twins[1].ravel())[0, 1]) < 0.1
    assert np.array_equal(still["kernel"][1], params["kernel"])


def test_best_of_takes_the_lowest_value_and_never_nan() -> None:
    results = {"w": np.arange(8.0, dtype=np.float32).reshape(4, 2), "b": np.arange(4)}
    best, index = best_of(results, np.float32([np.nan, 3.0, 1.0, 2.0]))
    assert index == 2 and best["w"].tolist() == [4.0, 5.0] and best["b"] == 2
    assert best_of(results, np.float32([np.nan, np.inf, 7.0, 7.0]))[1] == 2


def test_best_is_chosen_on_validation_not_on_the_training_loss() -> None:
    """S25: a member that memorised has the lowest training loss and loses."""
    training, validation = np.float32([0.0, 0.3, 0.2]), np.float32([2.0, 0.4, 0.5])
    assert best_of(np.arange(3), validation)[0] == 1 != best_of(np.arange(3), training)[0]


@pytest.mark.parametrize("values", [[3.0, -1.0, 2.0, 2.0, 10.0], [4.0], [0.1, 0.7]])
def test_expected_best_is_the_mean_over_all_subsets(values: list[float]) -> None:
    expected = [np.mean([min(s) for s in itertools.combinations(values, k)]) for k in range(1, len(values) + 1)]
    np.testing.assert_allclose(expected_best(np.float32(values)), expected, rtol=1e-5, atol=1e-6)


def test_expected_best_of_many_stays_exact_and_falls() -> None:
    """For the ranks 1 .. N the expected best of k is (N + 1) / (k + 1)."""
    curve = np.asarray(expected_best(np.random.default_rng(2).permutation(np.arange(1, 201, dtype=np.float32))))
    np.testing.assert_allclose(curve, 201 / (np.arange(1, 201) + 1), rtol=1e-5)
    assert np.all(np.diff(curve) < 0)


def test_sixteen_restarts_in_one_program_beat_the_median() -> None:
    """F062: on Rastrigin; and a wider scatter around one start finds better valleys than a narrow one."""
    finish = jax.vmap(lambda start: rastrigin(descend(rastrigin, start, optax.sgd(1e-3), 200)[-1]))

    @partial(jax.jit, static_argnums=0)
    def search(independent: bool, key: jax.Array, sigma: float) -> jax.Array:
        if independent:
            return finish(independent_starts(lambda key: jax.random.uniform(key, (2,), minval=-5, maxval=5), key, 16))
        return finish(perturbed_starts(jnp.array([3.1, 2.9]), sigma, key, 16))

    losses = np.asarray(search(True, jax.random.key(3), 0.0))
    assert np.min(losses) < np.median(losses)
    narrow, wide = search(False, jax.random.key(4), 0.05), search(False, jax.random.key(4), 2.0)
    assert np.ptp(narrow) < 0.1 and np.min(wide) < np.min(narrow) - 5


def test_restarts_needed_grow_with_the_dimension() -> None:
    """S63: on Rastrigin about one start in eleven is in the best valley of each coordinate, so it takes 11^D."""

    @partial(jax.jit, static_argnums=0)
    def share(width: int) -> jax.Array:
        starts = jax.random.uniform(jax.random.key(5), (2000, width), minval=-5.12, maxval=5.12)
        ends = jax.vmap(lambda start: descend(rastrigin, start, optax.sgd(1e-3), 50)[-1])(starts)
        return jnp.mean(jnp.linalg.norm(ends, axis=1) < 0.1)

    assert 1 / share(1) == pytest.approx(11, rel=0.3)
    assert 1 / share(2) > 5 / share(1)
