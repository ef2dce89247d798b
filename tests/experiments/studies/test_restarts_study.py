"""F062, F066, S25, S63: best of n, the two kinds of start, searches at equal work."""

import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import ConfigDict

from experiments.studies.rastrigin import energy, judge, searches
from tests.experiments.studies.runs import check_study, column, reduced, rows_of


def test_it_fills_the_columns_of_its_table_and_its_figures_name_their_axes():
    check_study("restarts")


def test_the_best_of_the_restarts_is_no_worse_than_their_median():
    for row in rows_of("restarts", "network"):
        assert row["best"] <= row["median"]
    gains = [row["median"] - row["best"] for row in rows_of("restarts", "network: independent")]
    assert min(gains) > 0.01


def test_perturbation_by_nothing_restarts_nothing():
    """S25: sigma 0 trains the same network n times."""
    for row in rows_of("restarts", "network: perturbed, sigma 0"):
        assert row["best"] == pytest.approx(row["median"], abs=1e-6)
        assert row["test_best"] == pytest.approx(row["test_one"], abs=1e-5) == row["test_by_training"]


def test_the_curves_start_at_one_start_and_end_at_the_chosen_one():
    arrays = reduced("restarts").arrays
    assert arrays["test_curve"].shape == (3, 3, 5)
    independent = rows_of("restarts", "network: independent")
    np.testing.assert_allclose(arrays["test_curve"][:, 0, 0], [row["test_one"] for row in independent], rtol=1e-5)
    np.testing.assert_allclose(arrays["test_curve"][:, 0, -1], [row["test_best"] for row in independent], rtol=1e-5)
    np.testing.assert_allclose(arrays["training_curve"][:, 0, 0], arrays["test_curve"][:, 0, 0], rtol=1e-5)
    assert np.all(np.diff(arrays["validation_curve"], axis=-1) <= 1e-6)


def test_annealing_finds_the_lowest_minimum_of_rastrigin_more_often():
    """F066, at equal work."""
    annealing, descent = (column("restarts", f"Rastrigin 2-D: {name}", "found") for name in ("annealing", "descent"))
    assert np.mean(annealing) >= 0.8 and np.mean(descent) <= 0.8 and np.mean(annealing) > np.mean(descent)
    assert np.mean(column("restarts", "Rastrigin 3-D: annealing", "found")) < np.mean(annealing)


def test_no_search_takes_more_work_than_allowed_or_much_less():
    for row in rows_of("restarts", "Rastrigin"):
        assert 0.97 * 3000 <= row["evaluations"] <= 3000


def test_work_counts_gradients_and_chains():
    task = ConfigDict({"evaluations": 1000, "gradient_cost": 3.0, "descent_steps": 10, "descent_rate": 0.1})
    task.update({"chains": (1, 3), "hottest": 1.0, "coldest": 0.1, "proposal_scale": 1.0})
    work = {name: cost for name, (_, cost) in searches(task).items()}
    assert work == {
        "descent restarts": 32 * (3 * 10 + 1),
        "random points": 1000,
        "annealing, 1 chain": 1000,
        "annealing, 3 chains": 999,
    }


def test_masked_coordinates_change_nothing():
    mask = jnp.array([1.0, 0.0])
    assert energy(jnp.array([0.3, 4.2]), mask) == energy(jnp.array([0.3, -1.0]), mask) > 1
    found = judge(jnp.array([[0.1, 3.0], [2.0, 0.0]]), mask)
    assert found["found"] == 1 and found["hits"] == 0.5
