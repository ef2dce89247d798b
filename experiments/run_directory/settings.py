"""Settings of a sweep: their names, which of them belong together, and which one is shown.

A label says which settings belong together. In `family: name | tuned`, settings of one family share a panel of a figure.
Of settings that differ only in `tuned` (a learning rate, say), table and figures show the best one. The family and the
tuned part may be missing. The choice is made on training or validation data, never on test results.
"""

import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from experiments.run_directory.units import range_of
from nn_core.evidence.claims import chosen_by, larger_is_better
from nn_core.evidence.statistics import t_half_width

FAMILY, TUNED = ": ", " | "  # what separates the parts of a label
NAMES = ("seed", "label")  # overrides that do not belong to a setting
CHOICE = "validation_loss"  # chooses if nothing else is compared

Row = dict[str, Any]
Grid = dict[str, dict[str, float]]  # {setting: {axis: its place}}


class Summary(NamedTuple):
    """A mean with its uncertainty.

    Attributes:
        mean: arithmetic mean; NaN without values.
        half_width: half of the 95 % confidence interval (Student's t); NaN for fewer than two values.
        number: number of finite values.
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


def interval(summary: Summary, column: str) -> tuple[float, float]:
    """The 95 % interval of a mean, ended where the quantity of that column ends: it holds the truth as often.

    >>> interval(Summary(0.94, 0.19, 4), "test_accuracy"), interval(Summary(0.5, 0.1, 4), "test_accuracy")
    ((0.75, 1.0), (0.4, 0.6))
    """
    low, high = range_of(column)
    ends = summary.mean - summary.half_width, summary.mean + summary.half_width
    return max(ends[0], min(low, summary.mean)), min(ends[1], max(high, summary.mean))


def by_setting(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The rows of each setting, in the order of its first member. Settings are distinguished by their values and never by
    how these are printed: rates of 0.99999 and 0.999999 are different."""
    groups: dict[str, list[Row]] = {}
    for name, row in zip(setting_names(rows), rows, strict=True):
        groups.setdefault(name, []).append(row)
    return groups


def setting_names(rows: Sequence[Row]) -> list[str]:
    """The name of each row's setting: its label, or its overrides without the seed.

    >>> setting_names([{"overrides": {"hparams.beta2": 0.99999}}, {"overrides": {"hparams.beta2": 0.999999}}])
    ['beta2=0.99999', 'beta2=0.999999']
    """
    keys = [(row.get("label") or "", json.dumps(values(row), sort_keys=True)) for row in rows]
    names = {key: row.get("label") or written(values(row), show) for key, row in zip(keys, rows, strict=True)}
    shared = {name for name in names.values() if sum(other == name for other in names.values()) > 1}
    # Settings that differ but print alike get all digits.
    exact = {
        key: ", ".join(filter(None, (row.get("label"), written(values(row), repr))))
        for key, row in zip(keys, rows, strict=True)
    }
    return [exact[key] if names[key] in shared else str(names[key]) for key in keys]


def values(row: Row) -> dict[str, Any]:
    """What a row's setting changes."""
    return {path: value for path, value in row.get("overrides", {}).items() if path not in NAMES}


def written(changes: Mapping[str, Any], spell: Any) -> str:
    """Changes as a setting's name."""
    return ", ".join(f"{path.rsplit('.', 1)[-1]}={spell(value)}" for path, value in changes.items()) or "run"


def show(value: Any) -> str:
    """A value for display: four significant digits."""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, tuple):
        return "-".join(str(part) for part in value) or "()"
    return str(value)


def family(name: str) -> str:
    """The part of a setting's name before the colon; "" if there is none.

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
    """The part of a setting's name after the bar; "" if there is none."""
    return name.split(TUNED, 1)[1] if TUNED in name else ""


def score(rows: Iterable[Row], metric: str = CHOICE) -> float:
    """A setting's mean of a metric, signed so that lower is better. It is infinite if a seed diverged or has no value,
    because the last numbers of a diverged run mean nothing."""
    rows = list(rows)
    if any(row.get("status") == "diverged" for row in rows):
        return math.inf
    summary = summarize(row.get(metric) for row in rows)
    if summary.number < len(rows) or not rows:
        return math.inf
    return -summary.mean if larger_is_better(metric) else summary.mean


def choice(columns: Sequence[str], rows: Sequence[Row]) -> str:
    """The metric that chooses among tuned settings, from the first column that can be better or worse.

    Args:
        columns: of the table, the most important first.
        rows: of the run.
    Returns:
        Its training or validation metric; the validation loss if the rows have neither.
    """
    return next(
        (name for column in columns if (name := chosen_by(column)) and any(name in row for row in rows)), CHOICE
    )


