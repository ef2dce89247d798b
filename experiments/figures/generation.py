"""Decoding strategies between probable and varied: a point for each, with intervals over the seeds (F197)."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from experiments.figures.style import COLOURS, MARKERS, label, legend, subplots
from experiments.run_directory.results import Results
from experiments.run_directory.settings import by_setting, summarize

REFERENCE = "the text itself"
SHADES = tuple(colour for colour in COLOURS if colour != "#000000")
# column -> how the axis calls it
VARIETY = {"distinct_2": "different word pairs / all", "repetition": "word pairs said before in a text"}


def looks(setting: str, index: int) -> dict[str, Any]:
    """Colour and marker; the text itself, the reference for the others, is a black star."""
    if setting == REFERENCE:
        return {"fmt": "*", "color": "black", "markersize": 13}
    return {"fmt": MARKERS[index % len(MARKERS)], "color": SHADES[index % len(SHADES)]}


def generation(run: Results) -> Figure:
    """Mean log-probability of a token against diversity (left) and repetition (right)."""
    figure, axes = subplots(1, len(VARIETY), width=5.0, height=4.4)
    for axis, (column, name) in zip(axes[0], VARIETY.items(), strict=True):
        for index, (setting, rows) in enumerate(by_setting(run.rows).items()):
            x, y = (summarize(row[key] for row in rows) for key in ("log_probability", column))
            axis.errorbar(
                x.mean,
                y.mean,
                xerr=np.nan_to_num(x.half_width),
                yerr=np.nan_to_num(y.half_width),
                capsize=2,
                label=setting,
                **looks(setting, index),
            )
        label(axis, "mean log-probability of a token (nats)", name)
        axis.set_ylim(bottom=-0.02)
    legend(figure, axes[0][-1])
    return figure
