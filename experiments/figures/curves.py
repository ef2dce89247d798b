"""Learning curves: loss against steps, a line per setting with a band over its seeds."""

from collections import defaultdict

import numpy as np
from matplotlib.figure import Figure

from experiments.figures.style import band, label, legend, subplots
from experiments.results import Results
from experiments.table import by_setting


def series(run: Results, name: str, members: set[int]) -> tuple[list[int], np.ndarray]:
    """Steps and values of one metric: (S members, N steps); a member that stopped keeps its last value."""
    by_member: dict[int, dict[int, float]] = defaultdict(dict)
    for row in run.metrics:
        if row["member"] in members and row.get(name) is not None:
            by_member[row["member"]][row["step"]] = row[name]
    steps = sorted({step for values in by_member.values() for step in values})
    rows = np.full((len(by_member), len(steps)), np.nan)
    for line, values in zip(rows, by_member.values(), strict=True):
        last = np.nan
        for place, step in enumerate(steps):
            line[place] = last = values.get(step, last)
    return steps, rows


def learning_curves(run: Results) -> Figure:
    """Training and validation loss side by side."""
    names = [n for n in ("train_loss", "batch_loss", "validation_loss") if any(n in row for row in run.metrics)]
    if "train_loss" in names:
        names.remove("batch_loss") if "batch_loss" in names else None
    figure, axes = subplots(1, len(names))
    for index, (setting, rows) in enumerate(by_setting(run.rows).items()):
        members = {row["member"] for row in rows}
        for axis, name in zip(axes[0], names, strict=True):
            steps, values = series(run, name, members)
            if len(values):
                band(axis, steps, values, setting, index)
    for axis, name in zip(axes[0], names, strict=True):
        label(axis, "step", f"{name.replace('_', ' ')} (nats)")
        axis.set_yscale("log")
    legend(figure, axes[0][-1])
    return figure
