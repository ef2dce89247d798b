"""How a row of a table becomes numbers: found on the table that is learned from, kept with the run, used on new rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from nn_core.data.table_file import Frame
from nn_core.data.table_hints import rejected
from nn_core.data.table_values import Values, check_finite, place_of, text_of, values_of

FORMAT = "nn_core.table.1"
NUMBER, CATEGORY = "number", "category"


class Column(NamedTuple):
    """A column of the file that is an input.

    Attributes:
        name: in the file.
        kind: NUMBER or CATEGORY.
        categories: of a category, sorted; () for numbers.
        indicator: whether a column tells where its value is missing.
    """

    name: str
    kind: str
    categories: tuple[str, ...] = ()
    indicator: bool = False


class Scheme(NamedTuple):
    """Everything that prediction needs beside the statistics of the training rows.

    Attributes:
        columns: the inputs.
        target: name of the target.
        classes: names of the classes, () for numbers.
        missing: what is done about missing numbers: "refuse", "drop", "mean", "median".
        unknown: what an unknown category is: "zeros" or an "error".
        decimal: "." or ",".
    """

    columns: tuple[Column, ...]
    target: str
    classes: tuple[str, ...]
    missing: str
    unknown: str
    decimal: str


def described(columns: tuple[Column, ...]) -> tuple[tuple[str, ...], np.ndarray]:
    """Names of the inputs, and which of them say "is this category"."""
    names: list[str] = []
    categorical: list[bool] = []
    for column in columns:
        own = [column.name] if column.kind == NUMBER else [f"{column.name}={kind}" for kind in column.categories]
        names += [*own, *([f"{column.name} is missing"] if column.indicator else [])]
        categorical += [column.kind == CATEGORY] * len(own) + [False] * column.indicator
    return tuple(names), np.array(categorical, bool)


def encode(frame: Frame, scheme: Scheme, known: Mapping[str, Values] | None = None) -> np.ndarray:
    """The inputs of rows; columns are found by their names, others are left out.

    Args:
        frame: the rows.
        scheme: how.
        known: columns that were converted before.
    Returns:
        (N, D) float32, NaN where a number is missing.
    Raises:
        ValueError: in one line with row and column: a column that is not there, a value that is not a number, an unknown
            category where they are refused.
    """
    absent = [column.name for column in scheme.columns if column.name not in frame.columns]
    if absent:
        has = ", ".join(list(frame.columns)[:20])
        more = f" and {len(absent) - 1} more" if len(absent) > 1 else ""
        raise ValueError(f"{frame.name} lacks the column {absent[0]!r}{more}; it has {has}")
    whole_ND = np.zeros((len(frame.lines_N), len(described(scheme.columns)[0])), np.float32)
    place = 0
    for column in scheme.columns:
        values = (known or {}).get(column.name) or values_of(frame.columns[column.name], scheme.decimal)
        if column.kind == NUMBER:
            if values.wrong_N.any():
                raise rejected(frame, column.name, values, scheme.decimal)
            check_finite(frame, column.name, values)
            whole_ND[:, place] = values.numbers_N
            place += 1
        else:
            into_NC = whole_ND[:, place : place + len(column.categories)]
            set_categories(frame, column, values, scheme.unknown, into_NC)
            place += len(column.categories)
        if column.indicator:
            whole_ND[:, place] = values.missing_N
            place += 1
    return whole_ND


def set_categories(frame: Frame, column: Column, values: Values, unknown: str, into_NC: np.ndarray) -> None:
    """Puts a one at each row's category; a row without one, or with an unknown one, keeps its zeros."""
    import polars

    places = {kind: place for place, kind in enumerate(column.categories)}
    found_N = text_of(values.series).replace_strict(places, default=-1, return_dtype=polars.Int32).to_numpy()
    strange_N = (found_N < 0) & ~values.missing_N
    if unknown == "error" and strange_N.any():
        first = int(np.argmax(strange_N))
        raise ValueError(
            f"{frame.name} {place_of(frame, first)} has the unknown category {values.series[first]!r} in "
            f"{column.name!r}; known: {', '.join(column.categories[:10])}"
        )
    rows = np.flatnonzero((found_N >= 0) & ~values.missing_N)
    into_NC[rows, found_N[rows]] = 1.0


def unknown_categories(frame: Frame, scheme: Scheme) -> dict[str, np.ndarray]:
    """The rows with a category that the scheme does not know, by column; columns without any are left out."""
    strange = {}
    for column in scheme.columns:
        if column.kind == CATEGORY and column.name in frame.columns:
            values = values_of(frame.columns[column.name], scheme.decimal)
            known_N = text_of(values.series).is_in(list(column.categories)).to_numpy() | values.missing_N
            if not known_N.all():
                strange[column.name] = np.flatnonzero(~known_N)
    return strange


def scheme_to_json(scheme: Scheme) -> str:
    """The scheme as text."""
    columns = [column._asdict() for column in scheme.columns]
    return json.dumps({"format": FORMAT} | scheme._asdict() | {"columns": columns}, ensure_ascii=False, indent=1)


def scheme_from_json(text: str) -> Scheme:
    """Reads what `scheme_to_json` wrote. Raises ValueError for anything else."""
    try:
        content: dict[str, Any] = json.loads(text)
        if content.pop("format") != FORMAT:
            raise ValueError("another format")
        columns = tuple(
            Column(entry["name"], entry["kind"], tuple(entry["categories"]), entry["indicator"])
            for entry in content.pop("columns")
        )
        return Scheme(columns=columns, classes=tuple(content.pop("classes")), **content)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no scheme of a table ({error}); train the run again") from None
