"""XOR: each hidden unit is a line, their combination is not; and how often training finds it."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.figures import plane
from experiments.figures.style import COLOURS, MARKERS, label, look, rate_errors, subplots
from experiments.run_directory.results import Results

MAX_HIDDEN = 2  # hidden units that have a panel


def xor(run: Results) -> Figure:
    """Top: two hidden units and the network's output. Bottom: a failure, all losses, the success rates."""
    arrays = run.arrays
    figure, axes = subplots(2, 3, width=4.6, height=4.1)
    hidden = arrays.get("solved_hidden", np.empty((0,)))
    for unit in range(MAX_HIDDEN):
        if unit < len(hidden):
            regions(axes[0][unit], run, hidden[unit], f"hidden unit {unit + 1}: one line")
        else:
            axes[0][unit].set_visible(False)
    for axis, name, title in (
        (axes[0][2], "solved", "their combination\nloss {:.2g} nats"),
        (axes[1][0], "failed", "a start that failed\nloss {:.2f} nats"),
    ):
        if f"{name}_output" in arrays:
            surface = regions(axis, run, arrays[f"{name}_output"], title.format(float(arrays[f"{name}_loss"])))
            for unit in range(len(arrays[f"{name}_hidden"])):
                contour(axis, run, arrays[f"{name}_hidden"][unit], colors=COLOURS[6], linestyles="--", linewidths=1.2)
            figure.colorbar(surface, ax=axis, label="probability of class 1", ticks=(0, 0.5, 1))
        else:
            axis.set_visible(False)
    draw_losses(axes[1][1], run)
    draw_rates(axes[1][2], run)
    handles, names = next(axis for axis in axes.flat if axis.get_visible()).get_legend_handles_labels()
    lines = [Line2D([], [], color=COLOURS[6], linewidth=1.8), Line2D([], [], color=COLOURS[6], linestyle="--")]
    names = [*names, "probability 1/2", "the same of a hidden unit"]
    figure.legend([*handles, *lines], names, loc="outside upper center", ncols=4, frameon=False)
    return figure


def regions(axes: Axes, run: Results, values_GG: np.ndarray, title: str) -> QuadMesh:
    """A probability over the plane, its 1/2 as a line, and the four corners."""
    side = run.arrays["side"]
    surface = axes.pcolormesh(
        side, side, values_GG, cmap=plane.REGIONS, vmin=0, vmax=1, shading="gouraud", rasterized=True
    )
    contour(axes, run, values_GG, colors=COLOURS[6], linewidths=1.8)
    plane.points(axes, run.arrays["inputs"], run.arrays["targets"], size=9)
    axes.set_aspect("equal")
    label(axes, "$x_1$", "$x_2$", title)
    return surface


def contour(axes: Axes, run: Results, values_GG: np.ndarray, **look: Any) -> None:
    """The line on which a probability is 1/2, if there is one."""
    if values_GG.min() < 0.5 < values_GG.max():
        axes.contour(run.arrays["side"], run.arrays["side"], values_GG, levels=[0.5], **look)


def draw_losses(axes: Axes, run: Results) -> None:
    """The loss of every seed of the first width and start."""
    losses_SN, solved_S = run.arrays["losses"], run.arrays["shown_solved"]
    steps = np.linspace(0, int(run.arrays["steps"]), losses_SN.shape[1])
    for value, name, line in ((1, "solved", "-"), (0, "failed", "--")):
        chosen = losses_SN[solved_S == value]
        for place, losses_N in enumerate(chosen):
            named: dict[str, Any] = {"label": f"{name} ({len(chosen)} seeds)"} if place == 0 else {}
            axes.plot(steps, losses_N, line, color=COLOURS[1 - value], linewidth=0.7 if value else 1.4, **named)
    width, scale = run.arrays["widths"][0], run.arrays["init_scales"][0]
    axes.set_yscale("log")
    label(axes, "step", "loss (nats)", f"{width} hidden units, start {scale:g}")
    axes.legend(fontsize="small", frameon=False, loc="lower left")


def draw_rates(axes: Axes, run: Results) -> None:
    """Share of seeds that solve XOR, by width, for every start; 95 % intervals (Wilson)."""
    order = np.argsort(run.arrays["widths"])
    widths = run.arrays["widths"][order]
    for index, scale in enumerate(run.arrays["init_scales"]):
        solved_WS = run.arrays["solved"][order, index]
        shares, ends = rate_errors(solved_WS)
        places = widths + 0.06 * (index - (len(run.arrays["init_scales"]) - 1) / 2)
        name = f"N(0, {scale:g}$^2$)"
        axes.errorbar(places, shares, ends, marker=MARKERS[index], capsize=2, label=name, **look(index))
    axes.set_xticks(widths)
    axes.set_ylim(-0.03, 1.03)
    label(axes, "hidden units", "share of seeds that solve XOR", "Small starts and spare units help")
    axes.legend(title="start", fontsize="small", frameon=False, loc="lower right")
