"""Direct preference optimization: the policy is its own reward model, r = beta ln(pi / rho) (F171).

Of the policies that maximise E[r] - beta KL(pi || rho) the best is pi* ~ rho exp(r / beta); turned around, r follows from
pi*, up to a constant of the prompt that cancels in a pair. The ledger holds the proof on an enumerable toy.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from nn_core.alignment.preference_loss import preference_accuracy


def log_ratio_margin(policy_2N: Array, reference_2N: Array) -> Array:
    """h = ln(pi_w / rho_w) - ln(pi_l / rho_l), (N,); rows: the preferred answer, the other one."""
    log_ratio_2N = policy_2N - reference_2N
    return log_ratio_2N[0] - log_ratio_2N[1]


def sigmoid_loss(margin_N: Array, beta: Array | float) -> Array:
    """-ln sigma(beta h) (Rafailov et al. 2023)."""
    return jax.nn.softplus(-beta * margin_N)


def identity_loss(margin_N: Array, beta: Array | float) -> Array:
    """(h - 1 / (2 beta))^2: it ends at a finite margin even where one answer is always preferred (IPO; Azar et al. 2023)."""
    return (margin_N - 0.5 / beta) ** 2


DPO_LOSSES: dict[str, Callable[[Array, Array | float], Array]] = {"sigmoid": sigmoid_loss, "identity": identity_loss}


def direct_preference_loss(
    policy_2N: Array,
    reference_2N: Array,
    beta: Array | float,
    *,
    kind: str = "sigmoid",
    lengths_2N: Array | None = None,
    label_smoothing: Array | float | None = None,
    weights_N: Array | None = None,
) -> tuple[Array, dict[str, Array]]:
    """Mean loss of pairs.

    Args:
        policy_2N, reference_2N: summed log-probabilities of (preferred, other) answers.
        beta: > 0, the strength of the reference.
        kind: "sigmoid" or "identity".
        lengths_2N: tokens of the answers: log-ratios are divided by them, so that length alone gives no margin (Meng et
            al. 2024; Park et al. 2024); None: sums.
        label_smoothing: share of labels that are taken to be wrong, in [0, 0.5); None: no smoothing.
        weights_N: >= 0; None: all 1.
    Returns:
        The loss; {"margin": mean of beta h, "accuracy": share of margins above 0, those of 0 by half, "chosen", "rejected": mean summed
        log-probabilities, where "chosen" may fall too}.
    Raises:
        ValueError: an unknown kind.
    """
    if kind not in DPO_LOSSES:
        raise ValueError(f"kind={kind!r} is unknown; use one of {', '.join(DPO_LOSSES)}")
    summed_2N = policy_2N
    if lengths_2N is not None:
        policy_2N, reference_2N = policy_2N / lengths_2N, reference_2N / lengths_2N
    margin_N = log_ratio_margin(policy_2N, reference_2N)
    losses_N = DPO_LOSSES[kind](margin_N, beta)
    if label_smoothing is not None:
        wrong_N = DPO_LOSSES[kind](-margin_N, beta)
        losses_N = (1.0 - label_smoothing) * losses_N + label_smoothing * wrong_N
    weights_N = jnp.ones_like(margin_N) if weights_N is None else weights_N
    total = jnp.maximum(jnp.sum(weights_N), 1.0)
    told = {"margin": beta * margin_N, "accuracy": preference_accuracy(margin_N, jnp.zeros_like(margin_N))}
    told |= {"chosen": summed_2N[0], "rejected": summed_2N[1]}
    return jnp.sum(weights_N * losses_N) / total, {
        name: jnp.sum(weights_N * value_N) / total for name, value_N in told.items()
    }
