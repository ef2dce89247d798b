"""Verdicts: a table of truths, and that nothing but enough evidence decides."""

import math

import numpy as np
import pytest

from nn_core.evidence.statistics import Comparison, Estimate, compare, estimate, holm
from nn_core.evidence.verdicts import INCONCLUSIVE, NOT_SUPPORTED, SUPPORTED, Verdict, all_of, verdict, verdict_near


def measured(low: float, high: float, count: int = 10, missing: int = 0, widened: float = 0.0) -> Estimate:
    """An estimate whose bootstrap interval is wider by so much on each side."""
    return Estimate((low + high) / 2, low, high, low - widened, high + widened, count, missing)


def comparison(*args: float, **options: float) -> Comparison:
    return Comparison(measured(*args, **options), 1.0, 0.01, "permutation")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("difference", "p", "smallest", "label"),
    [
        (comparison(0.1, 0.3), 0.01, 0.0, SUPPORTED),
        (comparison(0.1, 0.3), 0.01, 0.2, SUPPORTED),
        (comparison(0.1, 0.3), 0.01, 0.25, INCONCLUSIVE),
        (comparison(0.1, 0.3), 0.01, 0.35, NOT_SUPPORTED),
        (comparison(0.1, 0.3), 0.06, 0.0, INCONCLUSIVE),
        (comparison(0.1, 0.3, widened=0.15), 0.01, 0.0, INCONCLUSIVE),
        (comparison(-0.3, -0.1), 0.01, 0.0, NOT_SUPPORTED),
        (comparison(-0.3, -0.1, widened=0.15), 0.01, 0.0, INCONCLUSIVE),
        (comparison(-0.3, -0.1), 0.06, 0.0, INCONCLUSIVE),
        (comparison(-0.1, 0.1), 0.6, 0.0, INCONCLUSIVE),
        (comparison(-0.1, 0.1), 0.6, 0.2, NOT_SUPPORTED),
        (comparison(-0.1, 0.1, widened=0.15), 0.6, 0.2, INCONCLUSIVE),
        (comparison(0.1, 0.3, count=5), 0.001, 0.0, INCONCLUSIVE),
        (comparison(-0.1, 0.1, count=5), 0.6, 0.2, INCONCLUSIVE),
        (comparison(0.1, 0.3, count=8, missing=2), 0.01, 0.0, SUPPORTED),
        (comparison(0.1, 0.3, count=8, missing=3), 0.01, 0.0, INCONCLUSIVE),
        (comparison(0.1, 0.3), math.nan, 0.0, INCONCLUSIVE),
        (comparison(math.nan, math.nan), 0.01, 0.1, INCONCLUSIVE),
    ],
)
def test_truths(difference: Comparison, p: float, smallest: float, label: str) -> None:
    found = verdict(difference, p, smallest)
    assert found.label == label
    assert found.reason and "\n" not in found.reason


@pytest.mark.parametrize(
    ("value", "label"),
    [
        (measured(0.46, 0.54), SUPPORTED),
        (measured(0.46, 0.54, widened=0.03), INCONCLUSIVE),
        (measured(0.44, 0.54), INCONCLUSIVE),
        (measured(0.56, 0.60), NOT_SUPPORTED),
        (measured(0.56, 0.60, widened=0.02), INCONCLUSIVE),
        (measured(0.30, 0.44), NOT_SUPPORTED),
        (measured(0.49, 0.51, count=5), INCONCLUSIVE),
        (measured(math.nan, math.nan), INCONCLUSIVE),
    ],
)
def test_near_a_number(value: Estimate, label: str) -> None:
    assert verdict_near(value, 0.5, 0.05).label == label


def test_claim_with_parts() -> None:
    yes, no, open_ = Verdict(SUPPORTED, "a"), Verdict(NOT_SUPPORTED, "b"), Verdict(INCONCLUSIVE, "c")
    assert all_of([yes, yes]) == Verdict(SUPPORTED, "a")
    assert all_of([yes, open_]) == open_
    assert all_of([open_, no, yes]) == no
    with pytest.raises(ValueError, match="at least one"):
        all_of([])


def test_a_claim_and_its_opposite_are_never_both_supported() -> None:
    generator = np.random.default_rng(6)
    for shift in np.linspace(-1.5, 1.5, 7):
        a_N, b_N = generator.normal(shift, 1.0, 10), generator.normal(0.0, 1.0, 10)
        forward, backward = compare(a_N, b_N), compare(b_N, a_N)
        labels = (verdict(forward, forward.p_value).label, verdict(backward, backward.p_value).label)
        assert labels in {(SUPPORTED, NOT_SUPPORTED), (NOT_SUPPORTED, SUPPORTED), (INCONCLUSIVE, INCONCLUSIVE)}


def test_noise_is_hardly_ever_supported() -> None:
    noise = np.random.default_rng(7).normal(size=(120, 10))
    compared = [compare(row, 0.0) for row in noise]
    found = [verdict(c, p).label for c, p in zip(compared, holm([c.p_value for c in compared]), strict=True)]
    assert found.count(INCONCLUSIVE) >= 119


def test_real_numbers_end_to_end() -> None:
    values_N = np.array([0.52, 0.49, 0.51, 0.50, 0.48, 0.51, 0.50, 0.49])
    assert verdict_near(estimate(values_N), 0.5, 0.05).label == SUPPORTED
    better = compare(values_N + 0.1, values_N + np.array([0.0, 0.02, -0.01, 0.01, 0.0, 0.02, -0.02, 0.01]))
    assert verdict(better, better.p_value).label == SUPPORTED


def test_bad_arguments_are_one_line_errors() -> None:
    with pytest.raises(ValueError, match="smallest_effect=-0.1 is negative"):
        verdict(comparison(0.1, 0.3), 0.01, -0.1)
    with pytest.raises(ValueError, match="tolerance=0.0 must be positive"):
        verdict_near(measured(0.4, 0.6), 0.5, 0.0)
