"""What a trained language model does with a prompt: where it attends, what comes next, and how a token is chosen."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from experiments.building.prompts import encode_prompt
from experiments.figures.style import COLOURS, GREY, MARKERS, label, panels, subplots
from experiments.trained.language_model import LanguageModel
from nn_core.generation.beam import beam_search
from nn_core.generation.decode import begin
from nn_core.generation.filters import Sampling, draw_tokens, filter_logits
from nn_core.generation.tree import Node, tree_nodes
from nn_core.models.transformer.gpt import GPT
from nn_core.models.transformer.language_model import attention_maps

SHOWN = 12  # tokens on the axis of a distribution
MAPPED = 32  # most tokens of an attention map
TEMPERATURES = (0.5, 1.0, 2.0)
TOP_K, TOP_P = (3, 10), (0.5, 0.9)  # k = 3 is the example of the notes (F191)
DRAWS = 1000
BEAMS, BEAM_STEPS = 4, 10
BELOW: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.14), "ncols": 3, "frameon": False}
BEST, RETURNED, DROPPED = COLOURS[1], COLOURS[0], "#B0B0B0"


def spell(model: LanguageModel, ids: list[int] | np.ndarray) -> list[str]:
    """Tokens as labels, with signs for invisible characters."""
    signs = {" ": "␣", "\n": "↵", "\t": "⇥"}
    return ["".join(signs.get(sign, sign) for sign in token) for token in model.tokenizer.tokens(ids)]


def next_logits(model: LanguageModel, prompt: str) -> jax.Array:
    """Scores of the token after the prompt: (1, V)."""
    ids = encode_prompt(model.tokenizer, prompt)
    _, progress = begin(model.decoder, model.params, [ids], max_new_tokens=1)
    text = progress.text
    return model.decoder.step(model.params, progress.cache, text.last_ids_B, text.positions_B)[1]


def distribution(logits_1V: jax.Array, **sampling: float) -> np.ndarray:
    """Probabilities of the next token under these filters: (V,)."""
    return np.asarray(jax.nn.softmax(filter_logits(logits_1V, Sampling(**sampling))))[0]  # type: ignore[arg-type]


def attention(model: LanguageModel, prompt: str) -> Figure:
    """A heat map for each layer and head: each row is a token, and its colours show where it attends (F123)."""
    if not isinstance(model.module, GPT):
        raise ValueError(f"attention maps need a GPT and this run trained {model.stored.config.model.name!r}")
    context = model.module.context_size
    ids = encode_prompt(model.tokenizer, prompt)[-min(MAPPED, context) :]
    maps_LHTT = np.asarray(attention_maps(model.module, model.params, jnp.asarray([ids])))[:, 0]
    layers, heads, length, _ = maps_LHTT.shape
    side = max(1.7, 0.125 * length + 0.6)
    figure, grid = subplots(layers, heads, width=side, height=side + 0.15)
    names = spell(model, ids)
    for layer in range(layers):
        for head in range(heads):
            axes = grid[layer][head]
            # The root makes weights visible that are small beside a head's largest one.
            axes.imshow(np.sqrt(maps_LHTT[layer, head]), vmin=0, vmax=1, cmap="Blues")
            axes.set_title(f"layer {layer + 1}, head {head + 1}", fontsize="small")
            axes.set_xticks(range(length), names, fontsize=6)
            axes.set_yticks(range(length), names, fontsize=6)
            axes.tick_params(length=0, pad=1)
    bar = figure.colorbar(grid[0][0].images[0], ax=grid, shrink=0.5, aspect=30)
    weights = (0, 0.01, 0.1, 0.25, 0.5, 1)
    bar.set_ticks([weight**0.5 for weight in weights], labels=[f"{weight:g}" for weight in weights])
    bar.set_label("attention weight")
    figure.supxlabel("token that is looked at", fontsize=9)
    figure.supylabel("token that looks", fontsize=9)
    return figure


def bars(axes: Axes, names: list[str], values: np.ndarray, colour: str, title: str) -> None:
    """A distribution over named tokens."""
    axes.bar(range(len(names)), values, color=colour)
    label(axes, "next token", "probability", title)
    axes.set_axisbelow(True)
    axes.set_xticks(range(len(names)), names)


def temperature(model: LanguageModel, prompt: str) -> Figure:
    """The next token's distribution at three temperatures, and its entropy at all of them (F193)."""
    logits_1V = next_logits(model, prompt)
    ranked = np.argsort(-distribution(logits_1V))[:SHOWN]
    figure, grid = subplots(2, 2, width=4.0, height=2.9)
    *left, axes = grid.ravel()
    drawn = [distribution(logits_1V, temperature=value) for value in TEMPERATURES]
    names = spell(model, ranked)
    for index, (axis, value, probabilities_V) in enumerate(zip(left, TEMPERATURES, drawn, strict=True)):
        title = f"T = {value:g}, entropy {entropy(probabilities_V):.2f} nats"
        bars(axis, names, probabilities_V[ranked], COLOURS[index], title)
        axis.set_ylim(0, 1.05 * max(float(one_V.max()) for one_V in drawn))
    values = np.linspace(0.05, 4, 80)
    axes.plot(values, [entropy(distribution(logits_1V, temperature=float(v))) for v in values], color=GREY)
    axes.axhline(np.log(logits_1V.shape[1]), color=GREY, linestyle=":", linewidth=1)
    axes.text(0.05, np.log(logits_1V.shape[1]), "all tokens alike", va="bottom", fontsize="small")
    for index, (value, probabilities_V) in enumerate(zip(TEMPERATURES, drawn, strict=True)):
        axes.plot(value, entropy(probabilities_V), "o", color=COLOURS[index])
    label(axes, "temperature T", "entropy (nats)", "softmax(logits / T)")
    axes.set_ylim(0, 1.15 * np.log(logits_1V.shape[1]))
    figure.suptitle(f"after {prompt!r}: the {len(names)} most probable tokens")
    return figure


