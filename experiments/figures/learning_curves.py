"""Learning curves: loss against steps, a line per setting with a band over its seeds, a column of panels per family."""

import textwrap
from collections import defaultdict

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.style import (
    COLOURS,
    GREY,
    LINES,
    band,
    below,
    label,
    legend,
    log_scale,
    outer,
    quantity,
    subplots,
)
from experiments.run_directory.results import Results
from experiments.run_directory.settings import choice, family, score, short, shown, tuned

NAMES = ("train_loss", "batch_loss", "validation_loss")
ABREAST, LETTERS = 4, 30  # families side by side; letters of a line of a panel's title


def series(run: Results, name: str, members: set[int]) -> tuple[list[int], np.ndarray]:
    """Steps and values of one metric: (S members, N steps); a member that stopped keeps its last value."""
    by_member: dict[int, dict[int, float]] = defaultdict(dict)
    for row in run.metrics:
        if row["member"] in members and row.get(name) is not None:
            by_member[row["member"]][row["step"]] = row[name]
    steps = sorted({step for values in by_member.values() for step in values})
    rows = np.full((len(by_member), len(steps)), np.nan)
    for line, values in zip(rows, by_member.values(), strict=True):
        last = np.nan
        for place, step in enumerate(steps):
            line[place] = last = values.get(step, last)
    return steps, rows


def learning_curves(run: Results) -> Figure:
    """A row of panels for training, one for validation; settings without a family are the grey reference in each."""
    names = [name for name in NAMES if any(name in row for row in run.metrics)]
    if "train_loss" in names and "batch_loss" in names:
        names.remove("batch_loss")
    families: dict[str, list[str]] = defaultdict(list)
    groups = shown(run.rows, run.config["table"])
    for setting in groups:
        families[family(setting)].append(setting)
    alone = families.pop("", []) if len(families) > 1 else []
    figure, columns = make_columns(len(families), len(names))
    for (title, settings), column in zip(families.items(), columns, strict=True):
        for axes, name in zip(column, names, strict=True):
            for place, setting in enumerate(alone):
                draw(axes, run, name, groups[setting], short(setting), LINES[1 + place % 3])
            draw_settings(axes, run, name, {setting: groups[setting] for setting in settings})
            label(axes, "update", quantity(name, run.config), with_tuned(title, settings) if name == names[0] else "")
            log_scale(axes)
    if len(families) > 1:
        outer(axes for column in columns for axes in column)
    lines = {tuple(short(setting) for setting in settings) for settings in families.values()}
    if len(lines) == 1:
        legend(figure, columns[-1][-1])
    else:
        for column in columns:
            below(column[-1])
    return figure


def make_columns(families: int, metrics: int) -> tuple[Figure, list[list[Axes]]]:
    """A figure and the panels of each family, one for each metric: side by side for one family, else above each other,
    ABREAST families in a row."""
    if families == 1:
        figure, axes = subplots(1, metrics)
        return figure, [list(axes[0])]
    blocks, abreast = -(-families // ABREAST), min(families, ABREAST)
    figure, axes = subplots(metrics * blocks, abreast, width=2.9, height=2.7, sharex=True, sharey="row")
    columns = axes.reshape(blocks, metrics, abreast).swapaxes(1, 2).reshape(-1, metrics)
    for unused in columns[families:].ravel():
        unused.set_visible(False)
    return figure, [list(column) for column in columns[:families]]


def draw_settings(axes: Axes, run: Results, name: str, groups: dict[str, list]) -> None:
    """A line for each setting; of more than there are colours, the best ones, and the others in grey under one name."""
    metric = choice(run.config["table"], run.rows)
    best = sorted(groups, key=lambda setting: score(groups[setting], metric))[: len(COLOURS)]
    for index, setting in enumerate(setting for setting in groups if setting in best):
        draw(axes, run, name, groups[setting], short(setting), index)
    others = [setting for setting in groups if setting not in best]
    for place, setting in enumerate(others):
        steps, values = series(run, name, {row["member"] for row in groups[setting]})
        text = f"{len(others)} others, worse by {metric.replace('_', ' ')}"
        axes.plot(steps, np.nanmean(values, axis=0), color=GREY, linewidth=0.5, alpha=0.6, label="" if place else text)


def with_tuned(title: str, settings: list[str]) -> str:
    """A panel's title with what was chosen for each of its lines, in their order."""
    chosen = [tuned(setting) for setting in settings if tuned(setting)]
    return "\n".join(filter(None, (title, *textwrap.wrap(", ".join(chosen), LETTERS))))


def draw(axes: Axes, run: Results, name: str, rows: list, text: str, how: int | str) -> None:
    """One setting's mean: with its band in look number `how`, or as a thin grey line of this style."""
    steps, values = series(run, name, {row["member"] for row in rows})
    if not len(values):
        return
    if isinstance(how, int):
        band(axes, steps, values, text, how, column=name)
    else:
        axes.plot(steps, np.nanmean(values, axis=0), how, color=GREY, linewidth=1.2, label=text)
