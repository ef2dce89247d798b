"""Ledger rows of word vectors and similarity (F091-F094, F100, F101, F107)."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import scipy.spatial.distance
import scipy.special

from nn_core.activations import sigmoid, softmax
from nn_core.formulas.ledger import Formula, Oracle, normal
from nn_core.models.embeddings import glove_losses, info_nce_losses, masked_mean, negative_sampling_losses, unit

CENTRE_D, CONTEXT_D, NEGATIVES_KD = normal(141, 4), normal(142, 4), normal(143, 3, 4)
CONTEXTS_CD = normal(144, 5, 4)
GLOVE = {
    "input": {"bias": normal(145, 3), "embedding": normal(146, 3, 4)},
    "output": {"bias": normal(147, 3), "embedding": normal(148, 3, 4)},
}
# Co-occurrences of three words; the pair that never occurs is not in the loss.
COUNTS_VV = np.array([[0.0, 12.0, 150.0], [12.0, 3.0, 1.0], [150.0, 1.0, 40.0]])
ROWS_P, COLUMNS_P = np.nonzero(COUNTS_VV)
NGRAMS_ND = normal(149, 6, 4)
IMAGES_ND, TEXTS_ND = normal(150, 4, 3), normal(151, 4, 3)


def skip_gram_loss(centre_D: Any, context_D: Any, negatives_KD: Any) -> Any:
    """The library's -ln sigma(u.v) - sum_k ln sigma(-u_k.v) for one pair and K drawn words (Mikolov et al. 2013)."""
    return negative_sampling_losses(centre_D[None], context_D[None], negatives_KD[None], len(negatives_KD))[0]


def mean_vector_loss(vectors_CD: Any, word_D: Any, negatives_KD: Any) -> Any:
    """The same loss of the mean of several vectors: context words (CBOW) or a word's n-grams (FastText)."""
    mean_D = masked_mean(vectors_CD[None], jnp.ones((1, len(vectors_CD)), bool))[0]
    return skip_gram_loss(mean_D, word_D, negatives_KD)


def _skip_gram_slope(centre_D: Any, context_D: Any, negatives_KD: Any) -> Any:
    return (sigmoid(context_D @ centre_D) - 1.0) * context_D + sigmoid(negatives_KD @ centre_D) @ negatives_KD


def _mean_vector_slope(vectors_CD: Any, word_D: Any, negatives_KD: Any) -> Any:
    slope_D = _skip_gram_slope(jnp.mean(vectors_CD, axis=0), word_D, negatives_KD)
    return jnp.broadcast_to(slope_D[None] / len(vectors_CD), vectors_CD.shape)


def _skip_gram_numpy(centre_D: Any, context_D: Any, negatives_KD: Any) -> Any:
    return (
        -np.log(scipy.special.expit(context_D @ centre_D)) - np.log(scipy.special.expit(-negatives_KD @ centre_D)).sum()
    )


def glove_loss(glove: Any, counts_VV: Any) -> Any:
    """The library's sum over the pairs that occur."""
    return jnp.sum(glove_losses(glove, jnp.asarray(ROWS_P), jnp.asarray(COLUMNS_P), counts_VV[ROWS_P, COLUMNS_P]))


def _glove_slope(glove: Any, counts_VV: Any) -> Any:
    v, u = glove["input"], glove["output"]
    weight_VV = jnp.where(counts_VV > 0, jnp.minimum(counts_VV / 100.0, 1.0) ** 0.75, 0.0)
    log_VV = jnp.log(jnp.where(counts_VV > 0, counts_VV, 1.0))
    residual_VV = v["embedding"] @ u["embedding"].T + v["bias"][:, None] + u["bias"][None] - log_VV
    slope_VV = 2.0 * weight_VV * residual_VV
    return {
        "input": {"bias": jnp.sum(slope_VV, axis=1), "embedding": slope_VV @ u["embedding"]},
        "output": {"bias": jnp.sum(slope_VV, axis=0), "embedding": slope_VV.T @ v["embedding"]},
    }


def _glove_loops(glove: Any, counts_VV: Any) -> Any:
    v, u, total = glove["input"], glove["output"], 0.0
    for i, j in zip(ROWS_P, COLUMNS_P, strict=True):
        score = v["embedding"][i] @ u["embedding"][j] + v["bias"][i] + u["bias"][j]
        total += min(1.0, (counts_VV[i, j] / 100) ** 0.75) * (score - np.log(counts_VV[i, j])) ** 2
    return total


def cosine(a_D: Any, b_D: Any) -> Any:
    """a.b / (|a| |b|), the product of the library's unit vectors."""
    return unit(a_D) @ unit(b_D)


def contrastive_loss(images_ND: Any, texts_ND: Any, temperature: Any) -> Any:
    """The library's mean over both directions: an image finds its text, a text its image."""
    return jnp.mean(info_nce_losses(images_ND, texts_ND, temperature))


