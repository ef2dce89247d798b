"""Ledger rows of fine-tuning, preferences and policies (F169, F170, F171).

What holds on average over draws is proved by enumeration: every token of a small vocabulary with its probability.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.special

from nn_core.activations import log_softmax, sigmoid, softmax
from nn_core.alignment.advantages import generalized_advantages
from nn_core.alignment.answer_loss import answer_loss
from nn_core.alignment.dpo import direct_preference_loss
from nn_core.alignment.kl import exact_kl, k1, k2, k3
from nn_core.alignment.ppo import clipped_objective
from nn_core.alignment.preference_loss import preference_loss
from nn_core.formulas.ledger import Formula, Oracle, labels, normal

LOGITS_TV, TARGETS_T = normal(190, 6, 4), labels(191, 6, 4)
ANSWER_T = np.array([0.0, 0.0, 0.0, 1.0, 1.0, 0.0])
REWARDS_2N = normal(183, 2, 6)
# Log-probabilities of (chosen, rejected) answers under the policy and the reference.
POLICY_2N, REFERENCE_2N = normal(184, 2, 6), normal(185, 2, 6)
BETA = np.float64(0.4)
POLICY_V, REFERENCE_V = normal(192, 7), normal(193, 7)  # logits of p and q
DRAWN = (POLICY_V, POLICY_V, REFERENCE_V)  # p as it is differentiated, p as it drew, q
TOKEN_REWARDS_T, VALUES_T = normal(194, 5), normal(195, 5)
DISCOUNT, DECAY = np.float64(0.97), np.float64(0.9)
# A ratio in each region, for advantages of both signs.
RATIOS_N, ADVANTAGES_N = np.array([0.5, 0.9, 1.1, 1.6, 0.5, 0.9, 1.1, 1.6]), np.repeat([1.5, -0.7], 4)
CLIP = np.float64(0.2)
SCORES_V = normal(196, 5)  # rewards of five answers


def _answer_mean(z_TV: Any, y_T: Any, m_T: Any) -> Any:
    total, count = answer_loss(z_TV[None], y_T[None], m_T[None])
    return total / count


def _answer_slope(z_TV: Any, y_T: Any, m_T: Any) -> Any:
    """The logits at t judge the token at t + 1."""
    after_T = jnp.append(m_T[1:], 0.0)
    next_TV = jax.nn.one_hot(jnp.append(y_T[1:], 0), z_TV.shape[1], dtype=z_TV.dtype)
    return after_T[:, None] * (softmax(z_TV) - next_TV) / jnp.sum(m_T)


def _pair_loss(rewards_2N: Any) -> Any:
    return preference_loss(rewards_2N[0], rewards_2N[1])


def _pair_slope(rewards_2N: Any) -> Any:
    lost_N = sigmoid(rewards_2N[1] - rewards_2N[0]) / rewards_2N.shape[1]
    return jnp.stack([-lost_N, lost_N])


def _on_average(estimator: Any) -> Any:
    """(z, z0, w) -> mean of an estimator over tokens that softmax(z0) drew: draws stay while ln p is differentiated."""

    def mean(z_V: Any, drawn_V: Any, w_V: Any) -> Any:
        return jnp.sum(softmax(drawn_V) * estimator(log_softmax(z_V), log_softmax(w_V)))

    return mean


def _kl_scipy(z_V: Any, drawn_V: Any, w_V: Any) -> Any:
    return scipy.special.rel_entr(scipy.special.softmax(z_V), scipy.special.softmax(w_V)).sum()


def _kl_slope(z_V: Any, drawn_V: Any, w_V: Any) -> Any:
    log_ratio_V = log_softmax(z_V) - log_softmax(w_V)
    return softmax(z_V) * (log_ratio_V - jnp.sum(softmax(z_V) * log_ratio_V))


def _scored(z_V: Any, drawn_V: Any, w_V: Any) -> Any:
    """The score function: k1 of each draw, held still, times its ln p."""
    weights_V = softmax(drawn_V) * k1(log_softmax(drawn_V), log_softmax(w_V))
    return jnp.sum(weights_V * log_softmax(z_V))


def _advantages(rewards_T: Any, values_T: Any, discount: Any, decay: Any) -> Any:
    mask_1T = jnp.ones_like(rewards_T)[None]
    return generalized_advantages(rewards_T[None], values_T[None], mask_1T, discount, decay)[0][0]


def _advantages_defined(rewards_T: Any, values_T: Any, discount: Any, decay: Any) -> Any:
    """In O(n^2): sum over k of (discount decay)^k delta_(t+k)."""
    deltas_T = rewards_T + discount * np.append(values_T[1:], 0.0) - values_T
    length = len(deltas_T)
    return np.array([sum((discount * decay) ** (k - t) * deltas_T[k] for k in range(t, length)) for t in range(length)])


def _advantages_slope(rewards_T: Any, values_T: Any, discount: Any, decay: Any) -> Any:
    lag_TT = jnp.arange(len(rewards_T))[None] - jnp.arange(len(rewards_T))[:, None]
    return jnp.where(lag_TT >= 0, (discount * decay) ** jnp.maximum(lag_TT, 0), 0.0)


def _clipped_slope(ratio_N: Any, advantage_N: Any, clip: Any) -> Any:
    far_N = jnp.where(advantage_N > 0, ratio_N > 1 + clip, ratio_N < 1 - clip)
    return jnp.where(far_N, 0.0, advantage_N)


def _clip_numpy(w: Any, a: Any, e: Any) -> Any:
    return np.where(a > 0, np.minimum(w, 1 + e), np.maximum(w, 1 - e)) * a


def _best_policy(rewards_V: Any, w_V: Any, beta: Any) -> Any:
    """pi* ~ rho exp(r / beta), logits."""
    return log_softmax(w_V) + rewards_V / beta


def _regularised(z_V: Any, rewards_V: Any, w_V: Any, beta: Any) -> Any:
    return jnp.sum(softmax(z_V) * rewards_V) - beta * exact_kl(log_softmax(z_V), log_softmax(w_V))


def _expected_dpo(z_V: Any, rewards_V: Any, w_V: Any, beta: Any) -> Any:
    """DPO's loss over all pairs of answers, each preferred as often as Bradley and Terry say for these rewards."""
    places = jnp.indices((len(z_V), len(z_V))).reshape(2, -1)
    often_N = sigmoid(rewards_V[places[0]] - rewards_V[places[1]])
    logs = log_softmax(z_V)[places], log_softmax(w_V)[places]
    return direct_preference_loss(*logs, beta, weights_N=often_N)[0] * jnp.sum(often_N) / often_N.size


