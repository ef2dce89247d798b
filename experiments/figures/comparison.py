"""Comparison of settings: every seed as a point, the mean with its 95 % confidence interval."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.style import COLOURS, GREY, label, panels, quantity
from experiments.run_directory.results import Results, Row
from experiments.run_directory.settings import family, shown, summarize

COLUMNS = 3  # panels side by side; four stand two by two


def comparison(run: Results) -> Figure:
    """One panel for each column of the table, settings from top to bottom, a colour for each family."""
    groups = shown(run.rows, run.config["table"])
    columns = [c for c in run.config["table"] if any(isinstance(row.get(c), (int, float)) for row in run.rows)]
    longest = max(map(len, groups))
    width, height = 2.9 + 0.03 * longest, 1.0 + 0.26 * len(groups)
    figure, axes = panels(
        len(columns), columns=2 if len(columns) == 4 else COLUMNS, width=width, height=height, sharey=True
    )
    families = list(dict.fromkeys(family(name) for name in groups))
    for axis, column in zip(axes, columns, strict=True):
        for place, (name, rows) in enumerate(groups.items()):
            draw(axis, place, rows, column, COLOURS[families.index(family(name)) % len(COLOURS)])
        label(axis, quantity(column, run.config), "")
        axis.tick_params(axis="y", labelsize="small")
    axes[0].set_yticks(np.arange(len(groups)), list(groups))
    axes[0].set_ylim(len(groups) - 0.5, -0.5)
    return figure


def draw(axes: Axes, place: int, rows: list[Row], column: str, colour: str) -> None:
    """The seeds of one setting and their mean."""
    values = [row[column] for row in rows if isinstance(row.get(column), (int, float)) and math.isfinite(row[column])]
    summary = summarize(values)
    axes.plot(values, [place] * len(values), "o", color=GREY, markersize=3, alpha=0.45, markeredgewidth=0)
    spread = np.nan_to_num(summary.half_width)
    axes.errorbar(summary.mean, place, xerr=spread, fmt="D", color=colour, markersize=4.5, capsize=3, linewidth=1.4)