def _contrastive_slope(images_ND: Any, texts_ND: Any, temperature: Any) -> Any:
    """(P + Q - 2I) Y^ / (2 N tau) along the unit sphere, P = softmax over rows, Q over columns of X^ Y^T / tau."""
    norms_N1 = jnp.linalg.norm(images_ND, axis=1, keepdims=True)
    x_ND = images_ND / norms_N1
    y_ND = texts_ND / jnp.linalg.norm(texts_ND, axis=1, keepdims=True)
    logits_NN = x_ND @ y_ND.T / temperature
    both_NN = softmax(logits_NN) + softmax(logits_NN.T).T - 2.0 * jnp.eye(len(x_ND))
    slope_ND = both_NN @ y_ND / (2 * len(x_ND) * temperature)
    return (slope_ND - x_ND * jnp.sum(x_ND * slope_ND, axis=1, keepdims=True)) / norms_N1


def _contrastive_scipy(images_ND: Any, texts_ND: Any, temperature: Any) -> Any:
    logits_NN = (1 - scipy.spatial.distance.cdist(images_ND, texts_ND, "cosine")) / temperature
    return -sum(np.diag(scipy.special.log_softmax(logits_NN, axis=axis)).mean() for axis in (0, 1)) / 2


FORMULAS: tuple[Formula, ...] = (
    Formula(
        "F091",
        "Skip-gram with negative sampling",
        "−ln σ(u·v) − Σₖ ln σ(−uₖ·v)",
        "∂/∂v = (σ(u·v) − 1)u + Σₖ σ(uₖ·v)uₖ",
        skip_gram_loss,
        (CENTRE_D, CONTEXT_D, NEGATIVES_KD),
        _skip_gram_slope,
        oracles=(Oracle("NumPy", _skip_gram_numpy),),
    ),
    Formula(
        "F092",
        "Continuous bag of words",
        "the skip-gram loss at v = mean of the context vectors",
        "∂/∂v_c = (1/C) ∂/∂v",
        mean_vector_loss,
        (CONTEXTS_CD, CENTRE_D, NEGATIVES_KD),
        _mean_vector_slope,
        oracles=(Oracle("NumPy", lambda c, w, n: _skip_gram_numpy(c.mean(0), w, n)),),
    ),
    Formula(
        "F093",
        "GloVe",
        "Σᵢⱼ f(Xᵢⱼ)(wᵢ·uⱼ + bᵢ + cⱼ − ln Xᵢⱼ)²",
        "∂/∂wᵢ = Σⱼ 2f(Xᵢⱼ)rᵢⱼuⱼ, ∂/∂bᵢ = Σⱼ 2f(Xᵢⱼ)rᵢⱼ",
        glove_loss,
        (GLOVE, COUNTS_VV),
        _glove_slope,
        oracles=(Oracle("NumPy loops", _glove_loops),),
    ),
    Formula(
        "F094",
        "FastText: the mean of a word's n-grams",
        "v = (1/G) Σ_g z_g in the skip-gram loss",
        "∂/∂z_g = (1/G) ∂/∂v",
        mean_vector_loss,
        (NGRAMS_ND, CONTEXT_D, NEGATIVES_KD),
        _mean_vector_slope,
        oracles=(Oracle("NumPy", lambda g, u, n: _skip_gram_numpy(g.mean(0), u, n)),),
    ),
    Formula(
        "F100a",
        "Similarity by the dot product",
        "a·b = Σᵢ aᵢbᵢ",
        "∂/∂a = b",
        lambda a, b: a @ b,
        (CENTRE_D, CONTEXT_D),
        lambda a, b: b,
        oracles=(Oracle("|a||b|cos", lambda a, b: np.linalg.norm(a) * np.linalg.norm(b) * _scipy_cosine(a, b)),),
        slips=("S33",),
    ),
    Formula(
        "F100b",
        "Cosine similarity",
        "cos = a·b/(|a||b|)",
        "∂/∂a = (b/|b| − cos·a/|a|)/|a|",
        cosine,
        (CENTRE_D, CONTEXT_D),
        lambda a, b: (b / jnp.linalg.norm(b) - cosine(a, b) * a / jnp.linalg.norm(a)) / jnp.linalg.norm(a),
        oracles=(
            Oracle("scipy", lambda a, b: _scipy_cosine(a, b)),
            Oracle("length-free", lambda a, b: _scipy_cosine(5 * a, b / 3)),
        ),
        slips=("S33",),
    ),
    Formula(
        "F101",
        "Analogy by vector arithmetic",
        "king − man + woman ≈ queen",
        "exact where two directions add: woman − man = queen − king",
        lambda king, man, woman: king - man + woman,
        (CENTRE_D + CONTEXT_D, CENTRE_D, CENTRE_D + NEGATIVES_KD[0]),
        lambda king, man, woman: jnp.eye(king.size),
        "jacobian",
        (Oracle("queen", lambda *_: CENTRE_D + CONTEXT_D + NEGATIVES_KD[0], 1e-15),),
        ("S35",),
    ),
    Formula(
        "F107",
        "Contrastive loss, both directions",
        "−(1/2N) Σᵢ[ln softmax(cos/τ)ᵢᵢ over rows + over columns]",
        "∂/∂x̂ = (P + Q − 2I)ŷ/(2Nτ), then ∂/∂x = (I − x̂x̂ᵀ)/|x|·∂/∂x̂",
        contrastive_loss,
        (IMAGES_ND, TEXTS_ND, np.float64(0.5)),
        _contrastive_slope,
        oracles=(Oracle("scipy", _contrastive_scipy),),
    ),
)


def _scipy_cosine(a_D: Any, b_D: Any) -> Any:
    return 1 - scipy.spatial.distance.cosine(a_D, b_D)
