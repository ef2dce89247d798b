"""The maximum likelihood recipe and the coin (F015); the likelihoods themselves are in `nn_core.losses`."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array, lax

from nn_core.activations import sigmoid

LogLikelihood = Callable[[Array], Array]


def coin_probabilities(p: Array | float, tosses_N: Array) -> Array:
    """The probability of every toss, p for heads (1) and 1 - p for tails (0)."""
    return jnp.where(tosses_N == 1, p, 1 - p)


def coin_log_likelihood(p: Array | float, heads: Array | float, tosses: Array | float) -> Array:
    """Steps 1 and 2 for the coin: log [p^h (1 - p)^(n - h)] = h log p + (n - h) log(1 - p), with 0 log 0 = 0.

    Args:
      p: probability of heads in [0, 1].
      heads: h in 0..n.
      tosses: n >= 1.

    Returns:
      The scalar log-likelihood of one order of the tosses.
    """
    heads, tosses = jnp.asarray(heads, float), jnp.asarray(tosses, float)
    return jax.scipy.special.xlogy(heads, p) + jax.scipy.special.xlog1py(tosses - heads, -p)


def coin_score(p: Array | float, heads: Array | float, tosses: Array | float) -> Array:
    """Step 3 for the coin: the derivative h / p - (n - h) / (1 - p) = (h - n p) / (p (1 - p)), p in (0, 1)."""
    return jnp.asarray((heads - tosses * p) / (p * (1 - p)))


def coin_estimate(heads: Array | float, tosses: Array | float) -> Array:
    """Steps 4 and 5 for the coin: the score is 0 at p = h / n, the share of heads."""
    return jnp.asarray(heads / tosses)


def coin_ascent(
    heads: Array | float, tosses: Array | float, *, start: Array | float, learning_rate: Array | float, num_steps: int
) -> Array:
    """Gradient ascent on the mean log-likelihood over the logit z, p = sigma(z): z += eta (h/n - p).

    The logit keeps p inside (0, 1) for every step; the gradient is the one of logistic regression with a bias alone.

    Args:
      heads: h in 0..n.
      tosses: n >= 1.
      start: first p in (0, 1).
      learning_rate: eta in (0, 8).
      num_steps: updates (static).

    Returns:
      (num_steps + 1,) values of p, the start first.
    """
    start = jnp.asarray(start, float)

    def step(logit: Array, _: None) -> tuple[Array, Array]:
        logit = logit + learning_rate * (heads / tosses - sigmoid(logit))
        return logit, sigmoid(logit)

    _, path = lax.scan(step, jnp.log(start) - jnp.log1p(-start), None, length=num_steps)
    return jnp.concatenate([start[None], path])


def maximise(log_likelihood: LogLikelihood, start_D: Array, num_steps: int) -> Array:
    """The notes' recipe for any model: take the log-likelihood, differentiate, set to zero, solve.

    Automatic differentiation does step 3; Newton's iteration x <- x - H^-1 grad solves step 4. Where the log-likelihood
    is concave, as for the exponential families in their natural parameters, the zero is the maximum.

    Args:
      log_likelihood: parameters (D,) -> scalar.
      start_D: (D,) start, near enough for Newton's iteration.
      num_steps: iterations (static).

    Returns:
      (D,) parameters where the score is 0.
    """
    score, curvature = jax.grad(log_likelihood), jax.hessian(log_likelihood)

    def step(theta_D: Array, _: None) -> tuple[Array, None]:
        return theta_D - jnp.linalg.solve(curvature(theta_D), score(theta_D)), None

    return lax.scan(step, start_D, None, length=num_steps)[0]
