"""Group relative policy optimization: PPO's clipped ratio with advantages from the answers to one prompt (Shao 2024)."""

import jax.numpy as jnp
from jax import Array

from nn_core.alignment.kl import KL_ESTIMATORS
from nn_core.alignment.masks import masked_mean, row_sums
from nn_core.alignment.ppo import clipped_objective

WEIGHTS = ("token", "sequence")  # what has equal weight in the mean


def group_loss(
    new_BT: Array,
    old_BT: Array,
    reference_BT: Array,
    advantages_B: Array,
    mask_BT: Array,
    *,
    clip_range: Array | float,
    coefficient: Array | float,
    estimator: str = "k3",
    weigh: str = "token",
) -> tuple[Array, dict[str, Array]]:
    """-mean (min(w A, clip(w) A) - beta KL), the KL in the loss and not in the reward.

    Args:
        new_BT, old_BT, reference_BT: log-probabilities of the drawn tokens now, when they were drawn, and under the
            reference, all at the temperature of the draw.
        advantages_B: of each answer; every token of it has the same.
        mask_BT: 1 at the answer's tokens.
        clip_range: epsilon in (0, 1).
        coefficient: beta >= 0.
        estimator: of the KL: k1, k2 or k3 (the paper's); see `nn_core.alignment.kl` for what each one's gradient is.
        weigh: "token": every token of the batch weighs the same (Yu et al. 2025); "sequence": every answer does, as in
            the paper, so that tokens of long answers count less.
    Returns:
        The loss; {"clip_share", "kl"} over real tokens.
    Raises:
        ValueError: an unknown estimator or weight.
    """
    if estimator not in KL_ESTIMATORS:
        raise ValueError(f"estimator={estimator!r} is unknown; use one of {', '.join(KL_ESTIMATORS)}")
    if weigh not in WEIGHTS:
        raise ValueError(f"weigh={weigh!r} is unknown; use one of {', '.join(WEIGHTS)}")
    ratio_BT = jnp.exp(jnp.where(mask_BT > 0, new_BT - old_BT, 0.0))
    kl_BT = jnp.where(mask_BT > 0, KL_ESTIMATORS[estimator](new_BT, reference_BT), 0.0)
    objective_BT = clipped_objective(ratio_BT, advantages_B[:, None], clip_range, clip_range) - coefficient * kl_BT
    told = {
        "clip_share": masked_mean((jnp.abs(ratio_BT - 1.0) > clip_range).astype(jnp.float32), mask_BT),
        "kl": masked_mean(kl_BT, mask_BT),
    }
    if weigh == "token":
        return -masked_mean(objective_BT, mask_BT), told
    lengths_B = jnp.sum(mask_BT, axis=1)
    return -jnp.mean(row_sums(objective_BT, mask_BT) / jnp.maximum(lengths_B, 1.0)), told
