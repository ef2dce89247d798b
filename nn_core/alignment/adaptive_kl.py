"""A KL coefficient that adapts to a target KL: larger after the policy went too far, else smaller (Ziegler 2019)."""

import jax.numpy as jnp
from jax import Array

MOST = 0.2  # largest relative error that one update answers to


def adapt(coefficient: Array | float, kl: Array, target: Array | float, horizon: Array | float, count: float) -> Array:
    """beta <- beta (1 + clip(KL / target - 1, -0.2, 0.2) n / horizon).

    Args:
        coefficient: beta > 0.
        kl: measured KL of an answer, in nats.
        target: the desired KL, > 0.
        horizon: answers over which a constant error of the largest size changes beta by e^0.2; > 0.2 n, or beta would not stay
            positive.
        count: n, answers that the KL was measured on.
    Returns:
        The new coefficient, positive.
    """
    error = jnp.clip(kl / target - 1.0, -MOST, MOST)
    return coefficient * (1.0 + error * count / horizon)