def entropy(probabilities_V: np.ndarray) -> float:
    """-sum p ln p in nats, 0 where p is 0."""
    positive = probabilities_V[probabilities_V > 0].astype(np.float64)
    return float(-np.sum(positive * np.log(positive)))


def top_k_top_p(model: LanguageModel, prompt: str) -> Figure:
    """What top-k and top-p keep, before and after the renormalisation (F191, F192)."""
    logits_1V = next_logits(model, prompt)
    probabilities_V = distribution(logits_1V)
    shown = np.argsort(-probabilities_V)[:SHOWN]
    choices = [(f"top-k, k = {k}", {"top_k": k}) for k in TOP_K] + [(f"top-p, p = {p:g}", {"top_p": p}) for p in TOP_P]
    kept_CV = np.stack([distribution(logits_1V, **option) for _, option in choices])
    figure, axes = panels(1 + len(choices), columns=3, width=3.4, height=2.9)
    draw_kept(axes[0], np.cumsum(np.sort(probabilities_V)[::-1]), [int(np.sum(kept_V > 0)) for kept_V in kept_CV])
    for index, ((title, _), axis) in enumerate(zip(choices, axes[1:], strict=True)):
        bars(axis, spell(model, shown), kept_CV[index, shown], COLOURS[index], title)
        axis.set_ylim(0, 1.05 * kept_CV.max())
        axis.plot(range(len(shown)), probabilities_V[shown], "k_", markersize=9, label="before")
        axis.legend(fontsize="small", frameon=False)
    figure.suptitle(f"after {prompt!r}")
    return figure


def draw_kept(axes: Axes, mass_V: np.ndarray, kept_C: list[int]) -> None:
    """The probability of the most probable tokens together; a point where each choice cuts, in the colour of its bars."""
    axes.step(np.arange(1, len(mass_V) + 1), mass_V, where="post", color=GREY)
    for index, kept in enumerate(kept_C):
        held = mass_V[kept - 1]
        told = (
            f"k = {TOP_K[index]} keeps {held:.2f}"
            if index < len(TOP_K)
            else f"p = {TOP_P[index - len(TOP_K)]:g} keeps {kept}"
        )
        axes.plot(kept, held, MARKERS[index], color=COLOURS[index], label=told)
    label(axes, "number of tokens, most probable first", "their probability together", "what is kept")
    axes.set_xlim(0, min(len(mass_V), max(30, max(kept_C) + 5)))
    axes.set_ylim(0, 1.03)
    axes.legend(fontsize="small", loc="lower right")


