"""The weights of linear models: histograms at the best strength, and each weight along the path of strengths."""

from collections import defaultdict

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.paths import NAMES, varied
from experiments.figures.style import COLOURS, GREY, label, nothing, subplots
from experiments.run_directory.results import Results, Row
from experiments.run_directory.settings import by_setting, family, score, short

NUM_BINS = 41


def coefficients(run: Results) -> Figure:
    """A column for each family: histogram over all seeds at its best strength on validation; the path of the first seed."""
    families: dict[str, dict[str, list[Row]]] = defaultdict(dict)
    for name, rows in by_setting(run.rows).items():
        if all(np.ndim(row.get("coefficients", 0)) == 1 for row in rows):
            families[family(name) or name][name] = rows
    if not families:
        return nothing("no coefficients were recorded: add --config.task.record=coefficients")
    figure, axes = subplots(2, len(families), width=3.4, height=3.0, sharey="row")
    widest = max(np.max(np.abs(row["coefficients"])) for row in run.rows if "coefficients" in row)
    for column, (title, groups) in zip(axes.T, families.items(), strict=True):
        best = min(groups, key=lambda name: score(groups[name]))
        draw_histogram(column[0], groups[best], widest)
        label(
            column[0], "weight", "weights of all seeds", f"{title}\n{f'best: {short(best)}' if len(groups) > 1 else ''}"
        )
        path = varied([row for rows in groups.values() for row in rows])
        if path is None:
            column[1].set_visible(False)
            continue
        column[1].yaxis.set_tick_params(labelleft=True)
        draw_path(column[1], groups, path)
        column[1].axvline(groups[best][0]["overrides"][path], color="black", linestyle=":", linewidth=1)
        label(
            column[1],
            NAMES.get(path, path),
            f"weight, seed {run.rows[0]['seed']}",
            "dotted: best λ\n◂ and blue: true weights",
        )
        column[1].set_xscale("log")
    return figure


def draw_histogram(axes: Axes, rows: list[Row], widest: float) -> None:
    """All weights; those that are exactly 0 have a bar of their own."""
    weights = np.concatenate([row["coefficients"] for row in rows])
    zeros = int(np.sum(weights == 0))
    bins = np.linspace(-widest, widest, NUM_BINS + 1).tolist()
    axes.hist(weights[weights != 0], bins, color=COLOURS[0], label="not 0")
    if zeros:
        axes.bar(0, zeros, width=bins[1] - bins[0], facecolor="none", edgecolor=COLOURS[1], linewidth=2)
    axes.set_yscale("log")
    text = f"exactly 0: {zeros} of {len(weights)}" + ("\n(outlined)" if zeros else "")
    axes.text(0.03, 0.97, text, transform=axes.transAxes, va="top", fontsize="small")


def draw_path(axes: Axes, groups: dict[str, list[Row]], path: str) -> None:
    """Each weight of the first seed against the strength; truly non-zero ones are in colour, with their true values."""
    first = [rows[0] for rows in groups.values() if path in rows[0]["overrides"]]
    first.sort(key=lambda row: row["overrides"][path])
    strengths = [row["overrides"][path] for row in first]
    weights_SD = np.stack([row["coefficients"] for row in first])
    true_D = first[0].get("true_coefficients", np.zeros(weights_SD.shape[1]))
    if np.any(true_D == 0):
        axes.plot(strengths, weights_SD[:, true_D == 0], color=GREY, linewidth=0.5, alpha=0.5)
    if np.any(true_D != 0):
        axes.plot(strengths, weights_SD[:, true_D != 0], color=COLOURS[0], linewidth=1.4)
        axes.plot([strengths[0]] * int(np.sum(true_D != 0)), true_D[true_D != 0], "<", color=COLOURS[1], clip_on=False)
