"""Proximal policy optimization of a language model: clipped ratios, clipped values, entropy (Schulman et al. 2017; F171)."""

import jax
import jax.numpy as jnp
from jax import Array

from nn_core.alignment.masks import masked_mean
from nn_core.floats import wide


def clipped_objective(ratio: Array, advantage: Array, low: Array | float, high: Array | float) -> Array:
    """min(w A, clip(w, 1 - low, 1 + high) A): its slope in w is A inside, and 0 where w has gone too far in A's favour.

    Args:
        ratio: w = pi / pi_old, any shape.
        advantage: A, of the same shape.
        low, high: clip range below in [0, 1) and above >= 0.
    Returns:
        The objective of each entry, to be made larger.
    """
    return jnp.minimum(ratio * advantage, jnp.clip(ratio, 1.0 - low, 1.0 + high) * advantage)


def policy_loss(
    new_BT: Array, old_BT: Array, advantages_BT: Array, mask_BT: Array, clip_range: Array | float
) -> tuple[Array, dict[str, Array]]:
    """-mean over real tokens of the clipped objective.

    Args:
        new_BT: log-probabilities of the drawn tokens under the policy that learns.
        old_BT: those under the policy that drew them, at the same temperature and filters.
        advantages_BT: of each token, already whitened if at all.
        mask_BT: 1 at the answer's tokens.
        clip_range: epsilon in (0, 1).
    Returns:
        The loss; {"clip_share": share of tokens whose ratio is outside, "old_kl": k3 of the step just made, "ratio":
        mean ratio}, over real tokens.
    """
    log_ratio_BT = jnp.where(mask_BT > 0, new_BT - old_BT, 0.0)
    ratio_BT = jnp.exp(log_ratio_BT)
    objective_BT = clipped_objective(ratio_BT, advantages_BT, clip_range, clip_range)
    outside_BT = (jnp.abs(ratio_BT - 1.0) > clip_range).astype(jnp.float32)
    told = {
        "clip_share": masked_mean(outside_BT, mask_BT),
        "old_kl": masked_mean(ratio_BT - 1.0 - log_ratio_BT, mask_BT),
        "ratio": masked_mean(ratio_BT, mask_BT),
    }
    return -masked_mean(objective_BT, mask_BT), told


def value_loss(
    new_BT: Array, old_BT: Array, returns_BT: Array, mask_BT: Array, clip_range: Array | float | None = None
) -> Array:
    """1/2 mean max((V - R)^2, (clip(V, V_old +- epsilon) - R)^2) over real tokens.

    Args:
        new_BT, old_BT: values now, and when the answers were drawn.
        returns_BT: R.
        mask_BT: 1 at the answer's tokens.
        clip_range: epsilon > 0; None: the plain squared error.
    Returns:
        Scalar.
    """
    errors_BT = (new_BT - returns_BT) ** 2
    if clip_range is not None:
        near_BT = jnp.clip(new_BT, old_BT - clip_range, old_BT + clip_range)
        errors_BT = jnp.maximum(errors_BT, (near_BT - returns_BT) ** 2)
    return 0.5 * masked_mean(errors_BT, mask_BT)


def entropy(log_probs_V: Array) -> Array:
    """-sum p ln p over the last axis of normalised log-probabilities; tokens at -inf count 0."""
    finite_V = jnp.where(jnp.isfinite(log_probs_V), log_probs_V, 0.0)
    return -jnp.sum(jnp.exp(log_probs_V) * finite_V, axis=-1)


def token_rewards(
    reward_B: Array, kl_BT: Array, mask_BT: Array, coefficient: Array | float, end_B: Array | None = None
) -> Array:
    """-beta KL_t at each real token, and the answer's reward at its last one (Ouyang et al. 2022).

    Args:
        reward_B: the reward model's score.
        kl_BT: k1 of each token.
        mask_BT: 1 at the answer's tokens.
        coefficient: beta >= 0.
        end_B: 1 for answers that reached their end token; others get no reward. None: all do.
    Returns:
        (B, T), 0 at padding.
    """
    places_1T = jnp.arange(mask_BT.shape[1])[None]
    last_B = jnp.max(jnp.where(mask_BT > 0, places_1T, -1), axis=1)
    is_last_BT = places_1T == last_B[:, None]
    reward_B = reward_B if end_B is None else reward_B * end_B
    penalised_BT = jnp.where(mask_BT > 0, -coefficient * kl_BT, 0.0)
    return penalised_BT + jnp.where(is_last_BT, reward_B[:, None], 0.0)


def filtered_log_probs(logits_BTV: Array, temperature: Array | float, kept_BTV: Array | None = None) -> Array:
    """The log-probabilities that tokens are drawn by: softmax(z / T) over the tokens that the filters keep.

    A policy that is scored at another temperature than it was sampled with has ratios other than 1 before it has learned
    anything.

    Args:
        logits_BTV: any floats.
        temperature: T > 0.
        kept_BTV: booleans; None: all are kept.
    Returns:
        (..., V), -inf at tokens that are not kept.
    """
    scaled_BTV = wide(logits_BTV) / temperature
    if kept_BTV is not None:
        scaled_BTV = jnp.where(kept_BTV, scaled_BTV, -jnp.inf)
    return jax.nn.log_softmax(scaled_BTV)
