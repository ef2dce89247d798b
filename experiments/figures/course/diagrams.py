"""Networks as diagrams: a backward pass with its numbers, the four ways to transfer, the whole Transformer, its families."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from experiments.figures.style import COLOURS, GREY, subplots
from nn_core.models.attention.dot_product import causal_mask
from nn_core.transfer.cases import CASES, LARGE_FROM, Case, apply_case
from nn_core.transfer.rules import LOAD

INPUTS, TARGET = (0.5, -1.0), 1.0
HIDDEN = ((0.8, -0.4), (0.3, 0.9))  # weights from each input to the two hidden units
OUTPUT = (1.2, -0.7)
BLOCKS = ("convolution 1", "convolution 2", "convolution 3", "dense 1", "dense 2", "old head")
EARLY, NEW_HEAD = 1, "new head"
FATES = {"frozen": "#56B4E9", "trained from there": "#E69F00", "new, trained": "#009E73"}
LENGTH = 6  # tokens of a mask


def backpropagation() -> Figure:
    """Values forwards (black) and the error's derivatives backwards (orange), by autodiff (F039)."""
    inputs_2, hidden_22, output_2 = (jnp.array(values) for values in (INPUTS, HIDDEN, OUTPUT))

    def error(first_2: jax.Array, second_2: jax.Array) -> jax.Array:
        """Half the squared error, with zeros added where its derivative is asked for."""
        units_2 = jax.nn.sigmoid(inputs_2 @ hidden_22 + first_2) + second_2
        return 0.5 * (TARGET - jax.nn.sigmoid(units_2 @ output_2)) ** 2

    units_2 = jax.nn.sigmoid(inputs_2 @ hidden_22)
    prediction = float(jax.nn.sigmoid(units_2 @ output_2))
    zeros_2 = jnp.zeros(2)
    sums_2, outs_2 = jax.grad(error, argnums=(0, 1))(zeros_2, zeros_2)
    figure, axes = subplots(1, 1, width=8.6, height=4.2)
    axis = axes[0][0]
    columns = ((0.0, list(INPUTS)), (3.2, np.asarray(units_2).tolist()), (6.4, [prediction]))
    places = [[(x, 1.2 - 2.4 * i if len(values) > 1 else 0.0) for i in range(len(values))] for x, values in columns]
    weights = (np.array(HIDDEN), np.array(OUTPUT)[:, None])
    for left, right, weights_IJ in zip(places, places[1:], weights, strict=False):
        for (i, j), weight in np.ndenumerate(weights_IJ):
            axis.annotate(
                "", right[j], left[i], arrowprops={"arrowstyle": "->", "color": GREY, "shrinkA": 18, "shrinkB": 18}
            )
            x, y = np.array(left[i]) + 0.3 * (np.array(right[j]) - np.array(left[i]))
            box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
            axis.text(x, y, f"w = {weight:g}", fontsize=8, ha="center", va="center", color=GREY, bbox=box)
    for (_, values), column in zip(columns, places, strict=True):
        for value, (x, y) in zip(values, column, strict=True):
            axis.plot(x, y, "o", markersize=34, color="white", markeredgecolor="black", zorder=3)
            axis.text(x, y, f"{value:.3f}", ha="center", va="center", fontsize=9, zorder=4)
    for index, (x, y) in enumerate(places[1]):
        text = f"$\\partial E/\\partial$output = {float(outs_2[index]):.4f}\n$\\partial E/\\partial$sum = {float(sums_2[index]):.4f}"
        axis.text(x, y + (0.75 if index == 0 else -0.75), text, ha="center", va="center", fontsize=8, color=COLOURS[1])
    axis.text(6.4, 0.95, f"error {0.5 * (TARGET - prediction) ** 2:.4f}\ntarget {TARGET:g}", ha="center", fontsize=8)
    axis.text(
        6.4,
        -1.1,
        f"$\\partial E/\\partial$output = {prediction - TARGET:.4f}",
        ha="center",
        fontsize=8,
        color=COLOURS[1],
    )
    axis.annotate("", (2.4, -2.45), (6.4, -2.45), arrowprops={"arrowstyle": "->", "color": COLOURS[1], "linewidth": 2})
    axis.text(4.4, -2.4, "the derivatives go back", ha="center", va="bottom", fontsize=9, color=COLOURS[1])
    axis.set_xlim(-0.9, 7.6)
    axis.set_ylim(-2.7, 2.4)
    axis.set_axis_off()
    axis.set_title("values go forwards through sigmoid units")
    return figure


