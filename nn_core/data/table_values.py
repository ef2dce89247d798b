"""Values of a table: text to numbers, and where one is none."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nn_core.data.table_file import Frame

if TYPE_CHECKING:
    import polars

# What counts as no value, without the blanks around it.
MISSING = ["", "NA", "N/A", "n/a", "NaN", "nan", "NAN", "null", "NULL", "Null"]
LEADING_ZERO = r"^\s*[+-]?0\d"


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


def column_option(key: str, names: Sequence[str]) -> str:
    """The option that names columns, so that a shell takes it as it stands.

    >>> column_option("ignore", ["size", "city"]), column_option("ignore", ["my size"])
    ('--config.data.table.ignore=size,city', '"--config.data.table.ignore=(\\'my size\\',)"')
    """
    option = f"--config.data.table.{key}="
    if all(
        re.fullmatch(r"[A-Za-z_][\w.-]*", name, re.ASCII) and name not in ("None", "True", "False") for name in names
    ):
        return option + ",".join(names)
    whole = f"{option}({', '.join(map(repr, names))},)"
    return shlex.quote(whole) if re.search(r'["$`\\!]', whole) else f'"{whole}"'


def values_of(series: polars.Series, decimal: str) -> Values:
    """A column as numbers; fast where all of it is plain numbers. With a decimal comma, a point is no part of a number.

    Raises:
        ValueError: the cells are neither numbers nor text, as a typed file's may be.
    """
    import polars

    if series.dtype.is_nested() or series.dtype == polars.Binary:
        raise ValueError(
            f"column {series.name!r} holds {series.dtype}; make numbers or text of it, or leave it out by "
            f"{column_option('ignore', [series.name])}"
        )
    numbers = series.cast(polars.Float64, strict=False)
    typed = series.dtype.is_numeric()
    pointed = decimal == "," and not typed and bool(series.str.contains(".", literal=True).any())
    if not numbers.null_count() and not pointed:
        numbers_N = numbers.to_numpy()
        missing_N = np.isnan(numbers_N)
        return Values(series, numbers_N, missing_N, np.zeros(len(series), bool))
    if typed:
        numbers_N = numbers.fill_null(np.nan).to_numpy()
        return Values(series, numbers_N, np.isnan(numbers_N), np.zeros(len(series), bool))
    plain = series.str.strip_chars()
    missing_N = plain.is_in(MISSING).fill_null(True).to_numpy()
    points = plain.str.replace_all(".", "!", literal=True).str.replace(",", ".", literal=True)
    numbers = (points if decimal == "," else plain).cast(polars.Float64, strict=False)
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
