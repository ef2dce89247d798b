"""A reward model: accuracy by setting, and whether its probabilities mean what they say (F170)."""

import numpy as np
from matplotlib.figure import Figure

from experiments.figures.style import COLOURS, GREY, MARKERS, label, legend, spread, subplots
from experiments.run_directory.results import Results
from experiments.run_directory.settings import by_setting, summarize


def calibration(run: Results) -> Figure:
    """Left: pairs of held-out questions that are ordered rightly. Right: share of agreements against what was predicted."""
    figure, axes = subplots(1, 2, width=4.6)
    for place, (setting, rows) in enumerate(by_setting(run.rows).items()):
        colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
        accuracy = summarize(row["test_accuracy"] for row in rows)
        ends = spread([accuracy], "test_accuracy")
        axes[0, 0].errorbar(accuracy.mean, place, xerr=ends, color=colour, marker=marker, capsize=3)
        axes[0, 0].annotate(
            setting, (accuracy.mean, place), (0, 8), textcoords="offset points", ha="center", fontsize="small"
        )
        count_SK = np.array([row["calibration_count"] for row in rows], float)
        total_K = np.maximum(count_SK.sum(axis=0), 1)
        predicted_K, observed_K = (
            (np.array([row[f"calibration_{name}"] for row in rows], float) * count_SK).sum(axis=0) / total_K
            for name in ("predicted", "observed")
        )
        full_K = count_SK.sum(axis=0) > 0
        axes[0, 1].plot(predicted_K[full_K], observed_K[full_K], color=colour, marker=marker, label=setting)
    axes[0, 0].set_yticks([])
    axes[0, 0].set_ylim(-0.7, place + 0.9)
    label(axes[0, 0], "pairs ordered rightly (share)", "")
    axes[0, 1].plot([0.5, 1], [0.5, 1], color=GREY, linestyle=":", label="right about itself")
    label(axes[0, 1], "predicted probability", "agreement with the label (share)")
    legend(figure, axes[0, 1])
    return figure
