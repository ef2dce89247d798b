"""What is told of values that are no plain numbers: dates, decimal commas, separators of thousands, units, words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nn_core.data.table_values import Values, chosen_rows, column_option, place_of

if TYPE_CHECKING:
    import polars

    from nn_core.data.table_file import Frame

MAX_CATEGORIES = 200  # of one column; more are names rather than kinds
_MONTH = r"(?i:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_CLOCK = r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[AaPp][Mm])?( ?(Z|[+-]\d{2}:?\d{2}))?"
_DAYS = (
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}",
    r"\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}",
    rf"\d{{1,2}}[-. ]+{_MONTH}[-, ]+\d{{2,4}}",
    rf"{_MONTH} \d{{1,2}},? \d{{4}}",
)
DATES = rf"^(({'|'.join(_DAYS)})([ T]{_CLOCK})?|{_CLOCK})$"
_DECIMAL_COMMA = r"^[+-]?\d+,\d+$"
_DECIMAL_POINT = r"^[+-]?\d+\.\d+$"
_COMMA_THOUSANDS = r"^[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?$"
_THOUSANDS = r"^[+-]?[1-9]\d{0,2}([,.'_ \u00a0\u202f]\d{3})+([.,]\d+)?$"
_DASH = r"^[\u2212\u2013]\d+([.,]\d+)*$"  # a minus as books print it
_UNIT = r"^([€$£¥] ?[+-]?\d+([.,]\d+)*|[+-]?\d+([.,]\d+)* ?[%‰€$£¥°])$"
_WRITTEN = "|".join((_DECIMAL_COMMA, _DECIMAL_POINT, _THOUSANDS, _UNIT, _DASH))
_ADDRESS = r"^\d{1,3}(\.\d{1,3}){3}$"  # of a computer


def numbers_hint(there: polars.Series, decimal: str) -> str | None:
    """What to do about numbers that are written another way; None where most of the texts are no numbers at all."""
    import polars

    plain = there.cast(polars.Float64, strict=False).is_not_null()
    if decimal == ",":
        plain = plain & ~there.str.contains(".", literal=True)
    strange = there.filter(~plain)
    strange = strange.filter(~strange.str.contains(_ADDRESS))
    written = strange.filter(strange.str.contains(_WRITTEN))
    if not len(written) or (int(plain.sum()) + len(written)) * 2 < len(there):
        return None
    if bool(written.str.contains(_DASH).any()):
        return "write the minus of numbers as -"
    thousands, commas = written.str.contains(_COMMA_THOUSANDS), written.str.contains(_DECIMAL_COMMA)
    if bool(thousands.all()):
        other = "; if the comma is a decimal one: --config.data.table.decimal=','"
        both = decimal == "." and bool(commas.all())
        return f"write numbers without separators of thousands{other if both else ''}"
    if decimal == "." and bool(commas.any()):
        return "numbers with a decimal comma are read with --config.data.table.decimal=','"
    if bool(written.str.contains(_THOUSANDS).any()):
        return "write numbers without separators of thousands"
    if decimal == "," and bool(written.str.contains(_DECIMAL_POINT).any()):
        return "numbers with a decimal point are read with --config.data.table.decimal=."
    return "write the numbers alone, without a currency or %"


def refuse_strange(
    frame: Frame, name: str, values: Values, decimal: str, ignore: Sequence[str], categories: Sequence[str] | None
) -> None:
    """Refuses dates, and a word among numbers; words are not a mistake.

    Args:
        frame, name, values: the column.
        decimal: "." or ",".
        ignore, categories: columns that the config already names; categories is None for the target.
    Raises:
        ValueError: with the line, and what to do.
    """
    there = chosen_rows(values.series, ~values.missing_N).str.strip_chars()
    is_target = categories is None
    another = "name another column by --config.data.target"
    if bool(there.str.contains(DATES).all()):
        way = another if is_target else f"leave it out by {column_option('ignore', [*ignore, name])}"
        raise ValueError(
            f"{frame.name} column {name!r} holds dates or times ({there[0]}), which are not numbers; make columns such as "
            f"year, month and weekday, or {way}"
        )
    hint = numbers_hint(there, decimal)
    if hint is None and int((~values.wrong_N & ~values.missing_N).sum()) * 2 < len(there):
        return
    fix = "repair it, or leave it empty as missing"
    if is_target:
        fix = "repair it, take the texts as classes by --config.task.name=classification, or " + another
    elif there.n_unique() < min(len(there), MAX_CATEGORIES + 1):
        fix += f", or take the column as categories by {column_option('categories', [*(categories or ()), name])}"
    first = int(np.argmax(values.wrong_N))
    raise ValueError(
        f"{frame.name} {place_of(frame, first)} has {values.series[first]!r} in {name!r} among numbers; {hint or fix}"
    )


def rejected(frame: Frame, name: str, values: Values, decimal: str) -> ValueError:
    """The error for the first value that is not a number where numbers must be."""
    row = int(np.argmax(values.wrong_N))
    hint = (
        numbers_hint(values.series.slice(row, 1).str.strip_chars(), decimal)
        or "repair it, or leave it empty as missing"
    )
    return ValueError(
        f"{frame.name} {place_of(frame, row)} has {values.series[row]!r} in {name!r}, which is not a number; {hint}"
    )
