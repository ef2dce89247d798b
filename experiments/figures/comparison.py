"""Comparison of settings: every seed as a point, the mean with its 95 % confidence interval."""

import numpy as np
from matplotlib.figure import Figure

from experiments.figures.style import COLOURS, label, subplots
from experiments.results import Results
from experiments.table import by_setting, summarize


def comparison(run: Results) -> Figure:
    """One panel for each column of the table, settings from top to bottom."""
    groups = by_setting(run.rows)
    columns = [c for c in run.config["table"] if any(isinstance(row.get(c), (int, float)) for row in run.rows)]
    figure, axes = subplots(1, len(columns), width=3.4, height=0.9 + 0.28 * len(groups))
    heights = np.arange(len(groups))
    for axis, column in zip(axes[0], columns, strict=True):
        for height, rows in zip(heights, groups.values(), strict=True):
            values = [row[column] for row in rows if isinstance(row.get(column), (int, float))]
            summary = summarize(values)
            axis.plot(values, [height] * len(values), "o", color=COLOURS[5], markersize=3, alpha=0.6)
            axis.errorbar(
                summary.mean,
                height,
                xerr=np.nan_to_num(summary.half_width),
                fmt="D",
                color=COLOURS[0],
                markersize=4,
                capsize=3,
            )
        label(axis, column.replace("_", " "), "")
        axis.set_yticks(heights, list(groups) if axis is axes[0][0] else [""] * len(groups))
        axis.invert_yaxis()
    return figure
