"""The table of the worked example: the course's numbers beside the exact ones."""

from nn_core.formulas.worked_example import printed_numbers


def test_every_printed_number_is_the_exact_one_at_its_rounding_but_for_the_last() -> None:
    numbers = printed_numbers()
    assert [number.printed for number in numbers] == [
        "-0.02", "0.495", "0.512", "0.122", "0.003", "0.0302", "0.00015", "0.00045"
    ]  # fmt: skip
    assert [number.slip for number in numbers] == [""] * 7 + ["S16c"]


def test_last_number_follows_from_the_rounded_one_before() -> None:
    *_, hidden, _, _, last = printed_numbers()
    assert hidden.symbol.startswith("δʰ")
    assert round(0.5 * float(hidden.printed) * 0.3, 5) == float(last.printed)
    assert abs(last.exact - 0.000456825) < 5e-10