def chosen(groups: Mapping[str, list[Row]], metric: str = CHOICE) -> dict[str, list[Row]]:
    """Keeps, of settings that differ only in their tuned part, the best one.

    Args:
        groups: result of `by_setting`.
        metric: result of `choice`.
    Returns:
        The remaining groups, in order, under their full names.
    """
    best: dict[str, str] = {}
    for name, rows in groups.items():
        place = name.split(TUNED, 1)[0]
        if place not in best or score(rows, metric) < score(groups[best[place]], metric):
            best[place] = name
    return {name: groups[name] for name in best.values()}


def shown(rows: Sequence[Row], columns: Sequence[str]) -> dict[str, list[Row]]:
    """The rows of each setting shown in a table with these columns and in its figures."""
    return chosen(by_setting(rows), choice(columns, rows))


def at_the_edge(groups: Mapping[str, list[Row]], metric: str = CHOICE) -> dict[str, str]:
    """The settings that are the best of their grid and lie at its edge, so the grid may be too narrow.

    Where one that lies inside is as good, nothing says that a better one lies beyond.

    Args:
        groups, metric: as in `chosen`.
    Returns:
        {name of the setting: "smallest" or "largest", of a grid with several axes "largest learning rate"}.
    """
    best = {best_of(grid, groups, metric): grid for grid in grids(groups)}
    told = {name: " and ".join(ends_of(grid, name)) for name, grid in best.items()}
    return {name: text for name, text in told.items() if text and math.isfinite(score(groups[name], metric))}


def best_of(grid: Grid, groups: Mapping[str, list[Row]], metric: str = CHOICE) -> str:
    """The best setting of a grid; of several that are equally good the one farthest inside, then the first."""
    scores = {name: score(groups[name], metric) for name in grid}
    best = [name for name in grid if scores[name] == min(scores.values())]
    return min(best, key=lambda name: len(ends_of(grid, name)))


def ends_of(grid: Grid, name: str) -> list[str]:
    """The axes of a grid of which a setting has the smallest or the largest value."""
    axes = {axis for values in grid.values() for axis in values}
    told = []
    for axis, value in grid[name].items():
        tried = [values[axis] for values in grid.values() if axis in values]
        if value in (min(tried), max(tried)):
            shown_axis = axis.rsplit(".", 1)[-1].replace("_", " ") if len(axes) > 1 else ""
            told.append(f"{'smallest' if value == min(tried) else 'largest'} {shown_axis}".strip())
    return told


def grids(groups: Mapping[str, list[Row]]) -> list[Grid]:
    """The settings among which one is chosen by a number, grid by grid, with their place on each of its axes.

    A grid consists of settings that differ only in the tuned part; of a family that varies one of config.hparams; or of
    all settings without a label, as a search has them, on each axis with at least three values. A named setting without
    a family belongs to none.
    """
    places: dict[str, list[str]] = {}
    for name, rows in groups.items():
        if TUNED in name or family(name) or not rows[0].get("label"):
            places.setdefault(name.split(TUNED, 1)[0] + TUNED if TUNED in name else family(name), []).append(name)
    found = []
    for place, names in places.items():
        changed = {name: values(groups[name][0]) for name in names}
        if place.endswith(TUNED):
            grid = varied(changed) or varied({name: {"": tuned_value(name)} for name in names})
        elif place:
            grid = varied(changed, "hparams.") if len(paths_of(changed)) == 1 else {}
        else:
            grid = varied(changed, at_least=3)
        if grid:
            found.append(grid)
    return found


def paths_of(changed: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The paths in which settings differ."""
    paths = dict.fromkeys(path for own in changed.values() for path in own)
    return [path for path in paths if len({repr(own.get(path)) for own in changed.values()}) > 1]


def varied(changed: Mapping[str, Mapping[str, Any]], beginning: str = "", at_least: int = 2) -> Grid:
    """The numbers in which settings differ, {setting: {path: value}}; empty if there are none.

    Args:
        changed: what each setting changes.
        beginning: of the paths that count.
        at_least: values of a path that counts; every setting must have one.
    """
    kept = []
    for path in paths_of(changed):
        tried = [own.get(path) for own in changed.values()]
        numbers = all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in tried)
        if path.startswith(beginning) and numbers and len(set(tried)) >= at_least:
            kept.append(path)
    return {name: {path: float(own[path]) for path in kept} for name, own in changed.items()} if kept else {}


def tuned_value(name: str) -> float | None:
    """The number at the end of a setting's tuned part; None if there is none."""
    try:
        return float(tuned(name).rsplit(" ", 1)[-1])
    except ValueError:
        return None
