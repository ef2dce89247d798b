"""Attention variants: time and memory against the length, and losses beyond the training length (F140-F143)."""

from matplotlib.figure import Figure

from experiments.figures.style import label, legend, log_scale, look, nothing, spread, subplots
from experiments.run_directory.results import Results
from experiments.run_directory.settings import summarize

FACTORS = (1, 2, 4)
PREFIX = "position_"


def attention_variants(run: Results) -> Figure:
    """Two log-log panels of one layer's costs, and one of the losses at one, two and four training lengths."""
    if "lengths" not in run.arrays:
        return nothing("this run has no costs")
    figure, grid = subplots(1, 3, width=3.9, height=3.4)
    lengths = run.arrays["lengths"]
    for axes, column, unit, text in (
        (grid[0][0], "seconds", 1e3, "ms, forwards and backwards"),
        (grid[0][1], "bytes", 1e-6, "MB of temporaries"),
    ):
        for index, name in enumerate(run.config["task"]["variants"]):
            axes.plot(lengths, unit * run.arrays[column][index], marker="o", label=name, **look(index))
        log_scale(axes, "x")
        log_scale(axes, "y")
        label(axes, "tokens", text, "")
    legend(figure, grid[0][1])
    right = grid[0][2]
    for index, name in enumerate(sorted(name for name in run.arrays if name.startswith(PREFIX))):
        found = [summarize(values.tolist()) for values in run.arrays[name]]
        means = [one.mean for one in found]
        right.errorbar(
            FACTORS,
            means,
            yerr=spread(found, "loss"),
            marker="o",
            capsize=3,
            label=name.removeprefix(PREFIX),
            **look(index),
        )
    right.set_xticks(FACTORS)
    right.legend(fontsize="small", frameon=False)
    label(right, "length / training length", "loss of the last tokens (nats)", "")
    return figure