def fates(case: Case) -> dict[str, str]:
    """What becomes of each block of the new network, read off the rules that a run follows: {block: key of FATES}."""
    setting = apply_case(case, BLOCKS, NEW_HEAD, EARLY)
    loads, factors = dict(setting.load), dict(setting.train)
    found = {}
    for block in (*setting.kept, NEW_HEAD):
        loaded, factor = loads[f"{block}/*"] == LOAD, factors[f"{block}/*"]
        found[block] = "new, trained" if not loaded else "frozen" if factor == 0 else "trained from there"
    return found


def transfer_cases() -> Figure:
    """The pre-trained network and what each of the four cases makes of it, block by block (F072-F076)."""
    figure, axes = subplots(1, 1, width=9.6, height=5.2)
    axis = axes[0][0]
    rows = [("pre-trained network", dict.fromkeys(BLOCKS, ""))]
    for number, case in CASES.items():
        size = "few" if case.small else "many"
        kind = "similar" if case.similar else "different"
        rows.append((f"case {number}: {size} {kind} examples\n{case.says}", fates(case)))
    for place, (text, blocks) in enumerate(rows):
        axis.text(-0.2, -place, text, ha="right", va="center", fontsize=9)
        for name, fate in blocks.items():
            column = len(BLOCKS) - 1 if name == NEW_HEAD and len(blocks) == len(BLOCKS) else list(blocks).index(name)
            colour = FATES.get(fate, "#E5E5E5")
            axis.add_patch(Rectangle((1.7 * column, -place - 0.3), 1.6, 0.6, facecolor=colour, edgecolor="black"))
            axis.text(1.7 * column + 0.8, -place, name, ha="center", va="center", fontsize=8)
    for index, (fate, colour) in enumerate(FATES.items()):
        axis.add_patch(Rectangle((3.4 * index, -len(rows) - 0.15), 0.4, 0.3, facecolor=colour, edgecolor="black"))
        axis.text(3.4 * index + 0.5, -len(rows), fate, va="center", fontsize=9)
    axis.set_xlim(-5.2, 1.7 * len(BLOCKS))
    axis.set_ylim(-len(rows) - 0.5, 0.6)
    axis.set_axis_off()
    return figure


def transfer_guide() -> Figure:
    """Which case for which data: size against similarity to the data of the pre-training (F071)."""
    figure, axes = subplots(1, 1, width=6.4, height=4.6)
    axis = axes[0][0]
    for number, case in CASES.items():
        x, y = int(not case.small), int(case.similar)
        axis.add_patch(Rectangle((x, y), 1, 1, facecolor=COLOURS[number - 1], alpha=0.25, edgecolor="black"))
        words = case.says.replace(", ", ",\n").replace(" on ", "\non ")
        axis.text(x + 0.5, y + 0.5, f"case {number}\n\n{words}", ha="center", va="center")
    axis.set_xticks((0.5, 1.5), (f"below {LARGE_FROM:,}", "as many or more"))
    axis.set_yticks((0.5, 1.5), ("different", "similar"))
    axis.set(xlim=(0, 2), ylim=(0, 2), xlabel="examples of the new data (the line is subjective)", ylabel="data")
    axis.set_title("which part of a pre-trained network to keep")
    return figure


