"""Pictures that move: a function of a run that yields frames, for the figure of the same name.

A generator yields one figure again and again, a little further each time; the last frame is the still. `moving.py` writes
them.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.figures import plane
from experiments.figures.error_surface import PATH_COLOURS
from experiments.figures.momentum import DRAWN_STEPS, METHODS, path_of
from experiments.figures.style import COLOURS, GREY, LINES, MARKERS, label, subplots
from experiments.run_directory.results import Results

MOST = 40  # frames
SIDE = 4.8  # inches of a square picture: the width of a phone


def perceptron(run: Results) -> Iterator[Figure]:
    """The boundary of a perceptron after each mistake, until no point is on the wrong side."""
    history = run.arrays["history"]
    figure, axes = canvas()
    inputs_N2, targets_N = run.arrays["inputs"], run.arrays["targets"]
    plane.points(axes, inputs_N2, targets_N)
    plane.frame(axes, inputs_N2)
    (wrong,) = axes.plot([], [], "o", color=COLOURS[3], markersize=11, fillstyle="none", label="on the wrong side")
    below(axes)
    for place in chosen(len(history)):
        for line in axes.lines[3:]:
            line.set(color=GREY, linestyle=":", linewidth=0.8)
        plane.boundary(axes, history[place], color=COLOURS[6], linewidth=2.2)
        *weights, bias = history[place]
        missed = (inputs_N2 @ np.array(weights) + bias >= 0) != (targets_N == 1)
        wrong.set_data(*inputs_N2[missed].T)
        label(axes, "$x_1$", "$x_2$", f"mistake {place} of {len(history) - 1}: {int(missed.sum())} points wrong")
        yield figure


def error_surface(run: Results) -> Iterator[Figure]:
    """Two descents on the error of one sigmoid unit, step by step; darker is a larger error."""
    yield from descents(run, "neuron", 2, "one sigmoid unit")


def two_minima(run: Results) -> Iterator[Figure]:
    """A descent into each of two valleys, step by step; darker is a larger error."""
    paths_SK2 = run.arrays["valleys_paths"]
    minima_M2 = run.arrays["valleys_points"][run.arrays["valleys_kinds"] == 0]
    nearest_S = np.linalg.norm(paths_SK2[:, -1][:, None] - minima_M2[None], axis=-1).argmin(axis=1)
    starts = [int(np.argmax(nearest_S == index)) for index in range(len(minima_M2)) if (nearest_S == index).any()]
    yield from descents(run, "valleys", starts, "two valleys")


def descents(run: Results, name: str, starts: int | Sequence[int], title: str) -> Iterator[Figure]:
    """Paths that grow on the map of a surface; `starts` are their numbers, or how many of the first ones."""
    figure, axes = canvas()
    plane_GG2, heights_GG = run.arrays[f"{name}_plane"], run.arrays[f"{name}_heights"]
    levels = np.unique(np.quantile(heights_GG, np.linspace(0, 1, 18)))
    axes.contourf(plane_GG2[..., 0], plane_GG2[..., 1], heights_GG, levels=levels, cmap="Greys")
    paths_SK2 = run.arrays[f"{name}_paths"][range(starts) if isinstance(starts, int) else list(starts)]
    lines = [
        axes.plot(
            [], [], "-", color=PATH_COLOURS[index], linewidth=2, marker=".", markersize=4, label=f"start {index + 1}"
        )[0]
        for index in range(len(paths_SK2))
    ]
    below(axes)
    # Steps that are equally long on the map, not equally many: the last ones hardly move.
    lengths_K = np.linalg.norm(np.diff(paths_SK2, axis=1), axis=-1).sum(axis=0).cumsum()
    for place in np.unique(np.searchsorted(lengths_K, np.linspace(0, 0.999, MOST) * lengths_K[-1])):
        for line, path_K2 in zip(lines, paths_SK2, strict=True):
            line.set_data(*path_K2[: place + 2].T)
        label(axes, "$w_1$", "$w_2$", f"{title}: step {place + 1}")
        axes.grid(False)
        yield figure


def momentum(run: Results) -> Iterator[Figure]:
    """Plain descent halts before the hump; both kinds of momentum roll over it."""
    figure, axes = canvas(height=3.6)
    curve, heights, beta = run.arrays["curve"], run.arrays["heights"], run.arrays["momenta"][1]
    axes.plot(curve, heights, color=COLOURS[6], linewidth=1)
    names = ("plain descent", *(f"{method} {beta:g}" for method in METHODS))
    paths = [path_of(run, METHODS[0], 0), *(path_of(run, method, 1) for method in METHODS)]
    balls = [
        axes.plot([], [], MARKERS[index], color=COLOURS[index], markersize=9, label=name)[0]
        for index, name in enumerate(names)
    ]
    inside = np.abs(curve) < 1.1 * max(np.abs(path).max() for path in paths)
    axes.set_xlim(curve[inside][0], curve[inside][-1])
    axes.set_ylim(-0.05, 1.2 * heights[inside].max() + 0.1)
    below(axes)
    for step in chosen(DRAWN_STEPS // 2):
        for index, (ball, path) in enumerate(zip(balls, paths, strict=True)):
            place = path[min(step, len(path) - 1)]
            ball.set_data([place], [np.interp(place, curve, heights) + 0.06 * (index + 1)])
        label(axes, "weight $x$", "error (points lifted a little)", f"step {step}")
        yield figure


def xor(run: Results) -> Iterator[Figure]:
    """The probability of class 1 while two hidden units learn XOR; dashed, the line of each unit."""
    arrays = run.arrays
    figure, axes = canvas()
    side = arrays["side"]
    # A dozen shades instead of all: the file is a tenth as large.
    shades = ListedColormap(plane.REGIONS(np.linspace(0, 1, 12)))
    extent = (side[0], side[-1], side[0], side[-1])
    surface = axes.imshow(arrays["frames_output"][-1], cmap=shades, vmin=0, vmax=1, extent=extent, origin="lower")
    plane.points(axes, arrays["inputs"], arrays["targets"], size=10)
    axes.set_aspect("equal")
    half = Line2D([], [], color=COLOURS[6], linewidth=1.8, label="probability 1/2")
    unit = Line2D([], [], color=COLOURS[6], linestyle="--", label="the same of a hidden unit")
    below(axes, [*axes.get_legend_handles_labels()[0], half, unit])
    drawn: list[QuadContourSet] = []
    frames = (arrays["frames_steps"], *(arrays[f"frames_{name}"].astype(np.float32) for name in ("output", "hidden")))
    for step, output_GG, hidden_HGG in zip(*frames, strict=True):
        for old in drawn:
            old.remove()
        surface.set_data(output_GG)
        lines = [(output_GG, LINES[0], 1.8), *((hidden_GG, LINES[1], 1.2) for hidden_GG in hidden_HGG)]
        drawn = list(filter(None, (contour(axes, side, *one) for one in lines)))
        label(axes, "$x_1$", "$x_2$", f"step {step}")
        axes.grid(False)
        yield figure


def contour(axes: Axes, side: np.ndarray, values_GG: np.ndarray, line: str, width: float) -> QuadContourSet | None:
    """The line on which a probability is 1/2, if there is one."""
    if not values_GG.min() < 0.5 < values_GG.max():
        return None
    return axes.contour(side, side, values_GG, levels=[0.5], colors=COLOURS[6], linestyles=line, linewidths=width)


def canvas(height: float = SIDE) -> tuple[Figure, Axes]:
    """A figure as wide as a phone with one axes; its layout is made once, so that nothing jumps."""
    figure, axes = subplots(width=SIDE, height=height)
    return figure, axes[0, 0]


def below(axes: Axes, handles: Sequence[Artist] | None = None) -> None:
    """A legend below the axes."""
    shown = axes.get_legend_handles_labels()[0] if handles is None else handles
    axes.figure.legend(handles=shown, loc="outside lower center", ncols=2, fontsize="small", frameon=False)


def chosen(count: int) -> list[int]:
    """At most MOST of the numbers 0 … count - 1, first and last among them."""
    return sorted({round(place) for place in np.linspace(0, count - 1, min(count, MOST))})
