"""The norm of the gradient along the updates, as it is before clipping (F114)."""

import numpy as np
from matplotlib.figure import Figure

from experiments.figures.learning_curves import series
from experiments.figures.style import COLOURS, label, legend, log_scale, nothing, outer, panels
from experiments.run_directory.results import Results
from experiments.run_directory.settings import by_setting, family, short


def gradient_norms(run: Results) -> Figure:
    """A panel for each setting within a family, a line for each family: median over the seeds, band up to the largest."""
    groups = by_setting(run.rows)
    titles = list(dict.fromkeys(map(short, groups)))
    families = list(dict.fromkeys(map(family, groups)))
    if not any("gradient_norm" in row for row in run.metrics):
        return nothing("this run logged no gradients")
    figure, axes = panels(len(titles), columns=4, width=3.2, height=3.0, sharex=True, sharey=True)
    for axis, title in zip(axes, titles, strict=True):
        for name, rows in groups.items():
            if short(name) != title:
                continue
            steps, values_SN = series(run, "gradient_norm", {row["member"] for row in rows})
            colour = COLOURS[families.index(family(name))]
            middle_N, largest_N = np.nanmedian(values_SN, axis=0), np.nanmax(values_SN, axis=0)
            axis.plot(steps, middle_N, color=colour, linewidth=1, label=family(name))
            axis.fill_between(steps, middle_N, largest_N, color=colour, alpha=0.18, linewidth=0)
        label(axis, "update", "norm of the gradient before clipping", title)
        log_scale(axis)
    outer(axes)
    legend(figure, axes[0])
    return figure