def stack(axes: Axes, x: float, parts: Sequence[str], title: str) -> float:
    """Boxes from the bottom upwards with arrows between them; returns the height of the top."""
    for place, name in enumerate(parts):
        colour = COLOURS[0] if "attention" in name else COLOURS[1] if "feed" in name else GREY
        box = {"boxstyle": "round,pad=0.35", "facecolor": "white", "edgecolor": colour, "linewidth": 1.8}
        axes.text(x, place, name, ha="center", va="center", fontsize=8.5, bbox=box, zorder=3)
        if place:
            axes.annotate("", (x, place - 0.28), (x, place - 0.72), arrowprops={"arrowstyle": "->"})
    axes.text(x, len(parts) - 0.2, title, ha="center", va="bottom", fontsize=10, fontweight="bold")
    return len(parts) - 1.0


def transformer() -> Figure:
    """The whole Transformer: an encoder reads, a decoder writes and looks at what the encoder made (F120)."""
    figure, axes = subplots(1, 1, width=8.4, height=6.4)
    axis = axes[0][0]
    encoder = (
        "source tokens",
        "embedding + position",
        "self-attention",
        "add, layer norm",
        "feed-forward",
        "add, layer norm",
    )
    decoder = (
        *(
            "target so far",
            "embedding + position",
            "masked self-attention",
            "add, layer norm",
            "attention to the source",
        ),
        *("add, layer norm", "feed-forward", "add, layer norm", "linear, softmax", "next token"),
    )
    top = stack(axis, 0.0, encoder, "encoder")
    stack(axis, 4.0, decoder, "decoder")
    line = {"color": COLOURS[0], "linewidth": 1.8}
    axis.plot((0.95, 2.0, 2.0), (top, top, 4.0), **line)
    axis.annotate("", (2.75, 4.0), (2.0, 4.0), arrowprops={"arrowstyle": "->", **line})
    axis.text(2.0, top + 0.15, "keys and values", ha="center", va="bottom", fontsize=8, color=COLOURS[0])
    for x, low, high in ((-1.45, 1.6, 5.45), (5.55, 1.6, 7.45)):
        axis.plot((x, x), (low, high), color="black", linewidth=1)
        axis.text(
            x + (-0.12 if x < 0 else 0.12),
            (low + high) / 2,
            "N times",
            rotation=90,
            ha="center" if x > 0 else "right",
            va="center",
            fontsize=8,
        )
    axis.set_xlim(-2.2, 6.2)
    axis.set_ylim(-0.6, len(decoder) + 0.6)
    axis.set_axis_off()
    return figure


def families() -> Figure:
    """Who sees whom in the three families: dark is seen (F138-F140)."""
    everything = np.ones((LENGTH, LENGTH), bool)
    causal = np.asarray(causal_mask(LENGTH))[0, 0]
    half = LENGTH // 2
    both = np.block(
        [[everything[:half, :half], ~everything[:half, :half]], [everything[:half, :half], causal[:half, :half]]]
    )
    panels = (
        (everything, "encoder only (BERT)\nevery token sees every other:\nreads, classifies, fills gaps"),
        (causal, "decoder only (GPT)\nno token sees a later one:\nwrites on"),
        (both, "encoder and decoder (T5)\nthe source sees itself,\nthe target the source and its past"),
    )
    figure, axes = subplots(1, 3, width=3.3, height=4.4)
    for axis, (seen, title) in zip(axes[0], panels, strict=True):
        axis.imshow(seen, cmap="Blues", vmin=0, vmax=1.4)
        axis.set_title(title, fontsize=9)
        axis.set(xlabel="token that is looked at", ylabel="token that looks")
        axis.set_xticks(range(LENGTH), range(1, LENGTH + 1))
        axis.set_yticks(range(LENGTH), range(1, LENGTH + 1))
    axes[0][2].axhline(half - 0.5, color="black", linewidth=1)
    axes[0][2].axvline(half - 0.5, color="black", linewidth=1)
    return figure
