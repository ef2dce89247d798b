"""Power laws over seeds: a planted law is found again, and the compute where a larger model takes the lead."""

import numpy as np
import pytest

from nn_core.evidence.scaling_laws import compute_of, fit_power_law, overtaking

SIZES = np.array([3.0, 11.0, 101.0, 1009.0])


def test_a_planted_law_is_found_and_its_interval_is_that_of_the_seeds():
    exponents = np.array([-0.21, -0.23, -0.25])
    law = fit_power_law(SIZES, 7.0 * SIZES ** exponents[:, None])
    assert law.factor == pytest.approx(7.0) and law.exponent == pytest.approx(-0.23)
    half = 4.302653 * np.std(exponents, ddof=1) / np.sqrt(3)  # Student's t of 2 degrees of freedom
    assert (law.low, law.high) == pytest.approx((-0.23 - half, -0.23 + half))


def test_a_seed_without_two_points_is_left_out():
    x_SN = np.array([SIZES, 2 * SIZES])
    x_SN[0, 1], x_SN[1, 1:] = np.nan, np.nan
    law = fit_power_law(x_SN, 5.0 * SIZES * np.ones((2, 1)))
    assert law.exponent == pytest.approx(1.0) and np.isnan(law.low)  # one seed is left


def test_each_seed_may_have_places_of_its_own():
    x_SN = np.array([SIZES, 2 * SIZES])
    law = fit_power_law(x_SN, 5.0 * x_SN**0.5)
    assert law.exponent == pytest.approx(0.5) and law.high - law.low < 1e-9
    assert np.isnan(fit_power_law(SIZES, SIZES).low)


@pytest.mark.parametrize(("x", "y"), [((2.0, 2.0), (1.0, 3.0)), ((0.0, 1.0), (1.0, 1.0)), ((1.0, 2.0), (1.0, -1.0))])
def test_what_has_no_law_is_refused(x, y):
    with pytest.raises(ValueError, match="a power law needs two"):
        fit_power_law(np.array(x), np.array(y))


def test_a_larger_model_overtakes_where_its_curve_crosses_for_the_last_time():
    tokens = np.geomspace(10, 1e5, 41)
    small, large = (compute_of(size, tokens) for size in (7, 70))
    curves = (small, 1 + small**-0.2), (large, 0.8 + 3 * large**-0.2)
    at = overtaking(*curves)
    assert 1 + at**-0.2 == pytest.approx(0.8 + 3 * at**-0.2, rel=1e-3)
    assert np.isnan(overtaking(curves[0], (large, np.full(41, 9.0))))
    assert np.isnan(overtaking(curves[0], (1e9 * large, curves[1][1])))  # no compute that both were trained for
