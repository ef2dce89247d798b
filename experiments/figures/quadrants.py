"""Transfer learning: test accuracy of the four cases in every quadrant of size and similarity (F077, C12)."""

import numpy as np
from matplotlib.figure import Figure

from experiments.figures.style import COLOURS, GREY, MARKERS, label, spread, subplots
from experiments.run_directory.results import Results
from experiments.run_directory.settings import family, short, shown, summarize, tuned

METRIC = "test_accuracy"


def quadrants(run: Results) -> Figure:
    """A row of panels for each kind of source, a panel for each size, a line for each case at its chosen rate."""
    groups = shown(run.rows, run.config["table"])
    families = list(dict.fromkeys(family(name) for name in groups))
    kinds = list(dict.fromkeys(name.split(" ", 1)[1] for name in families))
    sizes = list(dict.fromkeys(name.split(" ", 1)[0] for name in families))
    figure, axes = subplots(len(kinds), len(sizes), width=3.3, height=2.0, sharex=True)
    for title in families:
        size, kind = title.split(" ", 1)
        axis = axes[kinds.index(kind), sizes.index(size)]
        own = {name: rows for name, rows in groups.items() if family(name) == title}
        for place, rows in enumerate(own.values()):
            values = [row[METRIC] for row in rows]
            axis.plot(values, [place] * len(values), "o", color=GREY, markersize=3, alpha=0.4, markeredgewidth=0)
            found = summarize(values)
            ends = spread([found], METRIC)
            axis.errorbar(found.mean, place, xerr=ends, fmt=MARKERS[place], color=COLOURS[place], capsize=3)
        axis.set_yticks(np.arange(len(own)), [f"{short(name).split(',')[0]} ({tuned(name)})" for name in own])
        axis.set_ylim(len(own) - 0.5, -0.5)
        axis.tick_params(axis="y", labelsize="small")
        label(axis, "test accuracy (share right)", "", f"{size} examples, {kind}")
        axis.title.set_fontsize("medium")
    names = {short(name): None for name in groups}
    figure.legend(
        [axes[0, 0].plot([], [], MARKERS[i], color=COLOURS[i])[0] for i in range(len(names))],
        list(names),
        loc="outside lower center",
        ncols=2,
        frameon=False,
        fontsize="small",
    )
    return figure
