"""F001-F004, F025: the bound holds, XOR does not settle, the figure has its dotted and solid lines; who updates."""

import numpy as np
import pytest
from matplotlib.lines import AxLine

from experiments.figures import plane
from experiments.figures.style import subplots
from tests.experiments.studies.runs import check_study, column, drawn, reduced, rows_of

SETTINGS = ("gap 0.05", "gap 0.3", "gate or")
RIVALS = "perceptron_vs_gradient_descent"


def lines(axes, style):
    return [line for line in axes.lines if isinstance(line, AxLine) and line.get_linestyle() == style]


def on_the_line(line, boundary):
    """Whether both points that define a drawn line satisfy w . x + b = 0."""
    points = np.array([line.get_xy1(), line.get_xy2()])
    return np.allclose(points @ boundary[:2] + boundary[2], 0, atol=1e-4) and np.ptp(points, axis=0).max() > 0


@pytest.mark.parametrize("name", ["perceptron", RIVALS])
def test_it_fills_the_columns_of_its_table_and_its_figures_name_their_axes(name):
    check_study(name)


@pytest.mark.parametrize("setting", SETTINGS)
def test_separable_data_are_separated_within_the_bound(setting):
    for row in rows_of("perceptron", setting):
        assert row["converged"] == 1 and row["errors"] == 0 and row["epochs"] < 23
        assert 1 <= row["mistakes"] <= row["bound"] < np.inf
        assert -1e-6 <= row["margin_share"] <= 1.001
    assert all(share < 0.999 for share in column("perceptron", setting, "margin_share"))  # S3: not the best line


def test_a_smaller_gap_has_a_larger_bound():
    assert min(column("perceptron", "gap 0.05", "bound")) > max(column("perceptron", "gap 0.3", "bound"))


def test_xor_stops_at_the_limit_without_having_converged():
    for row in rows_of("perceptron", "gate xor"):
        assert row["converged"] == 0 and row["epochs"] == 23 and row["bound"] == np.inf
        # One error is the best a line can do; whether the rule ever passes such a line depends on the order of points.
        assert row["mistakes"] > 23 and 1 <= row["pocket_errors"] <= row["errors"]


def test_the_figure_has_one_solid_boundary_and_three_dotted_ones_or_more():
    """F004, through the Axes object; what is drawn are the boundaries of the history, the last one solid."""
    arrays, axes = reduced("perceptron").arrays, drawn("perceptron", "perceptron").axes[0]
    solid, dotted = lines(axes, "-"), lines(axes, ":")
    assert len(solid) == 1 and len(dotted) >= 3
    assert on_the_line(solid[0], arrays["boundary"]) and np.allclose(arrays["history"][-1], arrays["boundary"])
    assert all(any(on_the_line(line, old) for old in arrays["history"][:-1]) for line in dotted)


def test_a_boundary_without_weights_is_not_drawn():
    _, axes = subplots()
    plane.boundary(axes[0][0], np.array([0.0, 0.0, 1.0]))
    assert not axes[0][0].lines


def test_gradient_descent_updates_at_all_points_and_the_perceptron_at_its_mistakes():
    arrays = reduced(RIVALS).arrays
    for noise, index in ((0, 0), (0.3, 1)):
        assert column(RIVALS, f"noise {noise}, gradient descent", "updates_first") == [31, 31, 31]
        assert max(column(RIVALS, f"noise {noise}, perceptron", "updates_first")) < 20
        rivals = (f"noise {noise}, perceptron", f"noise {noise}, gradient descent")
        for place, label in enumerate(rivals):
            updates_SE = arrays[f"updates_{index}_{place}"]
            assert updates_SE.shape == (3, 23)
            assert column(RIVALS, label, "updates_total") == updates_SE.sum(axis=1).tolist()
    assert column(RIVALS, "noise 0, perceptron", "updates_last") == [0, 0, 0]
    assert max(column(RIVALS, "noise 0.3, perceptron", "updates_last")) > 0


def test_both_boundaries_separate_the_same_points_and_are_drawn():
    arrays, axes = reduced(RIVALS).arrays, drawn(RIVALS, RIVALS).axes[0]
    for place, style in ((0, "-"), (1, "--")):
        boundary = arrays[f"way_0_{place}"][-1]
        assert np.array_equal(arrays["inputs_0"] @ boundary[:2] + boundary[2] >= 0, arrays["targets_0"] == 1)
        (line,) = lines(axes, style)
        assert on_the_line(line, boundary)
    assert len(arrays["inputs_0"]) == 31
