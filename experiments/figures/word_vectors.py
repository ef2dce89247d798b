"""Word vectors in the plane, by principal components and by t-SNE, and the separation of topics (F102, F103)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.labels import name_points
from experiments.figures.style import COLOURS, MARKERS, WIDEST, label, legend_of_all, nothing
from experiments.run_directory.results import Results


def word_vectors(run: Results) -> Figure:
    """A row for each method: PCA, t-SNE (both of the first seed), the loss of every seed, and the topics of all seeds."""
    methods = [str(name) for name in run.arrays["methods"]]
    if "0_words" not in run.arrays:
        return nothing("fewer than three words of this text can be drawn")
    figure = Figure(figsize=(WIDEST, 4.8 * len(methods)), layout="constrained")
    grid = figure.add_gridspec(2 * len(methods), 3, width_ratios=(4, 4, 2))
    maps = []
    for index, method in enumerate(methods):
        upper = 2 * index
        for column, name in enumerate(("pca", "tsne")):
            axes = figure.add_subplot(grid[upper : upper + 2, column])
            draw_words(axes, run, index, name, method)
            maps.append((axes, index, name))
        draw_losses(figure.add_subplot(grid[upper, 2]), run.arrays[f"{index}_losses"])
        draw_topics(figure.add_subplot(grid[upper + 1, 2]), run, method)
    legend_of_all(figure, [axes for axes, *_ in maps])
    for axes, index, name in maps:  # when all else stands
        name_words(axes, run, index, name)
    return figure


def draw_words(axes: Axes, run: Results, index: int, name: str, method: str) -> None:
    """The places of the words, a colour and a marker for each topic."""
    points_N2, groups_N = run.arrays[f"{index}_{name}"], run.arrays[f"{index}_groups"]
    for place, group in enumerate(dict.fromkeys(groups_N.tolist())):
        chosen = groups_N == group
        colour = COLOURS[place % len(COLOURS)]
        marker = MARKERS[place % len(MARKERS)]
        axes.plot(*points_N2[chosen].T, marker, color=colour, markersize=3, linestyle="none", label=group)
    if name == "pca":
        share = float(run.arrays[f"{index}_variance"])
        label(axes, "first component", "second component", f"{method}: PCA, {share:.0%} of the variance")
    else:
        label(axes, "first coordinate (no unit)", "second coordinate (no unit)", f"{method}: t-SNE")
    axes.margins(x=0.1)


def name_words(axes: Axes, run: Results, index: int, name: str) -> None:
    """The words at their points, as far as there is room: most frequent first, as the run keeps them."""
    groups = run.arrays[f"{index}_groups"].tolist()
    order = list(dict.fromkeys(groups))
    colours = [COLOURS[order.index(group) % len(COLOURS)] for group in groups]
    words = [str(word) for word in run.arrays[f"{index}_words"]]
    name_points(axes, run.arrays[f"{index}_{name}"], words, colours, fontsize="small", leaders=True)


def draw_losses(axes: Axes, losses_SE: np.ndarray) -> None:
    """Mean loss of each epoch, a line for each seed."""
    epochs = np.arange(1, losses_SE.shape[1] + 1)
    axes.plot(epochs, losses_SE.T, ".-", color=COLOURS[0], alpha=0.4)
    axes.set_xticks(epochs[:: max(len(epochs) // 5, 1)])
    label(axes, "epoch", "mean loss of a pair", f"{len(losses_SE)} seeds" if len(losses_SE) > 1 else "one seed")


def draw_topics(axes: Axes, run: Results, method: str) -> None:
    """Mean cosine within topics and between them, a line for each seed."""
    rows = [row for row in run.rows if row["label"] == method and "within" in row]
    for row in rows:
        axes.plot((0, 1), (row["within"], row["between"]), "o-", color=COLOURS[2], alpha=0.5)
    if not rows:
        axes.text(0.5, 0.5, "no topics are known\nof this text", ha="center", va="center", transform=axes.transAxes)
    axes.set_xticks((0, 1), ("within", "between"))
    axes.set_xlim(-0.3, 1.3)
    label(axes, "pairs of words of topics", "mean cosine", "every seed")
