"""The network of the worked example, which the notes leave out, with its numbers: forward above, backward below."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from experiments.figures.style import COLOURS, GREY, MARKERS, label, subplots
from experiments.run_directory.results import Results

RADIUS = 0.32
TEXT_OFFSET = 8  # points between a connection and the text along it
FORWARD, BACKWARD = COLOURS[0], COLOURS[1]


def worked_example(run: Results) -> Figure:
    """The network with its numbers, and the error before and after the step."""
    figure, axes = subplots(1, 2, width=6.2, height=4.6, width_ratios=(3, 1))
    figure.set_size_inches(10.5, 4.8)
    draw_network(axes[0][0], run)
    draw_errors(axes[0][1], run)
    return figure


def draw_network(axes: Axes, run: Results) -> None:
    """Inputs, hidden unit, output from left to right; values above, error terms and steps below."""
    task, numbers = run.config["task"], run.arrays
    inputs, weights = task["inputs"], task["hidden_weights"]
    heights = np.linspace(1.0, -1.0, len(inputs)) if len(inputs) > 1 else np.zeros(1)
    hidden, output = (3.0, 0.0), (6.0, 0.0)
    for index, height in enumerate(heights):
        place = index + 1
        node(axes, (0.0, height), f"$x_{{{place}}}$\n{inputs[index]:g}")
        step = float(numbers["hidden_steps_D"][index])
        edge(axes, (0.0, height), hidden, f"$w_{{{place}}}$ = {weights[index]:g}", f"$Δw_{{{place}}}$ = {step:.6f}")
    node(axes, hidden, f"$a$\n{numbers['hidden_output'][0]:.4f}")
    node(axes, output, f"$\\hat{{y}}$\n{numbers['prediction'][0]:.4f}")
    step = float(numbers["output_step"][0])
    edge(axes, hidden, output, f"$W$ = {task['output_weight']:g}", f"$ΔW$ = {step:.6f}")
    notes(axes, hidden, f"$h$ = {numbers['hidden_input'][0]:.4g}", f"$δ^h$ = {numbers['hidden_error'][0]:.6f}")
    notes(axes, output, f"$y$ = {task['target']:g}", f"$δ^o$ = {numbers['output_error'][0]:.6f}")
    axes.plot([], [], color=FORWARD, label="forward: values")
    axes.plot([], [], color=BACKWARD, label="backward: error terms, and steps to add")
    axes.legend(loc="lower left", fontsize="small", frameon=False)
    axes.set_xlim(-0.6, 6.8)
    axes.set_ylim(-1.9, 1.6)
    axes.set_aspect("equal")
    axes.axis("off")
    axes.set_title("one hidden unit, one output, sigmoids, no biases")


def node(axes: Axes, centre: tuple[float, float], text: str) -> None:
    """A unit with its value."""
    axes.add_patch(Circle(centre, RADIUS, facecolor="white", edgecolor=COLOURS[6], zorder=3))
    axes.text(*centre, text, ha="center", va="center", fontsize="small", color=FORWARD, zorder=4)


def edge(axes: Axes, start: tuple[float, float], end: tuple[float, float], weight: str, step: str) -> None:
    """A connection with its weight above its first half and its step below the second."""
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "shrinkA": 22, "shrinkB": 22, "color": COLOURS[6]})
    angle = np.arctan2(end[1] - start[1], end[0] - start[0])
    for text, side, share, colour in ((weight, 1, 0.36, FORWARD), (step, -1, 0.64, BACKWARD)):
        place = (1 - share) * start[0] + share * end[0], (1 - share) * start[1] + share * end[1]
        beside = (-side * TEXT_OFFSET * np.sin(angle), side * TEXT_OFFSET * np.cos(angle))
        look = {"ha": "center", "va": "center", "fontsize": 9, "color": colour, "rotation": np.degrees(angle)}
        axes.annotate(text, place, beside, textcoords="offset points", rotation_mode="anchor", **look)


def notes(axes: Axes, centre: tuple[float, float], above: str, below: str) -> None:
    """Further numbers of a unit: forward above it, backward below it."""
    axes.text(centre[0], centre[1] + 1.35 * RADIUS, above, ha="center", va="bottom", fontsize=9, color=FORWARD)
    axes.text(centre[0], centre[1] - 1.35 * RADIUS, below, ha="center", va="top", fontsize=9, color=BACKWARD)


def draw_errors(axes: Axes, run: Results) -> None:
    """The error before the step, after it, and after the step with the sign that the notes print (S1)."""
    errors = run.arrays["errors"]
    names = ("before", "after", "after, sign\nas printed")
    axes.axhline(errors[0], color=GREY, linewidth=1, linestyle=":")
    for place, (value, colour) in enumerate(zip(errors, (GREY, COLOURS[2], COLOURS[1]), strict=True)):
        axes.plot(place, value, MARKERS[place], color=colour, markersize=9)
        axes.annotate(f"{value:.5f}", (place, value), (0, 8), textcoords="offset points", ha="center", fontsize="small")
    axes.set_xticks(range(len(names)), names, fontsize="small")
    axes.margins(x=0.25, y=0.2)
    label(axes, "weights", "error $E = (y - \\hat{y})^2 / 2$", "the step goes down")
