"""Values of a table: text to numbers, and what is told of a value that is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nn_core.data.table_file import Frame

if TYPE_CHECKING:
    import polars

# What counts as no value, without the blanks around it.
MISSING = ["", "NA", "N/A", "n/a", "NaN", "nan", "NAN", "null", "NULL", "Null"]
DATES = r"^(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})([ T]\d{1,2}:\d{2}.*)?$"
LEADING_ZERO = r"^\s*[+-]?0\d"
_DECIMAL_COMMA = r"^[+-]?\d+,\d+$"
_THOUSANDS = r"^[+-]?\d{1,3}([,.' \u00a0\u202f]\d{3})+([.,]\d+)?$"


class Values(NamedTuple):
    """A column as it was read and as numbers.

    Attributes:
        series: text, or numbers of a typed file.
        numbers_N: float64, NaN where nothing or no number stands.
        missing_N: where nothing stands.
        wrong_N: where something stands that is not a number.
    """

    series: polars.Series
    numbers_N: np.ndarray
    missing_N: np.ndarray
    wrong_N: np.ndarray


def values_of(series: polars.Series, decimal: str) -> Values:
    """A column as numbers; fast where all of it is plain numbers."""
    import polars

    numbers = series.cast(polars.Float64, strict=False)
    if not numbers.null_count():
        numbers_N = numbers.to_numpy()
        missing_N = np.isnan(numbers_N)
        return Values(series, numbers_N, missing_N, np.zeros(len(series), bool))
    if series.dtype.is_numeric():
        numbers_N = numbers.fill_null(np.nan).to_numpy()
        return Values(series, numbers_N, np.isnan(numbers_N), np.zeros(len(series), bool))
    plain = series.str.strip_chars()
    missing_N = plain.is_in(MISSING).fill_null(True).to_numpy()
    numbers = (plain.str.replace(",", ".", literal=True) if decimal == "," else plain).cast(
        polars.Float64, strict=False
    )
    wrong_N = numbers.is_null().to_numpy() & ~missing_N
    numbers_N = numbers.fill_null(np.nan).to_numpy().copy()
    numbers_N[missing_N] = np.nan
    return Values(series, numbers_N, missing_N, wrong_N)


def text_of(series: polars.Series) -> polars.Series:
    """A column as text without blanks around it; whole numbers without a point."""
    import polars

    if series.dtype.is_float():
        whole = series.drop_nulls().drop_nans()
        if bool(((whole % 1) == 0).all()):
            return series.fill_nan(None).cast(polars.Int64, strict=False).cast(polars.String).fill_null("")
    if series.dtype.is_numeric():
        return series.cast(polars.String).fill_null("")
    return series.str.strip_chars()


def chosen_rows(series: polars.Series, rows_N: np.ndarray) -> polars.Series:
    """The rows of a column for which a boolean is True."""
    import polars

    return series.filter(polars.Series(rows_N))


def place_of(frame: Frame, row: int) -> str:
    """The line of a row, for a message."""
    return f"line {int(frame.lines_N[row])}"


def check_finite(frame: Frame, name: str, values: Values) -> None:
    """Raises ValueError for infinity, and for a number that float32 does not hold."""
    with np.errstate(over="ignore"):
        wrong_N = np.isinf(values.numbers_N.astype(np.float32))
    if wrong_N.any():
        first = int(np.argmax(wrong_N))
        raise ValueError(
            f"{frame.name} {place_of(frame, first)} has {values.series[first]} in {name!r}, which is not a finite float32; "
            "repair it, or leave it empty as missing"
        )


def numbers_hint(there: polars.Series, decimal: str) -> str | None:
    """What to do about numbers that are written another way; None where they are none."""
    if decimal == "." and bool(there.str.contains(_DECIMAL_COMMA).any()):
        return "numbers with a decimal comma are read with --config.data.table.decimal=','"
    if bool(there.str.contains(_THOUSANDS).any()):
        return "write numbers without separators of thousands"
    return None


def rejected(frame: Frame, name: str, values: Values, decimal: str) -> ValueError:
    """The error for the first value that is not a number where numbers must be."""
    row = int(np.argmax(values.wrong_N))
    hint = numbers_hint(values.series.slice(row, 1), decimal) or "repair it, or leave it empty as missing"
    return ValueError(
        f"{frame.name} {place_of(frame, row)} has {values.series[row]!r} in {name!r}, which is not a number; {hint}"
    )
