"""Logistic regression: coefficients with their names, the reliability of its probabilities, the choice of threshold."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.style import COLOURS, label, subplots
from experiments.run_directory.results import Results


def logistic_regression(run: Results) -> Figure:
    """Three panels."""
    figure, axes = subplots(1, 3, width=5.0, height=6.0)
    draw_coefficients(axes[0][0], run.arrays["coefficients"], run.arrays["names"])
    draw_calibration(axes[0][1], run.arrays["bins"])
    draw_thresholds(axes[0][2], run.arrays["chances"], run.arrays["truth"])
    return figure


def draw_coefficients(axes: Axes, values_SD: np.ndarray, names: np.ndarray) -> None:
    """Means over the seeds and the range of 95 % of them, largest first."""
    order = np.argsort(np.abs(values_SD.mean(axis=0)))
    low, high = np.percentile(values_SD, (2.5, 97.5), axis=0)
    places = np.arange(len(order))
    axes.hlines(places, low[order], high[order], color=COLOURS[5], linewidth=3)
    axes.plot(values_SD.mean(axis=0)[order], places, "o", color=COLOURS[0], markersize=4)
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(places, names[order], fontsize="small")
    label(axes, "coefficient (log-odds per standard deviation)", "feature", "for benign: mean and 95 % of the splits")


def draw_calibration(axes: Axes, bins_3N: np.ndarray) -> None:
    """Share of right answers against confidence; on the diagonal, probabilities are calibrated."""
    counts, confidence, right = bins_3N
    used = counts > 0
    axes.plot([0.5, 1], [0.5, 1], "--", color="black", linewidth=1, label="perfect calibration")
    axes.plot(
        confidence[used] / counts[used], right[used] / counts[used], "o-", color=COLOURS[0], label="test examples"
    )
    label(axes, "mean confidence max(p, 1 − p)", "share of right answers", "calibration")
    axes.legend(loc="upper left", fontsize="small", frameon=False)


def draw_thresholds(axes: Axes, chances_N: np.ndarray, truth_N: np.ndarray) -> None:
    """Recall, precision and accuracy for every threshold."""
    thresholds = np.linspace(0.02, 0.98, 97)
    chosen_TN = chances_N[None] >= thresholds[:, None]
    hits_T = np.sum(chosen_TN & (truth_N == 1), axis=1)
    curves = {
        "recall": hits_T / truth_N.sum(),
        "precision": hits_T / np.maximum(chosen_TN.sum(axis=1), 1),
        "accuracy": np.mean(chosen_TN == truth_N, axis=1),
    }
    for index, (name, values_T) in enumerate(curves.items()):
        axes.plot(thresholds, values_T, ("-", "--", "-.")[index], color=COLOURS[index], label=name)
    label(axes, "threshold on P(benign)", "share", "what the threshold trades")
    axes.legend(loc="lower left", fontsize="small", frameon=False)
