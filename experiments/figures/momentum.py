"""Momentum: over the hump, past the minimum, and how large the steps become."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.style import COLOURS, LINES, MARKERS, below, label, look, rate_errors, subplots
from experiments.run_directory.results import Results

METHODS = ("heavy ball", "Nesterov")
DRAWN_STEPS = 150  # steps of a path that are drawn
SLOPE_STEPS = 100  # steps down the slope that are drawn


def momentum(run: Results) -> Figure:
    """The surface with three descents, the same against time, the growing step, and the shares of starts."""
    figure, axes = subplots(2, 2, width=5.4, height=4.2)
    draw_paths(axes[0], run)
    draw_steps(axes[1][0], run)
    draw_shares(axes[1][1], run)
    for axis in axes.flat:
        below(axis, 2)
    return figure


def path_of(run: Results, method: str, index: int) -> np.ndarray:
    """The path of a method at momentum number `index`, cut to the drawn steps."""
    return run.arrays[f"{method.replace(' ', '_')}_path"][index][: DRAWN_STEPS + 1]


def draw_paths(axes: tuple[Axes, Axes], run: Results) -> None:
    """Plain descent and both kinds of momentum from one start: on the surface, and against the steps."""
    momenta, curve, heights = (run.arrays[name] for name in ("momenta", "curve", "heights"))
    axes[0].plot(curve, heights, color=COLOURS[6], linewidth=1)
    drawn = [("plain descent", path_of(run, METHODS[0], 0))]
    drawn += [(f"{method} {momenta[1]:g}", path_of(run, method, 1)) for method in METHODS]
    for index, (name, path) in enumerate(drawn):
        # Lifted off the curve a little, each by its own amount, so that none hides another.
        lifted = np.interp(path, curve, heights) + 0.06 * (index + 1)
        style: dict[str, Any] = {"color": COLOURS[index], "marker": MARKERS[index], "markersize": 3, "linewidth": 0.7}
        axes[0].plot(path, lifted, label=name, **style)
        axes[1].plot(path, label=name, color=COLOURS[index], linestyle=LINES[index])
    inside = np.abs(curve) < 1.1 * max(np.abs(path).max() for _, path in drawn)
    axes[0].set_xlim(curve[inside][0], curve[inside][-1])
    axes[0].set_ylim(-0.05, 1.2 * heights[inside].max() + 0.1)
    axes[1].axhline(-2, color=COLOURS[7], linewidth=1, label="top of the hump")
    axes[1].axhline(0, color=COLOURS[6], linewidth=1, label="global minimum")
    label(axes[0], "weight $x$", "error (points lifted a little)", "plain descent halts before the hump")
    label(axes[1], "step", "weight $x$", "momentum also rolls past the minimum")


def draw_steps(axes: Axes, run: Results) -> None:
    """The step on a slope of 1, in units of the learning rate, and its limit 1 / (1 - beta)."""
    order = np.argsort(run.arrays["momenta"])
    for index, place in enumerate(order):
        beta = run.arrays["momenta"][place]
        steps = run.arrays["heavy_ball_steps"][place][:SLOPE_STEPS]
        axes.plot(np.arange(1, len(steps) + 1), steps, color=COLOURS[index], label=f"β = {beta:g}")
        axes.axhline(1 / (1 - beta), color=COLOURS[index], linestyle=":", linewidth=1)
    axes.plot([], [], ":", color=COLOURS[6], label="1 / (1 − β)")
    axes.set_yscale("log")
    label(axes, "step", "step length / η on a constant slope", "heavy ball: a sum of steps, not an average")


def draw_shares(axes: Axes, run: Results) -> None:
    """Share of starts that end in the global minimum, from either side; 95 % intervals (Wilson)."""
    order = np.argsort(run.arrays["momenta"])
    betas = run.arrays["momenta"][order]
    lines = [(method, side) for side in ("reached", "kept") for method in METHODS]
    for index, (method, side) in enumerate(lines):
        shares_JS = run.arrays[f"{method.replace(' ', '_')}_{side}"][order]
        shares, ends = rate_errors(shares_JS)
        where = "before the hump" if side == "reached" else "no hump before"
        places = np.arange(len(betas)) + 0.07 * (index - 1.5)
        axes.errorbar(places, shares, ends, marker=MARKERS[index], capsize=2, label=f"{method}, {where}", **look(index))
    axes.set_xticks(range(len(betas)), [f"{beta:g}" for beta in betas])
    axes.set_ylim(-0.03, 1.03)
    label(axes, "momentum β", "share in the global minimum", "too much throws some out again")
