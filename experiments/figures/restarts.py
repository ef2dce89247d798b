"""Restarts: the value of the best of n, where to start, and how well that works on Rastrigin's function."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.style import COLOURS, MARKERS, band, below, label, look, rate_errors, spread, subplots
from experiments.run_directory.results import Results
from experiments.run_directory.settings import interval, summarize

VALLEYS = 11  # minima of Rastrigin's function along each axis of the square


def restarts(run: Results) -> Figure:
    """Above: the network, by number of restarts and by kind of start. Below: Rastrigin, by dimension."""
    figure, axes = subplots(2, 2, width=5.6, height=4.2)
    draw_curves(axes[0][0], run)
    draw_sigmas(axes[0][1], run)
    draw_found(axes[1][0], run)
    draw_needed(axes[1][1], run)
    for axis in axes.flat:
        below(axis, 2)
    return figure


def draw_curves(axes: Axes, run: Results) -> None:
    """Losses of the best of n, over n."""
    counts = np.arange(1, run.arrays["test_curve"].shape[-1] + 1)
    names = [str(name) for name in run.arrays["labels"]]
    lines = [("test_curve", 0, f"{names[0]}, chosen on validation"), ("training_curve", 0, f"{names[0]}, on training")]
    lines += [("test_curve", place, f"{names[place]}, on validation") for place in range(1, len(names), 2)]
    for index, (curve, place, name) in enumerate(lines):
        band(axes, counts.tolist(), run.arrays[curve][:, place], name, index, column="test_loss")
    axes.set_xscale("log", base=2)
    axes.set_xticks(2 ** np.arange(int(np.log2(counts[-1])) + 1), 2 ** np.arange(int(np.log2(counts[-1])) + 1))
    label(axes, "restarts n", "test loss of the best of n (nats)", "more starts help, if validation chooses")


def draw_sigmas(axes: Axes, run: Results) -> None:
    """Test loss of the chosen restart by sigma of the perturbation; independent starts as a line with its band."""
    best_SJ, sigmas = run.arrays["test_best"], run.arrays["sigmas"]
    summaries = [summarize(best_SJ[:, place].tolist()) for place in range(best_SJ.shape[1])]
    independent, around = summaries[0], summaries[1:]
    axes.errorbar(
        np.maximum(sigmas, 1e-3),
        [one.mean for one in around],
        spread(around, "test_loss"),
        marker=MARKERS[1],
        color=COLOURS[1],
        capsize=3,
        label="perturbed",
    )
    axes.axhline(independent.mean, color=COLOURS[0], linestyle="--", label="independent")
    axes.axhspan(*interval(independent, "test_loss"), color=COLOURS[0], alpha=0.15, linewidth=0)
    axes.set_xscale("log")
    count = run.arrays["test_curve"].shape[-1]
    label(axes, "σ of the noise on the common start", f"test loss, best of {count} (nats)", "too near, too far")


def draw_found(axes: Axes, run: Results) -> None:
    """Share of searches that find the global basin, by dimension; 95 % intervals (Wilson)."""
    dimensions = run.arrays["dimensions"]
    names = [str(name) for name in run.arrays["searches"]]
    for index, name in enumerate(names):
        shares, ends = rate_errors(run.arrays[f"found_{index}"])
        places = dimensions + 0.08 * (index - (len(names) - 1) / 2)
        axes.errorbar(places, shares, ends, marker=MARKERS[index], capsize=2, label=name, **look(index))
    axes.set_xticks(dimensions)
    axes.set_ylim(-0.03, 1.03)
    work = run.config["task"]["evaluations"]
    label(axes, "dimensions", "share of searches that succeed", f"Rastrigin, {work:,} evaluations each")


def draw_needed(axes: Axes, run: Results) -> None:
    """Descents needed for one success, 1 / share of descents in the global basin, by dimension."""
    dimensions, shares_JS = run.arrays["dimensions"], run.arrays["hits"]
    shares, spread = shares_JS.mean(axis=1), shares_JS.std(axis=1, ddof=min(1, shares_JS.shape[1] - 1))
    error = 1.96 * spread / np.sqrt(shares_JS.shape[1])
    seen = shares > error
    low, high = 1 / (shares + error)[seen], 1 / (shares - error)[seen]
    needed = 1 / shares[seen]
    axes.errorbar(
        dimensions[seen],
        needed,
        [needed - low, high - needed],
        marker=MARKERS[0],
        color=COLOURS[0],
        capsize=3,
        linestyle="none",
        label="measured",
    )
    axes.plot(dimensions, float(VALLEYS) ** dimensions, "--", color=COLOURS[6], label=f"{VALLEYS}$^D$")
    axes.set_yscale("log")
    axes.set_xticks(dimensions)
    label(axes, "dimensions D", "descents for one success", "restarts needed grow with the dimension")
