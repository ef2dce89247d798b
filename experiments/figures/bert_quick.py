"""BERT in small: guesses of hidden words beside counting, and what pre-training adds to each task (F098, F138)."""

import numpy as np
from matplotlib.figure import Figure

from experiments.figures.style import COLOURS, GREY, label, nothing, spread, subplots
from experiments.run_directory.results import Results
from experiments.run_directory.settings import summarize
from nn_core.evidence.statistics import compare

GUESSES = {
    "unigram_accuracy": "most frequent word",
    "bigram_accuracy": "after the word before",
    "masked_accuracy": "BERT, hidden words",
    "next_sentence_accuracy": "BERT, next sentence",
}


def bert_quick(run: Results) -> Figure:
    """Left: accuracies of the pre-training. Right: fine-tuned minus random start, paired over the seeds."""
    tasks = [name for name in ("opinion", "tags", "span", "topic") if name in run.arrays]
    if not tasks:
        return nothing("this run has no tasks")
    figure, grid = subplots(1, 2, width=4.8, height=3.4)
    left, right = grid[0]
    for place, name in enumerate(GUESSES):
        one = summarize(run.arrays[name].tolist())
        left.bar(place, one.mean, yerr=spread([one], name), color=GREY if place < 2 else COLOURS[0], capsize=3)
        left.text(place, one.mean + 0.02, f"{one.mean:.2f}", ha="center", fontsize="small")
    left.set_xticks(range(len(GUESSES)), GUESSES.values(), rotation=20, ha="right", fontsize="small")
    left.set_ylim(0, 1.1)
    label(left, "who guesses", "share right on held-out texts", "")
    for place, name in enumerate(tasks):
        tuned_S, random_S = run.arrays[name]
        difference_S = tuned_S - random_S
        right.scatter(np.full(len(difference_S), place), difference_S, s=12, color=GREY, zorder=2)
        if len(difference_S) > 1:
            found = compare(tuned_S, random_S).difference
            right.errorbar(place + 0.15, found.mean, yerr=found.half_width, fmt="o", capsize=4, color=COLOURS[1])
    right.axhline(0, color="black", linewidth=0.8)
    right.set_xticks(range(len(tasks)), tasks)
    right.set_xlim(-0.5, len(tasks) - 0.5)
    label(right, "task", "test accuracy gained by pre-training", "")
    return figure
