"""Families of transformers: three tasks side by side, a bar for each family (F172)."""

import numpy as np
from matplotlib.figure import Figure

from experiments.figures.style import COLOURS, GREY, label, nothing, spread, subplots
from experiments.run_directory.results import Results
from experiments.run_directory.settings import TUNED, shown, summarize

FAMILIES = ("decoder-only", "encoder-only", "encoder-decoder")
PANELS = {
    "generation": ("test_loss", "loss, nats a word (lower is better)"),
    "classification": ("test_exact", "share of texts right"),
    "translation": ("test_exact", "share of sentences exact"),
}


def families(run: Results) -> Figure:
    """Means over the seeds with intervals, and every seed as a point; each family at its best rate on validation."""
    groups = {name.split(TUNED, 1)[0]: rows for name, rows in shown(run.rows, run.config["table"]).items()}
    if any(f"{task}: {family}" not in groups for task in PANELS for family in FAMILIES):
        return nothing("this run has not all families on all tasks")
    figure, grid = subplots(1, len(PANELS), width=3.3, height=3.4)
    for axes, (task, (column, meaning)) in zip(grid[0], PANELS.items(), strict=True):
        for place, family in enumerate(FAMILIES):
            values_S = [row[column] for row in groups[f"{task}: {family}"]]
            one = summarize(values_S)
            errors = spread([one], column)
            axes.bar(place, one.mean, yerr=errors, color=COLOURS[place], capsize=4, alpha=0.75)
            axes.scatter(place + np.linspace(-0.2, 0.2, len(values_S)), values_S, s=8, color=GREY, zorder=3)
        axes.set_xticks(range(len(FAMILIES)), [family.replace("-", "-\n") for family in FAMILIES], fontsize="small")
        if task != "generation":
            axes.set_ylim(0, 1.05)
        label(axes, "family", meaning, task)
    return figure
