"""Random restarts: many starts in one program, of which the best on validation is kept (F062)."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from scipy.special import gammaln


def independent_starts(init: Callable[[Array], Any], starts_key: Array, num_starts: int) -> Any:
    """Independent initialisations, one per start, which is what "different seeds" means for a network (S25).

    Args:
      init: key -> parameters.
      starts_key: typed key.
      num_starts: n >= 1 (static).

    Returns:
      The parameters with a leading axis n.
    """
    return jax.vmap(init)(jax.random.split(starts_key, num_starts))


def perturbed_starts(params: Any, sigma: Array | float, starts_key: Array, num_starts: int) -> Any:
    """Starts around one point, w_new = w_0 + epsilon with epsilon ~ N(0, sigma^2) (F062).

    A large sigma explores, a small one stays in the valley of w_0.

    Args:
      params: pytree w_0.
      sigma: standard deviation of every coordinate, >= 0.
      starts_key: typed key.
      num_starts: n >= 1 (static).

    Returns:
      The parameters with a leading axis n.
    """
    leaves, structure = jax.tree.flatten(params)
    keys = jax.random.split(starts_key, len(leaves))
    noisy = [
        leaf[None] + sigma * jax.random.normal(key, (num_starts, *leaf.shape), leaf.dtype)
        for key, leaf in zip(keys, leaves, strict=True)
    ]
    return jax.tree.unflatten(structure, noisy)


def best_of(results: Any, values_N: Array) -> tuple[Any, Array]:
    """The result with the lowest value; choose on validation values, not on the training loss that the notes name (S25).

    Args:
      results: pytree with a leading axis N.
      values_N: (N,) values; NaN never counts as best.

    Returns:
      (the result without its leading axis, its index).
    """
    best = jnp.argmin(jnp.where(jnp.isnan(values_N), jnp.inf, values_N))
    return jax.tree.map(lambda leaf: leaf[best], results), best


def expected_best(values_N: Array) -> Array:
    """The mean best of k restarts for every k, without bias, from N results.

        E[min of k] = sum_i v_(i) C(N - i, k - 1) / C(N, k)        v_(1) <= .. <= v_(N), draws without repetition

    It is the average over all subsets of size k: k = 1 gives the mean, k = N the minimum, and it never rises.

    Args:
      values_N: (N,) finite values, lower is better.

    Returns:
      (N,) expected best value of 1, 2, .. N restarts.
    """
    return expected_chosen(values_N, values_N)


def expected_chosen(values_N: Array, judged_N: Array) -> Array:
    """The mean of another number at the best of k restarts: choose by `values_N`, report `judged_N` (S25).

    For instance the test loss of the restart with the lowest validation loss, for every k, without bias.

    Args:
      values_N: (N,) finite values, the lowest is chosen; of equal ones the earliest.
      judged_N: (N,) the number reported for the chosen one.

    Returns:
      (N,) expected judged value of the best of 1, 2, .. N restarts.
    """
    count = len(values_N)
    drawn_N1, rank_1N = np.arange(1, count + 1)[:, None], np.arange(1, count + 1)[None, :]
    # The chance that the i-th smallest of N is the smallest of k drawn ones; constants of the program, in float64.
    log_chance_NN = _log_binomial(count - rank_1N, drawn_N1 - 1) - _log_binomial(count, drawn_N1)
    return jnp.asarray(np.exp(log_chance_NN), judged_N.dtype) @ judged_N[jnp.argsort(values_N)]


def _log_binomial(n: np.ndarray | int, k: np.ndarray) -> np.ndarray:
    """ln C(n, k), -inf where k > n."""
    inside = k <= n
    rest = np.where(inside, n - k, 0)
    return np.where(inside, gammaln(np.add(n, 1)) - gammaln(k + 1) - gammaln(rest + 1), -np.inf)
