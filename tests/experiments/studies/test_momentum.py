"""F063, S26: over the hump, against a loop in plain Python; the step that grows to eta / (1 - beta)."""

import math

import numpy as np
import pytest

from experiments.studies.momentum import settled
from tests.experiments.studies.runs import check_study, column, reduced, rows_of

RATE = 1.0


def derivative(x: float) -> float:
    """Of x^2 / 20 + .2 exp(-4 (x + 2)^2)."""
    return x / 10 - 1.6 * (x + 2) * math.exp(-4 * (x + 2) ** 2)


def by_hand(beta: float, nesterov: bool, steps: int) -> list[float]:
    """v = beta v - eta g; x += v, or for Nesterov x += beta v - eta g with the new v."""
    x, v, path = -5.0, 0.0, [-5.0]
    for _ in range(steps):
        gradient = derivative(x)
        v = beta * v - RATE * gradient
        x += beta * v - RATE * gradient if nesterov else v
        path.append(x)
    return path


def test_it_fills_the_columns_of_its_table_and_its_figures_name_their_axes():
    check_study("momentum")


@pytest.mark.parametrize(("method", "nesterov"), [("heavy_ball", False), ("Nesterov", True)])
@pytest.mark.parametrize("index", [0, 1])
def test_the_drawn_path_is_that_of_the_rule(method, nesterov, index):
    arrays = reduced("momentum").arrays
    beta = float(arrays["momenta"][index])
    np.testing.assert_allclose(arrays[f"{method}_path"][index][:40], by_hand(beta, nesterov, 39), atol=2e-3)


def test_plain_descent_halts_before_the_hump_and_momentum_passes_it():
    arrays = reduced("momentum").arrays
    assert column("momentum", "plain descent", "reached") == [0] * 5
    assert arrays["heavy_ball_path"][0][-1] == pytest.approx(-2.56, abs=0.02)
    for label in ("heavy ball 0.9", "Nesterov 0.9"):
        rows = [row for row in rows_of("momentum", label) if row["label"] == label]
        assert [row["reached"] for row in rows] == [1] * 5
        assert min(row["overshoot"] for row in rows) > 0.5
    assert column("momentum", "plain descent", "kept") == [1] * 5


def test_the_step_grows_to_the_sum_of_the_weights():
    """1 + beta + beta^2 + ... = 1 / (1 - beta), 10 and 100 at .9 and .99: no average (S26)."""
    for row in rows_of("momentum", ""):
        assert row["step_ratio"] == pytest.approx(row["limit"], rel=1e-4)
    assert column("momentum", "heavy ball 0.9", "limit")[0] == pytest.approx(10)
    arrays = reduced("momentum").arrays
    np.testing.assert_allclose(arrays["heavy_ball_steps"][1][:3], [1, 1.9, 1 + 0.9 + 0.81], rtol=1e-5)


def test_settled_is_the_first_step_of_the_last_stay():
    paths = np.array([[1, 0, 1, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 1], [1, 1, 1, 1, 0.05]], float)
    np.testing.assert_array_equal(settled(paths), [3, 0, np.inf, 4])
