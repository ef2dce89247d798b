"""How far a policy p has gone from its reference q: KL(p || q) estimated from tokens that p drew (Schulman 2020).

With x ~ p and r = q(x) / p(x):

    estimator          value            mean value     mean gradient through ln p (as a loss)
    k1  -ln r          may be negative  KL(p || q)     0: it teaches nothing
    k2  (ln r)^2 / 2   >= 0             biased         that of KL(p || q)
    k3  r - 1 - ln r   >= 0             KL(p || q)     that of KL(q || p), the other direction

So k1 belongs in the reward, where the score function gives it the right gradient; as a loss k2 is the unbiased one.
The ledger proves each entry by enumeration of a small vocabulary.
"""

from collections.abc import Callable

import jax.numpy as jnp
from jax import Array
from jax.scipy.special import xlogy

from nn_core.floats import expm1


def k1(policy: Array, reference: Array) -> Array:
    """ln p - ln q of drawn tokens, any shape."""
    return policy - reference


def k2(policy: Array, reference: Array) -> Array:
    """(ln p - ln q)^2 / 2 of drawn tokens."""
    return 0.5 * (policy - reference) ** 2


def k3(policy: Array, reference: Array) -> Array:
    """q / p - 1 - ln(q / p) of drawn tokens, never negative."""
    log_ratio = reference - policy
    return expm1(log_ratio) - log_ratio


KL_ESTIMATORS: dict[str, Callable[[Array, Array], Array]] = {"k1": k1, "k2": k2, "k3": k3}


def exact_kl(policy_V: Array, reference_V: Array) -> Array:
    """KL(p || q) = sum_v p ln(p / q) over the last axis; 0 ln 0 = 0.

    Args:
        policy_V, reference_V: log-probabilities (..., V).
    Returns:
        (...), >= 0 up to rounding.
    """
    probabilities = jnp.exp(policy_V)
    finite_V = jnp.where(jnp.isfinite(reference_V), reference_V, jnp.where(probabilities > 0, -jnp.inf, 0.0))
    return jnp.sum(xlogy(probabilities, probabilities) - probabilities * finite_V, axis=-1)
