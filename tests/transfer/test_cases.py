"""F071: the four cases as data, and the rule that recommends one."""

import pytest

from nn_core.transfer.cases import CASES, LARGE_FROM, apply_case, recommend

BLOCKS = ("conv_0", "conv_1", "conv_2", "dense_0", "dense_1", "dense_2")


@pytest.mark.parametrize(
    ("num_examples", "similar", "case"),
    [(2000, True, 1), (2000, False, 2), (1_000_000, True, 3), (1_000_000, False, 4)]
    + [(LARGE_FROM - 1, True, 1), (LARGE_FROM, True, 3), (1, False, 2)],
)
def test_the_notes_recommend(num_examples, similar, case):
    assert recommend(num_examples, similar) == case


def test_the_line_between_small_and_large_is_the_users():
    assert recommend(500, True, large_from=500) == 3


def test_no_examples_need_no_case():
    with pytest.raises(ValueError, match="num_examples=0"):
        recommend(0, True)


def test_every_quadrant_has_one_case():
    assert len({(case.small, case.similar) for case in CASES.values()}) == len(CASES) == 4


def test_case_1_trains_a_new_head_on_everything_else():
    kept, load, train = apply_case(CASES[1], BLOCKS, "dense_2", early=1)
    assert kept == BLOCKS[:5]
    assert load == (*((f"{name}/*", "load") for name in kept), ("dense_2/*", "new"))
    assert train == (*((f"{name}/*", 0.0) for name in kept), ("dense_2/*", 1.0))


def test_case_2_keeps_the_early_blocks_which_the_notes_mean():
    kept, load, train = apply_case(CASES[2], BLOCKS, "dense_0", early=2)
    assert kept == ("conv_0", "conv_1")
    assert load == (("conv_0/*", "load"), ("conv_1/*", "load"), ("dense_0/*", "new"))
    assert train == (("conv_0/*", 0.0), ("conv_1/*", 0.0), ("dense_0/*", 1.0))


def test_case_3_trains_what_it_loads_and_case_4_loads_nothing():
    third, fourth = (apply_case(CASES[number], BLOCKS, "dense_2", early=1) for number in (3, 4))
    assert {kind for _, kind in third.load} == {"load", "new"} and {kind for _, kind in fourth.load} == {"new"}
    assert third.train == fourth.train and {factor for _, factor in third.train} == {1.0}


@pytest.mark.parametrize("early", [0, 6])
def test_some_blocks_are_kept_and_the_head_is_not(early):
    with pytest.raises(ValueError, match=f"early={early} must keep at least 1 and at most 5"):
        apply_case(CASES[2], BLOCKS, "dense_0", early)
