"""Results against a strength: a column of panels for each number that varies, a row for each column of the table."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from experiments.figures.style import (
    COLOURS,
    GREY,
    LINES,
    MARKERS,
    label,
    legend,
    legend_of_all,
    log_scale,
    nothing,
    panels,
    quantity,
    spread,
    subplots,
)
from experiments.run_directory.results import Results, Row
from experiments.run_directory.settings import by_setting, family, interval, short, summarize

NAMES = {
    "hparams.l1": "strength λ of L1",
    "hparams.l2": "strength λ of L2",
    "hparams.elastic_net": "strength λ of the elastic net",
    "hparams.dropout_rate": "dropout rate (share dropped)",
    "hparams.patience": "patience (evaluations)",
    "hparams.sparsity": "sparsity (share of weights pruned)",
    "hparams.learning_rate": "learning rate",
    "hparams.min_delta": "min_delta (nats)",
    "data.options.length": "length of the sequence (tokens)",
}
MAX_TICKS = 5  # more values than these get the usual ticks
DECADES = 30.0  # a range wider than this factor gets a logarithmic axis
WIDE = 10.0  # the same for what varies
APART = 0.12  # of the axis: least distance of two ticks


def paths(run: Results) -> Figure:
    """Mean and 95 % interval over seeds along each path; settings without a family are the grey band in every panel."""
    families: dict[str, list[Row]] = defaultdict(list)
    for name, rows in by_setting(run.rows).items():
        families[family(name)] += rows
    reference = families.pop("", []) if len(families) > 1 else []
    by_path: dict[str, dict[str, list[Row]]] = defaultdict(dict)
    for name, rows in families.items():
        if (path := varied(rows)) is not None:
            by_path[path][name] = rows
    if not by_path:
        return nothing("nothing varies from setting to setting: no path to draw")
    order = list(families)
    columns = [
        c for c in run.config["table"] if any(changes(rows, c) for lines in by_path.values() for rows in lines.values())
    ]
    if not columns:
        return nothing("no number of the table changes along a path")
    if len(by_path) == 1:
        figure, flat = panels(len(columns), columns=3, width=3.8, height=3.4)
        axes = np.asarray(flat).reshape(-1, 1)
    else:
        figure, axes = subplots(len(columns), len(by_path), width=3.0, height=1.8, sharex="col", sharey="row")
    for column_axes, (path, lines) in zip(axes.T, by_path.items(), strict=True):
        for axis, column in zip(column_axes, columns, strict=True):
            draw_reference(axis, reference, column)
            for name, rows in lines.items():
                draw_path(axis, rows, path, column, name, order.index(name))
            label(axis, NAMES.get(path, path), quantity(column, run.config).replace(" (", "\n("))
            if any(row.get("status") == "diverged" for rows in lines.values() for row in rows):
                axis.plot([], [], "x", color=GREY, label="above: a seed diverged")
            set_scales(axis, [row for rows in lines.values() for row in rows], path, column, run.rows)
            axis.label_outer() if len(by_path) > 1 else None
    if len(by_path) == 1:
        legend(figure, axes[0, 0])
    else:
        legend_of_all(figure, axes[0])
    return figure


def varied(rows: list[Row]) -> str | None:
    """The override whose numbers vary most over these rows."""
    seen: dict[str, set[float]] = defaultdict(set)
    for row in rows:
        for path, value in row["overrides"].items():
            if path != "seed" and isinstance(value, (int, float)) and not isinstance(value, bool):
                seen[path].add(value)
    path = max(seen, key=lambda path: len(seen[path]), default=None)
    return path if path is not None and len(seen[path]) > 1 else None


def changes(rows: list[Row], column: str) -> bool:
    """Whether a column holds different numbers."""
    return len({row[column] for row in rows if isinstance(row.get(column), (int, float))}) > 1


def good(rows: list[Row], column: str) -> list[float]:
    """The values of the runs that did not diverge."""
    return [row[column] for row in rows if column in row and row.get("status") != "diverged"]


def draw_reference(axes: Axes, rows: list[Row], column: str) -> None:
    """A grey band: the interval of a setting without a family."""
    for index, (name, members) in enumerate(by_setting(rows).items()):
        summary = summarize(good(members, column))
        if summary.number:
            axes.axhspan(*interval(summary, column), color=GREY, alpha=0.18, linewidth=0)
            axes.axhline(summary.mean, color=GREY, linestyle=LINES[index + 1], linewidth=1.2, label=short(name))


def draw_path(axes: Axes, rows: list[Row], path: str, column: str, name: str, index: int) -> None:
    """One line: mean and band; runs that diverged are crosses above the axes, where no data are."""
    by_value: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        by_value[row["overrides"][path]].append(row)
    values = sorted(by_value)
    summaries = [summarize(good(by_value[value], column)) for value in values]
    mean_N = np.array([summary.mean for summary in summaries])
    below_N, above_N = spread(summaries, column)
    colour = COLOURS[index]
    axes.plot(values, mean_N, MARKERS[index], linestyle="-", color=colour, markersize=4, label=name)
    axes.fill_between(values, mean_N - below_N, mean_N + above_N, color=colour, alpha=0.2, linewidth=0)
    lost = [value for value in values if any(row.get("status") == "diverged" for row in by_value[value])]
    if lost:
        height = [1.03 + 0.05 * index] * len(lost)
        axes.plot(lost, height, "x", color=colour, markersize=5, transform=axes.get_xaxis_transform(), clip_on=False)


def apart(values: list[float], scale: Callable) -> list[float]:
    """The values whose labels do not touch, from the first one on.

    >>> apart([0.2, 0.5, 0.8, 0.9, 0.95], np.asarray)
    [0.2, 0.5, 0.8, 0.9]
    """
    places = scale(values)
    kept = [0]
    for index in range(1, len(values)):
        if places[index] - places[kept[-1]] >= APART * (places[-1] - places[0]):
            kept.append(index)
    return [values[index] for index in kept]


def set_scales(axes: Axes, rows: list[Row], path: str, column: str, everything: list[Row]) -> None:
    """Logarithmic axes where the numbers span decades."""
    strengths = sorted({row["overrides"][path] for row in rows})
    logarithmic = strengths[0] > 0 and strengths[-1] / strengths[0] >= WIDE
    if logarithmic:
        axes.set_xscale("log")
    if len(strengths) <= MAX_TICKS:
        ticks = apart(strengths, np.log if logarithmic else np.asarray)
        axes.set_xticks(ticks, [f"{strength:g}" for strength in ticks])
        axes.xaxis.set_minor_locator(NullLocator())
    values = [value for value in good(everything, column) if np.isfinite(value)]
    if values and min(values) > 0 and max(values) / min(values) >= DECADES:
        log_scale(axes)
