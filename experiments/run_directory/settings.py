"""Members of one setting: how it is called, which settings belong together, and which one of them is shown.

A label says how settings belong together: in `family: name | tuned`, settings of one family share a panel of a figure,
and of those that differ in `tuned` only (a learning rate, say) table and figures show the best one. Family and tuned part
may be missing. What is compared also chooses, on validation data: the test results choose nothing.
"""

import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from nn_core.evidence.claims import chosen_by, larger_is_better
from nn_core.evidence.statistics import t_half_width

FAMILY, TUNED = ": ", " | "  # what separates the parts of a label
NAMES = ("seed", "label")  # overrides that are no part of a setting
CHOICE = "validation_loss"  # what chooses where nothing else is compared

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


def by_setting(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Rows of each setting, in the order of their first member. Settings are told apart by their values, never by how
    these are written: rates of 0.99999 and 0.999999 are two."""
    groups: dict[str, list[Row]] = {}
    for name, row in zip(setting_names(rows), rows, strict=True):
        groups.setdefault(name, []).append(row)
    return groups


def setting_names(rows: Sequence[Row]) -> list[str]:
    """How each row's setting is called: its label, or its overrides but for the seed.

    >>> setting_names([{"overrides": {"hparams.beta2": 0.999}}, {"overrides": {"hparams.beta2": 0.99999}}])
    ['beta2=0.999', 'beta2=0.99999']
    """
    keys = [(row.get("label") or "", json.dumps(values(row), sort_keys=True)) for row in rows]
    names = {key: row.get("label") or written(values(row), show) for key, row in zip(keys, rows, strict=True)}
    shared = {name for name in names.values() if sum(other == name for other in names.values()) > 1}
    # Those that are written alike although they differ get every digit.
    exact = {
        key: ", ".join(filter(None, (row.get("label"), written(values(row), repr))))
        for key, row in zip(keys, rows, strict=True)
    }
    return [exact[key] if names[key] in shared else str(names[key]) for key in keys]


def values(row: Row) -> dict[str, Any]:
    """What the setting of a row changes."""
    return {path: value for path, value in row.get("overrides", {}).items() if path not in NAMES}


def written(changes: Mapping[str, Any], spell: Any) -> str:
    """Changes as a setting's name."""
    return ", ".join(f"{path.rsplit('.', 1)[-1]}={spell(value)}" for path, value in changes.items()) or "run"


def show(value: Any) -> str:
    """A value for people: four significant digits."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, tuple):
        return "-".join(str(part) for part in value) or "()"
    return str(value)


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


def score(rows: Iterable[Row], metric: str = CHOICE) -> float:
    """A setting's mean of a metric, the lower the better; infinite where a seed diverged or has none: its last numbers
    mean nothing."""
    rows = list(rows)
    if any(row.get("status") == "diverged" for row in rows):
        return math.inf
    summary = summarize(row.get(metric) for row in rows)
    if summary.number < len(rows) or not rows:
        return math.inf
    return -summary.mean if larger_is_better(metric) else summary.mean


def choice(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """The metric that chooses among tuned settings: that of the first column which can be better or worse.

    Args:
        columns: of the table, what is compared first.
        rows: of the run.
    Returns:
        Its training or validation metric; the validation loss where the rows have none of them.
    """
    return next(
        (name for column in columns if (name := chosen_by(column)) and any(name in row for row in rows)), CHOICE
    )


def chosen(groups: Mapping[str, list[Row]], metric: str = CHOICE) -> dict[str, list[Row]]:
    """Of settings that differ in their tuned part only, the best one.

    Args:
        groups: what `by_setting` returns.
        metric: what `choice` returns.
    Returns:
        The groups that are left, in their order, under their full names.
    """
    best: dict[str, str] = {}
    for name, rows in groups.items():
        place = name.split(TUNED, 1)[0]
        if place not in best or score(rows, metric) < score(groups[best[place]], metric):
            best[place] = name
    return {name: groups[name] for name in best.values()}


def shown(rows: Sequence[Row], columns: Sequence[str]) -> dict[str, list[Row]]:
    """The rows of each setting that a table with these columns shows, and every figure beside it."""
    return chosen(by_setting(rows), choice(columns, rows))


def at_the_edge(groups: Mapping[str, list[Row]], metric: str = CHOICE) -> dict[str, str]:
    """The settings that are the best of their grid and stand at its end: the grid may be too narrow.

    A grid is what differs in the tuned part only, or what a family varies in one of config.hparams.

    Args:
        groups, metric: as for `chosen`.
    Returns:
        {name of the setting: "smallest" or "largest"}.
    """
    found = {}
    for grid in grids(groups):
        best = min(grid, key=lambda name: score(groups[name], metric))
        place = sorted(grid.values()).index(grid[best])
        if place in (0, len(grid) - 1) and math.isfinite(score(groups[best], metric)):
            found[best] = "largest" if place else "smallest"
    return found


def grids(groups: Mapping[str, list[Row]]) -> list[dict[str, float]]:
    """{setting: its value} of every grid."""
    places: dict[str, list[str]] = {}
    for name in groups:
        places.setdefault(name.split(TUNED, 1)[0] if TUNED in name else family(name), []).append(name)
    found = []
    for place, names in places.items():
        if all(TUNED in name for name in names):
            grid = {name: tuned_value(name) for name in names}
        else:
            of_names = {name: values(groups[name][0]) for name in names}
            paths = {path for own in of_names.values() for path in own}
            varied = [path for path in paths if len({repr(own.get(path)) for own in of_names.values()}) > 1]
            hparam = varied[0] if len(varied) == 1 and varied[0].startswith("hparams.") else None
            grid = {name: own.get(hparam) if place and hparam else None for name, own in of_names.items()}
        numbers = {name: float(value) for name, value in grid.items() if isinstance(value, (int, float))}
        if len(numbers) == len(names) and len(set(numbers.values())) > 1:
            found.append(numbers)
    return found


def tuned_value(name: str) -> float | None:
    """The number at the end of a setting's tuned part; None where there is none."""
    try:
        return float(tuned(name).rsplit(" ", 1)[-1])
    except ValueError:
        return None
