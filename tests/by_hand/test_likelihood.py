"""Maximum likelihood: the coin by recipe, by ascent, by Newton; the product that underflows (F015)."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from nn_core.by_hand.likelihood import (
    coin_ascent,
    coin_estimate,
    coin_log_likelihood,
    coin_probabilities,
    coin_score,
    maximise,
)
from nn_core.losses import likelihood, log_likelihood

ascend = jax.jit(coin_ascent, static_argnames="num_steps")
log_likelihood_of_coin = jax.jit(coin_log_likelihood)
score_and_slope = jax.jit(
    lambda p, heads, tosses: (coin_score(p, heads, tosses), jax.grad(coin_log_likelihood)(p, heads, tosses))
)


@jax.jit
def by_product_and_sum(p, tosses):
    """Probabilities of the tosses, their product, and the sum of their logarithms."""
    probabilities = coin_probabilities(p, tosses)
    return probabilities, likelihood(probabilities), log_likelihood(probabilities)


def solve(log_likelihood, start, num_steps):
    """`maximise` as one program."""
    return np.asarray(jax.jit(lambda start_D: maximise(log_likelihood, start_D, num_steps))(np.float32(start)))


def test_seven_heads_of_ten_by_every_way() -> None:
    """F015: closed form, gradient ascent and Newton on autodiff agree."""
    assert coin_estimate(7, 10) == pytest.approx(0.7)
    path = ascend(7, 10, start=0.5, learning_rate=1.0, num_steps=200)
    assert path.shape == (201,) and path[0] == 0.5
    assert path[-1] == pytest.approx(0.7, abs=1e-4) and np.all(np.diff(path) >= -1e-6)
    solved = solve(lambda p: coin_log_likelihood(p[0], 7, 10), [0.5], 6)
    assert solved[0] == pytest.approx(0.7, abs=1e-5)
    grid = np.linspace(0.01, 0.99, 99, dtype=np.float32)
    assert grid[np.argmax(log_likelihood_of_coin(grid, 7.0, 10.0))] == pytest.approx(0.7)


def test_the_recipe_step_by_step() -> None:
    probabilities, product, total = by_product_and_sum(0.6, np.array([1, 1, 0, 1, 0]))
    np.testing.assert_allclose(probabilities, [0.6, 0.6, 0.4, 0.6, 0.4], rtol=1e-6)
    assert product == pytest.approx(0.6**3 * 0.4**2)
    logs = log_likelihood_of_coin(0.6, 3.0, 5.0)
    assert logs == pytest.approx(float(total)) == pytest.approx(np.log(0.6**3 * 0.4**2))
    # The number of orders is a constant: it does not move the maximum.
    binomial = stats.binom.logpmf(3, 5, 0.6)
    assert binomial - np.log(10) == pytest.approx(float(logs), rel=1e-5)
    for p in (0.2, 0.6, 0.9):
        score, slope = score_and_slope(p, 3, 5)
        assert score == pytest.approx(float(slope), rel=1e-5, abs=1e-5)
    low, at_best, high = (score_and_slope(p, 3, 5)[0] for p in (0.5, 0.6, 0.7))
    assert at_best == pytest.approx(0.0, abs=1e-5) and low > 0 > high


def test_the_coin_that_never_fell_on_tails() -> None:
    assert log_likelihood_of_coin(1.0, 4.0, 4.0) == 0.0 and log_likelihood_of_coin(0.0, 0.0, 4.0) == 0.0
    assert log_likelihood_of_coin(1.0, 3.0, 4.0) == -np.inf
    path = ascend(4, 4, start=0.5, learning_rate=4.0, num_steps=200)
    assert 0.99 < path[-1] <= 1.0 and np.all(np.isfinite(path))


def test_the_product_underflows_where_the_sum_does_not() -> None:
    """F015: n = 2000, in single and in double precision; and then every p looks alike to the product."""
    tosses = np.random.default_rng(0).permutation(np.arange(2000) < 1400).astype(np.int32)
    with jax.enable_x64(True):
        assert by_product_and_sum(0.7, tosses)[1] == 0.0
    (_, product, fitting), (_, _, fair) = (by_product_and_sum(p, tosses) for p in (0.7, 0.5))
    assert product == 0.0
    assert fitting == pytest.approx(1400 * np.log(0.7) + 600 * np.log(0.3), rel=1e-5)
    assert fitting > fair + 100


def test_newton_maximises_other_models_too() -> None:
    """The Gaussian: mean and (biased) variance; the Poisson: the mean."""
    data = np.random.default_rng(1).normal(3.0, 2.0, 500).astype(np.float32)

    def gaussian(theta: jax.Array) -> jax.Array:
        mean, log_deviation = theta
        return jnp.mean(-0.5 * ((data - mean) / jnp.exp(log_deviation)) ** 2 - log_deviation)

    mean, log_deviation = solve(gaussian, [2.0, 0.5], 10)
    assert mean == pytest.approx(data.mean(), rel=1e-4) and np.exp(log_deviation) == pytest.approx(data.std(), rel=1e-4)
    counts = np.random.default_rng(2).poisson(4.0, 300)
    rate = solve(lambda r: jnp.mean(counts * jnp.log(r[0]) - r[0]), [3.0], 8)
    assert rate[0] == pytest.approx(counts.mean(), rel=1e-5)
