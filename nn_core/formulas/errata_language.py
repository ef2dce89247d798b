"""Errata of tokens, embeddings, recurrent networks and attention (S31-S40 of the course's list of slips)."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import scipy.special

from nn_core.data.text import generated_text
from nn_core.formulas.erratum import Erratum, Figures
from nn_core.formulas.ledger import normal
from nn_core.models.attention.dot_product import attention_weights, dot_product_attention
from nn_core.models.embeddings import Embedding
from nn_core.models.recurrent.cells import CELLS, cell_step
from nn_core.models.recurrent.layers import Recurrent
from nn_core.models.recurrent.networks import SequenceTagger, SequenceToOne
from nn_core.text.sentencepiece import train_sentencepiece, train_sentencepiece_bpe
from nn_core.text.vectors import WordVectors

LENGTH, CLASSES = 8, 3
Q_1THK, K_1THK, V_1THK = normal(231, 1, LENGTH, 1, 4), normal(232, 1, LENGTH, 1, 4), normal(233, 1, LENGTH, 1, 4)


def one_format_two_algorithms() -> Figures:
    """S31: a text in the pieces of a SentencePiece of either algorithm: words cut otherwise, and characters lost."""
    text = generated_text(num_characters=2003)
    pieces = [train([text], vocabulary_size=340) for train in (train_sentencepiece, train_sentencepiece_bpe)]
    cuts = [{word: tuple(each.tokens(each.encode(word))) for word in text.split()} for each in pieces]
    return {
        "words": len(cuts[0]),
        "otherwise": sum(cuts[0][word] != cuts[1][word] for word in cuts[0]),
        "lost": sum(each.decode(each.encode(text)) != text for each in pieces),
    }


def outputs_of_a_sequence() -> Figures:
    """S36: answers of a classifier of sequences, of a tagger and of an ordinary network about eight inputs."""
    ids_1T = np.ones((1, LENGTH), np.int32)
    stack, embedding = Recurrent("gru", 4), Embedding(5, 4)

    def answers(model: nn.Module, *inputs: Any) -> float:
        return jax.eval_shape(lambda: model.init_with_output(jax.random.key(0), *inputs)[0]).size / CLASSES

    return {
        "inputs": LENGTH,
        "classified": answers(SequenceToOne(CLASSES, stack, embedding), ids_1T),
        "tagged": answers(SequenceTagger(CLASSES, stack, embedding), ids_1T),
        "one_to_one": answers(nn.Dense(CLASSES), np.ones((1, 1))),
    }


def meaningful_coordinates() -> Figures:
    """S32b: 100 vectors of 20 dimensions, rotated: what happens to their coordinates and to their dot products."""
    vectors_ND = normal(234, 100, 20)
    rotation_DD, _ = np.linalg.qr(normal(235, 20, 20))
    turned_ND = vectors_ND @ rotation_DD
    return {
        "coordinates": np.abs(turned_ND - vectors_ND).max(),
        "products": np.abs(turned_ND @ turned_ND.T - vectors_ND @ vectors_ND.T).max(),
    }


def dot_product_similarity() -> Figures:
    """S33: a word, itself, and a longer vector 53 degrees away."""
    table = WordVectors(("word", "other"), np.array([[1.0, 0.0], [6.0, 8.0]]))
    return {
        "itself": table.similarity("word", "word", measure="dot"),
        "other": table.similarity("word", "other", measure="dot"),
        "cosine": table.similarity("word", "other"),
    }


def sign_of_the_analogy() -> Figures:
    """S35: capitals made as country + "capital of": the cosine of Rome - Paris with both differences, and whether Rome is
    found as what is to Italy as Paris is to France."""
    italy_D, france_D, capital_of_D = normal(236, 3, 50)
    rome_D, paris_D = italy_D + capital_of_D, france_D + capital_of_D
    table = WordVectors(("italy", "france", "rome", "paris"), np.stack([italy_D, france_D, rome_D, paris_D]))
    ((found, _),) = table.analogy("france", "paris", "italy")
    return {
        "printed": _cosine(rome_D - paris_D, france_D - italy_D),
        "right": _cosine(rome_D - paris_D, italy_D - france_D),
        "found": found == "rome",
    }


def _cosine(a_D: np.ndarray, b_D: np.ndarray) -> float:
    return float(a_D @ b_D / np.linalg.norm(a_D) / np.linalg.norm(b_D))


def what_is_carried() -> Figures:
    """S35b: two histories with the same output y = v.h: is the next state still able to tell them apart?"""
    kernel_HH, states_2H = jnp.asarray(normal(237, 2, 2)), np.array([[0.8, 0.1], [0.1, 0.8]])
    output_H = np.array([1.0, 1.0])
    step = jax.jit(lambda states: cell_step(CELLS["vanilla"], kernel_HH, (states,), jnp.zeros_like(states))[0])
    next_2H = np.asarray(step(states_2H))
    from_output_2 = np.tanh(states_2H @ output_H)
    return {
        "outputs": abs(states_2H[0] @ output_H - states_2H[1] @ output_H),
        "printed": abs(from_output_2[0] - from_output_2[1]),
        "right": np.abs(next_2H[0] - next_2H[1]).max(),
    }


def softmax_of_columns() -> Figures:
    """S37: the weights that queries give out, with the softmax over columns of Q K^T and over rows."""
    scores_TS = (Q_1THK[0, :, 0] @ K_1THK[0, :, 0].T) / 2.0
    printed = scipy.special.softmax(scores_TS, axis=0).sum(axis=1)
    right = np.asarray(jax.jit(attention_weights)(Q_1THK, K_1THK))[0, 0].sum(axis=1)
    return {"least": printed.min(), "most": printed.max(), "error_by_rows": np.abs(right - 1).max()}


def mask_below_the_diagonal() -> Figures:
    """S39: the attention that eight tokens pay to later ones, masked below (as printed) and above the diagonal."""
    scores_TS = (Q_1THK[0, :, 0] @ K_1THK[0, :, 0].T) / 2.0
    below = np.where(np.tri(LENGTH, k=-1) > 0, -np.inf, scores_TS)
    right = np.asarray(jax.jit(attention_weights, static_argnames="causal")(Q_1THK, K_1THK, causal=True))[0, 0]
    later = np.triu(np.ones((LENGTH, LENGTH), bool), 1)
    return {"printed": scipy.special.softmax(below, axis=1)[later].sum() / LENGTH, "right": right[later].sum()}


def only_previous_tokens() -> Figures:
    """S40: NaN weights of the first token, if it may not see itself, and its weight on itself if it may."""
    hidden = np.where(np.tri(LENGTH, k=-1) > 0, 0.0, -np.inf)
    printed = np.asarray(jax.jit(jax.nn.softmax)(hidden))
    right = np.asarray(jax.jit(attention_weights, static_argnames="causal")(Q_1THK, K_1THK, causal=True))[0, 0]
    return {"printed": np.isnan(printed[0]).sum(), "right": right[0, 0]}


def both_directions() -> Figures:
    """S40b: how far the first output moves when the last token's key and value change."""
    attend = jax.jit(dot_product_attention, static_argnames="causal")
    k, v = K_1THK.copy(), V_1THK.copy()
    k[:, -1] += 1.0
    v[:, -1] += 1.0
    moved = {
        name: np.abs(
            np.asarray(attend(Q_1THK, k, v, causal=causal) - attend(Q_1THK, K_1THK, V_1THK, causal=causal))[0, 0]
        )
        for name, causal in (("free", False), ("masked", True))
    }
    return {name: difference.max() for name, difference in moved.items()}


