"""Ledger rows of softmax, one-hot encoding and maximum likelihood (F010-F012, F014, F015)."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.optimize
import scipy.special
import scipy.stats

from nn_core.activations import log_softmax, log_softmax_jacobian, softmax, softmax_jacobian
from nn_core.by_hand.likelihood import coin_estimate, coin_log_likelihood, coin_score
from nn_core.formulas.ledger import Formula, Oracle, labels, normal, rounded, uniform
from nn_core.losses import likelihood, log_likelihood

SCORES_C = np.array([1.0, 2.0, 3.0])
SCORES_NC = 3.0 * normal(11, 4, 5)
PROBABILITIES_N = uniform(12, 0.05, 0.95, 7)
CLASSES_N = labels(13, 9, 3)
HEADS, FLIPS = np.float64(7.0), np.float64(10.0)
# The one value of p at which the likelihood of 7 heads in 10 is largest, and others around it.
COIN_P = np.array([0.7, 0.3, 0.5, 0.9])


def stable_softmax(z_C: Any) -> Any:
    """The notes' code: subtract the maximum, exponentiate, divide (F012)."""
    exponentials_C = jnp.exp(z_C - jnp.max(z_C))
    return exponentials_C / jnp.sum(exponentials_C)


def _encode(classes_N: Any) -> Any:
    from sklearn.preprocessing import OneHotEncoder

    return OneHotEncoder(sparse_output=False).fit_transform(np.asarray(classes_N)[:, None])


def _best_p(heads: Any, flips: Any) -> Any:
    found = scipy.optimize.minimize_scalar(
        lambda p: -scipy.stats.binom.logpmf(heads, flips, p), bounds=(0.01, 0.99), options={"xatol": 1e-10}
    )
    return found.x


