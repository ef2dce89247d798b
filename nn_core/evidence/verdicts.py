"""From a comparison to a verdict, by rules that are fixed before the runs.

A claim is written as "A - B > 0", and its values are passed in that order; for a loss, where less is better, A is
the method that the claim calls worse. A verdict needs

* at least 6 pairs, at most a fifth of them missing (failed or diverged),
* a p-value, corrected for all claims that are judged together, below .05,
* and both 95 % intervals, Student's and the bootstrap's, on one side of 0.

A claim is "not supported" if the data contradict it or show an effect too small to matter, and "inconclusive" if they
leave it open. A verdict that contradicts the notes is as good as any other.
"""

from collections.abc import Sequence
from typing import NamedTuple

from nn_core.evidence.statistics import MIN_PAIRS, SIGNIFICANCE, Comparison, Estimate

SUPPORTED, NOT_SUPPORTED, INCONCLUSIVE = "supported", "not supported", "inconclusive"
# With more missing values than this share, the rest may be a selection of the lucky ones.
MAX_MISSING = 0.2


class Verdict(NamedTuple):
    """What the data say about a claim.

    Attributes:
      label: SUPPORTED, NOT_SUPPORTED or INCONCLUSIVE.
      reason: the rule that decided, in one line.
    """

    label: str
    reason: str


def verdict(comparison: Comparison, corrected_p: float, smallest_effect: float = 0.0) -> Verdict:
    """Whether A - B > 0.

    Args:
      comparison: A against B.
      corrected_p: its p-value, corrected for all claims that are judged together (`statistics.holm`).
      smallest_effect: >= 0; a difference below it is too small to matter, in the units of the values.

    Returns:
      SUPPORTED: significant, both intervals above 0, and the mean at least the smallest effect.
      NOT_SUPPORTED: significant with both intervals below 0; or both intervals below the smallest effect.
      INCONCLUSIVE: everything else.

    Raises:
      ValueError: a negative smallest effect.
    """
    if smallest_effect < 0:
        raise ValueError(f"smallest_effect={smallest_effect} is negative; swap A and B for a claim that A - B < 0")
    difference = comparison.difference
    too_few = _too_few(difference)
    if too_few:
        return Verdict(INCONCLUSIVE, too_few)
    low, high = _both(difference)
    significant = corrected_p < SIGNIFICANCE
    if significant and low > 0 and difference.mean >= smallest_effect:
        return Verdict(SUPPORTED, "both intervals lie above 0")
    if significant and high < 0:
        return Verdict(NOT_SUPPORTED, "the difference has the other sign: both intervals lie below 0")
    if smallest_effect > 0 and high < smallest_effect:
        return Verdict(NOT_SUPPORTED, f"both intervals lie below {smallest_effect:g}, the least that matters")
    if significant and low > 0:
        return Verdict(INCONCLUSIVE, f"above 0, but perhaps below {smallest_effect:g}, the least that matters")
    if low > 0 or high < 0:
        return Verdict(INCONCLUSIVE, f"p = {corrected_p:.2g} after the correction is not below {SIGNIFICANCE:g}")
    return Verdict(INCONCLUSIVE, "the intervals hold 0")


def verdict_near(measured: Estimate, target: float, tolerance: float) -> Verdict:
    """Whether a mean is within a tolerance of a number that the notes name ("about 50 % sparse").

    Args:
      measured: the mean with its intervals.
      target: the number.
      tolerance: > 0, how far off it may be.

    Returns:
      SUPPORTED: both intervals within the tolerance; NOT_SUPPORTED: both wholly outside; INCONCLUSIVE: everything else.

    Raises:
      ValueError: a tolerance that is not positive.
    """
    if not tolerance > 0:
        raise ValueError(f"tolerance={tolerance} must be positive; say how far from {target:g} still counts as near")
    too_few = _too_few(measured)
    if too_few:
        return Verdict(INCONCLUSIVE, too_few)
    low, high = _both(measured)
    band = f"{target:g} ± {tolerance:g}"
    if target - tolerance <= low and high <= target + tolerance:
        return Verdict(SUPPORTED, f"both intervals lie within {band}")
    if (measured.low > target + tolerance and measured.bootstrap_low > target + tolerance) or (
        measured.high < target - tolerance and measured.bootstrap_high < target - tolerance
    ):
        return Verdict(NOT_SUPPORTED, f"both intervals lie outside {band}")
    return Verdict(INCONCLUSIVE, f"the intervals cross the edge of {band}")


def all_of(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict on a claim with several parts ("too large a rate overshoots *and* too small a one is slow").

    Args:
      verdicts: of its parts, at least one.

    Returns:
      NOT_SUPPORTED if any part is, SUPPORTED if all are, else INCONCLUSIVE; the reason of the part that decided.

    Raises:
      ValueError: no parts.
    """
    if not verdicts:
        raise ValueError("verdicts=() has no part to judge; give at least one")
    for label in (NOT_SUPPORTED, INCONCLUSIVE):
        for part in verdicts:
            if part.label == label:
                return part
    return Verdict(SUPPORTED, "; ".join(dict.fromkeys(part.reason for part in verdicts)))


def _too_few(measured: Estimate) -> str:
    """Why there is too little to judge by; empty if there is enough."""
    if measured.num_values < MIN_PAIRS:
        return f"n = {measured.num_values} is below {MIN_PAIRS}, the least that can be significant"
    if measured.num_missing > MAX_MISSING * (measured.num_values + measured.num_missing):
        return f"{measured.num_missing} of {measured.num_values + measured.num_missing} runs failed or diverged"
    return ""


def _both(measured: Estimate) -> tuple[float, float]:
    """The bounds of both intervals together."""
    return min(measured.low, measured.bootstrap_low), max(measured.high, measured.bootstrap_high)
