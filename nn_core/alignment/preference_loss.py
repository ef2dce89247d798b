"""The reward model's loss: of two answers the one that people prefer gets the higher score (F170, S55)."""

import jax
import jax.numpy as jnp
from jax import Array


def preference_loss(
    chosen_N: Array,
    rejected_N: Array,
    *,
    margin_N: Array | float | None = None,
    centring: Array | float | None = None,
    weights_N: Array | None = None,
) -> Array:
    """-mean ln sigma(r_w - r_l - m) + c mean (r_w + r_l)^2 (Bradley & Terry 1952; Ouyang et al. 2022).

    Args:
        chosen_N, rejected_N: scores of the preferred and of the other answer.
        margin_N: m >= 0, how much better the first one is said to be (Touvron et al. 2023); None: not in the program.
        centring: c >= 0 pulls the scores' mean to 0, which the pairs leave free (Eisenstein et al. 2023); None: no term.
        weights_N: >= 0; None: all 1. Where all are 0 the loss is 0.
    Returns:
        Scalar.
    """
    weights_N = jnp.ones_like(chosen_N) if weights_N is None else weights_N
    total = jnp.maximum(jnp.sum(weights_N), jnp.finfo(chosen_N.dtype).tiny)
    difference_N = chosen_N - rejected_N if margin_N is None else chosen_N - rejected_N - margin_N
    losses_N = jax.nn.softplus(-difference_N)
    if centring is not None:
        losses_N = losses_N + centring * (chosen_N + rejected_N) ** 2
    return jnp.sum(weights_N * losses_N) / total


def preference_accuracy(chosen_N: Array, rejected_N: Array) -> Array:
    """1 where the preferred answer scores higher, 1/2 where both score the same: (N,) float32."""
    return (chosen_N > rejected_N).astype(jnp.float32) + 0.5 * (chosen_N == rejected_N).astype(jnp.float32)


def calibration(probabilities_N: Array, outcomes_N: Array, num_bins: int = 10) -> dict[str, Array]:
    """How often what is predicted with a probability happens: bins of equal width over [0, 1].

    Args:
        probabilities_N: sigma(r_a - r_b) in [0, 1].
        outcomes_N: 1 where a was preferred.
        num_bins: K >= 1.
    Returns:
        {"predicted": (K,) mean probability, "observed": (K,) share of outcomes, "count": (K,) pairs of each bin,
        "error": expected calibration error, scalar}; an empty bin has zeros.
    """
    bins_N = jnp.minimum((probabilities_N * num_bins).astype(jnp.int32), num_bins - 1)
    zeros_K = jnp.zeros(num_bins)
    count_K = zeros_K.at[bins_N].add(1.0)
    predicted_K = zeros_K.at[bins_N].add(probabilities_N) / jnp.maximum(count_K, 1.0)
    observed_K = zeros_K.at[bins_N].add(outcomes_N) / jnp.maximum(count_K, 1.0)
    error = jnp.sum(count_K * jnp.abs(predicted_K - observed_K)) / jnp.maximum(jnp.sum(count_K), 1.0)
    return {"predicted": predicted_K, "observed": observed_K, "count": count_K, "error": error}
