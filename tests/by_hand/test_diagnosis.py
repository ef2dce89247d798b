"""The verdict of the train-validation gap (F043): bias and gap add up, and each names its own fault."""

import math

import pytest

from nn_core.by_hand.diagnosis import OVERFITS, RIGHT, UNDERFITS, UNKNOWN, diagnose


@pytest.mark.parametrize(
    ("train", "validation", "verdict"),
    [
        (0.30, 0.35, UNDERFITS),  # the three sizes of configs/underfit_overfit.py
        (0.13, 0.22, RIGHT),
        (0.001, 0.65, OVERFITS),
        (0.30, 0.95, UNDERFITS),  # whatever the gap
        (0.30, 0.242, RIGHT),  # a tenth above the best is as good
        (0.30, 0.243, UNDERFITS),
        (0.22, 0.243, OVERFITS),  # no bias at all
        (math.nan, 0.22, UNKNOWN),
        (0.13, math.inf, UNKNOWN),
    ],
)
def test_a_model_is_told_by_its_distance_from_the_best(train, validation, verdict):
    found = diagnose(train, validation, 0.22)
    assert found.verdict == verdict
    if verdict != UNKNOWN:
        assert found.bias + found.gap == pytest.approx(validation - 0.22, abs=1e-12)


def test_the_tolerance_is_the_users_and_not_negative():
    assert diagnose(0.3, 0.3, 0.22, tolerance=0.5).verdict == RIGHT
    with pytest.raises(ValueError, match=r"tolerance=-0.1 is negative; use a share of the best loss such as 0.1"):
        diagnose(0.3, 0.3, 0.22, tolerance=-0.1)
