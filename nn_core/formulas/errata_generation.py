"""Errata of language models, their training and text generation (S43-S60 of the course's list of slips)."""

from functools import reduce

import jax
import jax.numpy as jnp
import numpy as np
import scipy.special

from nn_core.activations import softmax
from nn_core.formulas.erratum import Erratum, Figures
from nn_core.formulas.ledger import normal
from nn_core.generation.filters import scale_temperature
from nn_core.generation.options import new_token_limits
from nn_core.metrics import add, means
from nn_core.models.attention.positions import sinusoidal_positions
from nn_core.text.characters import train_characters
from nn_core.text.words import split_words

SENTENCE = "The core innovation of Transformers is the attention."


def literal_block_size() -> Figures:
    """S43: rows of a position table of 256 that a batch of length 64 trains."""
    slope = jax.jit(jax.grad(lambda table: jnp.sum(table[jnp.arange(64)] ** 2)))(np.ones((256, 4)))
    return {"trained": np.any(np.asarray(slope) != 0, axis=1).sum(), "context": 256}


def mean_of_batch_means() -> Figures:
    """S46: a validation loss over ten examples in batches of four, the last one short."""
    losses_N = np.arange(1.0, 11.0)
    batches = [losses_N[start : start + 4] for start in range(0, 10, 4)]
    pairs = [{"loss": (jnp.sum(batch), jnp.float64(batch.size))} for batch in batches]
    return {"printed": np.mean([batch.mean() for batch in batches]), "right": means(reduce(add, pairs))["loss"]}


def maximum_length() -> Figures:
    """S48: new tokens after a prompt of 45 by max_length = 50 and by max_new_tokens = 50."""
    return {
        "max_length": new_token_limits([45], max_length=50)[0],
        "max_new_tokens": new_token_limits([45], max_new_tokens=50)[0],
    }


def temperature_after_softmax() -> Figures:
    """S50: the top probability of scores (1, 2, 3) at temperature .5, applied to the softmax's output and before it."""
    z_V = np.array([1.0, 2.0, 3.0])
    p_V = scipy.special.softmax(z_V)
    cooled_V = np.asarray(jax.jit(lambda z: softmax(scale_temperature(z, 0.5)))(z_V[None]))[0]
    return {
        "before": p_V[2],
        "printed": (p_V / 0.5 / (p_V / 0.5).sum())[2],
        "right": cooled_V[2],
        "power": (p_V**2 / (p_V**2).sum())[2],
    }


def scores_are_logits() -> Figures:
    """S53: four next tokens with the scores .39, 2, -1.2 and 1: their sum, their probabilities, and those of scores + 7."""
    z_V = np.array([0.39, 2.0, -1.2, 1.0])
    p_V, shifted_V = (np.asarray(softmax(jnp.asarray(scores))) for scores in (z_V, z_V + 7.0))
    return {"score": z_V[0], "sum": z_V.sum(), "p": p_V[0], "total": p_V.sum(), "moved": np.abs(p_V - shifted_V).max()}


def even_spacing() -> Figures:
    """S52: relative spread of the distance between neighbouring positions, learned (at its start) and sinusoidal."""
    sinusoids = jax.jit(sinusoidal_positions, static_argnums=1)
    learned_TD, sinusoidal_TD = 0.02 * normal(238, 256, 32), np.asarray(sinusoids(np.arange(256), 32))
    steps = {
        name: np.linalg.norm(np.diff(table, axis=0), axis=1)
        for name, table in (("learned", learned_TD), ("sinusoidal", sinusoidal_TD))
    }
    beyond = np.asarray(jax.jit(lambda table: jnp.take(table, 300, axis=0))(learned_TD))
    return {name: step.std() / step.mean() for name, step in steps.items()} | {"beyond": np.isnan(beyond).sum()}


def words_or_characters() -> Figures:
    """S60: training pairs in the notes' sentence."""
    characters = train_characters([SENTENCE]).encode(SENTENCE)
    return {"words": len(split_words(SENTENCE)) - 1, "characters": len(characters) - 1}


ERRATA: tuple[Erratum, ...] = (
    Erratum(
        "S43",
        "C",
        'block_size=64 as a literal beside config["context_size"]',
        "one value, from the config",
        literal_block_size,
        "a model with context {context:.0f} would train {trained:.0f} of its {context:.0f} positions",
        lambda f: f["trained"] == 64,
    ),
    Erratum(
        "S46",
        "M",
        "the validation loss is the mean of the batches' means",
        "sums and counts, divided once",
        mean_of_batch_means,
        "losses 1 to 10 in batches of 4, 4 and 2: {printed:.2f} instead of {right:.2f}",
        lambda f: f["printed"] > f["right"] + 0.5 and f["right"] == 5.5,
    ),
    Erratum(
        "S48",
        "M",
        "max_length is the number of tokens returned",
        "it counts the prompt too; max_new_tokens does not",
        maximum_length,
        "after a prompt of 45 tokens, 50 leaves room for {max_length:.0f} or {max_new_tokens:.0f} new ones",
        lambda f: (f["max_length"], f["max_new_tokens"]) == (5, 50),
    ),
    Erratum(
        "S50",
        "M",
        "temperature adjusts the distribution returned by the softmax",
        "it divides the logits before it; equivalently p^(1/T), renormalised",
        temperature_after_softmax,
        "T = .5 on (1, 2, 3): dividing the probabilities leaves {printed:.4f}, dividing the logits gives {right:.4f}",
        lambda f: (
            abs(f["printed"] - f["before"]) < 1e-12
            and abs(f["right"] - f["power"]) < 1e-6
            and f["right"] > f["before"] + 0.1
        ),
    ),
    Erratum(
        "S52",
        "M",
        "positions keep consistent spacing and scale with the sequence length",
        "not learned ones: their spacing is what training makes it, and the table ends",
        even_spacing,
        "distances of neighbours vary by {learned:.0%} (learned, at the start), {sinusoidal:.0e} (sinusoidal); "
        "position 300 of 256 has {beyond:.0f} NaN",
        lambda f: f["learned"] > 0.05 and f["sinusoidal"] < 1e-5 and f["beyond"] == 32,
    ),
    Erratum(
        "S53",
        "A",
        "the score .39 of the next word is called its confidence",
        "a score is a logit: any number, of which only differences count; softmax makes probabilities",
        scores_are_logits,
        "beside 2, -1.2 and 1, which with it sum to {sum:.2f}, the score {score:.2f} is a probability of {p:.2f}; adding 7 to "
        "all four moves it by {moved:.0e}",
        lambda f: abs(f["score"] - f["p"]) > 0.1 and f["moved"] < 1e-12 and abs(f["total"] - 1) < 1e-12 < f["sum"] - 2,
    ),
    Erratum(
        "S60",
        "C",
        "the example predicts words; the model is one of characters",
        "both tokenizers exist; pairs are counted in tokens",
        words_or_characters,
        "the notes' sentence has {words:.0f} pairs of words, {characters:.0f} of characters",
        lambda f: (f["words"], f["characters"]) == (7, len(SENTENCE) - 1),
    ),
)
