"""Oracles that are numbers."""

import numpy as np

from nn_core.formulas.ledger import about, labels, normal, printed, rounded, uniform


def test_printed_number_is_exact_to_half_a_unit_of_its_last_digit() -> None:
    oracle = printed("4.8")
    assert oracle.name == "notes 4.8"
    assert oracle.function() == 4.8
    assert np.isclose(oracle.tolerance, 0.05)
    assert oracle.approximate


def test_rounded_numbers_share_the_unit_of_the_longest() -> None:
    oracle = rounded("1", "0.7071", of_hand=True)
    np.testing.assert_array_equal(oracle.function(), [1.0, 0.7071])
    assert np.isclose(oracle.tolerance, 5e-5)
    assert oracle.of_hand


def test_statistic_names_its_tolerance() -> None:
    assert about(64.0, 2.6, entry=1).name == "64 ± 2.6"


def test_points_are_the_same_every_time() -> None:
    np.testing.assert_array_equal(normal(3, 2, 5), normal(3, 2, 5))
    assert np.all((uniform(4, 0.2, 0.3, 50) >= 0.2) & (uniform(4, 0.2, 0.3, 50) < 0.3))
    assert set(labels(5, 7, 3)) == {0, 1, 2}
