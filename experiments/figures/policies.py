"""Policies that learn from rewards or preferences: curves of what they do, and what is gained for how much KL (F171)."""

import re

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.learning_curves import series
from experiments.figures.style import COLOURS, GREY, MARKERS, band, label, legend, panels, subplots
from experiments.run_directory.results import Results, Row
from experiments.run_directory.settings import by_setting, summarize
from nn_core.alignment.selection import best_of_n_kl

# Column of metrics.jsonl -> name of its axis.
ITERATIONS = {
    "batch_reward": "learned reward",
    "batch_true_reward": "true reward",
    "batch_kl": "KL from the start (nats an answer)",
    "batch_length": "length (tokens)",
    "batch_entropy": "entropy (nats a token)",
    "batch_clip_share": "share of clipped ratios",
}
PREFERENCES = {
    "validation_margin": "margin, beta (chosen - rejected)",
    "validation_chosen_moved": "chosen: ln p gained (nats)",
    "validation_rejected_moved": "rejected: ln p gained (nats)",
    "validation_accuracy": "pairs ordered rightly (share)",
}
BEST = re.compile(r"best_of_(\d+)_true_reward")  # column of results
TRUE, LEARNED, START = "true_reward", "test_reward", "reference_true_reward"


def curves(run: Results, names: dict[str, str]) -> Figure:
    """A panel for each column that the run has, a line for each setting with a band over its seeds."""
    there = [name for name in names if any(name in row for row in run.metrics)]
    figure, axes = panels(len(there), columns=3)
    for place, (setting, rows) in enumerate(by_setting(run.rows).items()):
        members = {int(row["member"]) for row in rows}
        for axis, name in zip(axes, there, strict=True):
            steps, values_SN = series(run, name, members)
            band(axis, steps, values_SN, setting, place)
    for axis, name in zip(axes, there, strict=True):
        label(axis, "update", names[name])
    if axes:
        legend(figure, axes[0])
    return figure


def policy_curves(run: Results) -> Figure:
    """Rewards, KL, length, entropy and clipped ratios against updates."""
    return curves(run, ITERATIONS)


def preference_curves(run: Results) -> Figure:
    """Margin and how far chosen and rejected answers moved: both may fall, the rejected ones further."""
    return curves(run, PREFERENCES)


def frontier(run: Results) -> Figure:
    """Reward against KL, a point for each setting: where the learned reward still rises and the true one falls, it is
    fooled."""
    figure, axes = subplots(1, 2, width=5.2, sharex=True)
    draw_frontier(axes[0, 0], run.rows, TRUE, "true reward of test answers")
    if any(LEARNED in row for row in run.rows):
        draw_frontier(axes[0, 1], run.rows, LEARNED, "learned reward of test answers")
    else:
        axes[0, 1].set_visible(False)
    legend(figure, axes[0, 0])
    return figure


def best_answers(rows: list[Row]) -> dict[int, list[float]]:
    """True reward of the best of n answers of the start, by the learned reward.

    Args:
        rows: of runs; those of one seed have drawn the same answers, whatever they learn.
    Returns:
        {n: a value for each seed}, empty where no run has a reward model.
    """
    by_seed: dict[int, dict[int, list[float]]] = {}
    for row in rows:
        for name in row:
            if match := BEST.fullmatch(name):
                by_seed.setdefault(int(match[1]), {}).setdefault(row["seed"], []).append(float(row[name]))
    return {count: [float(np.mean(values)) for values in by_seed[count].values()] for count in sorted(by_seed)}


def draw_best(axes: Axes, rows: list[Row]) -> None:
    """The best of n answers without any training, at the KL that it has at most, ln n - (n - 1) / n."""
    known = {count: summarize(values) for count, values in best_answers(rows).items()}
    for place, (count, one) in enumerate(known.items()):
        half = np.nan_to_num(one.half_width)
        axes.errorbar(
            best_of_n_kl(count),
            one.mean,
            half,
            label=f"best of {count} of the start",
            capsize=3,
            linestyle="none",
            color=GREY,
            marker=("*", "P")[place % 2],
            markersize=9,
        )


def draw_frontier(axes: Axes, rows: list[Row], column: str, name: str, *, join: bool = True) -> None:
    """Means and 95 % intervals of a reward and of the KL, over seeds; the start, at a KL of 0, as a line."""
    points = []
    for place, (setting, of) in enumerate(by_setting([row for row in rows if column in row and "kl" in row]).items()):
        kl, reward = summarize(row["kl"] for row in of), summarize(row[column] for row in of)
        points.append((kl.mean, reward.mean))
        colour = COLOURS[place % len(COLOURS)]
        marker = MARKERS[(place + place // len(COLOURS)) % len(MARKERS)]  # no two of both
        half = [np.nan_to_num(one.half_width) for one in (kl, reward)]
        axes.errorbar(
            kl.mean,
            reward.mean,
            half[1],
            half[0],
            label=setting,
            capsize=3,
            linestyle="none",
            color=colour,
            marker=marker,
        )
    if join:  # settings of one method
        axes.plot(*np.array(sorted(points)).T.reshape(2, -1), color=GREY, linewidth=0.8, zorder=0)
    start = summarize(row[START] for row in rows if START in row)
    if column == TRUE and start.number:
        axes.axhline(start.mean, color=GREY, linestyle=":", label="where it starts")
        draw_best(axes, rows)
    label(axes, "KL from the start (nats an answer)", name)
