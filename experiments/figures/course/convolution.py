"""The demonstration network as a diagram. Its shapes are read off the module, so that the picture cannot be wrong."""

import jax
import jax.numpy as jnp
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from experiments.figures.style import COLOURS, GREY, subplots
from nn_core.models.cnn import CNN, feature_shapes

SIDE, CLASSES = 28, 10
FEATURES = ("edges", "shapes", "higher-level features")  # what the convolutions detect according to the notes (F072)


def convolutional_network() -> Figure:
    """Three convolutional and three fully connected layers (F072), each with its shape and parameters."""
    model = CNN(CLASSES)
    params = jax.eval_shape(model.init, jax.random.key(0), jnp.zeros((1, SIDE, SIDE, 1)))["params"]
    shapes = feature_shapes((SIDE, SIDE, 1), model.channels, model.kernel_size)
    figure, axes = subplots(1, 1, width=11.0, height=4.0)
    axis = axes[0][0]
    volume(axis, 0.0, shapes[0], GREY)
    caption(axis, 0.0, f"image\n{' × '.join(map(str, shapes[0]))}", "")
    for i, shape in enumerate(shapes[1:]):
        x = 1.9 * (i + 1)
        arrow(axis, x - 1.25, x - 0.6)
        volume(axis, x, shape, COLOURS[i])
        below = f"convolution {i + 1}, pooled\n{' × '.join(map(str, shape))}\n{count(params[f'conv_{i}'])} parameters"
        caption(axis, x, below, FEATURES[i])
    for i, units in enumerate((*model.hidden_sizes, CLASSES)):
        x = 7.4 + 1.5 * i
        arrow(axis, x - 1.05, x - 0.3)
        height = 0.4 + 1.6 * units / model.hidden_sizes[0]
        axis.add_patch(Rectangle((x - 0.08, -height / 2), 0.16, height, facecolor=COLOURS[3 + i], edgecolor="black"))
        last = i == len(model.hidden_sizes)
        name = "outputs" if last else f"fully connected {i + 1}"
        caption(axis, x, f"{name}\n{units}\n{count(params[f'dense_{i}'])} parameters", "")
    axis.set_xlim(-0.9, 11.3)
    axis.set_ylim(-1.9, 1.7)
    axis.set_axis_off()
    axis.set_title(f"Three convolutional and three fully connected layers: {count(params)} parameters")
    return figure


def volume(axes: Axes, x: float, shape: tuple[int, int, int], colour: str) -> None:
    """Feature maps one behind the other, drawn to scale; at most 6 are drawn."""
    side = 1.2 * shape[0] / SIDE + 0.12
    sheets = min(shape[2], 6)
    for sheet in reversed(range(sheets)):
        left, bottom = x - side / 2 + 0.07 * sheet, -side / 2 + 0.07 * sheet
        axes.add_patch(Rectangle((left, bottom), side, side, facecolor=colour, edgecolor="black", linewidth=0.6))


def caption(axes: Axes, x: float, below: str, above: str) -> None:
    """The name of a layer and, above it, what it detects."""
    axes.text(x, -1.15, below, ha="center", va="top", fontsize="small")
    axes.text(x, 1.35, above, ha="center", va="bottom", fontsize="small", style="italic")


def arrow(axes: Axes, start: float, end: float) -> None:
    """An arrow from a layer to the next."""
    axes.annotate("", (end, 0), (start, 0), arrowprops={"arrowstyle": "->", "color": GREY})


def count(params: object) -> str:
    """Number of scalars, with thousands separated."""
    return f"{sum(leaf.size for leaf in jax.tree.leaves(params)):,}"
