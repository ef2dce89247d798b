"""Learning-rate schedules: the rate over time, and its effect on training (F064, F065)."""

from collections import defaultdict

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.learning_curves import series
from experiments.figures.style import COLOURS, GREY, band, label, legend, log_scale, quantity, spread, subplots
from experiments.run_directory.results import Results, Row
from experiments.run_directory.settings import TUNED, by_setting, short, shown, summarize, tuned
from nn_core.schedules import make_schedule

METRIC = "train_loss"


def schedules(run: Results) -> Figure:
    """A column for each schedule: its factor, training at its best rate, final loss against rate; the first in grey."""
    groups = by_setting(run.rows)
    best = shown(run.rows, run.config["table"])
    by_rate: dict[str, dict[float, list[Row]]] = defaultdict(dict)
    for name, rows in groups.items():
        rate = rows[0]["overrides"].get("hparams.learning_rate", run.config["hparams"]["learning_rate"])
        by_rate[name.split(TUNED, 1)[0]][rate] = rows
    first = next(iter(best))
    width = 1.8 if len(best) > 1 else 4.2  # a single run needs room for the legend
    figure, axes = subplots(3, len(best), width=width, height=2.1, sharex="row", sharey="row")
    for place, (column, (name, rows)) in enumerate(zip(axes.T, best.items(), strict=True)):
        if place:
            draw_training(column[1], run, best[first], short(first), GREY)
            draw_rates(column[2], by_rate[first.split(TUNED, 1)[0]], GREY)
        draw_factor(column[0], run, rows[0])
        draw_training(column[1], run, rows, "this schedule", COLOURS[0])
        draw_rates(column[2], by_rate[name.split(TUNED, 1)[0]], COLOURS[0])
        names = ("factor of the rate", quantity(METRIC, run.config), f"final {quantity(METRIC, run.config)}")
        titles = (short(name), f"best: {tuned(name)}" if tuned(name) else "", "")
        for axis, x, y, title in zip(column, ("update", "update", "learning rate"), names, titles, strict=True):
            label(axis, x, "" if place else y, title)
            axis.title.set_fontsize("medium")
        for axis in column[:2]:
            axis.locator_params(axis="x", nbins=3)
    log_scale(axes[1][0])
    log_scale(axes[2][0])
    log_scale(axes[2][0], "x")
    legend(figure, axes[1][-1])
    return figure


def draw_factor(axes: Axes, run: Results, row: Row) -> None:
    """The pure function itself, at every update."""
    section = dict(run.config["schedule"])
    section |= {path.split(".")[1]: value for path, value in row["overrides"].items() if path.startswith("schedule.")}
    steps = max(run.config["train"]["steps"], 1)
    schedule = make_schedule(section.pop("name"), total_steps=steps, **section)
    axes.plot(np.arange(steps), np.asarray(schedule(np.arange(steps))), color=COLOURS[0])


def draw_training(axes: Axes, run: Results, rows: list[Row], name: str, colour: str) -> None:
    """The loss over time, with a band over seeds."""
    steps, values_SN = series(run, METRIC, {row["member"] for row in rows})
    if len(values_SN):
        band(axes, steps, values_SN, name, 0, colour, column=METRIC)


def draw_rates(axes: Axes, by_rate: dict[float, list[Row]], colour: str) -> None:
    """The final loss against the learning rate; a rate at which a seed diverged is left out."""
    sound = {rate: rows for rate, rows in by_rate.items() if all(row["status"] != "diverged" for row in rows)}
    rates = sorted(sound)
    summaries = [summarize(row[METRIC] for row in sound[rate]) for rate in rates]
    means = [summary.mean for summary in summaries]
    axes.errorbar(rates, means, yerr=spread(summaries, METRIC), fmt="o-", color=colour, markersize=4, capsize=2)
