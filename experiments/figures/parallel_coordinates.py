"""A search at a glance: an axis for each path that a sweep varies, a line for each setting, coloured by how good it is."""

import math
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from experiments.figures.style import nothing, subplots
from experiments.run_directory.best import axes
from experiments.run_directory.results import Results
from experiments.run_directory.settings import by_setting, choice, score, show, summarize, values

DECADES = 30.0  # a positive axis that spans this ratio or more is logarithmic
LOWEST = 0.14  # where the values of an axis begin that not every setting sets; those without it cross at 0


def parallel_coordinates(run: Results) -> Figure:
    """Each axis from its smallest to its largest value; the last one is the metric that chooses, the best on top.

    A setting that leaves an axis alone (a search over alternatives has such) crosses it at its lower end, below all values.
    """
    found, groups = axes(run.rows), by_setting(run.rows)
    metric = choice(run.config.get("table", ()), run.rows)
    scores = {name: score(rows, metric) for name, rows in groups.items()}
    finite = [name for name in groups if math.isfinite(scores[name])]
    if len(found) < 2 or len(finite) < 2:
        return nothing("parallel coordinates need two axes and two settings that came to their end")
    figure, grid = subplots(1, 1, width=2.2 + 1.9 * len(found), height=4.4)
    place = grid[0][0]
    ranks = np.linspace(1.0, 0.0, len(finite))
    order = sorted(finite, key=lambda name: scores[name])
    colours = matplotlib.colormaps["viridis"]
    settings = {name: values(groups[name][0]) for name in finite}
    floors = {path: 0.0 if all(path in own for own in settings.values()) else LOWEST for path in found}
    scales = {path: positions(tried, floors[path]) for path, tried in found.items()}
    top = [scores[name] for name in order]
    for name, rank in reversed(list(zip(order, ranks, strict=True))):
        own = settings[name]
        heights = [scales[path][repr(own[path])] if path in own else 0.0 for path in found]
        spread = (scores[name] - top[0]) / (top[-1] - top[0]) if top[-1] > top[0] else 0.0
        best = name == order[0]
        place.plot(
            range(len(found) + 1),
            [*heights, 1 - spread],
            color=colours(1 - rank),  # the best is the darkest
            linewidth=2.6 if best else 1.0,
            alpha=0.9,
        )
    label_axes(place, found, scales, floors)
    place.spines[:].set_visible(False)
    for name, height in ((order[0], 1.0), (order[-1], 0.0)):
        mean = summarize(row.get(metric) for row in groups[name]).mean
        place.text(len(found) + 0.05, height, show(mean), va="center", fontsize="small")
    names = [path.rsplit(".", 1)[-1] for path in found]
    place.set_xticks(range(len(found) + 1), [*names, metric.replace("_", " ")])
    place.set_yticks([])
    place.set_title(f"{len(finite)} settings; the thick line is the best", fontsize=10)
    return figure


def positions(tried: Sequence[Any], floor: float = 0.0) -> dict[str, float]:
    """Where each value of an axis stands, from the floor to 1: numbers to scale, names one above the other."""
    shares = shares_of(tried)
    return {shown: floor + (1 - floor) * share for shown, share in shares.items()}


def shares_of(tried: Sequence[Any]) -> dict[str, float]:
    """The same from 0 to 1."""
    numbers = [float(v) for v in tried if isinstance(v, (int, float)) and not isinstance(v, bool)]
    if len(numbers) < len(tried):
        return {repr(value): index / (len(tried) - 1) for index, value in enumerate(tried)}
    low, high = min(numbers), max(numbers)
    log = low > 0 and high / low >= DECADES
    scale = math.log if log else float
    return {repr(v): (scale(n) - scale(low)) / (scale(high) - scale(low)) for v, n in zip(tried, numbers, strict=True)}


def label_axes(
    place: Any, found: dict[str, list[Any]], scales: dict[str, dict[str, float]], floors: dict[str, float]
) -> None:
    """A vertical line for each axis, with its values beside it; of many only the ends."""
    place.axvline(len(found), color="black", linewidth=0.8, zorder=0)
    for index, (path, tried) in enumerate(found.items()):
        place.axvline(index, color="black", linewidth=0.8, zorder=0)
        shown = (
            tried
            if len(tried) <= 8
            else [min(tried, key=lambda v: scales[path][repr(v)]), max(tried, key=lambda v: scales[path][repr(v)])]
        )
        if floors[path]:
            place.text(index + 0.03, -0.02, "not set", fontsize="small", va="top", fontstyle="italic")
        for value in shown:
            place.text(index + 0.03, scales[path][repr(value)], show(value), fontsize="small", va="center")
