"""The steps of a transformer with numbers: queries, keys and values, layer norm, feed-forward; and one epoch of batches."""

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.course.attention import WORDS
from experiments.figures.style import COLOURS, label, subplots
from nn_core.activations import gelu
from nn_core.data.sampling import epoch_plan
from nn_core.models.attention.dot_product import dot_product_attention
from nn_core.models.layers import standardise

WIDTH, INSIDE = 4, 16  # of a token, and of the feed-forward's middle: 4 times as wide
EXAMPLES, BATCH, EPOCHS = 12, 4, 2


def matrix(axes: Axes, values: np.ndarray, title: str, rows: str, columns: str) -> None:
    """A matrix with its numbers, blue below zero and red above."""
    limit = float(np.abs(values).max()) or 1.0
    axes.imshow(values, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        colour = "white" if abs(value) > 0.65 * limit else "black"
        axes.text(
            column, row, f"{round(float(value), 1) + 0.0:.1f}", ha="center", va="center", fontsize=8.2, color=colour
        )
    axes.set_title(title, fontsize=9)
    axes.set_xticks(())
    axes.set_yticks(range(values.shape[0]), WORDS if rows == "token" else [""] * values.shape[0], fontsize=8.2)
    axes.set_xlabel(f"{columns} ({values.shape[1]})", fontsize=8.5)
    axes.set_ylabel(f"{rows} ({values.shape[0]})", fontsize=8.5)
    axes.tick_params(length=0)


def queries_keys_values() -> Figure:
    """From tokens to what attention makes of them, each step with its matrix (F123): the numbers are those of nn_core."""
    keys = jax.random.split(jax.random.key(3), 4)
    x_TD = jax.random.normal(keys[0], (len(WORDS), WIDTH))
    maps = {name: jax.random.normal(key, (WIDTH, WIDTH)) / 2 for name, key in zip("QKV", keys[1:], strict=True)}
    made = {name: x_TD @ maps[name] for name in "QKV"}
    scores_TT = made["Q"] @ made["K"].T / jnp.sqrt(WIDTH)
    batched = [made[name][None, :, None] for name in "QKV"]
    out_TD = dot_product_attention(*batched)[0, :, 0]
    figure, axes = subplots(3, 3, width=3.4, height=2.5)
    for row, name in enumerate("QKV"):
        what = {"Q": "query: what a token looks for", "K": "key: what it is found by", "V": "value: what it gives"}[
            name
        ]
        matrix(axes[row][0], np.asarray(maps[name]), f"$W_{name}$, learned", "input", "output")
        matrix(axes[row][1], np.asarray(made[name]), f"${name} = X W_{name}$\n{what}", "token", "dimension")
    matrix(axes[0][2], np.asarray(scores_TT), "scores $QK^T/\\sqrt{d_k}$", "token", "token")
    matrix(axes[1][2], np.asarray(jax.nn.softmax(scores_TT)), "weights: softmax of each row", "token", "token")
    matrix(axes[2][2], np.asarray(out_TD), "output: weights times $V$", "token", "dimension")
    return figure


def layer_normalization() -> Figure:
    """Each token before and after: mean 0 and deviation 1 over its own dimensions, whatever the others hold."""
    offsets = np.array([0.0, 4.0, -3.0, 1.0, 8.0, -6.0])[:, None]
    scales = np.array([1.0, 3.0, 0.3, 2.0, 1.0, 4.0])[:, None]
    before_TD = offsets + scales * np.random.default_rng(0).normal(size=(len(WORDS), INSIDE))
    after_TD = np.asarray(standardise(jnp.asarray(before_TD, jnp.float32), 1e-5))
    figure, axes = subplots(1, 2, width=4.6, height=3.4)
    for axis, values_TD, title in ((axes[0][0], before_TD, "before"), (axes[0][1], after_TD, "after layer norm")):
        for place, values_D in enumerate(values_TD):
            axis.plot(values_D, np.full(INSIDE, place), "o", color=COLOURS[0], markersize=3, alpha=0.5)
            axis.errorbar(values_D.mean(), place, xerr=values_D.std(), fmt="D", color=COLOURS[1], capsize=3)
        axis.set_yticks(range(len(WORDS)), WORDS)
        label(axis, "value of a dimension (diamond: mean ± deviation)", "token", title)
    return figure


def feed_forward() -> Figure:
    """One token through the feed-forward part: four times as wide, GELU, and back (the weights are random)."""
    keys = jax.random.split(jax.random.key(5), 3)
    x_D = jax.random.normal(keys[0], (WIDTH,))
    inside_F = x_D @ jax.random.normal(keys[1], (WIDTH, INSIDE)) / jnp.sqrt(WIDTH)
    after_F = gelu(inside_F)
    out_D = after_F @ jax.random.normal(keys[2], (INSIDE, WIDTH)) / jnp.sqrt(INSIDE)
    parts = ((x_D, "token"), (inside_F, "$xW_1$: 4 times as wide"), (after_F, "GELU"), (out_D, "$W_2$: as wide again"))
    figure, axes = subplots(1, 4, width=3.0, height=2.8, sharey=True)
    for index, (values, title) in enumerate(parts):
        axes[0][index].bar(range(len(values)), np.asarray(values), color=COLOURS[index])
        axes[0][index].axhline(0, color="black", linewidth=0.8)
        label(axes[0][index], f"dimension ({len(values)})", "value" if index == 0 else "", title)
        axes[0][index].set_xticks(())
    return figure


def mini_batches() -> Figure:
    """Which examples are in which batch, epoch by epoch: every example once an epoch, in another order each time (F068)."""
    steps = EXAMPLES // BATCH
    plan_KB = np.asarray(epoch_plan(jax.random.key(1), 0, EPOCHS * steps, EXAMPLES, BATCH)["indices"])
    figure, axes = subplots(1, 1, width=7.4, height=3.4)
    axis = axes[0][0]
    for step, batch_B in enumerate(plan_KB):
        axis.plot(batch_B, np.full(BATCH, step), "s", color=COLOURS[step % steps], markersize=14)
    for epoch in range(1, EPOCHS):
        axis.axhline(epoch * steps - 0.5, color="black", linewidth=1)
    axis.set_xticks(range(EXAMPLES))
    names = [f"epoch {step // steps + 1}, batch {step % steps + 1}" for step in range(EPOCHS * steps)]
    axis.set_yticks(range(EPOCHS * steps), names)
    axis.set_ylim(EPOCHS * steps - 0.4, -0.6)
    label(axis, f"example of {EXAMPLES}", "update", f"batches of {BATCH}: each line is one update of the weights")
    return figure
