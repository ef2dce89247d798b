"""Claims as data: which setting is meant, which values are compared, and how many comparisons the correction is over."""

import math

import pytest

from nn_core.evidence import claims
from nn_core.evidence.claims import Part, Side
from nn_core.evidence.verdicts import INCONCLUSIVE, NOT_SUPPORTED, SUPPORTED


def rows(setting, values, status="finished", **columns):
    return [
        {"setting": setting, "seed": seed, "status": status, "loss": value} | columns
        for seed, value in enumerate(values)
    ]


SLOW = rows("sigmoid | rate 1", [3.0 + 0.01 * i for i in range(11)], validation_loss=0.9)
SLOWER = rows("sigmoid | rate 2", [9.0 + 0.01 * i for i in range(11)], validation_loss=1.9)
FAST = rows("relu", [1.0 + 0.02 * i for i in range(11)], validation_loss=0.5)
PART = Part("loss, sigmoid - relu", Side("sigmoid | *", "loss"), Side("relu", "loss"))


def test_of_several_settings_the_best_on_validation_is_meant():
    assert claims.choose_setting(SLOWER + SLOW + FAST, "sigmoid | *") == "sigmoid | rate 1"
    better = [row | {"validation_loss": 0.1} for row in SLOWER]
    assert claims.choose_setting(better + SLOW, "sigmoid | *") == "sigmoid | rate 2"


def test_a_setting_of_which_one_seed_diverged_is_not_chosen():
    better = [row | {"validation_loss": 0.1} for row in SLOWER]
    better[4]["status"] = "diverged"
    assert claims.choose_setting(better + SLOW, "sigmoid | *") == "sigmoid | rate 1"


def test_the_difference_is_a_minus_b_seed_by_seed():
    evidence = claims.measure(SLOW + SLOWER + FAST, PART)
    assert (evidence.a_name, evidence.b_name) == ("sigmoid | rate 1", "relu")
    assert evidence.comparison.difference.mean == pytest.approx(2.0 - 0.01 * 5)
    assert claims.judge(evidence, evidence.comparison.p_value).label == SUPPORTED


def test_the_other_way_round_it_is_not_supported():
    swapped = PART._replace(a=PART.b, b=PART.a)
    evidence = claims.measure(SLOW + FAST, swapped)
    assert claims.judge(evidence, evidence.comparison.p_value).label == NOT_SUPPORTED


def test_diverged_runs_have_no_value_but_are_counted():
    broken = [row | {"status": "diverged"} if row["seed"] < 3 else row for row in SLOW]
    evidence = claims.measure(broken + FAST, PART)
    assert evidence.comparison.difference.num_missing == 3
    assert claims.judge(evidence, 0.0).label == INCONCLUSIVE
    share = claims.measure(broken + FAST, Part("", Side("sigmoid*", "diverged"), Side("relu", "diverged")))
    assert sum(share.a) == 3 and sum(share.b) == 0


def test_a_number_is_compared_with_every_seed_and_a_tolerance_asks_for_near():
    against = claims.measure(FAST, Part("", Side("relu", "loss"), 1.0))
    assert against.b == (1.0,) * 11 and against.b_name == ""
    near = claims.measure(FAST, Part("", Side("relu", "loss"), 1.1, tolerance=0.2))
    assert claims.judge(near, 1.0).label == SUPPORTED
    assert claims.judge(near._replace(part=near.part._replace(b=2.1)), 1.0).label == NOT_SUPPORTED


def test_two_sides_are_near_if_their_difference_is_near_zero():
    near = rows("tanh", [1.0 + 0.02 * i + 0.003 * (-1) ** i for i in range(11)])
    close = claims.measure(FAST + near, Part("", Side("relu", "loss"), Side("tanh", "loss"), tolerance=0.01))
    assert claims.judge(close, 1.0).label == SUPPORTED
    apart = claims.measure(FAST + SLOW, Part("", Side("relu", "loss"), Side("sigmoid*", "loss"), tolerance=0.01))
    assert claims.judge(apart, 0.0).label == NOT_SUPPORTED
    wide = claims.measure(FAST + near, close.part._replace(tolerance=0.001))
    assert claims.judge(wide, 0.0).label == INCONCLUSIVE


@pytest.mark.parametrize(
    ("side", "message"),
    [
        (Side("tanh", "loss"), "no setting is called 'tanh'; there are: sigmoid | rate 1, relu"),
        (Side("relu", "accuracy"), "setting 'relu' has no 'accuracy'; it has: loss, validation_loss"),
    ],
)
def test_what_is_not_there_is_a_problem_that_names_what_is(side, message):
    evidence = claims.measure(SLOW + FAST, PART._replace(a=side))
    assert evidence.comparison is None and evidence.problem == message
    verdict = claims.judge(evidence, 1.0)
    assert verdict.label == INCONCLUSIVE and message in verdict.reason


def test_several_settings_without_a_validation_loss_must_be_told_apart():
    bare = [{key: value for key, value in row.items() if key != "validation_loss"} for row in SLOW + SLOWER]
    with pytest.raises(ValueError, match="means 2 settings"):
        claims.choose_setting(bare, "sigmoid*")


def test_a_seed_that_stands_twice_is_refused():
    with pytest.raises(ValueError, match="22 runs of 11 seeds"):
        claims.values_of(FAST + FAST, "relu", "loss")


def test_looking_at_one_claim_only_never_makes_its_p_value_milder():
    strong, weak = claims.measure(SLOW + FAST, PART), claims.measure(FAST, Part("", Side("relu", "loss"), 1.1))
    alone = claims.corrected([strong], 10)[0]
    among = claims.corrected([strong, weak, *[strong] * 8], 10)[0]
    assert alone == pytest.approx(10 * 2.0**-10) and among <= alone
    assert claims.corrected([strong._replace(comparison=None)], 10) == [1.0]
    with pytest.raises(ValueError, match="num_hypotheses=1 is below the 2"):
        claims.corrected([strong, weak], 1)


def test_a_run_without_a_number_is_missing():
    holes = [row | {"loss": math.nan} if row["seed"] == 0 else row for row in SLOW]
    assert claims.measure(holes + FAST, PART).comparison.difference.num_values == 10