FORMULAS: tuple[Formula, ...] = (
    Formula(
        "F010",
        "Softmax",
        "softmax(z)ᵢ = e^zᵢ / Σⱼ e^zⱼ",
        "e^(zᵢ − max z) / Σⱼ e^(zⱼ − max z)",
        softmax,
        (SCORES_C,),
        softmax_jacobian,
        "jacobian",
        (
            Oracle("scipy", scipy.special.softmax),
            rounded("0.0900", "0.2447", "0.6652"),
        ),
        ("S5",),
    ),
    Formula(
        "F011a",
        "Jacobian of softmax",
        "σ(z)ᵢ = e^zᵢ / Σⱼ e^zⱼ",
        "∂σᵢ/∂zⱼ = σᵢ(δᵢⱼ − σⱼ)",
        softmax,
        (SCORES_NC[0],),
        lambda z: jnp.diag(softmax(z)) - jnp.outer(softmax(z), softmax(z)),
        "jacobian",
        (Oracle("library Jacobian", softmax_jacobian, traced=True, of_hand=True),),
    ),
    Formula(
        "F011b",
        "Shift invariance of softmax",
        "σ(z + c) = σ(z)",
        "∂σ(z + c)/∂c = 0 (not scale invariant)",
        lambda c, z: softmax(z + c),
        (np.float64(37.0), SCORES_C),
        lambda c, z: jnp.zeros_like(z),
        "jacobian",
        (Oracle("scipy softmax(z)", lambda c, z: scipy.special.softmax(z)),),
        ("S6",),
    ),
    Formula(
        "F011c",
        "Softmax and the scale of its scores",
        "σ(cz), c = 1/temperature",
        "∂σᵢ/∂c = σᵢ(zᵢ − Σⱼσⱼzⱼ)",
        lambda c, z: softmax(c * z),
        (np.float64(2.0), SCORES_C),
        lambda c, z: softmax(c * z) * (z - jnp.sum(softmax(c * z) * z)),
        "jacobian",
        (Oracle("scipy softmax(2z)", lambda c, z: scipy.special.softmax(c * z)),),
        ("S6",),
    ),
    Formula(
        "F012a",
        "Softmax with the maximum subtracted",
        "e^(zᵢ − max z) / Σⱼ e^(zⱼ − max z)",
        "∂σᵢ/∂zⱼ = σᵢ(δᵢⱼ − σⱼ), also at z ≈ 1000",
        stable_softmax,
        (np.array([1000.0, 1001.0, 1002.0]),),
        softmax_jacobian,
        "jacobian",
        (
            Oracle("softmax([0, 1, 2])", lambda z: scipy.special.softmax(z - 1000.0)),
            Oracle("library", softmax, traced=True),
        ),
        ("S7",),
    ),
    Formula(
        "F012b",
        "Log-softmax",
        "log softmax(z)ᵢ = zᵢ − m − ln Σⱼ e^(zⱼ − m), m = max z",
        "∂/∂zⱼ = δᵢⱼ − σⱼ",
        log_softmax,
        (np.concatenate([[-1000.0], SCORES_C]),),
        lambda z: jnp.eye(4) - softmax(z)[None, :] * jnp.ones((4, 1)),
        "jacobian",
        (
            Oracle("scipy", scipy.special.log_softmax),
            Oracle("library Jacobian", log_softmax_jacobian, traced=True, of_hand=True),
        ),
        ("S7",),
    ),
    Formula(
        "F012c",
        "Log-sum-exp, the soft maximum",
        "LSE(z) = m + ln Σⱼ e^(zⱼ − m), m = max z",
        "∂LSE/∂z = softmax(z)",
        jax.nn.logsumexp,
        (SCORES_C,),
        softmax,
        oracles=(Oracle("scipy logsumexp", scipy.special.logsumexp), rounded("3.4076")),
        slips=("S5",),
    ),
    Formula(
        "F014",
        "One-hot encoding",
        "A → [1, 0, 0], B → [0, 1, 0], C → [0, 0, 1]",
        "yᵢⱼ = 1 if cᵢ = j, else 0",
        lambda classes_N: (classes_N[:, None] == jnp.arange(3)[None, :]).astype(float),
        (CLASSES_N,),
        oracles=(
            Oracle("sklearn OneHotEncoder", _encode),
            Oracle("jax.nn.one_hot", lambda c: jax.nn.one_hot(c, 3), traced=True),
        ),
    ),
    Formula(
        "F015a",
        "Likelihood of independent observations",
        "P(all) = Πᵢ pᵢ",
        "∂P/∂pᵢ = P/pᵢ",
        likelihood,
        (PROBABILITIES_N,),
        lambda p: jnp.prod(p) / p,
        oracles=(Oracle("np.prod", np.prod), Oracle("exp Σ ln p", lambda p: np.exp(np.log(p).sum()))),
    ),
    Formula(
        "F015b",
        "Log-likelihood",
        "ln P(all) = Σᵢ ln pᵢ",
        "∂/∂pᵢ = 1/pᵢ",
        log_likelihood,
        (PROBABILITIES_N,),
        lambda p: 1.0 / p,
        oracles=(Oracle("ln Π p", lambda p: np.log(np.prod(p))),),
    ),
    Formula(
        "F015c",
        "Log-likelihood of a coin",
        "ln P = k ln p + (n − k) ln(1 − p)",
        "∂/∂p = k/p − (n − k)/(1 − p), 0 at p = k/n",
        coin_log_likelihood,
        (COIN_P, HEADS, FLIPS),
        coin_score,
        "elementwise",
        (
            Oracle(
                "scipy.stats.binom",
                lambda p, k, n: scipy.stats.binom.logpmf(k, n, p) - np.log(scipy.special.comb(n, k)),
            ),
            Oracle("k/p − (n − k)/(1 − p)", lambda p, k, n: k / p - (n - k) / (1 - p), of_hand=True),
            Oracle("0 at p = 0.7", lambda *_: 0.0, 1e-12, entry=0, of_hand=True),
        ),
    ),
    Formula(
        "F015d",
        "Maximum likelihood, the five steps",
        "p̂ = k/n solves k/p − (n − k)/(1 − p) = 0",
        "∂p̂/∂k = 1/n",
        coin_estimate,
        (HEADS, FLIPS),
        lambda k, n: 1.0 / n,
        oracles=(Oracle("scipy minimize_scalar", _best_p, 1e-6), Oracle("0.7", lambda *_: 0.7)),
    ),
)
