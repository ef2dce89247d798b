"""F015: three ways to 7 of 10; where the product ends and the sum of logs does not."""

import numpy as np
import pytest

from tests.experiments.studies.runs import check_study, column, reduced, rows_of


def test_it_fills_the_columns_of_its_table_and_its_figures_name_their_axes():
    check_study("likelihood")


def test_recipe_ascent_and_newton_agree():
    estimates = column("likelihood", "7 heads of 10", "estimate")
    assert len(estimates) == 3 and estimates == pytest.approx([0.7] * 3, abs=1e-4)
    arrays = reduced("likelihood").arrays
    assert arrays["curve"][arrays["log_likelihood"].argmax()] == pytest.approx(0.7, abs=0.005)


@pytest.mark.parametrize(("precision", "smallest"), [("float32", 2.0**-149), ("float64", 2.0**-1074)])
def test_the_product_underflows_where_the_smallest_number_is_passed(precision, smallest):
    tosses = column("likelihood", f"product in {precision}", "underflow")
    assert len(tosses) == 3 and max(tosses) < 1500
    arrays = reduced("likelihood").arrays
    # Half the smallest number rounds to 0, and each rounding on the way costs a little.
    expected = np.argmax(arrays["log_sums"] < np.log(smallest) - np.log(2)) + 1
    assert tosses[0] == pytest.approx(expected, abs=3)
    assert np.all(arrays[f"products_{precision}"][int(tosses[0]) - 1 :] == 0)


def test_the_sum_of_logs_stays_finite_and_the_estimate_comes_nearer():
    assert all(-1100 < value < -800 for value in column("likelihood", "sum of logs", "log_likelihood"))
    near, far = (np.mean(column("likelihood", f"{size} tosses", "error")) for size in (1500, 10))
    assert near < far and near < 0.03
    for row in rows_of("likelihood", "1500 tosses"):
        assert row["error"] == pytest.approx(abs(row["estimate"] - 0.7), abs=1e-9)
