"""Ledger rows of text generation (F186-F194): the library's filters against distributions by hand."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.special
import scipy.stats

from nn_core.activations import log_softmax, softmax
from nn_core.formulas.ledger import FLOAT32_TOLERANCE, Formula, Oracle, normal
from nn_core.generation.filters import Sampling, draw_tokens, filter_logits, take_most_probable
from nn_core.generation.options import new_token_limits

LOGITS_V = 2.0 * normal(131, 9)
LOGITS_TV, IDS_T = normal(132, 4, 5), np.array([2, 0, 4, 1])
PROBABILITIES_V = np.array([0.5, 0.3, 0.15, 0.05])
TEMPERATURE = np.float64(0.7)
PROMPT_LENGTHS = np.array([3, 7])


def tempered(temperature: Any, logits_V: Any) -> Any:
    """softmax(z / T), T dividing the logits *before* the softmax (S50)."""
    return softmax(logits_V / temperature)


def tempered_entropy(temperature: Any, logits_V: Any) -> Any:
    """H(softmax(z / T)) in nats."""
    return -jnp.sum(tempered(temperature, logits_V) * log_softmax(logits_V / temperature))


def _tempered_variance(temperature: Any, logits_V: Any) -> Any:
    p = tempered(temperature, logits_V)
    return jnp.sum(p * logits_V**2) - jnp.sum(p * logits_V) ** 2


def filtered(logits_V: Any, sampling: Sampling) -> Any:
    """The distribution that the library draws from, renormalised, (V,)."""
    return softmax(filter_logits(logits_V[None], sampling)[0])


def _keep(p_V: Any, count: int) -> Any:
    """The `count` largest probabilities, renormalised; the others 0."""
    kept = np.where(np.argsort(np.argsort(-p_V)) < count, p_V, 0.0)
    return kept / kept.sum()


def _nucleus_size(p_V: Any, threshold: float) -> int:
    """Smallest number of most probable tokens whose mass is at least the threshold."""
    return int(np.searchsorted(np.cumsum(np.sort(p_V)[::-1]), threshold - 1e-12) + 1)


def _combined(logits_V: Any) -> Any:
    """Temperature .7, then top-k 5, then top-p .8, each on what the one before left (S49, F194)."""
    p = _keep(scipy.special.softmax(logits_V / 0.7), 5)
    return _keep(p, _nucleus_size(p, 0.8))


def _frequencies(logits_V: Any) -> Any:
    """Shares of 40,000 drawn tokens."""
    keys = jax.random.split(jax.random.key(9), 40_000)
    drawn = draw_tokens(keys, jnp.broadcast_to(logits_V, (40_000, logits_V.size)), Sampling())
    return jnp.bincount(drawn, length=logits_V.size) / 40_000


def sequence_score(logits_TV: Any, ids_T: Any) -> Any:
    """log P(text) = sum_t log softmax(z_t)[id_t]: beam search keeps the n largest (F190)."""
    return jnp.sum(jnp.take_along_axis(log_softmax(logits_TV), ids_T[:, None], axis=1))


FORMULAS: tuple[Formula, ...] = (
    Formula(
        "F186",
        "Maximum number of tokens",
        "new tokens = max_length − prompt tokens",
        "the prompt counts: 10 leaves 7 and 3",
        lambda lengths: jnp.asarray(new_token_limits(PROMPT_LENGTHS, max_length=10)) + 0 * lengths,
        (PROMPT_LENGTHS,),
        oracles=(Oracle("7, 3", lambda _: np.array([7, 3]), 0.0),),
        slips=("S48",),
    ),
    Formula(
        "F188a",
        "Greedy decoding",
        "argmaxᵢ zᵢ",
        "the same as argmaxᵢ softmax(z)ᵢ",
        lambda z: take_most_probable(z[None], Sampling()),
        (LOGITS_V,),
        oracles=(Oracle("np.argmax of softmax", lambda z: np.argmax(scipy.special.softmax(z)), 0.0),),
    ),
    Formula(
        "F188b",
        "Greedy is sampling at temperature 0",
        "softmax(z/T) → onehot(argmax z) for T → 0",
        "T = 0 in the library",
        lambda z: filtered(z, Sampling(temperature=0.0)),
        (LOGITS_V,),
        oracles=(Oracle("softmax(z/0.01)", lambda z: scipy.special.softmax(z / 0.01), 1e-9),),
    ),
    Formula(
        "F189",
        "Multinomial sampling",
        "P(token i) = softmax(z)ᵢ",
        "40,000 draws, four standard errors",
        _frequencies,
        (LOGITS_V,),
        oracles=(Oracle("softmax", scipy.special.softmax, 4 * 0.5 / 200, approximate=True),),
    ),
    Formula(
        "F190",
        "Score of a text in beam search",
        "log P(y) = Σₜ ln softmax(zₜ)[yₜ]",
        "∂/∂zₜ = onehot(yₜ) − softmax(zₜ)",
        sequence_score,
        (LOGITS_TV, IDS_T),
        lambda z, ids: jax.nn.one_hot(ids, 5, dtype=z.dtype) - softmax(z),
        oracles=(Oracle("ln Π p", lambda z, ids: np.log(np.prod(scipy.special.softmax(z, 1)[np.arange(4), ids]))),),
    ),
    Formula(
        "F191",
        "Top-k sampling",
        "pᵢ/Σ of the k = 3 largest, else 0",
        "exactly 3 tokens stay",
        lambda z: filtered(z, Sampling(top_k=3)),
        (LOGITS_V,),
        oracles=(Oracle("NumPy", lambda z: _keep(scipy.special.softmax(z), 3), FLOAT32_TOLERANCE),),
    ),
    Formula(
        "F192a",
        "Top-p sampling",
        "smallest set of most probable tokens with mass ≥ p = 0.8",
        "the crossing token stays",
        lambda z: filtered(z, Sampling(top_p=0.8)),
        (LOGITS_V,),
        oracles=(
            Oracle(
                "NumPy",
                lambda z: _keep(scipy.special.softmax(z), _nucleus_size(scipy.special.softmax(z), 0.8)),
                FLOAT32_TOLERANCE,
            ),
        ),
        slips=("S49",),
    ),
    Formula(
        "F192b",
        "Top-p: how many tokens stay of .5, .3, .15, .05",
        "p = 0.75 → 2, 0.4 → 1, 1 → 4",
        "mass before the token < p",
        lambda p: jnp.stack([jnp.sum(filtered(jnp.log(p), Sampling(top_p=t)) > 0) for t in (0.75, 0.4, 1.0)]),
        (PROBABILITIES_V,),
        oracles=(
            Oracle("2, 1, 4", lambda _: np.array([2, 1, 4]), 0.0),
            Oracle("NumPy", lambda p: np.array([_nucleus_size(p, t) for t in (0.75, 0.4, 1.0)]), 0.0),
        ),
        slips=("S49",),
    ),
    Formula(
        "F193a",
        "Temperature",
        "p = softmax(z/T)",
        "∂pᵢ/∂T = −pᵢ(zᵢ − Σⱼpⱼzⱼ)/T²",
        tempered,
        (TEMPERATURE, LOGITS_V),
        lambda t, z: -tempered(t, z) * (z - jnp.sum(tempered(t, z) * z)) / t**2,
        "jacobian",
        (
            Oracle(
                "library",
                lambda t, z: filtered(z, Sampling(temperature=t.astype(jnp.float32))),
                FLOAT32_TOLERANCE,
                traced=True,
            ),
            Oracle("p^(1/T), renormalised", lambda t, z: _power(scipy.special.softmax(z), 1 / t)),
        ),
        ("S50",),
    ),
    Formula(
        "F193b",
        "A higher temperature spreads the distribution",
        "H(softmax(z/T))",
        "∂H/∂T = Var_p(z)/T³ > 0",
        tempered_entropy,
        (TEMPERATURE, LOGITS_V),
        lambda t, z: _tempered_variance(t, z) / t**3,
        oracles=(Oracle("scipy.stats.entropy", lambda t, z: scipy.stats.entropy(scipy.special.softmax(z / t))),),
    ),
    Formula(
        "F194",
        "Combination: temperature, then top-k, then top-p",
        "T = 0.7, k = 5, p = 0.8, renormalised after each",
        "each filter sees what the one before left",
        lambda z: filtered(z, Sampling(temperature=0.7, top_k=5, top_p=0.8)),
        (LOGITS_V,),
        oracles=(Oracle("NumPy", _combined, FLOAT32_TOLERANCE),),
    ),
)


def _power(p_V: Any, exponent: Any) -> Any:
    return p_V**exponent / np.sum(p_V**exponent)
