"""F027: two hidden units combine two lines."""

import numpy as np
from scipy.special import logit

from tests.experiments.studies.runs import check_study, column, drawn, reduced, rows_of


def test_it_fills_the_columns_of_its_table_and_its_figures_name_their_axes():
    check_study("xor")


def test_two_units_solve_xor_mostly_and_one_never():
    two, one = (column("xor", f"start 0.1: {width} hidden unit", "solved") for width in (2, 1))
    assert len(two) == 11 and sum(two) >= 9 and sum(one) == 0
    assert max(column("xor", "start 0.1: 1", "right")) == 3


def test_a_large_start_fails_more_often():
    assert sum(column("xor", "start 2: 2", "solved")) < sum(column("xor", "start 0.1: 2", "solved"))


def test_what_is_solved_has_four_right_and_a_small_loss():
    for row in rows_of("xor", "start"):
        assert row["solved"] == (row["right"] == 4)
        assert (row["loss"] < 0.05) == (row["solved"] == 1)


def test_the_regions_are_those_of_the_truth_table_and_the_hidden_units_are_lines():
    arrays = reduced("xor").arrays
    side, output, hidden = arrays["side"], arrays["solved_output"], arrays["solved_hidden"]
    for (x, y), target in zip(arrays["inputs"], arrays["targets"], strict=True):
        row, place = np.abs(side - y).argmin(), np.abs(side - x).argmin()
        assert abs(output[row, place] - target) < 0.1
        assert target == (x != y)
    # The logit of a hidden unit is linear in the plane: its second differences vanish where it is not saturated.
    assert hidden.shape == (2, 101, 101)
    inside = np.where((hidden > 1e-3) & (hidden < 1 - 1e-3), logit(hidden), np.nan)
    for axis in (1, 2):
        bends = np.diff(inside, n=2, axis=axis)
        assert np.isfinite(bends).sum() > 100 and np.nanmax(np.abs(bends)) < 1e-2


def test_the_figure_draws_every_seed():
    run, figure = reduced("xor"), drawn("xor", "xor")
    losses = next(axes for axes in figure.axes if axes.get_ylabel() == "loss (nats)")
    assert len(losses.lines) == len(run.arrays["losses"]) == 11
    solved = int(run.arrays["shown_solved"].sum())
    assert f"solved ({solved} seeds)" in [text.get_text() for text in losses.get_legend().get_texts()]
