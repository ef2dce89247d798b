"""Intervals, paired tests and corrections against SciPy, by hand and by their laws."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from nn_core.evidence.statistics import (
    EXACT_PAIRS,
    TESTS,
    benjamini_hochberg,
    compare,
    compare_all,
    estimate,
    holm,
    pairs,
    pairs_needed,
    smallest_p_value,
)

VALUES_N = np.array([0.91, 0.88, 0.93, 0.90, 0.95, 0.87, 0.92])
OTHERS_N = np.array([0.89, 0.88, 0.90, 0.88, 0.91, 0.88, 0.89])


def test_t_interval_equals_scipy() -> None:
    measured = estimate(VALUES_N)
    low, high = stats.t.interval(0.95, 6, loc=VALUES_N.mean(), scale=stats.sem(VALUES_N))
    assert measured.mean == pytest.approx(VALUES_N.mean(), abs=1e-15)
    assert (measured.low, measured.high) == pytest.approx((low, high), abs=1e-14)
    assert measured.half_width == pytest.approx((high - low) / 2, abs=1e-14)


def test_bootstrap_interval_is_scipys_and_always_the_same() -> None:
    measured = estimate(VALUES_N)
    generator = np.random.default_rng(0)
    result = stats.bootstrap((VALUES_N,), np.mean, n_resamples=9999, method="BCa", random_state=generator)
    assert (measured.bootstrap_low, measured.bootstrap_high) == tuple(result.confidence_interval)
    assert estimate(VALUES_N) == measured
    assert VALUES_N.min() < measured.bootstrap_low < measured.mean < measured.bootstrap_high < VALUES_N.max()


def test_intervals_cover_the_mean_as_often_as_they_say() -> None:
    samples = np.random.default_rng(1).normal(3.0, 2.0, (400, 12))
    covered = np.array([[e.low < 3 < e.high, e.bootstrap_low < 3 < e.bootstrap_high] for e in map(estimate, samples)])
    # Four standard errors of 400 draws are .044; the bootstrap is known to be narrow for a dozen values.
    assert abs(covered[:, 0].mean() - 0.95) < 0.044
    assert 0.86 < covered[:, 1].mean() < 0.97


@pytest.mark.parametrize(
    ("values", "count", "missing", "t_finite", "bootstrap_finite"),
    [
        ([], 0, 0, False, False),
        ([1.0], 1, 0, False, False),
        ([1.0, 2.0], 2, 0, True, False),
        ([4.0] * 5, 5, 0, True, True),
    ],
)
def test_too_few_or_equal_values(
    values: list[float], count: int, missing: int, t_finite: bool, bootstrap_finite: bool
) -> None:
    measured = estimate(values)
    assert (measured.num_values, measured.num_missing) == (count, missing)
    assert math.isfinite(measured.low) == math.isfinite(measured.high) == t_finite
    assert math.isfinite(measured.bootstrap_low) == bootstrap_finite


def test_diverged_runs_are_left_out_and_counted() -> None:
    with_gaps = estimate([*VALUES_N, math.nan, math.inf, -math.inf])
    assert with_gaps == estimate(VALUES_N)._replace(num_missing=3)


def test_exact_permutation_test_equals_scipy_and_enumeration() -> None:
    comparison = compare(VALUES_N, OTHERS_N)
    scipys = stats.permutation_test(
        (VALUES_N, OTHERS_N), lambda a, b, axis: np.mean(a - b, axis=axis), permutation_type="samples", vectorized=True
    )
    difference_N = VALUES_N - OTHERS_N
    sums = [abs(np.dot(signs, difference_N)) for signs in itertools.product((1, -1), repeat=7)]
    by_hand = np.mean([total >= abs(difference_N.sum()) - 1e-12 for total in sums])
    assert comparison.p_value == pytest.approx(scipys.pvalue, abs=1e-12)
    assert comparison.p_value == pytest.approx(by_hand, abs=1e-12)


def test_permutation_p_value_reaches_its_floor_and_no_further() -> None:
    for count in (1, 5, 6, 10):
        assert compare(np.arange(1.0, count + 1), 0.0).p_value == smallest_p_value(count)
    assert smallest_p_value(0) == smallest_p_value(1) == 1.0
    assert smallest_p_value(5) > 0.05 > smallest_p_value(6)


def test_drawn_signs_agree_with_all_signs() -> None:
    generator = np.random.default_rng(2)
    for shift in (0.1, 0.3, 0.6):
        many_N = generator.normal(shift, 1.0, EXACT_PAIRS + 1)
        drawn = compare(many_N, 0.0).p_value
        bits = (np.arange(2 ** len(many_N))[:, None] >> np.arange(len(many_N))[None]) & 1
        exact = np.mean(np.abs((1 - 2 * bits) @ many_N) >= abs(many_N.sum()) * (1 - 1e-12))
        assert abs(drawn - exact) < 4 * math.sqrt(exact * (1 - exact) / 9999) + 1e-4
    assert compare(np.full(40, 1.0), 0.0).p_value == 1e-4


def test_false_findings_are_as_rare_as_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    # The intervals take most of the time and are not looked at.
    monkeypatch.setattr("nn_core.evidence.statistics._bootstrap_interval", lambda values: (math.nan, math.nan))
    noise = np.random.default_rng(3).normal(size=(600, 8))
    for test in TESTS:
        p_values = np.array([compare(row, 0.0, test).p_value for row in noise])
        assert np.mean(p_values < 0.05) < 0.05 + 4 * math.sqrt(0.05 * 0.95 / 600)
        assert np.mean(p_values < 0.05) > 0.01


def test_t_and_wilcoxon_are_scipys() -> None:
    assert compare(VALUES_N, OTHERS_N, "t").p_value == pytest.approx(
        stats.ttest_rel(VALUES_N, OTHERS_N).pvalue, abs=1e-15
    )
    a_N, b_N = np.array([3.1, 2.2, 5.3, 1.4, 4.5, 2.6]), np.array([2.0, 2.5, 3.1, 1.0, 2.2, 2.0])
    assert compare(a_N, b_N, "wilcoxon").p_value == pytest.approx(stats.wilcoxon(a_N, b_N).pvalue, abs=1e-15)


def test_effect_size_is_cohens_d_of_the_pairs() -> None:
    difference_N = VALUES_N - OTHERS_N
    assert compare(VALUES_N, OTHERS_N).effect_size == pytest.approx(difference_N.mean() / difference_N.std(ddof=1))
    assert compare([2.0, 3.0], [1.0, 2.0]).effect_size == math.inf
    assert compare([1.0, 2.0], [1.0, 2.0]).effect_size == 0.0
    assert math.isnan(compare([1.0], [2.0]).effect_size)


def test_differences_that_are_equal_up_to_rounding_are_equal() -> None:
    a_N = np.array([0.4, 0.5, 0.7, 0.8])
    assert compare(a_N + 0.1, a_N).effect_size == math.inf
    nothing = compare([0.1 + 0.2, 0.1 + 0.7], [0.3, 0.8])
    assert (nothing.effect_size, nothing.p_value) == (0.0, 1.0)
    assert compare([math.inf, 0.3, 0.5], [0.1, 0.2, 0.1]).effect_size == pytest.approx(
        0.25 / np.std([0.1, 0.4], ddof=1)
    )


def test_swapping_the_sides_changes_the_sign_only() -> None:
    for test in TESTS:
        forward, backward = compare(VALUES_N, OTHERS_N, test), compare(OTHERS_N, VALUES_N, test)
        assert forward.p_value == pytest.approx(backward.p_value, abs=1e-12)
        assert forward.effect_size == pytest.approx(-backward.effect_size, abs=1e-12)
        assert forward.difference.low == pytest.approx(-backward.difference.high, abs=1e-12)


def test_pairs_with_a_gap_are_missing() -> None:
    comparison = compare([1.0, 2.0, math.nan, 4.0], [0.5, math.inf, 1.0, 3.0])
    assert (comparison.difference.num_values, comparison.difference.num_missing) == (2, 2)
    assert comparison.difference.mean == 0.75


@pytest.mark.parametrize("test", TESTS)
def test_no_difference_at_all_is_no_finding(test: str) -> None:
    assert compare([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], test).p_value == 1.0
    assert compare([math.nan], [1.0], test).p_value == 1.0
    assert compare([], [], test).p_value == 1.0


def test_pairs_are_matched_by_seed() -> None:
    a_N, b_N = pairs({3: 0.3, 1: 0.1, 2: 0.2}, {2: 2.0, 3: 3.0, 4: 4.0})
    np.testing.assert_array_equal(a_N, [0.1, 0.2, 0.3, math.nan])
    np.testing.assert_array_equal(b_N, [math.nan, 2.0, 3.0, 4.0])


def test_holm_by_hand() -> None:
    # Sorted .01, .02, .03, .04 times 4, 3, 2, 1 is .04, .06, .06, .04, made monotonic.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([0.03]) == [0.03]
    assert holm([]) == []


def test_corrections_order_as_they_should() -> None:
    p_values = np.random.default_rng(4).uniform(0, 0.2, 9)
    by_holm, by_rate = np.array(holm(p_values.tolist())), np.array(benjamini_hochberg(p_values.tolist()))
    bonferroni = np.minimum(1, 9 * p_values)
    assert np.all(p_values <= by_rate) and np.all(by_rate <= by_holm) and np.all(by_holm <= bonferroni)
    np.testing.assert_array_equal(by_rate, stats.false_discovery_control(p_values))
    assert benjamini_hochberg([]) == []


@pytest.mark.parametrize("correct", [holm, benjamini_hochberg])
@pytest.mark.parametrize("wrong", [-0.1, 1.5, math.nan])
def test_p_value_out_of_range_is_refused(correct: object, wrong: float) -> None:
    with pytest.raises(ValueError, match="outside"):
        correct([0.5, wrong])  # type: ignore[operator]


def test_compare_all_corrects_over_its_comparisons() -> None:
    generator = np.random.default_rng(5)
    base_N = generator.normal(size=10)
    values = {
        "base": base_N,
        "same": base_N + generator.normal(0, 1, 10),
        "better": base_N + generator.normal(2, 0.5, 10),
    }
    compared = compare_all(values, "base")
    assert list(compared) == ["same", "better"]
    assert [p for _, p in compared.values()] == holm([comparison.p_value for comparison, _ in compared.values()])
    assert compared["better"][1] < 0.05 < compared["same"][1]


def test_seeds_that_a_correction_needs() -> None:
    assert pairs_needed(1) == 6
    for claims in (1, 4, 15, 40):
        count = pairs_needed(claims)
        assert claims * smallest_p_value(count) <= 0.05
        assert count == 6 or claims * smallest_p_value(count - 1) > 0.05


def test_bad_arguments_are_one_line_errors() -> None:
    with pytest.raises(ValueError, match="test='anova' is unknown; use one of permutation"):
        compare([1.0], [2.0], "anova")
    with pytest.raises(ValueError, match="3 values and 2 values are not pairs"):
        compare([1.0, 2.0, 3.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="reference='bse' is unknown; use one of base"):
        compare_all({"base": [1.0]}, "bse")
