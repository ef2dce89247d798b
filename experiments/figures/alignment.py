"""The page of the chain from a base model to an assistant, and answers side by side (F168-F171)."""

import textwrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.policies import START, TRUE, draw_frontier
from experiments.figures.style import COLOURS, WIDEST, label, legend, nothing, spread, subplots
from experiments.run_directory.results import Results
from experiments.run_directory.settings import by_setting, summarize
from experiments.trained.side_by_side import QUESTIONS, answers_of, tokenizer_of
from nn_core.alignment.conversations import spoken
from nn_core.alignment.templates import make_template

COLUMN = 34  # characters of a line of an answer


def side_by_side(run: Results) -> Figure:
    """The first test questions, and what each model answers."""
    figure = Figure(figsize=(WIDEST, 5), layout="constrained")
    write_answers(figure.subplots(), run)
    return figure


def write_answers(axes: Axes, run: Results) -> None:
    """A table of answers: a row for each question, a column for each model."""
    axes.axis("off")
    tokenizer, found = tokenizer_of(run), answers_of(run)
    if tokenizer is None or not found:
        return
    template, first = make_template(tokenizer), next(iter(found.values()))
    rows = []
    for place in range(min(QUESTIONS, len(first))):
        question = spoken(tokenizer, template, first[place])[0]
        rows.append([question, *(spoken(tokenizer, template, ids[place])[1] for ids in found.values())])
    cells = [[textwrap.fill(text, COLUMN) for text in row] for row in rows]
    table = axes.table(cells, colLabels=["question", *found], loc="center", cellLoc="left", colLoc="left")
    table.auto_set_font_size(False)
    table.set_fontsize(8.4)
    for (line, _), cell in table.get_celld().items():
        tallest = 1 if line == 0 else max(text.count("\n") + 1 for text in cells[line - 1])
        cell.get_text().set_parse_math(False)  # people write of $5 and $10
        cell.set_height(0.055 * tallest + 0.02)


def alignment(run: Results) -> Figure:
    """One page: what each stage answers, how often it is right, what is liked, and reward against KL."""
    if not run.rows:
        return nothing("no stage has come to its end")
    figure, axes = subplots(2, 3, width=5.0, height=4.0)
    grid = axes[0, 0].get_gridspec()
    for axis in axes[0]:
        axis.remove()
    write_answers(figure.add_subplot(grid[0, :]), run)
    rightness(axes[1, 0], run)
    rewards(axes[1, 1], run)
    draw_frontier(axes[1, 2], run.rows, TRUE, "true reward of test answers", join=False)
    legend(figure, axes[1, 2])
    return figure


def rightness(axes: Axes, run: Results) -> None:
    """Questions answered exactly before and after fine-tuning; pairs ordered rightly by the reward model."""
    bars: dict[str, Any] = {}
    for setting, rows in by_setting(run.rows).items():
        if any("start_exact" in row for row in rows):
            bars["base"] = summarize(row["start_exact"] for row in rows)
        for column in ("test_exact", "test_accuracy"):
            if any(column in row for row in rows) and not any(TRUE in row for row in rows):
                bars[setting] = summarize(row[column] for row in rows)
    draw_bars(axes, bars, "share right (answers; pairs)", "accuracy")


def rewards(axes: Axes, run: Results) -> None:
    """True reward of each policy, and of the model that all start from."""
    groups = {name: rows for name, rows in by_setting(run.rows).items() if any(TRUE in row for row in rows)}
    bars: dict[str, Any] = {}
    if groups:
        bars["start"] = summarize(row[START] for row in next(iter(groups.values())))
    bars |= {name: summarize(row[TRUE] for row in rows) for name, rows in groups.items()}
    draw_bars(axes, bars, "true reward of test answers", TRUE)


def draw_bars(axes: Axes, bars: dict[str, Any], name: str, column: str) -> None:
    """Means with 95 % intervals, from top to bottom."""
    places = np.arange(len(bars))
    means, ends = [one.mean for one in bars.values()], spread(list(bars.values()), column)
    axes.barh(places, means, xerr=ends, color=COLOURS[0], alpha=0.7, capsize=3)
    axes.set_yticks(places, list(bars), fontsize="small")
    axes.invert_yaxis()
    label(axes, name, "")
