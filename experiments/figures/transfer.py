"""Transfer learning: validation accuracy while training, a panel for each size and kind of source (F077)."""

import numpy as np
from matplotlib.figure import Figure

from experiments.figures.style import band, label, subplots
from experiments.run_directory.results import Results
from experiments.run_directory.settings import family, short, shown, tuned


def transfer(run: Results) -> Figure:
    """A line for each case at its chosen rate, with a band over the seeds: sizes from left to right."""
    task = run.config["task"]
    names = list(shown(run.rows, run.config["table"]))
    families = list(dict.fromkeys(family(name) for name in names))
    sizes = [str(size) for size in task["sizes"]]
    kinds = list(dict.fromkeys(name.split(" ", 1)[1] for name in families))
    figure, axes = subplots(len(kinds), len(sizes), width=3.8, height=2.9, sharex=True, sharey=True)
    rates = [f"rate {rate:g}" for rate in task["learning_rates"]]
    for name in names:
        size, kind = family(name).split(" ", 1)
        row, column = kinds.index(kind), sizes.index(size)
        number = int(short(name).split(",")[0].removeprefix("case "))
        curves_SE = run.arrays[f"case_{number}"][rates.index(tuned(name)), column, row]
        band(
            axes[row, column],
            run.arrays["steps"].tolist(),
            curves_SE,
            short(name),
            number - 1,
            column="validation_accuracy",
        )
        title = f"{size} examples, pre-trained on {kind} images"
        label(axes[row, column], "update", "validation accuracy (share right)", title)
        axes[row, column].title.set_fontsize("medium")
    for axis in axes.ravel():
        axis.label_outer()
        axis.set_ylim(0, 1.02)
    handles, texts = axes[0, 0].get_legend_handles_labels()
    order = np.argsort(texts)
    figure.legend(
        [handles[i] for i in order], [texts[i] for i in order], loc="outside lower center", ncols=2, frameon=False
    )
    return figure
