"""The coin: its likelihood, the ascent to the maximum, the product that underflows, the estimate that converges."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.style import COLOURS, LINES, band, label, subplots
from experiments.run_directory.results import Results

PRECISIONS = ("float32", "float64")


def likelihood(run: Results) -> Figure:
    """Four panels, in the order of the notes: product, logarithm, maximum, and the quality of the estimate."""
    figure, axes = subplots(2, 2, width=5.2, height=3.9)
    draw_curves(axes[0][0], run)
    draw_path(axes[0][1], run)
    draw_underflow(axes[1][0], run)
    draw_estimates(axes[1][1], run)
    for axis in axes.flat:
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2, fontsize="small", frameon=False)
    return figure


def draw_curves(axes: Axes, run: Results) -> None:
    """Likelihood and log-likelihood over p, each as a share of its range: they have the same maximum."""
    curve, logs, task = run.arrays["curve"], run.arrays["log_likelihood"], run.config["task"]
    best = task["heads"] / task["tosses"]
    axes.plot(curve, np.exp(logs - logs.max()), LINES[0], color=COLOURS[0], label="likelihood / its maximum")
    below = logs - logs.max()
    axes.plot(curve, 1 + below / 10, LINES[1], color=COLOURS[1], label="1 + (log-likelihood − its maximum) / 10")
    axes.axvline(best, color=COLOURS[6], linewidth=1, linestyle=":", label=f"h / n = {best:g}")
    axes.set_ylim(-0.05, 1.08)
    label(axes, "probability of heads p", "both scaled to 1 at the maximum", "the logarithm keeps the maximum")


def draw_path(axes: Axes, run: Results) -> None:
    """Gradient ascent, step by step."""
    task = run.config["task"]
    best = task["heads"] / task["tosses"]
    axes.plot(np.abs(run.arrays["path"] - best), color=COLOURS[0], marker=".", label="gradient ascent")
    axes.axhline(1e-4, color=COLOURS[6], linewidth=1, linestyle=":", label="0.0001")
    axes.set_yscale("log")
    axes.set_ylim(bottom=1e-8)
    label(axes, "step", "|p − h / n|", "ascent finds what the recipe solves")


def draw_underflow(axes: Axes, run: Results) -> None:
    """log10 of the product of the probabilities (first seed); it ends where the product becomes 0."""
    counts = run.arrays["tosses"]
    axes.plot(counts, run.arrays["log_sums"] / np.log(10), color=COLOURS[2], linewidth=1, label="sum of logs")
    for index, name in enumerate(PRECISIONS):
        products_N = run.arrays[f"products_{name}"]
        alive = products_N > 0
        values = np.log10(products_N[alive])
        axes.plot(
            counts[alive], values, LINES[index], color=COLOURS[index], linewidth=6 - 3 * index, label=f"product, {name}"
        )
        if not alive.all():
            axes.plot(counts[alive][-1], values[-1], "X", color=COLOURS[index], markersize=9)
            text = f"0 from toss {int(counts[alive][-1]) + 1} on"
            # On the side where there is room.
            left = counts[alive][-1] > 0.5 * underflow_end(run)
            beside: dict[str, Any] = {"xytext": (-10, -12), "ha": "right"} if left else {"xytext": (8, 4), "ha": "left"}
            axes.annotate(text, (counts[alive][-1], values[-1]), textcoords="offset points", fontsize="small", **beside)
    axes.set_xlim(0, 1.3 * underflow_end(run))
    axes.set_ylim(1.4 * np.interp(underflow_end(run), counts, run.arrays["log_sums"] / np.log(10)), 5)
    label(axes, "tosses n", "$\\log_{10}$ of the likelihood", "the product underflows, the sum does not")


def underflow_end(run: Results) -> float:
    """Number of tosses to draw: until the last product has become 0, or all of them."""
    counts = run.arrays["tosses"]
    ends = [counts[run.arrays[f"products_{name}"] > 0][-1] for name in PRECISIONS]
    return float(max(ends))


def draw_estimates(axes: Axes, run: Results) -> None:
    """Mean distance of the estimate from the true p, against sqrt(2 p (1 - p) / (pi n))."""
    p, counts = run.config["task"]["probability"], run.arrays["tosses"]
    band(axes, run.arrays["looked_at"].tolist(), run.arrays["errors"], "mean over the seeds", 0)
    expected = np.sqrt(2 * p * (1 - p) / (np.pi * counts))
    axes.plot(counts, expected, LINES[1], color=COLOURS[6], label="$\\sqrt{2p(1-p)/(\\pi n)}$")
    axes.set_xscale("log")
    axes.set_yscale("log")
    label(axes, "tosses n", "|estimate − true p|", "most probable is not yet true")
