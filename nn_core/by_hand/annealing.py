"""Simulated annealing, which the notes mention along with random restarts (F066)."""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax


class AnnealingResult(NamedTuple):
    """A chain of K steps in D dimensions.

    Attributes:
      best_D: (D,) lowest point visited.
      best_energy: its energy.
      path_KD: (K + 1, D) the start, then the point after each step.
      energies_K: (K + 1,) their energies.
      accepted_K: (K,) whether the proposal of each step was taken.
    """

    best_D: Array
    best_energy: Array
    path_KD: Array
    energies_K: Array
    accepted_K: Array


def geometric_temperatures(first: Array | float, last: Array | float, num_steps: int) -> Array:
    """A cooling schedule, T_k = first (last / first)^(k / (K - 1)).

    Args:
      first: starting temperature, > 0: of the size of the hills that must be climbed.
      last: final temperature, > 0: far below the energy differences that matter.
      num_steps: K >= 2 (static).

    Returns:
      (K,) temperatures.
    """
    return first * (last / first) ** jnp.linspace(0.0, 1.0, num_steps)


def anneal(
    energy: Callable[[Array], Array],
    start_D: Array,
    temperatures_K: Array,
    proposal_scale: Array | float,
    chain_key: Array,
) -> AnnealingResult:
    """A Metropolis walk that cools down: a worse point is accepted with probability exp(-dE / T) (Kirkpatrick 1983).

        x' = x + s_k epsilon, epsilon ~ N(0, 1);   x <- x' if u < exp(-(E(x') - E(x)) / T_k)

    The steps shrink with the square root of the temperature, s_k = proposal_scale sqrt(T_k / T_0), so that the share of
    accepted proposals in a quadratic valley stays the same. Vmap it over starts and keys for independent chains.

    Args:
      energy: (D,) -> scalar to be minimised.
      start_D: (D,) start.
      temperatures_K: (K,) positive temperatures, usually falling.
      proposal_scale: standard deviation of the first proposals, per coordinate.
      chain_key: typed key of the chain.

    Returns:
      An `AnnealingResult`.
    """

    def step(
        carry: tuple[Array, Array], xs: tuple[Array, Array]
    ) -> tuple[tuple[Array, Array], tuple[Array, Array, Array]]:
        x_D, height = carry
        index, temperature = xs
        move_key, accept_key = jax.random.split(jax.random.fold_in(chain_key, index))
        scale = proposal_scale * jnp.sqrt(temperature / temperatures_K[0])
        proposal_D = x_D + scale * jax.random.normal(move_key, x_D.shape, x_D.dtype)
        new_height = energy(proposal_D)
        # log u < -dE / T: no overflow for a large fall, and a NaN energy is never accepted.
        accepted = jnp.log(jax.random.uniform(accept_key)) < (height - new_height) / temperature
        x_D, height = jnp.where(accepted, proposal_D, x_D), jnp.where(accepted, new_height, height)
        return (x_D, height), (x_D, height, accepted)

    start = (start_D, energy(start_D))
    _, (path_KD, energies_K, accepted_K) = lax.scan(step, start, (jnp.arange(len(temperatures_K)), temperatures_K))
    path_KD = jnp.concatenate([start_D[None, :], path_KD])
    energies_K = jnp.concatenate([start[1][None], energies_K])
    best = jnp.argmin(energies_K)
    return AnnealingResult(path_KD[best], energies_K[best], path_KD, energies_K, accepted_K)
