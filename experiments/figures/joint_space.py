"""The joint space of images and words: the plane, the images that each word retrieves, and the loss."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.style import COLOURS, band, label, subplots
from experiments.run_directory.results import Results
from nn_core.data.bundled import DIGIT_WORDS
from nn_core.text.projection import principal_components

SHOWN = 10  # images that each word retrieves


def joint_space(run: Results) -> Figure:
    """Images and words by PCA; the nearest images of each word; the contrastive loss of all seeds."""
    figure, axes = subplots(1, 3, width=4.8, height=4.4)
    draw_plane(axes[0][0], run)
    draw_fetched(axes[0][1], run)
    losses = run.arrays["losses"]
    band(axes[0][2], list(range(1, losses.shape[1] + 1)), losses, "InfoNCE", 0)
    label(axes[0][2], "update", "contrastive loss (nats)", "training: mean, 95 % interval")
    axes[0][2].set_ylim(bottom=0)
    return figure


def draw_plane(axes: Axes, run: Results) -> None:
    """Images as small digits' dots, words as their names."""
    images, words, truth = (run.arrays[name] for name in ("after_images", "after_words", "truth"))
    points = principal_components(np.concatenate([images, words])).points_N2
    for digit in range(len(DIGIT_WORDS)):
        chosen = points[: len(images)][truth == digit]
        marker = ".x"[digit // len(COLOURS)]
        axes.plot(*chosen.T, marker, color=COLOURS[digit % len(COLOURS)], alpha=0.5, markersize=4)
    for word, point in zip(DIGIT_WORDS, points[len(images) :], strict=True):
        axes.plot(*point, "k*", markersize=8)
        box = {"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.7}
        axes.annotate(word, point, (4, 4), textcoords="offset points", fontsize="small", bbox=box)
    label(axes, "first component", "second component", "unseen images and words (stars), PCA")


def draw_fetched(axes: Axes, run: Results) -> None:
    """A row of images for each word, nearest first; wrong ones have a frame."""
    cosines = run.arrays["after_images"] @ run.arrays["after_words"].T
    order = np.argsort(-cosines, axis=0)[:SHOWN].T
    tiles = run.arrays["pictures"][order]  # (words, shown, 8, 8)
    sheet = np.pad(tiles, ((0, 0), (0, 0), (1, 1), (1, 1))).transpose(0, 2, 1, 3).reshape(10 * len(DIGIT_WORDS), -1)
    axes.imshow(sheet, cmap="gray_r", interpolation="nearest")
    for word, row in enumerate(order):
        for place, image in enumerate(row):
            if run.arrays["truth"][image] != word:
                edges = np.array([0, 9, 9, 0, 0]) + 10 * place, np.array([0, 0, 9, 9, 0]) + 10 * word
                axes.plot(*edges, color=COLOURS[1])
    axes.set_yticks(10 * np.arange(len(DIGIT_WORDS)) + 4.5, DIGIT_WORDS)
    axes.set_xticks(10 * np.arange(SHOWN) + 4.5, [str(rank + 1) for rank in range(SHOWN)])
    label(axes, "rank of the image by cosine", "word", "what a word fetches (orange frame: wrong)")
    axes.grid(False)