BEST_V = np.asarray(
    REFERENCE_V[:5] - scipy.special.logsumexp(REFERENCE_V[:5]) + SCORES_V / BETA
)  # the best policy's logits, where its gradient vanishes
FORMULAS: tuple[Formula, ...] = (
    Formula(
        "F169",
        "Supervised fine-tuning: answers only",
        "−Σₜ mₜ ln p(xₜ | x₍<ₜ₎) / Σₜ mₜ",
        "∂/∂zₜ = mₜ₊₁(softmax(zₜ) − onehot(xₜ₊₁))/Σm, exactly 0 before a prompt's token",
        _answer_mean,
        (LOGITS_TV, TARGETS_T, ANSWER_T),
        _answer_slope,
        oracles=(
            Oracle(
                "the answer alone",
                lambda z, y, m: -np.mean([scipy.special.log_softmax(z[t - 1])[y[t]] for t in np.flatnonzero(m)]),
            ),
        ),
        slips=("S55",),
    ),
    Formula(
        "F170",
        "Reward model: the preferred answer wins",
        "−(1/N) Σ ln σ(r_w − r_l)",
        "∂/∂r_w = −σ(r_l − r_w)/N = −∂/∂r_l",
        _pair_loss,
        (REWARDS_2N,),
        _pair_slope,
        oracles=(Oracle("NumPy", lambda r: -np.log(scipy.special.expit(r[0] - r[1])).mean()),),
        slips=("S55",),
    ),
    Formula(
        "F171a",
        "Direct preference optimization",
        "−(1/N) Σ ln σ(β[ln π_w/ρ_w − ln π_l/ρ_l]), ρ the reference",
        "∂/∂ln π_w = −βσ(−margin)/N = −∂/∂ln π_l",
        lambda p, q, beta: direct_preference_loss(p, q, beta)[0],
        (POLICY_2N, REFERENCE_2N, BETA),
        lambda p, q, beta: beta * _pair_slope(beta * (p - q)),
        oracles=(Oracle("NumPy", lambda p, q, b: np.logaddexp(0, -b * ((p - q)[0] - (p - q)[1])).mean()),),
    ),
    Formula(
        "F171b",
        "The best policy near a reference",
        "E_π[r] − β KL(π ‖ ρ) at π ∝ ρ exp(r/β)",
        "∂/∂z = 0: no policy is better",
        _regularised,
        (BEST_V, SCORES_V, REFERENCE_V[:5], BETA),
        lambda z, r, w, beta: jnp.zeros_like(z),
        oracles=(
            Oracle(
                "β ln Σ ρ exp(r/β)",
                lambda z, r, w, b: b * scipy.special.logsumexp(scipy.special.log_softmax(w) + r / b),
            ),
        ),
    ),
    Formula(
        "F171c",
        "DPO finds that policy",
        "DPO's loss over all pairs, preferred by σ(r_w − r_l), at π ∝ ρ exp(r/β)",
        "∂/∂z = 0",
        _expected_dpo,
        (BEST_V, SCORES_V, REFERENCE_V[:5], BETA),
        lambda z, r, w, beta: jnp.zeros_like(z),
        oracles=(
            Oracle(
                "entropy of the preferences",
                lambda z, r, w, b: np.mean(
                    scipy.special.expit(r[:, None] - r[None]) * np.logaddexp(0, r[None] - r[:, None])
                ),
            ),
        ),
    ),
    Formula(
        "F171d",
        "k1 as a loss teaches nothing",
        "E_p[ln p − ln q] = KL(p ‖ q), draws held still",
        "∂/∂z = 0",
        _on_average(k1),
        DRAWN,
        lambda z, drawn, w: jnp.zeros_like(z),
        oracles=(Oracle("scipy rel_entr", _kl_scipy),),
    ),
    Formula(
        "F171e",
        "k2 as a loss has the gradient of the KL",
        "E_p[(ln p − ln q)²/2], draws held still; its value is biased",
        "∂/∂z = p(ln p/q − KL)",
        _on_average(k2),
        DRAWN,
        _kl_slope,
    ),
    Formula(
        "F171f",
        "k3 as a loss has the gradient of the other KL",
        "E_p[q/p − 1 − ln q/p] = KL(p ‖ q), draws held still",
        "∂/∂z = p − q, that of KL(q ‖ p)",
        _on_average(k3),
        DRAWN,
        lambda z, drawn, w: softmax(z) - softmax(w),
        oracles=(Oracle("scipy rel_entr", _kl_scipy),),
    ),
    Formula(
        "F171g",
        "k1 in the reward has the gradient of the KL",
        "E_p[(ln p − ln q)·ln p], the first factor held still",
        "∂/∂z = p(ln p/q − KL)",
        _scored,
        DRAWN,
        _kl_slope,
    ),
    Formula(
        "F171h",
        "Generalized advantages",
        "Aₜ = δₜ + γλAₜ₊₁, δₜ = rₜ + γVₜ₊₁ − Vₜ",
        "∂Aₜ/∂rₖ = (γλ)^(k−t) for k ≥ t, else 0",
        _advantages,
        (TOKEN_REWARDS_T, VALUES_T, DISCOUNT, DECAY),
        _advantages_slope,
        "jacobian",
        oracles=(Oracle("the sum over k", _advantages_defined),),
    ),
    Formula(
        "F171i",
        "PPO's clipped objective",
        "min(wA, clip(w, 1 − ε, 1 + ε)A)",
        "∂/∂w = A, but 0 where A > 0 and w > 1 + ε, or A < 0 and w < 1 − ε",
        lambda w, a, e: jnp.sum(clipped_objective(w, a, e, e)),
        (RATIOS_N, ADVANTAGES_N, CLIP),
        _clipped_slope,
        oracles=(Oracle("region by region", lambda w, a, e: _clip_numpy(w, a, e).sum()),),
    ),
)
