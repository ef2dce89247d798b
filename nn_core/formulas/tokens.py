"""Ledger rows of token and position embeddings and of next-token pairs (F124-F127, F152)."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from nn_core.formulas.ledger import Formula, Oracle, normal, rounded
from nn_core.losses import cross_entropy
from nn_core.models.attention.positions import sinusoidal_positions
from nn_core.models.transformer.gpt import GPT
from nn_core.tasks.language import cut

IDS_T = np.array([3, 1, 4, 1])
EMBEDDING_VD, COTANGENT_TD = normal(111, 6, 4), normal(112, 4, 4)
POSITIONS_TD = normal(113, 5, 4)
WIDTH = 8
FREQUENCIES = 10_000.0 ** (-np.arange(0, WIDTH, 2) / WIDTH)
# The notes' example sentence as the numbers of its words (F152).
WORDS = np.arange(8)
VOCABULARY = 65


def look_up(embedding_VD: Any, ids_T: Any) -> Any:
    """The rows of a table, as flax's `Embed` takes them."""
    rows, width = embedding_VD.shape
    return nn.Embed(rows, width, param_dtype=embedding_VD.dtype).apply({"params": {"embedding": embedding_VD}}, ids_T)


def embed(tokens_VD: Any, positions_TD: Any, ids_T: Any, scaled: bool = False) -> Any:
    """Tokens and learned positions added as the library's GPT adds them, (T, D)."""
    (size, width), context = tokens_VD.shape, len(positions_TD)
    model = GPT(size, context, width, heads_num=1, layers_num=1, scale_embedding=scaled)
    tables = {"token_embedding": {"embedding": tokens_VD}, "position_embedding": {"embedding": positions_TD}}
    places_1T = jnp.arange(len(ids_T))[None]
    return model.apply({"params": tables}, ids_T[None], places_1T, method="embed")[0]


def pairs_of_words(words_T: Any) -> Any:
    """Inputs and targets as the library cuts them out of a text for a window that holds all of it."""
    inputs_1T, targets_1T = cut(words_T, jnp.zeros(1, jnp.int32), len(words_T) - 1)
    return inputs_1T[0], targets_1T[0]


def sinusoids(t: Any) -> Any:
    """PE(t): sin(t w_i), cos(t w_i) in pairs, w_i = 10000^(-2i/D); (D,) float64."""
    return jnp.stack([jnp.sin(t * FREQUENCIES), jnp.cos(t * FREQUENCIES)], axis=-1).reshape(-1)


def _turn(t: Any, k: Any) -> Any:
    """PE(t + k) from PE(t): every pair is rotated by the angle k w_i, whatever t is."""
    sin, cos = np.sin(k * FREQUENCIES), np.cos(k * FREQUENCIES)
    s, c = np.sin(t * FREQUENCIES), np.cos(t * FREQUENCIES)
    return np.stack([s * cos + c * sin, c * cos - s * sin], axis=-1)


FORMULAS: tuple[Formula, ...] = (
    Formula(
        "F124a",
        "Token embedding",
        "xₜ = E[idₜ] = onehot(idₜ)·E",
        "∂(ΣC⊙x)/∂E = onehot(id)ᵀC: only used rows move",
        lambda e, ids, c: jnp.sum(c * look_up(e, ids)),
        (EMBEDDING_VD, IDS_T, COTANGENT_TD),
        lambda e, ids, c: jax.nn.one_hot(ids, len(e), dtype=c.dtype).T @ c,
        oracles=(Oracle("one-hot product", lambda e, ids, c: (c * (np.eye(len(e))[ids] @ e)).sum()),),
    ),
    Formula(
        "F124b",
        "Size of the notes' embedding table",
        "10,000 × 75 numbers",
        "750,000",
        lambda v, d: v * d,
        (np.float64(10_000), np.float64(75)),
        lambda v, d: d,
        oracles=(Oracle("750,000", lambda *_: 750_000.0, 0.0),),
    ),
    Formula(
        "F125",
        "Learned positions, added",
        "xₜ = E[idₜ] + P[t]",
        "∂(ΣC⊙x)/∂P[t] = C[t], 0 beyond the text",
        lambda p, ids, c: jnp.sum(c * embed(jnp.asarray(EMBEDDING_VD), p, ids)),
        (POSITIONS_TD, IDS_T, COTANGENT_TD),
        lambda p, ids, c: jnp.zeros_like(p).at[: len(ids)].set(c),
        oracles=(Oracle("NumPy", lambda p, ids, c: (c * (EMBEDDING_VD[ids] + p[: len(ids)])).sum()),),
        slips=("S51", "S52"),
    ),
    Formula(
        "F126a",
        "Sinusoidal positions",
        "PE(t, 2i) = sin(t/10000^(2i/D)), PE(t, 2i+1) = cos(t/10000^(2i/D))",
        "∂/∂t = ωcos(ωt), −ωsin(ωt)",
        sinusoids,
        (np.float64(7.0),),
        lambda t: jnp.stack([FREQUENCIES * jnp.cos(t * FREQUENCIES), -FREQUENCIES * jnp.sin(t * FREQUENCIES)], -1),
        "jacobian",
        (Oracle("library", lambda t: sinusoidal_positions(t, WIDTH), 1e-6, traced=True),),
        ("S51",),
    ),
    Formula(
        "F126b",
        "Sinusoidal positions: a shift is a rotation",
        "PE(t + k) = R(k)·PE(t), R independent of t",
        "angle addition, pair by pair",
        lambda t, k: sinusoids(t + k),
        (np.float64(7.0), np.float64(5.0)),
        oracles=(
            Oracle("R(5)·PE(7)", _turn, 1e-14),
            Oracle("library", lambda t, k: sinusoidal_positions(t + k, WIDTH), 1e-6, traced=True),
        ),
        slips=("S52",),
    ),
    Formula(
        "F127",
        "Scaled sum of embeddings and positions",
        "x = √D·E[id] + PE(t)",
        "∂(ΣC⊙x)/∂E = √D·onehot(id)ᵀC",
        lambda e, ids, c: jnp.sum(c * embed(e, jnp.asarray(POSITIONS_TD), ids, scaled=True)),
        (EMBEDDING_VD, IDS_T, COTANGENT_TD),
        lambda e, ids, c: np.sqrt(e.shape[1]) * (jax.nn.one_hot(ids, len(e), dtype=c.dtype).T @ c),
        oracles=(Oracle("NumPy", lambda e, ids, c: (c * (2.0 * e[ids] + POSITIONS_TD[:4])).sum()),),
    ),
    Formula(
        "F152a",
        "Next-token pairs",
        "input x₁ … xₜ → target xₜ₊₁; targets are the inputs shifted by one",
        "7 pairs from the notes' 8 words",
        pairs_of_words,
        (WORDS,),
        oracles=(Oracle("the printed pairs", lambda _: (np.arange(7), np.arange(1, 8)), 0.0),),
    ),
    Formula(
        "F152b",
        "Loss of a model that knows nothing",
        "−ln softmax(0)_y = ln V = 4.174 for 65 characters",
        "∂/∂z = 1/V − [i = y]",
        lambda z, y: cross_entropy(z, y),
        (np.zeros(VOCABULARY), np.int32(7)),
        lambda z, y: 1.0 / z.size - jax.nn.one_hot(y, z.size, dtype=z.dtype),
        oracles=(Oracle("ln 65", lambda *_: np.log(65.0)), rounded("4.174")),
    ),
)
