"""The table at the end of a run: one row per setting, mean and 95 % confidence interval over its seeds."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from scipy import stats

Row = Mapping[str, Any]


class Summary(NamedTuple):
    """A mean with its uncertainty.

    Attributes:
        mean: arithmetic mean; NaN without values.
        half_width: half of the 95 % confidence interval (Student's t); NaN below two values.
        number: of finite values.
    """

    mean: float
    half_width: float
    number: int


def summarize(values: Iterable[Any]) -> Summary:
    """Mean and t-interval of the finite values."""
    finite = [float(v) for v in values if isinstance(v, (int, float)) and math.isfinite(v)]
    if not finite:
        return Summary(math.nan, math.nan, 0)
    if len(finite) == 1:
        return Summary(finite[0], math.nan, 1)
    error = statistics.stdev(finite) / math.sqrt(len(finite))
    return Summary(statistics.fmean(finite), float(stats.t.ppf(0.975, len(finite) - 1)) * error, len(finite))


def setting(row: Row) -> str:
    """How a member's setting is called: its label, or its overrides but for the seed."""
    if row.get("label"):
        return str(row["label"])
    skip = ("seed", "label")
    parts = [f"{path.rsplit('.', 1)[-1]}={show(value)}" for path, value in row["overrides"].items() if path not in skip]
    return ", ".join(parts) or "run"


def by_setting(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows of each setting, in the order of their first member."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(setting(row), []).append(row)
    return groups


def show(value: Any) -> str:
    """A value for people: four significant digits."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, tuple):
        return "-".join(str(part) for part in value) or "()"
    return str(value)


def show_summary(summary: Summary) -> str:
    """`mean ± half width`, with as many digits as the interval supports."""
    if summary.number == 0:
        return "–"
    if not math.isfinite(summary.half_width):
        return f"{summary.mean:.4g}"
    digits = 4
    if summary.half_width > 0:
        digits = min(max(1 - math.floor(math.log10(summary.half_width)), 0), 6)
    return f"{summary.mean:.{digits}f} ± {summary.half_width:.{digits}f}"


def make_table(rows: Sequence[Row], columns: Sequence[str]) -> list[list[str]]:
    """Header and body: a line per setting with n, what ended early, and `mean ± half width` of each column."""
    groups = by_setting(rows)
    columns = [column for column in columns if any(column in row for row in rows)]
    statuses = [status for status in ("diverged", "stopped") if any(row.get("status") == status for row in rows)]
    body = [["setting", "n", *statuses, *(column.replace("_", " ") for column in columns)]]
    for name, members in groups.items():
        counts = [str(sum(row.get("status") == status for row in members)) for status in statuses]
        cells = [show_summary(summarize(row.get(column) for row in members)) for column in columns]
        body.append([name, str(len(members)), *counts, *cells])
    return body


def render(table: Sequence[Sequence[str]]) -> str:
    """Aligned text: the first column to the left, the others to the right."""
    widths = [max(len(line[i]) for line in table) for i in range(len(table[0]))]
    lines = [
        "  ".join(
            cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths, strict=True))
        )
        for line in table
    ]
    return "\n".join([lines[0], "─" * len(lines[0]), *lines[1:]])
