"""How much better a token, or an answer, was than expected: GAE and group-relative advantages (F171)."""

import jax.numpy as jnp
from jax import Array, lax

GROUP_EPSILON = 1e-4  # in rewards: a group whose answers are equally good teaches nothing


def generalized_advantages(
    rewards_BT: Array, values_BT: Array, mask_BT: Array, discount: Array | float, decay: Array | float
) -> tuple[Array, Array]:
    """A_t = sum_k (discount decay)^k delta_(t+k), delta_t = r_t + discount V_(t+1) - V_t (Schulman et al. 2016).

    The real tokens of a row are contiguous. Behind their end the value is 0, and nothing flows back from there.

    Args:
        rewards_BT, values_BT: of each token; the values at padding are not read.
        mask_BT: 1 at the answer's tokens.
        discount: gamma in [0, 1].
        decay: lambda in [0, 1]; 0 is one step of temporal difference, 1 the whole return less the value.
    Returns:
        Advantages and returns A + V, (B, T), 0 at padding; neither carries a gradient to the values (`stop_gradient`).
    """
    real_BT = mask_BT > 0
    values_BT = lax.stop_gradient(jnp.where(real_BT, values_BT, 0.0))
    rewards_BT = jnp.where(real_BT, rewards_BT, 0.0)
    following_BT = jnp.pad(values_BT[:, 1:], ((0, 0), (0, 1)))
    deltas_BT = jnp.where(real_BT, rewards_BT + discount * following_BT - values_BT, 0.0)

    def back(carried_B: Array, delta_B: Array) -> tuple[Array, Array]:
        advantage_B = delta_B + discount * decay * carried_B
        return advantage_B, advantage_B

    _, advantages_TB = lax.scan(back, jnp.zeros_like(deltas_BT[:, 0]), deltas_BT.T, reverse=True)
    advantages_BT = jnp.where(real_BT, advantages_TB.T, 0.0)
    return advantages_BT, advantages_BT + values_BT


def group_advantages(rewards_GN: Array, *, scale: bool = True) -> Array:
    """(r - mean) / (std + 1e-4) within the answers to one prompt (Shao et al. 2024); no value function is needed.

    Args:
        rewards_GN: rewards of N >= 2 answers to each of G prompts.
        scale: False leaves the division out, which favours prompts of equal answers (Liu et al. 2025).
    Returns:
        (G, N); exactly 0 for a group of equal rewards.
    """
    mean_G1 = jnp.mean(rewards_GN, axis=1, keepdims=True)
    equal_G1 = jnp.max(rewards_GN, axis=1, keepdims=True) == jnp.min(rewards_GN, axis=1, keepdims=True)
    centred_GN = jnp.where(equal_G1, 0.0, rewards_GN - mean_G1)
    if not scale:
        return centred_GN
    deviation_G1 = jnp.sqrt(jnp.sum(centred_GN**2, axis=1, keepdims=True) / (rewards_GN.shape[1] - 1))
    return centred_GN / (deviation_G1 + GROUP_EPSILON)


def leave_one_out_advantages(rewards_GN: Array) -> Array:
    """r - the mean of the other answers of its group (RLOO; Ahmadian et al. 2024): (G, N)."""
    count = rewards_GN.shape[1]
    return (rewards_GN - jnp.mean(rewards_GN, axis=1, keepdims=True)) * (count / (count - 1))
