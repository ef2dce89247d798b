"""How much a result depends on the learning rate: a panel for each family, a line for each of its settings."""

from collections import defaultdict

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.style import COLOURS, GREY, MARKERS, label, legend, nothing, panels, quantity
from experiments.run_directory.results import Results, Row
from experiments.run_directory.settings import by_setting, family, short, summarize

METRIC = "test_accuracy"


def sensitivity(run: Results) -> Figure:
    """Accuracy against the learning rate; crosses where a seed diverged."""
    families: dict[str, dict[str, dict[float, list[Row]]]] = defaultdict(lambda: defaultdict(dict))
    for name, rows in by_setting(run.rows).items():
        if "hparams.learning_rate" in rows[0]["overrides"] and METRIC in rows[0]:
            families[family(name)][short(name)][rows[0]["overrides"]["hparams.learning_rate"]] = rows
    if not families:
        return nothing("no learning rate varies, or there is no accuracy: nothing to compare")
    figure, axes = panels(len(families), columns=4, width=2.8, height=2.7, sharex=True, sharey=True)
    for axis, (title, lines) in zip(axes, families.items(), strict=True):
        for index, (name, by_rate) in enumerate(lines.items()):
            draw(axis, by_rate, name, index)
        label(axis, "learning rate", quantity(METRIC, run.config), title)
    axes[0].set_xscale("log")
    for axis in axes:
        axis.label_outer()
    legend(figure, axes[0])
    return figure


def draw(axes: Axes, by_rate: dict[float, list[Row]], name: str, index: int) -> None:
    """One line with its band."""
    rates = sorted(by_rate)
    summaries = [summarize(row[METRIC] for row in by_rate[rate]) for rate in rates]
    mean_N = np.array([summary.mean for summary in summaries])
    half_N = np.nan_to_num(np.array([summary.half_width for summary in summaries]))
    axes.plot(rates, mean_N, color=COLOURS[index], marker=MARKERS[index], markersize=4, label=name)
    axes.fill_between(rates, mean_N - half_N, mean_N + half_N, color=COLOURS[index], alpha=0.2, linewidth=0)
    lost = [rate for rate in rates if any(row["status"] == "diverged" for row in by_rate[rate])]
    if lost:
        axes.plot(lost, [0.03 + 0.06 * index] * len(lost), "x", color=GREY, transform=axes.get_xaxis_transform())
