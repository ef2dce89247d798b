"""One spelling, two meanings: the vectors of "date", and their cosines within and between the meanings (F095)."""

import numpy as np
from matplotlib.figure import Figure

from experiments.figures.style import COLOURS, GREY, label, nothing, subplots
from experiments.run_directory.results import Results

MEANINGS = ("fruit", "day")


def contextual_vectors(run: Results) -> Figure:
    """Left: the first seed's vectors on their two main axes. Right: cosines of every seed beside those of a table."""
    if "points" not in run.arrays:
        return nothing("this run has no vectors")
    figure, grid = subplots(1, 2, width=4.4, height=3.4)
    left, right = grid[0]
    points_N2, meanings_N = run.arrays["points"], run.arrays["meanings"]
    for meaning, name in enumerate(MEANINGS):
        chosen = points_N2[meanings_N == meaning]
        left.scatter(chosen[:, 0], chosen[:, 1], s=16, color=COLOURS[meaning], label=f"date: {name}")
    left.legend(fontsize="small", frameon=False)
    label(left, "first main axis", "second main axis", "")
    columns = ("within", "between", "static_within", "static_between")
    for place, column in enumerate(columns):
        values_S = run.arrays[column]
        colour = GREY if column.startswith("static") else COLOURS[place]
        right.scatter(np.full(len(values_S), place), values_S, s=14, color=colour)
    right.set_xticks(range(len(columns)), ("within", "between", "table,\nwithin", "table,\nbetween"), fontsize="small")
    right.set_ylim(min(0.0, float(run.arrays["between"].min()) - 0.05), 1.05)
    label(right, "pairs of sentences", "cosine of two sentences' vectors", "")
    return figure
