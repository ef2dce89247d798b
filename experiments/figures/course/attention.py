"""Attention on one short sentence: scores, mask, weights. The vectors are random: only the mechanism is shown."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from experiments.figures.style import subplots
from nn_core.models.attention.dot_product import attention_weights, causal_mask, masked_softmax

WORDS = ("the", "cat", "sat", "on", "the", "mat")
WIDTH = 8


@jax.jit
def vectors() -> tuple[jax.Array, jax.Array]:
    """Queries and keys (T, K); equal words have equal keys."""
    query_key, key_key = jax.random.split(jax.random.key(4))
    kinds = [WORDS.index(word) for word in WORDS]
    keys = jax.random.normal(key_key, (len(WORDS), WIDTH))[np.array(kinds)]
    return jax.random.normal(query_key, (len(WORDS), WIDTH)), keys


def heat_map(axes: Axes, values: np.ndarray, title: str, *, form: str = "{:.2f}", limits: tuple[float, float]) -> None:
    """A matrix with its numbers; entries that are not finite are crossed out."""
    axes.imshow(np.where(np.isfinite(values), values, np.nan), cmap="Blues", vmin=limits[0], vmax=limits[1])
    dark = limits[0] + 0.62 * (limits[1] - limits[0])
    for (row, column), value in np.ndenumerate(values):
        colour = "white" if np.isfinite(value) and value > dark else "black"
        shown = form.format(value) if np.isfinite(value) else "−∞"
        axes.text(column, row, shown, ha="center", va="center", fontsize=8.5, color=colour)
    axes.set_title(title)
    axes.set_xticks(range(values.shape[1]), WORDS[: values.shape[1]])
    axes.set_yticks(range(values.shape[0]), WORDS[: values.shape[0]])
    axes.set(xlabel="key: token that is looked at", ylabel="query: token that looks")
    axes.tick_params(length=0)


@jax.jit
def masking(queries_TK: jax.Array, keys_TK: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Scores, which of them the causal mask lets through, and the weights, (T, T) each."""
    scores_TT = queries_TK @ keys_TK.T / jnp.sqrt(WIDTH)
    allowed_TT = causal_mask(len(WORDS))[0, 0]
    return scores_TT, allowed_TT, masked_softmax(scores_TT, allowed_TT)


def mask() -> Figure:
    """What the causal mask does: scores of later tokens become minus infinity, their weights 0 (F122)."""
    scores_TT, allowed_TT, weights_TT = map(np.asarray, masking(*vectors()))
    masked = np.where(allowed_TT, scores_TT, -np.inf)
    limits = (float(scores_TT.min()), float(scores_TT.max()))
    figure, axes = subplots(1, 3, width=4.2, height=4.2)
    heat_map(axes[0][0], scores_TT, "scores $QK^T/\\sqrt{d_k}$", limits=limits)
    heat_map(axes[0][1], masked, "after the causal mask", limits=limits)
    heat_map(axes[0][2], weights_TT, "weights: each row sums to 1", limits=(0, 1))
    return figure


def weights() -> Figure:
    """Weights without a mask (encoder) and with it (decoder): how much each token takes from each other one (F123)."""
    queries_TK, keys_TK = map(np.asarray, vectors())
    q, k = queries_TK[None, :, None], keys_TK[None, :, None]
    figure, axes = subplots(1, 2, width=4.6, height=4.4)
    for axis, causal, title in (
        (axes[0][0], False, "encoder: every token"),
        (axes[0][1], True, "decoder: no later token"),
    ):
        values = np.asarray(jax.jit(partial(attention_weights, causal=causal))(q, k))[0, 0]
        heat_map(axis, values, f"{title} may be seen", limits=(0, 1))
    bar = figure.colorbar(axes[0][0].images[0], ax=axes, shrink=0.8)
    bar.set_label("attention weight")
    return figure
