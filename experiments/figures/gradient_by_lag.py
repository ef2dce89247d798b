"""The gradient at the states before the last one, for each cell (F114)."""

import numpy as np
from matplotlib.figure import Figure

from experiments.figures.style import band, label, log_scale, subplots
from experiments.run_directory.results import Results
from experiments.run_directory.settings import family

LOWEST = 1e-12  # of the axis


def gradient_by_lag(run: Results) -> Figure:
    """A panel for each family of cells: length of the gradient, relative to that at the last step."""
    families = list(dict.fromkeys(family(name) for name in run.arrays))
    figure, grid = subplots(1, len(families), width=4.2, height=3.6, sharey=True)
    for axes, title in zip(grid[0], families, strict=True):
        named = [name for name in run.arrays if family(name) == title]
        for index, name in enumerate(named):
            norms_ST = np.maximum(run.arrays[name], 0.01 * LOWEST)
            band(axes, range(norms_ST.shape[1]), norms_ST, name.split(": ", 1)[1], index)
        axes.axhline(1.0, color="black", linewidth=0.8, linestyle=":")
        label(axes, "lag (steps before the last)", "gradient at the state (1 at the last)", title)
        log_scale(axes)
        axes.set_ylim(bottom=LOWEST)
        axes.legend(fontsize="small", frameon=False, loc="lower left")
    return figure
