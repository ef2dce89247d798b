"""Confusion matrices on the test split, summed over seeds: which class is taken for which."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.style import label, nothing, panels
from experiments.run_directory.results import Results, Row
from experiments.run_directory.settings import shown


def confusion(run: Results) -> Figure:
    """A panel for each setting; colour is the share of the true class, numbers are examples of all seeds."""
    groups = {
        name: rows
        for name, rows in shown(run.rows, run.config["table"]).items()
        if any("confusion" in row for row in rows)
    }
    if not groups:
        return nothing("no confusion was recorded: add --config.task.record=confusion")
    figure, axes = panels(len(groups), columns=2, width=5.2, height=4.8)
    for axis, (name, rows) in zip(axes, groups.items(), strict=True):
        image = draw(axis, rows)
        label(axis, "predicted class", "true class", name)
        axis.grid(False)
    figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.6)
    return figure


def draw(axes: Axes, rows: list[Row]):
    """One matrix; returns its image, for the colour bar."""
    counts_CC = np.sum([row["confusion"] for row in rows if "confusion" in row], axis=0)
    shares_CC = counts_CC / np.maximum(counts_CC.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares_CC, cmap="Blues", vmin=0.0, vmax=1.0)
    size = "small" if len(counts_CC) > 5 else "large"
    ticks = range(len(counts_CC))
    axes.set_xticks(ticks)
    axes.set_yticks(ticks)
    for truth in ticks:
        for guess in ticks:
            if counts_CC[truth, guess]:
                colour = "white" if shares_CC[truth, guess] > 0.5 else "black"
                text = f"{counts_CC[truth, guess]:.0f}"
                axes.text(guess, truth, text, ha="center", va="center", color=colour, fontsize=size)
    return image
