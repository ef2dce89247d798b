"""How much a result depends on the learning rate: a panel for each family, a line for each of its settings."""

from collections import defaultdict

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.style import (
    BAND,
    COLOURS,
    GREY,
    MARKERS,
    label,
    legend,
    log_scale,
    nothing,
    outer,
    panels,
    quantity,
    spread,
)
from experiments.run_directory.results import Results, Row
from experiments.run_directory.settings import by_setting, family, short, shown, summarize
from nn_core.evidence.claims import direction


def sensitivity(run: Results) -> Figure:
    """What the table compares against the learning rate; the chosen rate is large, crosses above: a seed diverged."""
    columns, best = run.config["table"], shown(run.rows, run.config["table"])
    metric = next((c for c in columns if direction(c) and any(c in row for row in run.rows)), None)
    families: dict[str, dict[str, dict[float, list[Row]]]] = defaultdict(lambda: defaultdict(dict))
    chosen: dict[tuple[str, str], float] = {}
    for name, rows in by_setting(run.rows).items():
        rate = rows[0]["overrides"].get("hparams.learning_rate")
        if rate is not None:
            families[family(name)][short(name)][rate] = rows
            if name in best:
                chosen[family(name), short(name)] = rate
    if not families or metric is None:
        return nothing("no learning rate varies, or nothing is compared: nothing to draw")
    figure, axes = panels(len(families), columns=4, width=2.8, height=2.7, sharex=True, sharey=True)
    for axis, (title, lines) in zip(axes, families.items(), strict=True):
        for index, (name, by_rate) in enumerate(lines.items()):
            draw(axis, by_rate, metric, name, index, chosen.get((title, name)))
        label(axis, "learning rate", quantity(metric, run.config), title)
        axis.title.set_y(1.12)
    axes[0].set_xscale("log")
    if direction(metric) < 0:
        log_scale(axes[0])
    outer(axes)
    axes[0].plot([], [], "x", color=GREY, label="above: a seed diverged")
    legend(figure, axes[0])
    return figure


def draw(axes: Axes, by_rate: dict[float, list[Row]], metric: str, name: str, index: int, chosen: float | None) -> None:
    """One line with its band."""
    rates = sorted(by_rate)
    sound = {rate: [row[metric] for row in by_rate[rate] if row["status"] != "diverged"] for rate in rates}
    summaries = [summarize(sound[rate]) for rate in rates]
    mean_N = np.array([summary.mean for summary in summaries])
    below_N, above_N = spread(summaries, metric)
    axes.plot(rates, mean_N, color=COLOURS[index], marker=MARKERS[index], markersize=3, label=name)
    axes.fill_between(rates, mean_N - below_N, mean_N + above_N, color=COLOURS[index], alpha=0.2, linewidth=0, gid=BAND)
    if chosen is not None:
        axes.plot(chosen, mean_N[rates.index(chosen)], MARKERS[index], color=COLOURS[index], markersize=9)
    lost = [rate for rate in rates if any(row["status"] == "diverged" for row in by_rate[rate])]
    if lost:
        axes.plot(
            lost,
            [1.04 + 0.06 * index] * len(lost),
            "x",
            color=COLOURS[index],
            transform=axes.get_xaxis_transform(),
            clip_on=False,
        )
