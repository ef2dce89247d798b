"""The perceptron: its boundaries on the way, its mistakes against the bound, its mistakes epoch by epoch."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures import plane
from experiments.figures.style import COLOURS, MARKERS, band, label, look, subplots
from experiments.run_directory.results import Results
from experiments.run_directory.settings import by_setting

MAX_DRAWN = 30  # boundaries on the way; more would cover the points
MAX_EPOCHS = 60  # epochs on the axis: whatever happens happens early, or never


def perceptron(run: Results) -> Figure:
    """Three panels: the plane (F004), the mistakes of every seed under the bound (F003), the mistakes per epoch."""
    figure, axes = subplots(1, 3, width=4.7, height=4.6)
    draw_history(axes[0][0], run)
    draw_bound(axes[0][1], run)
    for index, name in enumerate(run.arrays["labels"]):
        mistakes_SE = run.arrays[f"mistakes_per_epoch_{index}"][:, :MAX_EPOCHS]
        band(axes[0][2], range(1, mistakes_SE.shape[1] + 1), mistakes_SE, str(name), index)
    axes[0][2].set_yscale("symlog", linthresh=1)
    axes[0][2].set_ylim(bottom=0)
    label(axes[0][2], "epoch", "mistakes (updates) in the epoch", "Only XOR never comes to rest")
    for axis in axes[0]:
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2, fontsize="small", frameon=False)
    return figure


def draw_history(axes: Axes, run: Results) -> None:
    """The final boundary solid, those before dotted, the widest dash-dotted."""
    arrays = run.arrays
    plane.points(axes, arrays["inputs"], arrays["targets"])
    plane.frame(axes, arrays["inputs"])
    before = arrays["history"][:-1]
    chosen = before[np.unique(np.linspace(0, len(before) - 1, min(len(before), MAX_DRAWN)).astype(int))]
    for place, boundary in enumerate(chosen):
        name = {"label": f"after an earlier mistake ({len(before)})"} if place == 0 else {}
        shade = 0.25 + 0.55 * (place + 1) / len(chosen)
        plane.boundary(axes, boundary, color=COLOURS[6], linestyle=":", linewidth=1.1, alpha=shade, **name)
    plane.boundary(axes, arrays["boundary"], color=COLOURS[6], linestyle="-", linewidth=2.2, label="final")
    plane.boundary(axes, arrays["widest"], color=COLOURS[2], linestyle="-.", linewidth=1.6, label="widest margin")
    label(axes, "$x_1$", "$x_2$", f"A line that separates, not the best ({arrays['labels'][0]})")


def draw_bound(axes: Axes, run: Results) -> None:
    """Mistakes against Novikoff's bound; data that no line separates have no bound and are at the right edge."""
    finite = [row["bound"] for row in run.rows if np.isfinite(row["bound"])]
    edge = 4 * max(finite, default=1.0)
    for index, (name, rows) in enumerate(by_setting(run.rows).items()):
        bounds = [min(row["bound"], edge) for row in rows]
        axes.plot(bounds, [row["mistakes"] for row in rows], MARKERS[index], color=look(index)["color"], label=name)
    low = min(finite, default=1.0)
    axes.plot([low, edge], [low, edge], color=COLOURS[6], linewidth=1, label="mistakes = bound")
    axes.set_xscale("log")
    axes.set_yscale("log")
    label(
        axes, "bound $(R/\\gamma)^2$ (far right: no line separates)", "mistakes until it stops", "Every seed keeps it"
    )
