"""The page of the chain from a base model to an assistant, and answers side by side (F168-F171)."""

import textwrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.policies import START, TRUE, best_answers, draw_frontier
from experiments.figures.style import COLOURS, WIDEST, label, legend_of_all, nothing, spread
from experiments.run_directory.results import Results
from experiments.run_directory.settings import by_setting, summarize
from experiments.trained.side_by_side import answers_table

LETTERS = 13.5  # of the table's font in an inch
LINE = 0.145  # inches of a line of the table


def side_by_side(run: Results) -> Figure:
    """The first test questions, and what each model answers."""
    cells = answer_cells(run)
    figure = Figure(figsize=(WIDEST, height_of(cells)), layout="constrained")
    write_answers(figure.subplots(), cells)
    return figure


def answer_cells(run: Results) -> list[list[str]]:
    """The table of answers, in lines as long as its columns are wide."""
    rows = answers_table(run)
    return [[textwrap.fill(text, int(LETTERS * WIDEST / len(row)) - 2) for text in row] for row in rows]


def lines_of(row: list[str]) -> int:
    """Lines of text in the tallest cell."""
    return max(text.count("\n") + 1 for text in row)


def height_of(cells: list[list[str]]) -> float:
    """Inches of the table."""
    return max(LINE * sum(lines_of(row) + 1 for row in cells), 1.0)


def write_answers(axes: Axes, cells: list[list[str]]) -> None:
    """A table of answers as wide as the axes: a row for each question, a column for each model."""
    axes.axis("off")
    if not cells:
        return
    table = axes.table(cells, bbox=(0.0, 0.0, 1.0, 1.0), cellLoc="left")  # type: ignore[arg-type]
    table.auto_set_font_size(False)
    table.set_fontsize(8.4)
    for (line, _), cell in table.get_celld().items():
        cell.PAD = 0.03
        cell.get_text().set_parse_math(False)  # people write of $5 and $10
        cell.set_height(lines_of(cells[line]) + 1)


def alignment(run: Results) -> Figure:
    """One page: what each stage answers, how often it is right, what is liked, and reward against KL."""
    if not run.rows:
        return nothing("no stage has come to its end")
    cells, below = answer_cells(run), 4.4
    figure = Figure(figsize=(WIDEST, height_of(cells) + below), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=(height_of(cells), below))
    upper, lower = parts
    write_answers(upper.subplots(), cells)
    axes = lower.subplots(1, 3)
    rightness(axes[0], run)
    rewards(axes[1], run)
    draw_frontier(axes[2], run.rows, TRUE, "true reward of test answers", join=False)
    axes[2].ticklabel_format(axis="x", style="plain")  # a power of ten would lie over the name
    axes[2].locator_params(axis="x", nbins=3)
    axes[2].set_xlabel(axes[2].get_xlabel().replace(" (", "\n("))
    legend_of_all(lower, axes[2:])
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
    bars |= {f"best of {count} of the start": summarize(values) for count, values in best_answers(run.rows).items()}
    draw_bars(axes, bars, "true reward of test answers", TRUE)


def draw_bars(axes: Axes, bars: dict[str, Any], name: str, column: str) -> None:
    """Means with 95 % intervals, from top to bottom."""
    places = np.arange(len(bars))
    means, ends = [one.mean for one in bars.values()], spread(list(bars.values()), column)
    axes.barh(places, means, xerr=ends, color=COLOURS[0], alpha=0.7, capsize=3)
    axes.set_yticks(places, list(bars), fontsize="small")
    axes.invert_yaxis()
    label(axes, name, "")
