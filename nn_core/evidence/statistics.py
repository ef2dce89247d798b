"""The statistics of every comparison, fixed before the runs: intervals, paired tests and corrections.

NumPy and SciPy only. A run that failed or diverged has a value that is not finite: it is left out, and counted.

    Estimate     mean, 95 % interval by Student's t and by the bootstrap (BCa, fixed seed)
    Comparison   paired differences over seeds: their Estimate, standardised effect, exact p-value

`nn_core.evidence.verdicts` turns them into verdicts on a claim. Values are paired by seed: members of one seed share
their data split and their batches, so a comparison within the seed removes what they have in common.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

CONFIDENCE = 0.95
SIGNIFICANCE = 0.05
NUM_RESAMPLES = 9_999
SEED = 0
# Two-sided, n pairs cannot give a p-value below 2^(1-n): five never reach .05, six just do.
MIN_PAIRS = 6
# Every comparison has at least this many seeds, or says why not.
MIN_SEEDS = 8
# Up to here all 2^n signs are tried; above, NUM_RESAMPLES of them are drawn.
EXACT_PAIRS = 16

TESTS = ("permutation", "wilcoxon", "t")


class Estimate(NamedTuple):
    """A mean with its uncertainty; bounds are NaN where there are too few values (below 2 for t, 3 for the bootstrap).

    Attributes:
      mean: of the finite values; NaN if there are none.
      low, high: 95 % interval by Student's t.
      bootstrap_low, bootstrap_high: 95 % interval by the bias-corrected and accelerated bootstrap.
      num_values: number of finite values, n.
      num_missing: number of values that are not finite.
    """

    mean: float
    low: float
    high: float
    bootstrap_low: float
    bootstrap_high: float
    num_values: int
    num_missing: int

    @property
    def half_width(self) -> float:
        return (self.high - self.low) / 2


class Comparison(NamedTuple):
    """A against B over pairs.

    Attributes:
      difference: Estimate of A - B; a pair with a value that is not finite is missing.
      effect_size: Cohen's d of the pairs, mean / standard deviation of the differences; 0 where all differences are 0,
        infinite where they are equal and not 0, NaN below two pairs.
      p_value: two-sided, not corrected; 1 where there is no pair.
      test: which test gave it.
    """

    difference: Estimate
    effect_size: float
    p_value: float
    test: str


def estimate(values: ArrayLike) -> Estimate:
    """Mean of the finite values with both intervals.

    Args:
      values: (N,) numbers, one per seed; not finite where a run failed.

    Returns:
      The Estimate; the same values give the same numbers.
    """
    all_N = np.ravel(np.asarray(values, np.float64))
    finite_N = all_N[np.isfinite(all_N)]
    count, missing = len(finite_N), len(all_N) - len(finite_N)
    if count == 0:
        return Estimate(math.nan, math.nan, math.nan, math.nan, math.nan, 0, missing)
    mean = float(np.mean(finite_N))
    half_width = t_half_width(finite_N)
    low, high = _bootstrap_interval(finite_N)
    return Estimate(mean, mean - half_width, mean + half_width, low, high, count, missing)


def t_half_width(finite_N: np.ndarray) -> float:
    """Half of the 95 % interval of a mean by Student's t; NaN below two values (a table wants no bootstrap)."""
    count = len(finite_N)
    if count < 2:
        return math.nan
    from scipy.special import stdtrit  # where it is used: the import takes a while

    return float(stdtrit(count - 1, (1 + CONFIDENCE) / 2) * np.std(finite_N, ddof=1) / math.sqrt(count))