def multinomial(model: LanguageModel, prompt: str) -> Figure:
    """Draws of the next token beside its probabilities, with an interval of two standard errors (F189)."""
    logits_1V = next_logits(model, prompt)
    probabilities_V = distribution(logits_1V)
    keys_B = jax.random.split(jax.random.key(0), DRAWS)
    drawn_B = np.asarray(draw_tokens(keys_B, jnp.repeat(logits_1V, DRAWS, axis=0), Sampling()))
    share_V = np.bincount(drawn_B, minlength=len(probabilities_V)) / DRAWS
    shown = np.argsort(-probabilities_V)[: 2 * SHOWN]
    figure, grid = subplots(1, 1, width=8, height=3.4)
    bars(grid[0][0], spell(model, shown), share_V[shown], COLOURS[5], f"{DRAWS} draws after {prompt!r}")
    p_V = probabilities_V[shown]
    errors = 2 * np.sqrt(p_V * (1 - p_V) / DRAWS)
    grid[0][0].errorbar(range(len(shown)), p_V, yerr=errors, fmt="_", color="black", label="probability ± 2 s.e.")
    grid[0][0].legend(fontsize="small", frameon=False)
    grid[0][0].set_ylim(bottom=0)
    return figure


def beam(model: LanguageModel, prompt: str) -> Figure:
    """The hypotheses that a beam search keeps, step by step, with log p of the text so far (F190)."""
    ids = encode_prompt(model.tokenizer, prompt)
    search = beam_search(model.decoder, model.params, [ids], num_beams=BEAMS, max_new_tokens=BEAM_STEPS)
    nodes = tree_nodes(search)
    figure, grid = subplots(1, 1, width=10, height=1.2 + 0.75 * BEAMS)
    axes = grid[0][0]
    places = [(0.0, (BEAMS - 1) / 2), *((float(node.step), float(node.rank)) for node in nodes)]
    for index, node in enumerate(nodes):
        draw_node(axes, node, spell(model, [node.token])[0], places[index + 1], places[node.parent + 1])
    axes.text(*places[0], repr(prompt[-12:]), ha="right", va="center", fontsize=9)
    best = float(search.scores_PK[0, 0])
    label(axes, "new tokens", "place in the beam", f"beam search, {BEAMS} beams; best score {best:.3f} (mean log p)")
    axes.set_xticks(range(BEAM_STEPS + 1))
    axes.set_yticks(range(BEAMS), range(1, BEAMS + 1))
    axes.set_xlim(-1.6, BEAM_STEPS + 0.6)
    axes.set_ylim(BEAMS - 0.4, -0.6)
    axes.grid(False)
    named = {"best text": BEST, "other texts of the last beam": RETURNED, "dropped": DROPPED}
    axes.legend([Line2D([], [], color=colour) for colour in named.values()], named, **BELOW)
    return figure


def draw_node(axes: Axes, node: Node, text: str, place: tuple[float, float], parent: tuple[float, float]) -> None:
    """A token of the tree, the edge to the one before it, and log p of the text up to it."""
    colour = BEST if node.returned == 0 else DROPPED if node.returned is None else RETURNED
    width = 2.4 if node.returned == 0 else 1.0
    axes.plot(*zip(parent, place, strict=True), color=colour, linewidth=width, zorder=1 + width)
    box = {"boxstyle": "circle,pad=0.25", "facecolor": "white", "edgecolor": colour, "linewidth": width}
    axes.text(*place, text, ha="center", va="center", fontsize=9, bbox=box, zorder=9)
    below = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"}
    axes.text(
        place[0], place[1] + 0.33, f"{node.log_prob:.1f}", ha="center", va="center", fontsize=8, color=GREY, bbox=below
    )
