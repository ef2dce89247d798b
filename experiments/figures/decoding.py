"""Sequences written token by token: the share that is exactly right over the updates, and examples (F117)."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.learning_curves import series
from experiments.figures.style import COLOURS, band, label, nothing, subplots
from experiments.run_directory.results import Results, Row
from nn_core.data.sequences import spell

CURVES = {"validation_exact": "sequences, every token right", "validation_accuracy": "tokens, after true ones"}
SHOWN = 14  # examples


def decoding(run: Results) -> Figure:
    """The share of right answers over the updates; on the right, test sources of the first run and its answers."""
    rows = [row for row in run.rows if "decoded" in row]
    if not rows:
        return nothing("this run wrote no sequences")
    figure, grid = subplots(1, 2, width=5.2, height=3.8, width_ratios=(1.3, 1))
    axes = grid[0][0]
    for index, (name, text) in enumerate(CURVES.items()):
        steps, values = series(run, name, {row["member"] for row in rows})
        band(axes, steps, values, text, index, column=name)
    axes.set_ylim(0, 1.02)
    label(axes, "update", "share right on held-out sources", "")
    axes.legend(fontsize="small", frameon=False, loc="lower right")
    examples(grid[0][1], rows[0])
    return figure


def examples(axes: Axes, row: Row) -> None:
    """Sources and answers: wrong sums come first, in another colour and with a cross."""
    written = [[spell(ids) for ids in texts] for texts in np.asarray(row["decoded"])]
    wrong_first = sorted(written, key=lambda texts: is_right(texts[0], texts[1]))
    wrong = [texts for texts in wrong_first if not is_right(texts[0], texts[1])][: SHOWN // 2]
    shown = wrong + wrong_first[len(wrong_first) - (SHOWN - len(wrong)) :]
    axes.axis("off")
    axes.set_title(f"greedy: {row['greedy_exact']:.1%} exact, beam: {row['beam_exact']:.1%}", fontsize="medium")
    for place, (source, greedy, beam) in enumerate(shown):
        right = is_right(source, greedy)
        text = f"{source:>7} = {greedy:<4} {'' if right else f'✗ (beam {beam}, right {solve(source)})'}"
        colour = COLOURS[2] if right else COLOURS[1]
        axes.text(0, 1 - (place + 0.5) / SHOWN, text, family="monospace", fontsize=9, color=colour, va="center")


def solve(source: str) -> int:
    """The sum."""
    return sum(map(int, source.split("+")))


def is_right(source: str, written: str) -> bool:
    """Whether the answer is the sum."""
    return written == str(solve(source))