def _bootstrap_interval(finite_N: np.ndarray) -> tuple[float, float]:
    if len(finite_N) < 3:
        return math.nan, math.nan
    if np.ptp(finite_N) == 0:
        # Resampling equal values gives the same interval, but the acceleration would be 0 / 0.
        return float(finite_N[0]), float(finite_N[0])
    from scipy import stats  # where it is used: the import takes a while

    result = stats.bootstrap(
        (finite_N,),
        np.mean,
        confidence_level=CONFIDENCE,
        n_resamples=NUM_RESAMPLES,
        method="BCa",
        random_state=np.random.default_rng(SEED),
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def pairs(a: Mapping[int, float], b: Mapping[int, float]) -> tuple[np.ndarray, np.ndarray]:
    """Values of two settings side by side for every seed of either; NaN where one has none.

    Args:
      a, b: seed -> value.

    Returns:
      Two arrays (N,) in the order of the seeds.
    """
    seeds = sorted(set(a) | set(b))
    a_N, b_N = (np.array([side.get(seed, math.nan) for seed in seeds], np.float64) for side in (a, b))
    return a_N, b_N


def compare(a: ArrayLike, b: ArrayLike, test: str = "permutation") -> Comparison:
    """A - B over pairs.

    "permutation" flips the signs of the differences: all 2^n of them up to 16 pairs, 9,999 drawn ones above (the
    observed one included, so that p is never 0). "wilcoxon" is the signed-rank test of SciPy, "t" the paired t-test,
    the only one without a floor of 2^(1-n) and the only one that assumes normal differences.

    Args:
      a: (N,) values, one per seed.
      b: (N,) values of the same seeds in the same order, or one number to compare with.
      test: one of TESTS.

    Returns:
      The Comparison.

    Raises:
      ValueError: an unknown test, or different numbers of values.
    """
    if test not in TESTS:
        raise ValueError(f"test={test!r} is unknown; use one of {', '.join(TESTS)}")
    a_N, b_N = np.ravel(np.asarray(a, np.float64)), np.ravel(np.asarray(b, np.float64))
    if b_N.size not in (1, a_N.size):
        raise ValueError(f"{a_N.size} values and {b_N.size} values are not pairs; give equally many, seed by seed")
    b_N = np.broadcast_to(b_N, a_N.shape)
    with np.errstate(invalid="ignore"):
        difference_N = a_N - b_N
    sizes_N = np.maximum(np.abs(a_N), np.abs(b_N))
    rounding = 4 * np.finfo(np.float64).eps * np.max(sizes_N, where=np.isfinite(sizes_N), initial=0.0)
    difference_N = np.where(np.abs(difference_N) <= rounding, 0.0, difference_N)  # 0.1 + 0.2 is no better than 0.3
    finite_N = difference_N[np.isfinite(difference_N)]
    effect_size = _effect_size(finite_N, rounding)
    return Comparison(estimate(difference_N), effect_size, _p_value(finite_N, test), test)


def _effect_size(finite_N: np.ndarray, rounding: float) -> float:
    if len(finite_N) < 2:
        return math.nan
    mean = float(np.mean(finite_N))
    if np.ptp(finite_N) > rounding:  # equal differences have a deviation of a few rounding errors
        return mean / float(np.std(finite_N, ddof=1))
    return 0.0 if mean == 0 else math.copysign(math.inf, mean)


def _p_value(finite_N: np.ndarray, test: str) -> float:
    if len(finite_N) == 0 or np.all(finite_N == 0):
        return 1.0
    if test == "permutation":
        return _sign_flip_p_value(finite_N)
    from scipy import stats

    if test == "wilcoxon":
        return float(stats.wilcoxon(finite_N).pvalue)
    if len(finite_N) < 2:
        return 1.0
    if np.ptp(finite_N) == 0:
        return 0.0
    return float(stats.ttest_1samp(finite_N, 0.0).pvalue)


def _sign_flip_p_value(finite_N: np.ndarray) -> float:
    """Share of the sign flips whose sum of the differences is at least as far from 0 as the observed sum."""
    count = len(finite_N)
    exact = count <= EXACT_PAIRS
    if exact:
        bits = (np.arange(2**count)[:, None] >> np.arange(count)[None]) & 1
    else:
        bits = np.random.default_rng(SEED).integers(0, 2, (NUM_RESAMPLES, count))
    sums = np.abs((1 - 2 * bits) @ finite_N)
    # The tolerance equates sums that differ only by rounding, because the same additions ran in another order.
    extreme = int(np.sum(sums >= abs(np.sum(finite_N)) * (1 - 1e-12)))
    return extreme / len(bits) if exact else (extreme + 1) / (len(bits) + 1)


def smallest_p_value(num_pairs: int) -> float:
    """2^(1-n): what an exact two-sided test of n pairs can reach at best (1 for no pair)."""
    return min(1.0, 2.0 ** (1 - num_pairs))


def pairs_needed(num_claims: int) -> int:
    """The fewest seeds with which a permutation test can survive Holm's correction over this many claims."""
    return max(MIN_PAIRS, math.ceil(1 + math.log2(num_claims / SIGNIFICANCE)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's correction: with these p-values, the chance of any false finding among all claims is at most .05.

        sorted: p'_(i) = max over j <= i of min(1, (m - j + 1) p_(j))

    Args:
      p_values: (M,) in [0, 1].

    Returns:
      The corrected p-values, in the order given.

    Raises:
      ValueError: a value outside [0, 1].
    """
    p_M = _checked(p_values)
    order_M = np.argsort(p_M, kind="stable")
    factors_M = np.arange(len(p_M), 0, -1)
    corrected_M = np.empty_like(p_M)
    corrected_M[order_M] = np.maximum.accumulate(np.minimum(1.0, factors_M * p_M[order_M]))
    return corrected_M.tolist()


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """The correction that bounds the expected share of false findings, by SciPy; for exploring, not for verdicts.

    Args:
      p_values: (M,) in [0, 1].

    Returns:
      The corrected p-values, in the order given.

    Raises:
      ValueError: a value outside [0, 1].
    """
    from scipy import stats

    p_M = _checked(p_values)
    return stats.false_discovery_control(p_M, method="bh").tolist() if len(p_M) else []


def _checked(p_values: Sequence[float]) -> np.ndarray:
    p_M = np.asarray(p_values, np.float64)
    wrong_M = p_M[~((p_M >= 0) & (p_M <= 1))]
    if wrong_M.size:
        raise ValueError(f"p-value {wrong_M[0]} is outside [0, 1]; correct the test that gave it")
    return p_M


def compare_all(
    values: Mapping[str, ArrayLike], reference: str, test: str = "permutation"
) -> dict[str, tuple[Comparison, float]]:
    """Every setting against one of them, with Holm's correction over all the comparisons.

    Args:
      values: setting -> (N,) values, one per seed, seeds in the same order everywhere.
      reference: the setting that the others are compared with.
      test: one of TESTS.

    Returns:
      Setting -> (its Comparison, its corrected p-value), without the reference.

    Raises:
      ValueError: an unknown reference, or values that are not pairs.
    """
    if reference not in values:
        raise ValueError(f"reference={reference!r} is unknown; use one of {', '.join(values)}")
    compared = {name: compare(x, values[reference], test) for name, x in values.items() if name != reference}
    corrected = holm([comparison.p_value for comparison in compared.values()])
    return {name: (comparison, p) for (name, comparison), p in zip(compared.items(), corrected, strict=True)}
