"""A table that is learned from: what its columns are, which rows stay, and what its target is.

Statistics of the training rows, such as the mean that stands in for a missing number, do not concern this module:
which rows are trained on is drawn by each run's seed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from nn_core.data.checks import check_choice
from nn_core.data.table_file import Frame
from nn_core.data.table_hints import MAX_CATEGORIES, numbers_hint, refuse_strange
from nn_core.data.table_scheme import CATEGORY, NUMBER, Column, Scheme, described, encode
from nn_core.data.table_values import (
    LEADING_ZERO,
    Values,
    check_finite,
    chosen_rows,
    column_option,
    place_of,
    text_of,
    values_of,
)

MISSING_POLICIES = ("refuse", "drop", "mean", "median")
UNKNOWN_POLICIES = ("zeros", "error")
TASKS = ("auto", "classes", "numbers")
MAX_CLASSES = 1000
FEW_CLASSES = 20  # whole numbers of at most so many kinds, each there twice or more, are classes unless said otherwise


class Options(NamedTuple):
    """What is asked of a table.

    Attributes:
        target: name of the column that is predicted, or its place ("0", "-1").
        task: one of TASKS: what the target is; "auto" finds it out.
        missing: one of MISSING_POLICIES.
        indicator: a column more for each that has missing values: 1 where they are.
        unknown: one of UNKNOWN_POLICIES, for categories that the table does not have.
        ignore: columns that are left out.
        categories: columns of numbers that are categories.
        group, split: columns that say who belongs together, and to which part.
        decimal: "." or ",".
    """

    target: str
    task: str = "auto"
    missing: str = "refuse"
    indicator: bool = False
    unknown: str = "zeros"
    ignore: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    group: str | None = None
    split: str | None = None
    decimal: str = "."


class Table(NamedTuple):
    """A table as numbers.

    Attributes:
        inputs_ND: float32, NaN where a number is missing.
        targets_N: int32 class ids, or float32.
        names_D: of the inputs.
        categorical_D: True where an input says "is this category".
        scheme: how it was made.
        kept_N: place in the frame of each row.
        notes: what a user should know, a line each.
    """

    inputs_ND: np.ndarray
    targets_N: np.ndarray
    names_D: tuple[str, ...]
    categorical_D: np.ndarray
    scheme: Scheme
    kept_N: np.ndarray
    notes: tuple[str, ...]


def find_column(frame: Frame, name: str, key: str) -> str:
    """The column of a name or place.

    Raises:
        ValueError: there is none; the message lists the columns.
    """
    names = list(frame.columns)
    if name in names:
        return name
    if name.removeprefix("-").isdecimal() and -len(names) <= int(name) < len(names):
        return names[int(name)]
    shown = ", ".join(names[:20]) + (", …" if len(names) > 20 else "")
    raise ValueError(f"config.data.{key}={name!r} is not a column of {frame.name}; it has {shown}")


def make_table(frame: Frame, options: Options) -> Table:
    """Finds out what every column is, and makes numbers of the rows.

    Args:
        frame: from `read_table`.
        options: what is asked.
    Returns:
        The table.
    Raises:
        ValueError: in one line with row and column: a value that does not fit, a missing one where they are refused, a
            date, too many categories, a target that says nothing.
    """
    check_choice("config.data.table.missing", options.missing, MISSING_POLICIES)
    check_choice("config.data.table.unknown", options.unknown, UNKNOWN_POLICIES)
    check_choice("config.data.table.decimal", options.decimal, (".", ","))
    target = find_column(frame, options.target, "target")
    roles = {"group": options.group, "split": options.split}
    needed = [find_column(frame, name, f"table.{key}") for key, name in roles.items() if name is not None]
    if target in needed:
        raise ValueError(f"config.data.target={options.target!r} is also the group or the split; name another column")
    left_out = {find_column(frame, name, "table.ignore") for name in options.ignore} | {target, *needed}
    chosen = {find_column(frame, name, "table.categories") for name in options.categories}
    used = [name for name in frame.columns if name not in left_out]
    values = {name: values_of(frame.columns[name], options.decimal) for name in (*used, target, *needed)}
    notes = list(frame.notes)
    kept_N = kept_rows(frame, values, (target, *needed), options.missing, notes)
    found = [understand(frame, name, values[name], name in chosen, options, notes) for name in used]
    columns = tuple(column for column in found if column is not None)
    if not columns:
        left = [note.removeprefix("warning: ") for note in notes if note.startswith("warning: ")]
        why = f" ({'; '.join(left)})" if left else ""
        raise ValueError(
            f"{frame.name} has no input beside the target {target!r}{why}; give at least one column of numbers or categories"
        )
    classes, targets_N = understand_target(frame, target, values[target], kept_N, options, notes)
    scheme = Scheme(columns, target, classes, options.missing, options.unknown, options.decimal)
    inputs_ND = encode(frame, scheme, values)
    inputs_ND = inputs_ND if len(kept_N) == len(inputs_ND) else inputs_ND[kept_N]
    names_D, categorical_D = described(columns)
    return Table(inputs_ND, targets_N, names_D, categorical_D, scheme, kept_N, tuple(notes))


def kept_rows(
    frame: Frame, values: Mapping[str, Values], needed: tuple[str, ...], policy: str, notes: list[str]
) -> np.ndarray:
    """Places of the rows that stay, by the policy for missing values; `needed` columns are never filled in."""
    counts = {name: int(entry.missing_N.sum()) for name, entry in values.items()}
    holes = {
        name: count for name, count in counts.items() if 0 < count < len(frame.lines_N) or count and name in needed
    }
    told = ", ".join(f"{name} {count}" for name, count in holes.items())
    for name in holes if policy == "refuse" else [name for name in needed if name in holes and policy != "drop"]:
        fix = "drop, mean or median" if name not in needed else "drop, or repair the file"
        raise ValueError(
            f"{frame.name} {place_of(frame, int(np.argmax(values[name].missing_N)))} has no value in {name!r} (missing "
            f"values: {told}); choose --config.data.table.missing={fix}"
        )
    if not holes:
        return np.arange(len(frame.lines_N))
    if policy != "drop":
        notes.append(f"missing values: {told}; the {policy} of the training rows stands in")
        return np.arange(len(frame.lines_N))
    whole_N = ~np.any([values[name].missing_N for name in holes], axis=0)
    if not whole_N.any():
        raise ValueError(f"{frame.name} has a missing value in every row ({told}); use mean or median")
    notes.append(f"missing values: {told}; {int((~whole_N).sum())} rows are dropped")
    return np.flatnonzero(whole_N)


def understand(
    frame: Frame, name: str, values: Values, is_category: bool, options: Options, notes: list[str]
) -> Column | None:
    """What a column is; None for one that is left out (a note says why).

    Raises:
        ValueError: dates, numbers mixed with words, infinity, too many categories.
    """
    there_N = ~values.missing_N
    rows = int(there_N.sum())
    if not rows:
        notes.append(f"warning: column {name!r} has no value at all and is left out")
        return None
    indicator = options.indicator and rows < len(there_N) and options.missing != "drop"
    if not is_category:
        if not values.wrong_N.any():
            check_finite(frame, name, values)
            numbers_K = values.numbers_N[there_N]
            whole = bool((numbers_K % 1 == 0).all())
            if not (whole and is_code(values)):
                if whole and rows > 2 and len(np.unique(numbers_K)) == rows:
                    notes.append(
                        f"warning: every row has its own whole number in {name!r}: an identifier says nothing of new "
                        f"rows; leave it out by {column_option('ignore', [*options.ignore, name])}"
                    )
                return Column(name, NUMBER, indicator=indicator)
            notes.append(f"column {name!r} has numbers that begin with 0, as codes do: they are categories")
        else:
            refuse_strange(frame, name, values, options.decimal, options.ignore, options.categories)
    kinds = chosen_rows(text_of(values.series), there_N).unique().sort().to_list()
    if len(kinds) == rows and rows > 2:
        notes.append(f"warning: every row has its own text in {name!r}: an identifier, which is left out")
        return None
    if len(kinds) > MAX_CATEGORIES:
        raise ValueError(
            f"{frame.name} column {name!r} has {len(kinds)} different texts, more than {MAX_CATEGORIES} categories; leave "
            f"it out by {column_option('ignore', [*options.ignore, name])}"
        )
    return Column(name, CATEGORY, tuple(kinds), indicator)


def is_code(values: Values) -> bool:
    """Whether whole numbers are written as codes are, such as 007."""
    return not values.series.dtype.is_numeric() and bool(
        values.series.str.contains(LEADING_ZERO).fill_null(False).any()
    )


def understand_target(
    frame: Frame, name: str, values: Values, kept_N: np.ndarray, options: Options, notes: list[str]
) -> tuple[tuple[str, ...], np.ndarray]:
    """Names of the classes (() for numbers) and the target of each kept row.

    Raises:
        ValueError: one class, a constant, a text of its own in every row, too many classes, or words where numbers are
            asked for.
    """
    check_choice("kind of target", options.task, TASKS)
    if len(kept_N) < len(frame.lines_N):
        frame = frame._replace(lines_N=frame.lines_N[kept_N])
        rest = (array_N[kept_N] for array_N in values[1:])
        values = Values(values.series.gather(kept_N.tolist()), *rest)
    words = bool(values.wrong_N.any())
    if words and options.task == "numbers":
        first = int(np.argmax(values.wrong_N))
        hint = numbers_hint(values.series.str.strip_chars(), options.decimal) or "use --config.task.name=classification"
        raise ValueError(
            f"{frame.name} {place_of(frame, first)} has {values.series[first]!r} in the target {name!r}, which is no "
            f"number; {hint}"
        )
    if words and options.task == "auto":
        refuse_strange(frame, name, values, options.decimal, options.ignore, None)
    if not words:
        check_finite(frame, name, values)
    kinds, counts = np.unique(values.numbers_N, return_counts=True)
    if len(kinds) == 1 and not words:
        raise ValueError(f"the target {name!r} of {frame.name} is {values.series[0]} in every row; nothing is to learn")
    whole = not words and bool((kinds % 1 == 0).all())
    few = whole and len(kinds) <= FEW_CLASSES and counts.min() >= 2
    if options.task == "auto" and whole and not few and 2 * len(kinds) <= min(len(kept_N), 2 * FEW_CLASSES):
        notes.append(
            f"warning: the target {name!r} is taken as numbers, since {kinds[counts.argmin()]:g} stands in one row alone; "
            f"{len(kinds)} classes: --config.task.name=classification"
        )
    if not words and (options.task == "numbers" or options.task == "auto" and not few):
        return (), values.numbers_N.astype(np.float32)
    texts = text_of(values.series)
    names = sorted(texts.unique().to_list(), key=None if words or options.decimal == "," else float)
    if len(names) < 2:
        raise ValueError(f"the target {name!r} of {frame.name} has one class, {names[0]!r}; nothing is to learn")
    if len(names) == len(texts) or len(names) > MAX_CLASSES:
        fix = "name another column by --config.data.target" if words else "use --config.task.name=regression"
        raise ValueError(f"the target {name!r} of {frame.name} has {len(names)} classes in {len(texts)} rows; {fix}")
    if options.task == "auto" and not words:
        notes.append(f"the target {name!r} is taken as {len(names)} classes; numbers: --config.task.name=regression")
    return tuple(names), texts.replace_strict(dict(zip(names, range(len(names)), strict=True))).to_numpy().astype(
        np.int32
    )
