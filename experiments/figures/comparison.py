"""Comparison of settings: every seed as a point, the mean with its 95 % confidence interval.

A family that varies one strength is there with its best one; the table has them all.
"""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.style import COLOURS, GREY, label, log_scale, panels, quantity, spread
from experiments.run_directory.results import Results, Row
from experiments.run_directory.settings import FAMILY, best_of, choice, family, grids, shown, summarize

COLUMNS = 3  # panels side by side
DECADES = 30.0  # a range wider than this factor gets a logarithmic axis


def comparison(run: Results) -> Figure:
    """One panel for each column of the table, settings from top to bottom under the name of their family."""
    groups = best_strengths(shown(run.rows, run.config["table"]), choice(run.config["table"], run.rows))
    columns = [c for c in run.config["table"] if any(isinstance(row.get(c), (int, float)) for row in run.rows)]
    families = list(dict.fromkeys(family(name) for name in groups))
    colours = colours_of(families)
    # A line for each setting, and one for the name of each family that holds several.
    lines = [line for title in families for line in lines_of(title, [n for n in groups if family(n) == title])]
    longest = max(len(text) for text, _ in lines)
    width, height = 2.9 + 0.03 * longest, max(1.0 + 0.24 * len(lines), 1.8)
    figure, axes = panels(len(columns), columns=COLUMNS, width=width, height=height, sharey=True)
    for axis, column in zip(axes, columns, strict=True):
        for place, (_, name) in enumerate(lines):
            if name is not None:
                draw(axis, place, groups[name], column, colours[family(name)])
        label(axis, quantity(column, run.config).replace(" (", "\n("), "")
        axis.tick_params(axis="y", labelsize="small")
        set_scale(axis, [row for rows in groups.values() for row in rows], column)
    axes[0].set_yticks(np.arange(len(lines)), [text for text, _ in lines])
    for axis in axes:
        for tick, (_, name) in zip(axis.get_yticklabels(), lines, strict=False):
            tick.set_fontweight("bold" if name is None else "normal")
    axes[0].set_ylim(len(lines) - 0.5, -0.5)
    return figure


def colours_of(families: list[str]) -> dict[str, str]:
    """As in `paths`: the families in their order; grey for settings without one, where others have one."""
    named = [name for name in families if name]
    colours = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(named)}
    return colours | {"": GREY if named else COLOURS[0]}


def best_strengths(groups: dict[str, list[Row]], metric: str) -> dict[str, list[Row]]:
    """Settings without the strengths that are not the best of their family; the name says of how many it is the best."""
    name_of = {name: name for name in groups}
    for grid in (grid for grid in grids(groups) if all(map(family, grid))):
        best = best_of(grid, groups, metric)
        name_of = {name: of for name, of in name_of.items() if name not in grid or name == best}
        name_of[best] = f"{best} (best of {len(grid)})"
    return {of: groups[name] for name, of in name_of.items()}


def lines_of(title: str, names: list[str]) -> list[tuple[str, str | None]]:
    """(text, setting) of a family's lines; its own name stands above where it holds several."""
    if len(names) == 1 or not title:
        return [(name, name) for name in names]
    return [(title, None), *((name.removeprefix(title + FAMILY), name) for name in names)]


def set_scale(axes: Axes, rows: list[Row], column: str) -> None:
    """A logarithmic axis where the numbers span decades."""
    numbers = [row[column] for row in rows if isinstance(row.get(column), (int, float)) and math.isfinite(row[column])]
    if numbers and min(numbers) > 0 and max(numbers) / min(numbers) >= DECADES:
        log_scale(axes, "x")
    else:
        axes.locator_params(axis="x", nbins=5)


def draw(axes: Axes, place: int, rows: list[Row], column: str, colour: str) -> None:
    """The seeds of one setting and their mean."""
    values = [row[column] for row in rows if isinstance(row.get(column), (int, float)) and math.isfinite(row[column])]
    summary = summarize(values)
    axes.plot(values, [place] * len(values), "o", color=GREY, markersize=3, alpha=0.45, markeredgewidth=0)
    ends = spread([summary], column)
    axes.errorbar(summary.mean, place, xerr=ends, fmt="D", color=colour, markersize=4.5, capsize=3, linewidth=1.4)
