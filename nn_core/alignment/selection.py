"""Better answers without training: the best of n, and answers accepted by their reward."""

import math

import jax
import jax.numpy as jnp
from jax import Array


def best_of_n(rewards_GN: Array) -> Array:
    """Place of the answer with the highest reward of each group, (G,) int32; the first of equal ones."""
    return jnp.argmax(rewards_GN, axis=1)


def expected_best(rewards_N: Array, n: int) -> Array:
    """Mean highest reward of n answers drawn from these, without replacement: every subset counts, none is drawn.

    Args:
        rewards_N: of N >= n answers to one prompt.
        n: >= 1.
    Returns:
        Scalar: sum_i r_(i) C(i - 1, n - 1) / C(N, n) over the rewards in rising order (Nakano et al. 2021).
    Raises:
        ValueError: n outside 1 .. N.
    """
    count = rewards_N.shape[0]
    if not 1 <= n <= count:
        raise ValueError(f"n={n} is outside 1 .. {count}, the number of answers; draw more answers or lower n")
    shares_N = [math.comb(index, n - 1) / math.comb(count, n) for index in range(count)]
    return jnp.dot(jnp.sort(rewards_N), jnp.asarray(shares_N, rewards_N.dtype))


def best_of_n_kl(n: int) -> float:
    """ln n - (n - 1) / n: the KL of the best of n answers from the policy that drew them, at most (Stiennon et al. 2020)."""
    return math.log(n) - (n - 1) / n


def accept(key: Array, rewards_GN: Array, beta: Array | float) -> Array:
    """Rejection sampling towards pi ~ rho exp(r / beta): an answer stays with probability exp((r - max r) / beta).

    Args:
        key: typed.
        rewards_GN: rewards of N answers to each of G prompts; the best one of a group always stays.
        beta: > 0; a small one keeps only the best (Liu et al. 2024).
    Returns:
        Booleans (G, N).
    """
    most_G1 = jnp.max(rewards_GN, axis=1, keepdims=True)
    return jax.random.uniform(key, rewards_GN.shape) < jnp.exp((rewards_GN - most_G1) / beta)
