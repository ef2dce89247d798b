"""Error surfaces as maps: darker is a larger error, the black dot is a minimum, the paths are descents."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.style import COLOURS, MARKERS, label, legend_of_all, subplots
from experiments.run_directory.results import Results

LEVELS = 18  # shades of a map
FLOOR = 1e-8  # error above the minimum from which on nothing is drawn
POINT_MARKERS = {0: "o", 1: "X", 2: "^", 3: "s"}  # minimum, saddle, maximum, degenerate
POINT_NAMES = {0: "minimum", 1: "saddle", 2: "maximum", 3: "degenerate"}
PATH_COLOURS = (COLOURS[1], COLOURS[0], COLOURS[2], COLOURS[3])  # one for each minimum


def error_surface(run: Results) -> Figure:
    """One sigmoid unit: paths from two starts on its map, and the error along every path above the minimum."""
    figure, axes = subplots(1, 2, width=5.4, height=5.0)
    draw_map(figure, axes[0][0], run, "neuron", "one sigmoid unit: one minimum", num_paths=2)
    floor = min(float(run.arrays["neuron_path_heights"].min()), float(run.arrays["neuron_heights"].min()))
    above_SK = run.arrays["neuron_path_heights"] - floor
    for path_K in above_SK:
        axes[0][1].plot(path_K, color=COLOURS[0], linewidth=0.6, alpha=0.6)
    axes[0][1].set_yscale("log")
    axes[0][1].set_ylim(bottom=FLOOR)
    under_K = np.all(above_SK <= FLOOR, axis=0)
    axes[0][1].set_xlim(0, 1.1 * (under_K.argmax() if under_K.any() else len(under_K)))
    label(axes[0][1], "step", "error above the minimum", f"{len(above_SK)} starts, one end")
    legend_of_all(figure, figure.axes, "λ: eigenvalues of the Hessian")
    return figure


def two_minima(run: Results) -> Figure:
    """Two surfaces with two minima each: a path from a start into either, and the eigenvalues of the Hessian."""
    figure, axes = subplots(1, 2, width=5.4, height=5.2)
    draw_map(figure, axes[0][0], run, "chain", "hidden unit: two minima, equally low", num_paths=1)
    draw_map(figure, axes[0][1], run, "valleys", "two valleys: the right one is only local", num_paths=1)
    legend_of_all(figure, figure.axes, "λ: eigenvalues of the Hessian")
    return figure


def draw_map(figure: Figure, axes: Axes, run: Results, name: str, title: str, num_paths: int) -> None:
    """A surface with `num_paths` descents into each of its minima, and its critical points with their eigenvalues."""
    plane_GG2, heights_GG = run.arrays[f"{name}_plane"], run.arrays[f"{name}_heights"]
    x, y = plane_GG2[..., 0], plane_GG2[..., 1]
    # Levels by share of the area, so that the flat valley has lines too.
    levels = np.unique(np.quantile(heights_GG, np.linspace(0, 1, LEVELS)))
    shades = axes.contourf(x, y, heights_GG, levels=levels, cmap="Greys")
    axes.contour(x, y, heights_GG, levels=levels, colors=COLOURS[6], linewidths=0.3, alpha=0.5)
    ticks = levels[:: max(len(levels) // 6, 1)].tolist()
    colorbar = figure.colorbar(shades, ax=axes, label="error (darker is larger)", shrink=0.75)
    colorbar.set_ticks(ticks, labels=[f"{value:.2g}" for value in ticks])
    points_M2, kinds_M = run.arrays[f"{name}_points"], run.arrays[f"{name}_kinds"]
    draw_paths(axes, run.arrays[f"{name}_paths"], points_M2[kinds_M == 0], num_paths)
    for kind in np.unique(kinds_M):
        chosen = points_M2[kinds_M == kind]
        axes.plot(
            *chosen.T,
            POINT_MARKERS[int(kind)],
            color=COLOURS[6],
            markersize=8,
            markeredgecolor="white",
            label=POINT_NAMES[int(kind)],
            linestyle="none",
            zorder=5,
        )
    for (px, py), eigenvalues in zip(points_M2, run.arrays[f"{name}_eigenvalues"], strict=True):
        text = "λ = " + ", ".join(f"{value:.2g}" for value in eigenvalues)
        box = {"boxstyle": "round,pad=0.2", "facecolor": "white", "alpha": 0.6, "linewidth": 0}
        axes.annotate(text, (px, py), xytext=(8, 8), textcoords="offset points", fontsize="small", bbox=box, zorder=6)
    label(axes, "$w_1$", "$w_2$", title)
    axes.grid(False)
    axes.set_aspect("equal")


def draw_paths(axes: Axes, paths_SK2: np.ndarray, minima_M2: np.ndarray, num_paths: int) -> None:
    """The first descents into each minimum."""
    if not len(minima_M2):
        return
    distances_SM = np.linalg.norm(paths_SK2[:, -1][:, None] - minima_M2[None], axis=-1)
    nearest_S = distances_SM.argmin(axis=1)
    for index in range(len(minima_M2)):
        for place, path_K2 in enumerate(paths_SK2[nearest_S == index][:num_paths]):
            colour = PATH_COLOURS[(index + place) % len(PATH_COLOURS)]
            axes.plot(*path_K2.T, "-", color=colour, linewidth=1.8, marker=".", markersize=3, zorder=4)
            axes.plot(
                *path_K2[0],
                MARKERS[2],
                color=colour,
                markersize=8,
                markeredgecolor="white",
                zorder=5,
                label=f"start {index + place + 1}",
            )
