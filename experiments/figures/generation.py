"""Decoding strategies between probable and varied: a point for each, with intervals over the seeds (F197)."""

import numpy as np
from matplotlib.figure import Figure

from experiments.figures.labels import name_points
from experiments.figures.style import COLOURS, MARKERS, label, subplots
from experiments.run_directory.results import Results
from experiments.run_directory.settings import by_setting, summarize

REFERENCE = "the text itself"
SHADES = tuple(colour for colour in COLOURS if colour != "#000000")
# column -> how the axis calls it
VARIETY = {"distinct_2": "different word pairs / all", "repetition": "word pairs said before in a text"}


def kind(setting: str) -> str:
    """What a strategy is a setting of: its name without its number."""
    return setting.rsplit(" ", 1)[0] if setting[-1:].isdigit() else setting


def generation(run: Results) -> Figure:
    """Mean log-probability of a token against diversity (left) and repetition (right); every point has its name.

    A kind of strategy has a colour and a marker; the text itself, which the others are measured by, is a black star.
    """
    figure, axes = subplots(1, len(VARIETY), width=5.4, height=4.6)
    groups = by_setting(run.rows)
    kinds = list(dict.fromkeys(kind(setting) for setting in groups if setting != REFERENCE))
    colours = {s: "black" if s == REFERENCE else SHADES[kinds.index(kind(s)) % len(SHADES)] for s in groups}
    drawn = []
    for axis, (column, name) in zip(axes[0], VARIETY.items(), strict=True):
        points = []
        for setting, rows in groups.items():
            x, y = (summarize(row[key] for row in rows) for key in ("log_probability", column))
            ends = [np.nan_to_num(one.half_width) for one in (x, y)]
            marker = "*" if setting == REFERENCE else MARKERS[kinds.index(kind(setting)) % len(MARKERS)]
            axis.errorbar(x.mean, y.mean, ends[1], ends[0], fmt=marker, capsize=2, color=colours[setting])
            points.append((x.mean, y.mean))
        label(axis, "mean log-probability of a token (nats)", name)
        axis.set_ylim(bottom=-0.02)
        axis.margins(x=0.2, y=0.1)
        drawn.append((axis, np.array(points)))
    for axis, points_N2 in drawn:
        name_points(axis, points_N2, list(groups), list(colours.values()), leaders=True, bars=True)
    return figure
