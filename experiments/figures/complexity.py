"""The model-complexity graph: error against epochs and against width, the best points marked."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.learning_curves import series
from experiments.figures.style import COLOURS, band, below, label, log_scale, nothing, quantity, subplots
from experiments.run_directory.results import Results, Row
from experiments.run_directory.settings import by_setting, family, summarize

SPLITS = ("train_loss", "validation_loss")


def complexity(run: Results) -> Figure:
    """Left: the widest network over time. Right: every width at the end. Stars: the lowest mean validation loss."""
    by_width = {
        rows[0]["overrides"]["model.hidden_sizes"][0]: rows
        for rows in by_setting(run.rows).values()
        if rows[0]["overrides"].get("model.hidden_sizes")
    }
    stopped = [row for row in run.rows if family(row["label"]) == "early stopping"]
    if not by_width:
        return nothing("no width varies: set model.hidden_sizes in the sweep")
    figure, axes = subplots(1, 2, width=5.4, height=4.6, sharey=True)
    widest = max(by_width)
    draw_epochs(axes[0][0], run, by_width[widest], stopped)
    axes[0][0].set_xscale("symlog", linthresh=run.config["train"]["eval_every"])
    axes[0][0].set_xlim(left=0)
    label(axes[0][0], "epoch (one update: all examples)", "loss (nats)", f"{widest} units, over time")
    draw_widths(axes[0][1], by_width, run.config)
    label(axes[0][1], "hidden units", "loss (nats)", f"at the end, after {run.config['train']['steps']} epochs")
    for axis in axes[0]:
        log_scale(axis)
        below(axis)
    return figure


def mark(axes: Axes, x: float, y: float, text: str, marker: str = "*", colour: str = COLOURS[2]) -> None:
    """A marker that is named in the legend."""
    axes.plot(x, y, marker, color=colour, markersize=14 if marker == "*" else 9, markeredgecolor="black", label=text)


def draw_epochs(axes: Axes, run: Results, rows: list[Row], stopped: list[Row]) -> None:
    """Both losses over time; the epoch of the lowest mean validation loss; what early stopping chose, seed by seed."""
    members = {row["member"] for row in rows}
    for index, metric in enumerate(SPLITS):
        steps, values_SN = series(run, metric, members)
        band(axes, steps, values_SN, quantity(metric, run.config), index, column=metric)
    mean_N = np.nanmean(values_SN, axis=0)
    best = int(np.argmin(mean_N))
    mark(axes, steps[best], mean_N[best], f"lowest mean validation loss: epoch {steps[best]}")
    if stopped:
        chosen = summarize(row["best_step"] for row in stopped)
        losses = summarize(row["validation_loss"] for row in stopped)
        text = f"early stopping goes back to epoch {chosen.mean:.0f} (mean; ticks: every seed)"
        mark(axes, chosen.mean, losses.mean, text, "D", COLOURS[4])
        axes.plot(
            [row["best_step"] for row in stopped],
            [0.02] * len(stopped),
            "|",
            color=COLOURS[4],
            markersize=12,
            transform=axes.get_xaxis_transform(),
        )


def draw_widths(axes: Axes, by_width: dict[int, list[Row]], config: dict) -> None:
    """Final losses of every width and the best of them."""
    widths = sorted(by_width)
    for index, metric in enumerate(SPLITS):
        seeds = min(len(by_width[width]) for width in widths)
        values_SN = np.array([[by_width[width][seed][metric] for width in widths] for seed in range(seeds)])
        band(axes, widths, values_SN, quantity(metric, config), index, column=metric)
        axes.plot(widths, values_SN.mean(axis=0), "o", color=COLOURS[index], markersize=4)
    mean_N = values_SN.mean(axis=0)
    best = int(np.argmin(mean_N))
    mark(axes, widths[best], mean_N[best], f"lowest mean validation loss: {widths[best]} units")
    axes.set_xscale("log", base=2)
    axes.set_xticks(widths, [str(width) for width in widths])
