"""Early stopping on one seed: the validation curve, where each patience stops, and which parameters it goes back to."""

from collections import defaultdict
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.learning_curves import series
from experiments.figures.style import COLOURS, GREY, MARKERS, below, label, log_scale, nothing, panels, quantity
from experiments.run_directory.results import Results, Row
from experiments.run_directory.settings import family

METRIC = "validation_loss"


def stopping(run: Results) -> Figure:
    """A panel for each family (min_delta), with the first seed of the run."""
    families: dict[str, list[Row]] = defaultdict(list)
    first = run.rows[0]["seed"]
    for row in run.rows:
        if row["seed"] == first:
            families[family(row["label"])].append(row)
    alone = [row for row in families[""] if "best_step" not in row]
    families = {
        name: stopping for name, rows in families.items() if (stopping := [r for r in rows if "best_step" in r])
    }
    if not families:
        return nothing("no run keeps its best parameters: set config.hparams.patience")
    figure, axes = panels(len(families), columns=3, width=4.2, height=3.8, sharey=True)
    for place, (axis, (name, rows)) in enumerate(zip(axes, families.items(), strict=True)):
        last = 1.2 * max(row["steps"] for own in families.values() for row in own)
        draw_curves(axis, run, alone or rows[-1:], last, named=place == 0)
        for index, row in enumerate(rows):
            draw_choice(axis, run, row, index)
        label(axis, "update", quantity("loss", run.config), f"{name or 'early stopping'}, seed {first}")
        log_scale(axis)
        below(axis)
    return figure


def draw_curves(axes: Axes, run: Results, rows: list[Row], last: float, *, named: bool) -> None:
    """Training and validation loss of a run that never stops, up to the update `last`; the legend names them once."""
    for row in rows:
        for metric, style in ((METRIC, "-"), ("train_loss", ":")):
            steps, values = series(run, metric, {row["member"]})
            if len(values):
                shown = [step for step in steps if step <= last]
                name: dict[str, Any] = {"label": quantity(metric, run.config)} if named else {}
                axes.plot(shown, values[0][: len(shown)], style, color=GREY, linewidth=1.2, **name)


def draw_choice(axes: Axes, run: Results, row: Row, index: int) -> None:
    """A vertical line where a run stopped, a marker where its parameters come from."""
    steps, values = series(run, METRIC, {row["member"]})
    colour, patience = COLOURS[index], row["overrides"].get("hparams.patience", run.config["hparams"]["patience"])
    name = "never stops" if patience is None else f"patience {patience:g}"
    name += f": restores {row['best_step']}, ends at {row['steps']}"
    if row["status"] == "stopped":
        axes.axvline(row["steps"], color=colour, linestyle="--", linewidth=1.2)
    if not len(values) or row["best_step"] not in steps:
        return  # nothing of it was logged
    best = values[0][steps.index(row["best_step"])]
    # Hollow, and smaller one after the other: choices that coincide stay visible inside each other.
    look: dict[str, Any] = {
        "markersize": 13 - 2 * index,
        "markerfacecolor": "none",
        "markeredgewidth": 2,
        "linestyle": "",
    }
    axes.plot(row["best_step"], best, MARKERS[index], color=colour, label=name, **look)