ERRATA: tuple[Erratum, ...] = (
    Erratum(
        "S31",
        "M",
        "SentencePiece is an algorithm beside BPE and Unigram",
        "a library that trains BPE or Unigram on raw text",
        one_format_two_algorithms,
        "of {words:.0f} words {otherwise:.0f} are cut otherwise by its Unigram than by its BPE; {lost:.0f} of the two lose a "
        "character",
        lambda f: 0 < f["otherwise"] < f["words"] and f["lost"] == 0,
    ),
    Erratum(
        "S36",
        "M",
        "one-to-one: the final output classifies a sequence",
        "that is many-to-one; one-to-one is an ordinary network",
        outputs_of_a_sequence,
        "of {inputs:.0f} inputs a classifier of sequences gives {classified:.0f} answer, a tagger {tagged:.0f}; an ordinary "
        "network gives {one_to_one:.0f} of one",
        lambda f: f["classified"] == f["one_to_one"] == 1 and f["tagged"] == f["inputs"] > 1,
    ),
    Erratum(
        "S32b",
        "C",
        "each value of an embedding is meaningful, and not interpretable",
        "single coordinates mean nothing: a rotation changes them all and no similarity",
        meaningful_coordinates,
        "a rotation moves coordinates by up to {coordinates:.1f} and dot products by {products:.0e}",
        lambda f: f["coordinates"] > 1 and f["products"] < 1e-12,
    ),
    Erratum(
        "S33",
        "M",
        "dot product: positive similar, zero unrelated, negative opposite",
        "it grows with length: compare by the cosine (and antonyms are usually similar)",
        dot_product_similarity,
        "a unit vector has {itself:.0f} with itself and {other:.0f} with a longer one at cosine {cosine:.1f}",
        lambda f: f["other"] > f["itself"] and f["cosine"] < 0.7,
    ),
    Erratum(
        "S35",
        "M",
        "Rome − Paris is similar to France − Italy",
        "Rome − Paris ≈ Italy − France",
        sign_of_the_analogy,
        "where capitals are country + capital-of, the cosine with France − Italy is {printed:.0f}, with Italy − "
        "France {right:.0f}",
        lambda f: f["printed"] < -0.999 and f["right"] > 0.999 and f["found"] == 1,
    ),
    Erratum(
        "S35b",
        "C",
        "the output, along with the hidden state, is input for the next token",
        "the hidden state is carried (with c in an LSTM), not the output",
        what_is_carried,
        "two histories with equal outputs: carrying the output they differ by {printed:.0f} afterwards, carrying "
        "the state by {right:.2f}",
        lambda f: f["outputs"] < 1e-12 and f["printed"] < 1e-12 and f["right"] > 0.1,
    ),
    Erratum(
        "S37",
        "C",
        "softmax is applied to each column of QKᵀ",
        "to each row: one query's weights over the keys",
        softmax_of_columns,
        "by columns a query gives out between {least:.2f} and {most:.2f} in all; by rows always 1",
        lambda f: f["least"] < 0.8 and f["most"] > 1.2 and f["error_by_rows"] < 1e-12,
    ),
    Erratum(
        "S39",
        "C,M",
        "values below the diagonal become −∞",
        "above it, with queries as rows",
        mask_below_the_diagonal,
        "eight tokens pay {printed:.2f} of their attention to later ones instead of {right:.0f}",
        lambda f: f["printed"] > 0.5 and f["right"] == 0.0,
    ),
    Erratum(
        "S40",
        "C",
        "current and previous tokens, and only previous tokens",
        "the diagonal stays",
        only_previous_tokens,
        "without itself the first token sees nothing: {printed:.0f} weights are NaN; with itself its weight is "
        "{right:.0f}",
        lambda f: f["printed"] == LENGTH and f["right"] == 1.0,
    ),
    Erratum(
        "S40b",
        "C",
        "bidirectional context is an advantage of attention",
        "of unmasked attention only",
        both_directions,
        "a change of the last token moves the first output by {free:.2f}, with the causal mask by {masked:.0f}",
        lambda f: f["free"] > 0.01 and f["masked"] == 0.0,
    ),
)
