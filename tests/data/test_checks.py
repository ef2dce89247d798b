"""Options out of range or of another type are refused in one line that says what is allowed."""

import numpy as np
import pytest

from nn_core.data.checks import check_choice, check_float, check_int


def test_good_values_pass() -> None:
    assert check_int("n", np.int64(3), 1, 3) == 3
    assert check_float("x", 2, 0.0) == 2.0 and isinstance(check_float("x", 2, 0.0), float)
    assert check_choice("colour", "red", {"red": 1}) == "red"


@pytest.mark.parametrize("value", [0, 4, -1])
def test_int_out_of_range(value: int) -> None:
    with pytest.raises(ValueError, match=f"n={value} is out of range; use a whole number from 1 to 3"):
        check_int("n", value, 1, 3)


@pytest.mark.parametrize("value", [True, "3", 3.0, None])
def test_int_of_another_type(value: object) -> None:
    with pytest.raises(ValueError, match=r"n=.* is (bool|str|float|NoneType); use a whole number of at least 1"):
        check_int("n", value, 1)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, 1.1])
def test_float_out_of_range(value: float) -> None:
    with pytest.raises(ValueError, match="out of range; use a finite number from 0.0 to 1.0"):
        check_float("x", value, 0.0, 1.0)


@pytest.mark.parametrize("value", [True, "0.5", None, 1j])
def test_float_of_another_type(value: object) -> None:
    with pytest.raises(ValueError, match=r"use a number from 0.0 to 1.0"):
        check_float("x", value, 0.0, 1.0)


def test_choice_names_the_nearest() -> None:
    with pytest.raises(ValueError, match="unknown colour 'gren'; choose from red, green; did you mean 'green'?"):
        check_choice("colour", "gren", ["red", "green"])
    with pytest.raises(ValueError, match="unknown colour 7; choose from red, green$"):
        check_choice("colour", 7, ["red", "green"])
