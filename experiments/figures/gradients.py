"""Gradient norm by layer: does the error signal reach the first layer? (F040)"""

import re
from collections import defaultdict

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.style import COLOURS, MARKERS, band, label, legend, log_scale, nothing, subplots
from experiments.run_directory.results import Results, Row
from experiments.run_directory.settings import by_setting, family, short

LAYER = re.compile(r"gradient_norm_dense_(\d+)$")


def gradients(run: Results) -> Figure:
    """A column for each activation: norms by layer in the deepest network, and first over last layer against depth."""
    families: dict[str, dict[str, dict[int, list[Row]]]] = defaultdict(lambda: defaultdict(dict))
    for name, rows in by_setting(run.rows).items():
        depth = max(layer for layer, _ in norms(rows[0]))
        families[family(name)][short(name).rsplit(",", 1)[0]][depth] = rows
    deepest = max(depth for starts in families.values() for by_depth in starts.values() for depth in by_depth)
    if deepest == 0:
        return nothing("a linear model has one layer: give it hidden layers")
    figure, axes = subplots(2, len(families), width=2.3, height=2.8, sharex="row", sharey="row")
    for place, (column, (title, starts)) in enumerate(zip(axes.T, families.items(), strict=True)):
        for index, (start, by_depth) in enumerate(starts.items()):
            if deepest in by_depth:
                draw_layers(column[0], by_depth[deepest], start, index)
            draw_depths(column[1], by_depth, start, index)
        left = place == 0
        label(column[0], "layer (1: at the input)", f"gradient norm,\n{deepest} hidden layers" if left else "", title)
        label(column[1], "hidden layers", "gradient norm,\nfirst layer / last layer" if left else "")
        for axis in column:
            log_scale(axis)
        column[1].axhline(1.0, color="black", linewidth=0.8, linestyle=":")
    legend(figure, axes[0][0])
    return figure


def norms(row: Row) -> list[tuple[int, float]]:
    """(layer from 0, norm of its gradient), first layer first."""
    found = ((LAYER.match(name), value) for name, value in row.items())
    return sorted((int(match.group(1)), value) for match, value in found if match)


def draw_layers(axes: Axes, rows: list[Row], name: str, index: int) -> None:
    """Norm by layer, with a band over seeds."""
    layers = [layer + 1 for layer, _ in norms(rows[0])]
    values_SL = np.array([[value for _, value in norms(row)] for row in rows])
    band(axes, layers, positive(values_SL), name, index)


def draw_depths(axes: Axes, by_depth: dict[int, list[Row]], name: str, index: int) -> None:
    """Geometric mean of the ratio at each depth, every seed as a point."""
    depths = sorted(by_depth)
    means = []
    for depth in depths:
        ratios = positive(np.array([row["gradient_ratio"] for row in by_depth[depth]]))
        axes.plot([depth] * len(ratios), ratios, MARKERS[index], color=COLOURS[index], markersize=3, alpha=0.35)
        means.append(np.exp(np.nanmean(np.log(ratios))))
    axes.plot(depths, means, color=COLOURS[index], marker=MARKERS[index], markersize=5)
    axes.set_xticks(depths, [str(depth) for depth in depths])


def positive(values: np.ndarray) -> np.ndarray:
    """Values that a logarithmic axis can show; a gradient that has underflowed to 0 is left out."""
    return np.where(values > 0, values, np.nan)
