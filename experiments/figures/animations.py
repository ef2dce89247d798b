"""Pictures that move: a function of a run that yields frames, for the figure of the same name.

A generator yields one figure again and again, a little further each time; the last frame is the still. `moving.py` writes
them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

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
from experiments.figures.perceptron_vs_gradient_descent import BOUNDARY_COLOURS
from experiments.figures.regions import draw, recorded
from experiments.figures.style import COLOURS, GREY, LINES, MARKERS, label, panels, subplots
from experiments.run_directory.frames import read_frames
from experiments.run_directory.results import Results
from experiments.run_directory.settings import short

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


def perceptron_vs_gradient_descent(run: Results) -> Iterator[Figure]:
    """Both boundaries epoch by epoch: one halts at the first line without mistakes, the other goes on turning."""
    methods, noises = [str(name) for name in run.arrays["labels"]], run.arrays["noises"]
    figure, grid = subplots(len(noises), 1, width=SIDE, height=0.9 * SIDE)
    looks: list[dict[str, Any]] = [
        {"color": BOUNDARY_COLOURS[place], "linestyle": LINES[place], "linewidth": 2} for place in range(len(methods))
    ]
    for index, axes in enumerate(grid[:, 0]):
        plane.points(axes, run.arrays[f"inputs_{index}"], run.arrays[f"targets_{index}"])
        plane.frame(axes, run.arrays[f"inputs_{index}"])
    named = [Line2D([], [], label=method, **look) for method, look in zip(methods, looks, strict=True)]
    below(grid[0, 0], [*grid[0, 0].get_legend_handles_labels()[0], *named])
    for epoch in chosen(len(run.arrays["way_0_0"]), early=True):
        for index, axes in enumerate(grid[:, 0]):
            for line in axes.lines[2:]:
                line.remove()
            for place, look in enumerate(looks):
                plane.boundary(axes, run.arrays[f"way_{index}_{place}"][epoch], **look)
            label(axes, "$x_1$", "$x_2$", f"noise {noises[index]:g}: after epoch {epoch + 1}")
        yield figure


def regions(run: Results) -> Iterator[Figure]:
    """The class that each network gives every point of the plane, evaluation by evaluation, from its start on."""
    firsts = {name: next(row for row in rows if "regions" in row) for name, rows in recorded(run).items()}
    ways = {name: read_frames(run.directory, "regions", row["member"]) for name, row in firsts.items()}
    figure, grid = panels(len(firsts), columns=2, width=SIDE / 2, height=0.55 * SIDE)
    images = [draw(axes, row) for axes, row in zip(grid, firsts.values(), strict=True)]
    for line in (line for axes in grid for line in axes.lines):
        line.set_markersize(4)
    below(grid[0])
    steps = max((steps for steps, _ in ways.values()), key=len)
    for place in chosen(len(steps)):
        for axes, image, (name, (own, frames)) in zip(grid, images, ways.items(), strict=True):
            now = min(place, len(own) - 1)  # one that has stopped stays as it is
            image.set_data(frames[now])
            label(axes, "first feature", "second feature", f"{short(name)}: update {own[now]}")
            axes.title.set_fontsize("medium")
            axes.grid(False)
        yield figure


def error_surface(run: Results) -> Iterator[Figure]:
    """Two descents on the error of one sigmoid unit, step by step; darker is a larger error."""
    yield from descents(run, {"neuron": "one sigmoid unit"}, lambda name: [0, 1])


def two_minima(run: Results) -> Iterator[Figure]:
    """A descent into each of two minima, on two surfaces, step by step; darker is a larger error."""

    def starts(name: str) -> list[int]:
        """The first start that ends in each minimum."""
        minima_M2 = run.arrays[f"{name}_points"][run.arrays[f"{name}_kinds"] == 0]
        ends_S2 = run.arrays[f"{name}_paths"][:, -1]
        nearest_S = np.linalg.norm(ends_S2[:, None] - minima_M2[None], axis=-1).argmin(axis=1)
        return [int(np.argmax(nearest_S == index)) for index in range(len(minima_M2)) if (nearest_S == index).any()]

    yield from descents(run, {"chain": "hidden unit", "valleys": "two valleys"}, starts)


def descents(run: Results, titles: Mapping[str, str], starts: Callable[[str], Sequence[int]]) -> Iterator[Figure]:
    """Paths that grow on the maps of surfaces, one below the other.

    Args:
        run: with the surfaces.
        titles: {surface: how it is called}.
        starts: surface -> numbers of its paths.
    """
    figure, grid = subplots(len(titles), 1, width=SIDE, height=SIDE if len(titles) == 1 else 0.85 * SIDE)
    maps = [
        (axes, title, *draw_map(axes, run, name, starts(name)))
        for axes, (name, title) in zip(grid[:, 0], titles.items(), strict=True)
    ]
    below(max(grid[:, 0], key=lambda axes: len(axes.lines)))
    before = None
    for share in np.linspace(0, 0.999, MOST):
        # Steps that are equally long on the map, not equally many: the last ones hardly move.
        places = [int(np.searchsorted(lengths_K, share * lengths_K[-1])) for *_, lengths_K in maps]
        if places == before:
            continue
        before = places
        for place, (axes, title, lines, paths_SK2, _) in zip(places, maps, strict=True):
            for line, path_K2 in zip(lines, paths_SK2, strict=True):
                line.set_data(*path_K2[: place + 2].T)
            label(axes, "$w_1$", "$w_2$", f"{title}: step {place + 1}")
            axes.grid(False)
        yield figure


def draw_map(axes: Axes, run: Results, name: str, starts: Sequence[int]) -> tuple[list[Line2D], np.ndarray, np.ndarray]:
    """Draws a surface; returns empty lines, their paths (S, K, 2), and the length of the paths after each step (K - 1,)."""
    plane_GG2, heights_GG = run.arrays[f"{name}_plane"], run.arrays[f"{name}_heights"]
    levels = np.unique(np.quantile(heights_GG, np.linspace(0, 1, 18)))
    axes.contourf(plane_GG2[..., 0], plane_GG2[..., 1], heights_GG, levels=levels, cmap="Greys")
    paths_SK2 = run.arrays[f"{name}_paths"][list(starts)]
    look: dict[str, Any] = {"linewidth": 2, "marker": ".", "markersize": 4}
    lines = [
        axes.plot([], [], "-", color=PATH_COLOURS[index], label=f"start {index + 1}", **look)[0]
        for index in range(len(paths_SK2))
    ]
    return lines, paths_SK2, np.linalg.norm(np.diff(paths_SK2, axis=1), axis=-1).sum(axis=0).cumsum()


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


def chosen(count: int, *, early: bool = False) -> list[int]:
    """At most MOST of the numbers 0 … count - 1, first and last among them; `early`: more of the first ones."""
    shares = np.linspace(0, 1, min(count, MOST)) ** (3 if early else 1)
    return sorted({round(share * (count - 1)) for share in shares})
