"""Perceptron against gradient descent: both boundaries on the same points, and how many points each epoch updates."""

from matplotlib.figure import Figure

from experiments.figures import plane
from experiments.figures.style import COLOURS, LINES, band, label, subplots
from experiments.run_directory.results import Results

BOUNDARY_COLOURS = (COLOURS[6], COLOURS[2])  # the classes take the first two colours


def perceptron_vs_gradient_descent(run: Results) -> Figure:
    """A plane for every noise (first seed), then updates against epochs with bands over the seeds."""
    arrays = run.arrays
    methods, noises = [str(name) for name in arrays["labels"]], arrays["noises"]
    figure, axes = subplots(1, len(noises) + 1, width=4.7, height=4.6)
    for index, noise in enumerate(noises):
        axis = axes[0][index]
        plane.points(axis, arrays[f"inputs_{index}"], arrays[f"targets_{index}"])
        plane.frame(axis, arrays[f"inputs_{index}"])
        for place, method in enumerate(methods):
            line = {"color": BOUNDARY_COLOURS[place], "linestyle": LINES[place], "linewidth": 2}
            plane.boundary(axis, arrays[f"way_{index}_{place}"][-1], label=method, **line)
        kind = "a line separates" if noise == 0 else "the classes overlap"
        label(axis, "$x_1$", "$x_2$", f"noise {noise:g}: {kind}")
    last = axes[0][-1]
    for place, method in enumerate(methods):
        for index, noise in enumerate(noises):
            updates_SE = arrays[f"updates_{index}_{place}"]
            epochs = range(1, updates_SE.shape[1] + 1)
            band(last, epochs, updates_SE, f"{method}, noise {noise:g}", place * len(noises) + index)
    last.set_ylim(bottom=0)
    # Far from the line the sigmoid is exactly 0 or 1 in float32, and there is no error left to learn from.
    label(
        last,
        "epoch",
        "points that moved the weights in the epoch",
        "who updates: descent at all points\nbut where the float32 sigmoid is y",
    )
    for axis in (axes[0][0], last):
        axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2, fontsize="small", frameon=False)
    return figure
