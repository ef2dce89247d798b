"""Accuracy against the number of labelled sentences, by where the embedding comes from."""

import numpy as np
from matplotlib.figure import Figure

from experiments.figures.style import MARKERS, band, label, legend, log_scale, look, subplots
from experiments.run_directory.results import Results
from experiments.run_directory.settings import by_setting, family


def embeddings(run: Results) -> Figure:
    """A line for each kind of embedding, with the interval of the seeds."""
    figure, axes = subplots(1, 1, width=6.4, height=4.0)
    counts = run.arrays["examples"].tolist()
    lines: dict[str, list[list[float]]] = {}
    for setting, rows in by_setting(run.rows).items():
        lines.setdefault(family(setting), []).append([row["accuracy"] for row in rows])
    for index, (name, values) in enumerate(lines.items()):
        band(axes[0][0], counts, np.array(values).T, name, index, column="accuracy")
        means = np.mean(values, axis=1)
        axes[0][0].plot(counts, means, MARKERS[index], color=look(index)["color"], markersize=5)
    log_scale(axes[0][0], "x")
    axes[0][0].minorticks_off()
    axes[0][0].set_xticks(counts, [str(count) for count in counts])
    axes[0][0].axhline(0.5, color="black", linestyle=":", linewidth=1, label="chance")
    label(axes[0][0], "labelled sentences", "accuracy on unseen sentences (share right)", "praise or blame?")
    legend(figure, axes[0][0])
    return figure
