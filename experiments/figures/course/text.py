"""How the next character is chosen, shown with the smallest language model: bigram counts of a generated text."""

from functools import cache
from pathlib import Path

import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure
from ml_collections import ConfigDict

from experiments.figures import language_model
from experiments.run_directory.stored_run import Stored
from experiments.trained.language_model import LanguageModel
from nn_core.data.text import generated_text
from nn_core.generation.decoder import Decoder
from nn_core.text.characters import CharacterTokenizer

NUM_CHARACTERS = 20_000
SMOOTHING = 0.05  # added to every count
PROMPT = "the "


@cache
def bigrams() -> LanguageModel:
    """log p(next | last) as a table (V, V), behind the interface of every language model."""
    text = generated_text(num_characters=NUM_CHARACTERS)
    tokenizer = CharacterTokenizer("".join(sorted(set(text))))
    ids_N = np.asarray(tokenizer.encode(text))
    counts_VV = np.full((tokenizer.vocabulary_size,) * 2, SMOOTHING)
    np.add.at(counts_VV, (ids_N[:-1], ids_N[1:]), 1)
    table_VV = jnp.asarray(np.log(counts_VV / counts_VV.sum(axis=1, keepdims=True)), jnp.float32)
    decoder = Decoder(
        init_cache=lambda params, batch_size: jnp.zeros((batch_size, 1)),
        step=lambda params, held, ids_B, positions_B: (held, params[ids_B]),
    )
    stored = Stored(Path(), Path(), ConfigDict(), 0, 0, table_VV, ())
    return LanguageModel(stored, tokenizer, None, table_VV, decoder)


def multinomial() -> Figure:
    """Draws of the next character beside its probabilities (F189)."""
    return language_model.multinomial(bigrams(), PROMPT)


def temperature() -> Figure:
    """The next token's distribution at several temperatures (F193)."""
    return language_model.temperature(bigrams(), PROMPT)


def top_k_top_p() -> Figure:
    """What top-k and top-p keep (F191, F192)."""
    return language_model.top_k_top_p(bigrams(), PROMPT)


def beam() -> Figure:
    """The hypotheses that a beam search keeps (F190)."""
    return language_model.beam(bigrams(), PROMPT)
