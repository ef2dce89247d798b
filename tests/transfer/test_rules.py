"""F073-F076: one list covers every parameter, the first match wins, and what does not fit is told in one line."""

import pytest

from nn_core.transfer.rules import assign, check_load, check_train, paths
from tests.training.problems import make_task

NAMES = ["dense_0/bias", "dense_0/kernel", "dense_1/bias", "dense_1/kernel"]


def test_paths_name_every_parameter():
    import jax

    shapes = jax.eval_shape(lambda: make_task().init(jax.random.key(0), {}))
    assert paths(shapes) == NAMES


def test_the_first_match_wins():
    assert assign(NAMES, (("dense_1/kernel", 3.0), ("dense_1/*", 2.0), ("*", 1.0)), "train") == {
        "dense_0/bias": 1.0,
        "dense_0/kernel": 1.0,
        "dense_1/bias": 2.0,
        "dense_1/kernel": 3.0,
    }


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ((("dens_0/*", 1.0), ("*", 0.0)), "train: pattern 'dens_0/\\*' matches no parameter; did you mean dense_0/"),
        ((("x", 1.0), ("*", 0.0)), "pattern 'x' matches no parameter; there are dense_0/bias, dense_0/kernel"),
        ((("dense_0/*", 1.0),), "no pattern covers dense_1/bias, dense_1/kernel \\(the nearest is 'dense_0/\\*'\\)"),
        ((("*", 1.0), ("dense_0/*", 0.0)), "pattern 'dense_0/\\*' comes too late, '\\*' or one before it takes all"),
    ],
)
def test_what_matches_nothing_or_leaves_something_out_is_an_error(rules, message):
    with pytest.raises(ValueError, match=message) as raised:
        assign(NAMES, rules, "train")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("rules", [(), ("*",), (("*", "load", 1),), (("*", "keep"),), ((1, "load"),)])
def test_a_list_of_what_is_loaded_holds_pairs(rules):
    with pytest.raises(ValueError, match="transfer.load"):
        check_load(rules)


@pytest.mark.parametrize("value", ["a", -1.0, float("nan"), float("inf"), True, None])
def test_a_factor_is_a_number_and_not_negative(value):
    with pytest.raises(ValueError, match="use a factor of the learning rate >= 0"):
        check_train((("*", value),))


def test_freezing_everything_is_an_error():
    with pytest.raises(ValueError, match="freezes everything"):
        check_train((("dense_0/*", 0.0), ("*", 0)))
