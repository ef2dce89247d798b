"""The table at the end of a run: one row per setting, mean and 95 % confidence interval over its seeds.

A label says how settings belong together: in `family: name | tuned`, settings of one family share a panel of a figure,
and of those that differ in `tuned` only (a learning rate, say) table and figures show the one with the lowest mean
validation loss. Family and tuned part may be missing. The test results choose nothing.
"""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from nn_core.by_hand.diagnosis import diagnose
from nn_core.evidence.statistics import t_half_width

FAMILY, TUNED = ": ", " | "  # what separates the parts of a label
JUDGED = ("train_loss", "validation_loss", "gap")  # columns that together tell underfitting from overfitting

Row = dict[str, Any]


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
    return Summary(statistics.fmean(finite), t_half_width(np.array(finite)), len(finite))


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


def family(name: str) -> str:
    """What stands before the colon of a setting's name; nothing where there is none.

    >>> family("L1: 0.001"), family("none")
    ('L1', '')
    """
    return name.split(FAMILY, 1)[0] if FAMILY in name else ""


def short(name: str) -> str:
    """A setting's name within its family, without its tuned part.

    >>> short("deep: ReLU | rate 0.1"), short("none")
    ('ReLU', 'none')
    """
    return name.split(TUNED, 1)[0].split(FAMILY, 1)[-1]


def tuned(name: str) -> str:
    """What stands after the bar of a setting's name; nothing where there is none."""
    return name.split(TUNED, 1)[1] if TUNED in name else ""


def validation_loss(rows: Iterable[Row]) -> float:
    """Mean validation loss of a setting; infinite where a seed diverged: its last numbers mean nothing."""
    rows = list(rows)
    if any(row.get("status") == "diverged" for row in rows):
        return math.inf
    mean = summarize(row.get("validation_loss") for row in rows).mean
    return mean if math.isfinite(mean) else math.inf


def chosen(groups: Mapping[str, list[Row]]) -> dict[str, list[Row]]:
    """Of settings that differ in their tuned part only, the one with the lowest mean validation loss.

    Args:
        groups: what `by_setting` returns.
    Returns:
        The groups that are left, in their order, under their full names.
    """
    best: dict[str, str] = {}
    for name, rows in groups.items():
        place = name.split(TUNED, 1)[0]
        if place not in best or validation_loss(rows) < validation_loss(groups[best[place]]):
            best[place] = name
    return {name: groups[name] for name in best.values()}


def verdicts(groups: Mapping[str, Sequence[Row]]) -> dict[str, str]:
    """Whether each setting underfits or overfits, judged by its mean losses and the best mean validation loss."""
    losses = {
        name: (summarize(row.get(JUDGED[0]) for row in rows).mean, summarize(row.get(JUDGED[1]) for row in rows).mean)
        for name, rows in groups.items()
    }
    finite = [validation for _, validation in losses.values() if math.isfinite(validation)]
    return {name: diagnose(*loss, min(finite, default=math.nan)).verdict for name, loss in losses.items()}


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
        return f"{summary.mean:.6g}"
    if summary.half_width == 0:
        return f"{summary.mean:.4g} ± 0"
    digits = max(1 - math.floor(math.log10(summary.half_width)), 0)
    if digits > 6:
        return f"{summary.mean:.4g} ± {summary.half_width:.1g}"
    return f"{summary.mean:.{digits}f} ± {summary.half_width:.{digits}f}"


def make_table(rows: Sequence[Row], columns: Sequence[str]) -> list[list[str]]:
    """Header and body: a line per setting with n, what ended early, and `mean ± half width` of each column.

    Runs that diverged are counted, and left out of the means: their last numbers mean nothing.
    Columns that hold train_loss, validation_loss and gap are followed by the verdict that they imply.
    """
    groups = chosen(by_setting(rows))
    columns = [column for column in columns if any(column in row for row in rows)]
    statuses = [status for status in ("diverged", "stopped") if any(row.get("status") == status for row in rows)]
    body = [["setting", "n", *statuses, *(column.replace("_", " ") for column in columns)]]
    for name, members in groups.items():
        counts = [str(sum(row.get("status") == status for row in members)) for status in statuses]
        sound = [row for row in members if row.get("status") != "diverged"] or (members if len(members) == 1 else [])
        cells = [show_summary(summarize(row.get(column) for row in sound)) for column in columns]
        body.append([name, str(len(members)), *counts, *cells])
    if set(JUDGED) <= set(columns):
        for line, verdict in zip(body, ["verdict", *verdicts(groups).values()], strict=True):
            line.append(verdict)
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
