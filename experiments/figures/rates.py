"""Learning curves of learning rates that are too small, best and too large, one panel for each optimizer."""

import math
from collections import defaultdict

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.learning_curves import series
from experiments.figures.style import COLOURS, band, below, label, log_scale, nothing, panels, quantity
from experiments.run_directory.results import Results, Row
from experiments.run_directory.settings import by_setting, family, summarize

METRIC = "train_loss"


def rates(run: Results) -> Figure:
    """Training loss against updates: the best rate on validation, one about a hundredth of it, and two larger ones."""
    families: dict[str, dict[float, list[Row]]] = defaultdict(dict)
    for name, rows in by_setting(run.rows).items():
        if "hparams.learning_rate" in rows[0]["overrides"]:
            families[family(name)][rows[0]["overrides"]["hparams.learning_rate"]] = rows
    if not families:
        return nothing("no learning rate varies: nothing to compare")
    figure, axes = panels(len(families), columns=3, width=4.0, height=3.6, sharey=True)
    for axis, (name, by_rate) in zip(axes, families.items(), strict=True):
        for index, (rate, kind) in enumerate(choice(by_rate).items()):
            draw(axis, run, by_rate[rate], f"{rate:g}: {kind}", index)
        label(axis, "update", quantity(METRIC, run.config), name)
        log_scale(axis)
        below(axis)
    return figure


def choice(by_rate: dict[float, list[Row]]) -> dict[float, str]:
    """{rate: its role}, from small to large."""

    def loss(rate: float) -> float:
        if any(row.get("status") == "diverged" for row in by_rate[rate]):
            return math.inf
        return summarize(row.get("validation_loss") for row in by_rate[rate]).mean

    ordered = sorted(by_rate)
    best = min(ordered, key=loss)
    diverged = [rate for rate in ordered if math.isinf(loss(rate))]
    kinds = {best: "the best on validation"}
    if smaller := [rate for rate in ordered if rate < best]:
        kinds[min(smaller, key=lambda rate: abs(math.log(rate * 100 / best)))] = "a hundredth of the best"
    if larger := [rate for rate in ordered if rate > best and rate not in diverged]:
        kinds[larger[-1]] = "the largest that never diverges"
    if diverged:
        kinds[diverged[0]] = "the first that diverges"
    return dict(sorted(kinds.items()))


def draw(axes: Axes, run: Results, rows: list[Row], text: str, index: int) -> None:
    """One rate's mean and band; where a run diverged, its last logged loss is marked."""
    steps, values_SN = series(run, METRIC, {row["member"] for row in rows})
    if not len(values_SN):
        return
    band(axes, steps, values_SN, text, index, column=METRIC)
    for row in rows:
        if row.get("status") == "diverged":
            last = min(int(np.searchsorted(steps, row["steps"], side="right")) - 1, len(steps) - 1)
            own = series(run, METRIC, {row["member"]})[1]
            if len(own):
                axes.plot(steps[last], own[0, min(last, own.shape[1] - 1)], "x", color=COLOURS[index])
    if any(row.get("status") == "diverged" for row in rows):
        axes.plot([], [], "x", color=COLOURS[index], label="last value of a seed that diverged")
