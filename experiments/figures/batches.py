"""Batch sizes: the loss against epochs (the work) and against updates, and the final loss against the learning rate."""

from collections import defaultdict
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.learning_curves import series
from experiments.figures.style import (
    COLOURS,
    MARKERS,
    band,
    label,
    legend,
    log_scale,
    nothing,
    quantity,
    spread,
    subplots,
)
from experiments.run_directory.results import Results, Row
from experiments.run_directory.settings import TUNED, by_setting, short, shown, summarize, tuned

METRIC = "train_loss"


def batches(run: Results) -> Figure:
    """Three panels, a line for each batch size at its best rate on validation."""
    groups = by_setting(run.rows)
    if not all(rows[0]["overrides"].get("data.batch_size") for rows in groups.values()):
        return nothing("no batch size varies: set data.batch_size in the sweep")
    figure, axes = subplots(1, 3, width=4.4, height=4.0, sharey=True)
    for index, (name, rows) in enumerate(shown(run.rows, run.config["table"]).items()):
        steps, values_SN = series(run, METRIC, {row["member"] for row in rows})
        per_epoch = -(-run.config["data"]["train"] // rows[0]["overrides"]["data.batch_size"])
        text = f"{short(name)} ({tuned(name)})" if tuned(name) else short(name)
        band(axes[0][0], [step / per_epoch for step in steps], values_SN, text, index, column=METRIC)
        # On a logarithmic axis the start is nowhere: the curves begin at the first evaluation after it.
        band(axes[0][1], steps[1:], values_SN[:, 1:], text, index, column=METRIC)
        for axis, places in ((axes[0][0], [step / per_epoch for step in steps]), (axes[0][1], steps)):
            axis.plot(places[1:], values_SN.mean(axis=0)[1:], MARKERS[index], color=COLOURS[index], markersize=3)
        draw_rates(axes[0][2], groups, name, index)
    examples = run.config["data"]["train"]
    label(axes[0][0], f"epoch ({examples} examples of work)", quantity(METRIC, run.config), "per work")
    label(axes[0][1], "update", "", "per update")
    label(axes[0][2], "learning rate", "", "at the end, if none diverged")
    log_scale(axes[0][1], "x")
    log_scale(axes[0][0])
    log_scale(axes[0][2], "x")
    legend(figure, axes[0][0])
    return figure


def draw_rates(axes: Axes, groups: dict[str, list[Row]], name: str, index: int) -> None:
    """The final loss of one batch size at every rate at which no seed diverged."""
    by_rate: dict[float, list[Row]] = defaultdict(list)
    for setting, rows in groups.items():
        sound = all(row["status"] != "diverged" for row in rows)
        if sound and setting.split(TUNED, 1)[0] == name.split(TUNED, 1)[0]:
            by_rate[rows[0]["overrides"].get("hparams.learning_rate", np.nan)] += rows
    rates = sorted(by_rate)
    summaries = [summarize(row[METRIC] for row in by_rate[rate]) for rate in rates]
    means, ends = [summary.mean for summary in summaries], spread(summaries, METRIC)
    look: dict[str, Any] = {"color": COLOURS[index], "marker": MARKERS[index], "markersize": 4, "capsize": 2}
    axes.errorbar(rates, means, yerr=ends, **look)
