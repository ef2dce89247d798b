"""The spam classifier: precision and recall at every threshold, the decisive words, and what the bag does not see."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.style import COLOURS, band, below, label, subplots
from experiments.run_directory.results import Results

THRESHOLDS = np.linspace(0.01, 0.99, 99)
SHOWN = 12  # words on each side


def spam(run: Results) -> Figure:
    """Precision, recall and F1 against the threshold; precision against recall; weights of words; two word orders."""
    figure, axes = subplots(2, 2, width=6.2, height=4.4)
    models = list(dict.fromkeys(name.split("/")[0] for name in run.arrays if "/chances/" in name))
    curves = {model: curves_of(run, model) for model in models}
    for index, name in enumerate(("precision", "recall", "F1")):
        band(axes[0][0], THRESHOLDS.tolist(), curves[models[0]][:, :, index], name, index, column=name.lower())
    chosen = [float(v) for k, v in run.arrays.items() if k.startswith(f"{models[0]}/threshold/")]
    axes[0][0].plot(chosen, [0.52] * len(chosen), "k|", markersize=12, label="chosen on validation, a mark a seed")
    axes[0][0].set_ylim(0.5, 1.005)
    label(axes[0][0], "threshold: spam where P ≥", "share", f"{models[0]}, mean and 95 % interval of the seeds")
    below(axes[0][0], 2)
    for index, model in enumerate(models):
        mean = curves[model].mean(axis=0)
        axes[0][1].plot(mean[:, 1], mean[:, 0], color=COLOURS[index], linestyle=("-", "--")[index % 2], label=model)
    label(axes[0][1], "recall of spam (share found)", "precision (share right)", "mean over the seeds")
    below(axes[0][1], 2)
    draw_words(axes[1][0], run)
    draw_orders(axes[1][1], run)
    return figure


def curves_of(run: Results, model: str) -> np.ndarray:
    """Precision, recall and F1 of every seed at every threshold: (S, T, 3)."""
    seeds = [name.rsplit("/", 1)[1] for name in run.arrays if name.startswith(f"{model}/chances/")]
    curves = []
    for seed in seeds:
        called_TN = run.arrays[f"{model}/chances/{seed}"][None] >= THRESHOLDS[:, None]
        spam_1N = (run.arrays[f"{model}/labels/{seed}"] == 1)[None]
        hits, wrong = (called_TN & spam_1N).sum(axis=1), (called_TN & ~spam_1N).sum(axis=1)
        missed = spam_1N.sum() - hits
        precision = np.where(hits + wrong > 0, hits / np.maximum(hits + wrong, 1), 1.0)
        curves.append(np.stack([precision, hits / (hits + missed), 2 * hits / (2 * hits + wrong + missed)], axis=1))
    return np.array(curves)


def draw_words(axes: Axes, run: Results) -> None:
    """The largest weights of the logistic regression."""
    weights, words = run.arrays["weights"], run.arrays["vocabulary"]
    order = np.argsort(weights)
    shown = np.concatenate([order[:SHOWN], order[-SHOWN:]])
    axes.barh(range(len(shown)), weights[shown], color=[COLOURS[int(w > 0)] for w in weights[shown]])
    axes.set_yticks(range(len(shown)), words[shown], fontsize="small")
    label(axes, "weight of the word (spam to the right)", "word", "logistic regression, last seed")


def draw_orders(axes: Axes, run: Results) -> None:
    """Two sentences, one vector."""
    vectors, words = run.arrays["orders"], run.arrays["order_words"]
    axes.imshow(vectors, cmap="Blues", vmin=0, vmax=1.6, aspect="auto")
    for row, vector in enumerate(vectors):
        for column, value in enumerate(vector):
            axes.text(column, row, f"{value:.0f}", ha="center", va="center")
    label(axes, "word of the vocabulary", "sentence", "two orders of words, one vector")
    axes.grid(False)
    axes.set_xticks(range(len(words)), words)
    axes.set_yticks((0, 1), ("the dog bites\nthe man", "the man bites\nthe dog"))
