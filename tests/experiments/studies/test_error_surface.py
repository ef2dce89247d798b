"""F036, F061, S24: paths end in minima, the Hessian tells what a point is, and not always."""

import numpy as np
import pytest

from tests.experiments.studies.runs import check_study, column, drawn, reduced, rows_of


def points(name, kind):
    arrays = reduced("error_surface").arrays
    return arrays[f"{name}_points"][arrays[f"{name}_kinds"] == kind]


def test_it_fills_the_columns_of_its_table_and_its_figures_name_their_axes():
    check_study("error_surface")


def test_the_critical_points_of_the_valleys_are_the_roots_of_the_derivative():
    """(x^2 - 1)^2 + y^2 + .3 x: 4 x^3 - 4 x + .3 = 0; eigenvalues 12 x^2 - 4 and 2."""
    left, middle, right = np.sort(np.roots([4, 0, -4, 0.3]).real)
    np.testing.assert_allclose(points("valleys", 0), [[left, 0], [right, 0]], atol=1e-4)
    np.testing.assert_allclose(points("valleys", 1), [[middle, 0]], atol=1e-4)
    lower, saddle = rows_of("error_surface", "valleys: minimum")[0], rows_of("error_surface", "valleys: saddle")[0]
    assert lower["largest_eigenvalue"] == pytest.approx(12 * left**2 - 4, rel=1e-4)
    assert saddle["smallest_eigenvalue"] == pytest.approx(12 * middle**2 - 4, rel=1e-4)
    assert saddle["smallest_eigenvalue"] < 0
    assert [lower["smallest_eigenvalue"], saddle["largest_eigenvalue"]] == pytest.approx([2, 2], rel=1e-5)


def test_the_network_has_a_minimum_its_mirror_image_and_a_saddle_between():
    first, second = points("chain", 0)
    np.testing.assert_allclose(first, -second, atol=1e-4)
    np.testing.assert_allclose(points("chain", 1), [[0, 0]], atol=1e-4)
    depths = column("error_surface", "chain: minimum", "error")
    assert depths[0] == pytest.approx(depths[1], rel=1e-4)
    assert len(points("neuron", 0)) == 1 and len(points("neuron", 1)) == 0


@pytest.mark.parametrize("name", ["neuron", "chain", "valleys"])
def test_every_descent_ends_within_a_hundredth_of_a_minimum(name):
    """F036."""
    assert max(column("error_surface", f"{name}: descent", "distance")) < 0.01
    assert min(column("error_surface", f"{name}: descent", "smallest_eigenvalue")) > 0


def test_starts_decide_which_valley_and_the_deeper_one_has_the_lower_error():
    lowest = column("error_surface", "valleys: descent", "lowest")
    errors = column("error_surface", "valleys: descent", "error")
    assert 0 < sum(lowest) < 7
    assert all((error < 0) == (low == 1) for error, low in zip(errors, lowest, strict=True))
    assert column("error_surface", "chain: descent", "lowest") == [1] * 7


def test_a_minimum_may_have_a_hessian_of_zeros():
    """S24: positive definite is sufficient and not necessary."""
    (row,) = rows_of("error_surface", "quartic")
    assert "degenerate" in row["label"] and row["smallest_eigenvalue"] == row["largest_eigenvalue"] == 0


def test_darker_is_larger_and_paths_run_from_their_starts_into_the_minima():
    figure = drawn("error_surface", "two_minima")
    for axes, name in zip(figure.axes, ("chain", "valleys"), strict=False):
        shades = axes.collections[0]
        assert shades.cmap(1.0)[0] < shades.cmap(0.0)[0]
        paths = [np.column_stack(line.get_data()) for line in axes.lines if len(line.get_xdata()) > 10]
        ends = np.array([path[-1] for path in paths])
        assert len(paths) == 2
        np.testing.assert_allclose(ends, points(name, 0), atol=0.01)
