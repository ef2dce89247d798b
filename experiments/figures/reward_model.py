"""A reward model: accuracy by setting, and whether its probabilities mean what they say (F170)."""

import numpy as np
from matplotlib.figure import Figure

from experiments.figures.style import COLOURS, GREY, MARKERS, label, spread, subplots
from experiments.run_directory.results import Results
from experiments.run_directory.settings import by_setting, summarize


def calibration(run: Results) -> Figure:
    """Left: pairs of held-out questions that are ordered rightly. Right: share of agreements against what was predicted."""
    groups = by_setting(run.rows)
    figure, axes = subplots(1, 2, width=5.2)
    for place, rows in enumerate(groups.values()):
        colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
        accuracy = summarize(row["test_accuracy"] for row in rows)
        ends = spread([accuracy], "test_accuracy")
        axes[0, 0].errorbar(accuracy.mean, place, xerr=ends, color=colour, marker=marker, capsize=3)
        count_SK = np.array([row["calibration_count"] for row in rows], float)
        total_K = np.maximum(count_SK.sum(axis=0), 1)
        predicted_K, observed_K = (
            (np.array([row[f"calibration_{name}"] for row in rows], float) * count_SK).sum(axis=0) / total_K
            for name in ("predicted", "observed")
        )
        full_K = count_SK.sum(axis=0) > 0
        axes[0, 1].plot(predicted_K[full_K], observed_K[full_K], color=colour, marker=marker)
    axes[0, 0].set_yticks(range(len(groups)), list(groups), fontsize="small")
    axes[0, 0].set_ylim(len(groups) - 0.5, -0.5)
    label(axes[0, 0], "pairs ordered rightly (share right)", "setting, of the lines on the right too")
    axes[0, 1].plot([0.5, 1], [0.5, 1], color=GREY, linestyle=":", label="right about itself")
    label(axes[0, 1], "predicted probability", "agreement with the label (share)")
    axes[0, 1].legend(fontsize="small", frameon=False, loc="upper left")
    return figure
