"""The transformer block as a diagram. Its shapes are read off the module, so that the picture cannot be wrong."""

import jax
import jax.numpy as jnp
from flax import linen as nn
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.style import COLOURS, GREY, subplots
from nn_core.models.attention.multi_head import MultiHeadAttention
from nn_core.models.layers import LayerNorm
from nn_core.models.transformer.block import Block, FeedForward, feed_forward_width

BATCH, TIME, WIDTH, HEADS = 2, 16, 64, 4
# Sublayer, colour; from the input at the bottom to the output at the top.
ROWS = (
    ("layer norm", 5),
    ("multi-head attention", 0),
    ("dropout", 4),
    ("+", 2),
    ("layer norm", 5),
    ("feed-forward", 1),
    ("dropout", 4),
    ("+", 2),
)


def shapes() -> dict[str, tuple[int, ...]]:
    """Output shapes of a block's parts for an input (B, T, D), and their numbers of parameters, by abstract evaluation."""
    x_BTD = jnp.zeros((BATCH, TIME, WIDTH))

    def of(module: nn.Module) -> tuple[int, ...]:
        return jax.eval_shape(lambda key, x: module.init_with_output(key, x)[0], jax.random.key(0), x_BTD).shape

    return {
        "layer norm": of(LayerNorm()),
        "multi-head attention": of(MultiHeadAttention(HEADS)),
        "feed-forward": of(FeedForward()),
        "block": of(Block(HEADS)),
    }


def transformer_block() -> Figure:
    """A pre-norm block (F131): its parts, the residual paths around them, and the shape on each line."""
    found = shapes()
    figure, axes = subplots(1, 1, width=8.4, height=8.0)
    axis = axes[0][0]
    heads = f"{HEADS} heads: q, k, v ({BATCH}, {HEADS}, {TIME}, {WIDTH // HEADS}), weights ({BATCH}, {HEADS}, {TIME}, {TIME})"
    inside = {
        "multi-head attention": heads,
        "feed-forward": f"({BATCH}, {TIME}, {feed_forward_width(WIDTH, 'mlp')}) inside: 4 times as wide, GELU",
    }
    arrow(axis, 0, 0.65)
    axis.text(0, -0.1, f"input ({BATCH}, {TIME}, {WIDTH}) = (batch, tokens, width)", ha="center", va="top")
    start = 0.3
    for row, (name, colour) in enumerate(ROWS):
        height = row + 1.0
        if name == "+":
            axis.plot(0, height, "o", markersize=20, color="white", markeredgecolor=COLOURS[colour], zorder=4)
            axis.text(0, height, "+", ha="center", va="center", zorder=5, fontsize=14)
            around(axis, start, height)
            start = height + 0.35
        else:
            box = {"boxstyle": "round,pad=0.4", "facecolor": "white", "edgecolor": COLOURS[colour], "linewidth": 2}
            axis.text(0, height, name, ha="center", va="center", bbox=box, zorder=4)
        if name in inside:
            axis.text(1.35, height, inside[name], va="center", fontsize="small", color=GREY)
        arrow(axis, height + 0.3, height + 0.68)
        shape = found.get(name, found["block"])
        axis.text(0.08, height + 0.48, f"{shape}", fontsize="x-small", color=GREY, va="center")
    axis.text(
        0, len(ROWS) + 0.75, f"output {found['block']}: the same shape, so that blocks stack", ha="center", va="bottom"
    )
    axis.text(-1.9, 4.0, "residual\nconnections", ha="right", va="center", color=COLOURS[2])
    axis.set_xlim(-3.2, 5.4)
    axis.set_ylim(-0.6, len(ROWS) + 1.3)
    axis.axis("off")
    return figure


def arrow(axes: Axes, low: float, high: float) -> None:
    """An arrow upwards, in the middle."""
    axes.annotate("", (0, high), (0, low), arrowprops={"arrowstyle": "->", "color": "black"})


def around(axes: Axes, low: float, high: float) -> None:
    """The residual connection from `low` to the sum at `high`."""
    axes.plot([0, -1.7, -1.7, -0.25], [low, low, high, high], color=COLOURS[2], linewidth=2, zorder=1)
    axes.annotate("", (-0.16, high), (-0.5, high), arrowprops={"arrowstyle": "->", "color": COLOURS[2], "linewidth": 2})
