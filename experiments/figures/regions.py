"""Predictions of classifiers with two features over the plane, their training points, and a verdict on each."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from experiments.figures.style import COLOURS, MARKERS, label, nothing, outer, panels
from experiments.run_directory.results import Results, Row
from experiments.run_directory.settings import short, shown, summarize
from experiments.run_directory.table import verdicts


def regions(run: Results) -> Figure:
    """A panel for each setting, with its first seed."""
    groups = recorded(run)
    if not groups:
        return nothing("no regions were recorded: add --config.task.record=regions")
    verdict = verdicts(groups)
    figure, axes = panels(len(groups), columns=3, width=4.2, height=4.4, sharex=True, sharey=True)
    for axis, (name, rows) in zip(axes, groups.items(), strict=True):
        first = next(row for row in rows if "regions" in row)
        draw(axis, first)
        losses = [summarize(row.get(f"{split}_loss") for row in rows).mean for split in ("train", "validation")]
        title = f"{short(name)}: {verdict[name]}\nloss {losses[0]:.2f} train, {losses[1]:.2f} validation (nats)"
        label(axis, "first feature", "second feature", title)
        axis.grid(False)
    outer(axes)
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names), frameon=False)
    return figure


def recorded(run: Results) -> dict[str, list[Row]]:
    """The settings of which regions were recorded."""
    groups = shown(run.rows, run.config["table"])
    return {name: rows for name, rows in groups.items() if any("regions" in row for row in rows)}


def draw(axes: Axes, row: Row) -> AxesImage:
    """Regions as pale colours, training points on them; returns the picture of the regions."""
    classes = int(max(np.max(row["regions"]), np.max(row["points"][:, 2]))) + 1
    image = axes.imshow(
        row["regions"],
        origin="lower",
        extent=tuple(row["extent"]),
        cmap=ListedColormap(COLOURS[:classes]),
        vmin=-0.5,
        vmax=classes - 0.5,
        alpha=0.25,
        aspect="auto",
        interpolation="nearest",
    )
    for index in range(classes):
        points = row["points"][row["points"][:, 2] == index]
        style: dict[str, Any] = {
            "color": COLOURS[index],
            "markeredgecolor": "white",
            "markeredgewidth": 0.5,
            "markersize": 6,
        }
        axes.plot(*points[:, :2].T, MARKERS[index], linestyle="", label=f"class {index}, training", **style)
    return image
