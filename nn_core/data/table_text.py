"""A table of text from its bytes: encoding, separator, header, and the line of every mistake."""

import csv
import io
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import polars


def find_separator(body: str, usual: str) -> str:
    """What separates the names of the header: the usual character, or another one that stands there instead."""
    header = body[: body.find("\n")] if "\n" in body else body
    if usual in header:
        return usual
    return next((other for other in (",", ";", "\t") if other in header), usual)


def blank_rows(rows: "polars.DataFrame") -> np.ndarray:
    """Which rows are blank lines: all fields empty, (N,) booleans."""
    blank_N = np.ones(len(rows), bool)
    for column in rows.iter_columns():
        blank_N &= (column == "").to_numpy()
        if not blank_N.any():
            break
    return blank_N


def check_width(body: str, name: str, separator: str, skipped: int) -> None:
    """Raises ValueError for the first row that has not as many fields as the header, or a quote that never ends."""
    reader = csv.reader(io.StringIO(body, newline=""), delimiter=separator, strict=True)
    width, line, first = None, skipped + 1, False
    try:
        for fields in reader:
            if width is None:
                width, first = len(fields), True
            elif fields and len(fields) != width:
                above = first and len(fields) > width  # such as Excel's sep=; or a comment
                fix = "delete what stands above the header" if above else "put fields that hold a separator into quotes"
                raise ValueError(
                    f"{name} line {line} has {len(fields)} field{'s' * (len(fields) > 1)} and the header has {width}; repair "
                    f"the line, or {fix}"
                )
            else:
                first = False
            line = skipped + reader.line_num + 1
    except csv.Error as error:
        raise ValueError(f"{name} line {line}: {error}; check its quotes") from None


def row_lines(body: str, separator: str, skipped: int) -> np.ndarray:
    """The line on which each row begins, the header left out."""
    reader, line, lines = csv.reader(io.StringIO(body, newline=""), delimiter=separator), skipped + 1, []
    for _ in reader:
        lines.append(line)
        line = skipped + reader.line_num + 1
    return np.array(lines[1:], np.int64)


def column_names(name: str, header: tuple[str, ...], line: int) -> list[str]:
    """The names of the header, without blanks around them.

    Raises:
        ValueError: one that is empty or twice there.
    """
    names = [str(field).strip() for field in header]
    for place, column in enumerate(names):
        if not column:
            index = ", or leave the index out where pandas writes it: to_csv(FILE, index=False)" if place == 0 else ""
            raise ValueError(f"{name} line {line}: column {place + 1} has no name; give it one{index}")
        if column in names[:place]:
            raise ValueError(
                f"{name} line {line}: columns {names.index(column) + 1} and {place + 1} are both named {column!r}; "
                "rename one"
            )
    return names


def check_header(name: str, header: tuple[str, ...], line: int) -> None:
    """Raises ValueError for a header of numbers alone, which is a first row; numbers that count on by 1 are names."""
    try:
        numbers = [float(field) for field in header]
    except ValueError:
        return
    if all(number == numbers[0] + place for place, number in enumerate(numbers)):
        return
    shown = ", ".join(header[:5]) + (", …" if len(header) > 5 else "")
    example = ",".join(f"x{place}" for place in range(1, min(len(header), 4))) + (",…" if len(header) > 4 else "")
    raise ValueError(
        f"{name} line {line} holds numbers alone ({shown}) where the names of the columns must stand; put a line of names "
        f"above it, such as {example},y"
    )
