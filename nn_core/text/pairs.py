"""Training pairs for word vectors: whole epochs with NumPy, or batches drawn by JAX as a pure function of a key.

Both follow word2vec: frequent words are first dropped at random, so that windows reach further; then each centre
draws a window of 1 to `window` words on each side. F091-F093.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse
from jax import Array

from nn_core.text.vocabulary import Corpus, check_window


def thin_corpus(generator: np.random.Generator, corpus: Corpus, keep_V: np.ndarray) -> Corpus:
    """Drops each word with probability 1 - keep_V[word]."""
    kept_N = generator.random(len(corpus.ids_N), dtype=np.float32) < keep_V[corpus.ids_N]
    return Corpus(corpus.ids_N[kept_N], corpus.sentences_N[kept_N])


def skip_gram_pairs(
    generator: np.random.Generator, corpus: Corpus, keep_V: np.ndarray, window: int
) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of one epoch, in random order.

    Args:
        generator: decides which words are dropped and how wide the windows are.
        corpus: N words.
        keep_V: (V,) from `keep_probabilities`.
        window: most words on each side, >= 1.
    Returns:
        int32 centres (P,) and contexts (P,).
    Raises:
        ValueError: a window below 1, or no two neighbours in the corpus.
    """
    check_window(corpus, window)
    thin = thin_corpus(generator, corpus, keep_V)
    centres, contexts = [], []
    widths_N = generator.integers(1, window + 1, len(thin.ids_N))
    for distance in range(1, window + 1):
        same_M = thin.sentences_N[distance:] == thin.sentences_N[:-distance]
        left_M, right_M = thin.ids_N[:-distance], thin.ids_N[distance:]
        forward_M = same_M & (widths_N[:-distance] >= distance)
        backward_M = same_M & (widths_N[distance:] >= distance)
        centres += [left_M[forward_M], right_M[backward_M]]
        contexts += [right_M[forward_M], left_M[backward_M]]
    order_P = generator.permutation(sum(len(part) for part in centres))
    return np.concatenate(centres)[order_P], np.concatenate(contexts)[order_P]


def cooccurrences(corpus: Corpus, vocabulary_size: int, window: int) -> scipy.sparse.coo_array:
    """Counts how often words occur near each other; a pair d words apart counts 1 / d (Pennington et al. 2014).

    Args:
        corpus: N words.
        vocabulary_size: V.
        window: most words on each side.
    Returns:
        A symmetric (V, V) sparse array without repeated entries, sorted by row and column.
    Raises:
        ValueError: as `skip_gram_pairs`.
    """
    check_window(corpus, window)
    total = scipy.sparse.csr_array((vocabulary_size, vocabulary_size), dtype=np.float64)
    for distance in range(1, window + 1):
        same_M = corpus.sentences_N[distance:] == corpus.sentences_N[:-distance]
        rows_P, columns_P = corpus.ids_N[:-distance][same_M], corpus.ids_N[distance:][same_M]
        values_P = np.full(len(rows_P), 1.0 / distance)
        part = scipy.sparse.coo_array((values_P, (rows_P, columns_P)), shape=total.shape).tocsr()
        total = total + part + part.T
    total.sort_indices()
    return total.tocoo()


class ThinCorpus(NamedTuple):
    """A thinned corpus on the device, for one epoch.

    Attributes:
        ids_N: (N,) int32, the kept words first.
        sentences_N: (N,) int32, -1 after them.
        num_kept: number of kept words.
    """

    ids_N: Array
    sentences_N: Array
    num_kept: Array


def thin_on_device(key: Array, ids_N: Array, sentences_N: Array, keep_V: Array) -> ThinCorpus:
    """What `thin_corpus` does, with static shapes: the kept words move to the front in their order.

    Args:
        key: typed key, one for each epoch.
        ids_N, sentences_N: the corpus.
        keep_V: (V,) from `keep_probabilities`.
    Returns:
        The thinned corpus.
    """
    size = ids_N.shape[0]
    kept_N = jax.random.uniform(key, (size,)) < keep_V[ids_N]
    places_N = jnp.where(kept_N, jnp.cumsum(kept_N) - 1, size)

    def to_front(values_N: Array, fill: int) -> Array:
        return jnp.full((size,), fill, jnp.int32).at[places_N].set(values_N, mode="drop")

    return ThinCorpus(to_front(ids_N, 0), to_front(sentences_N, -1), kept_N.sum())


def _draw_centres(key: Array, thin: ThinCorpus, batch_size: int) -> Array:
    return jax.random.randint(key, (batch_size,), 0, jnp.maximum(thin.num_kept, 1))


def _look(thin: ThinCorpus, places_B: Array, centres_B: Array) -> tuple[Array, Array]:
    """The ids at some places, and which of them are in the centre's sentence."""
    size = thin.ids_N.shape[0]
    inside_B = (places_B >= 0) & (places_B < thin.num_kept)
    safe_B = jnp.clip(places_B, 0, size - 1)
    return thin.ids_N[safe_B], inside_B & (thin.sentences_N[safe_B] == thin.sentences_N[centres_B])


def draw_skip_gram(key: Array, thin: ThinCorpus, batch_size: int, window: int) -> tuple[Array, Array, Array]:
    """Draws pairs with the probabilities of an epoch: a word at distance d is in the window with probability 1 - (d - 1) / window.

    Args:
        key: typed key; fold the step in.
        thin: this epoch's corpus.
        batch_size: B.
        window: most words on each side.
    Returns:
        (centres (B,), contexts (B,), weights (B,)): the weight is 0 where the distance leads out of the sentence.
    """
    place_key, distance_key, side_key = jax.random.split(key, 3)
    centres_B = _draw_centres(place_key, thin, batch_size)
    weights_W = window - np.arange(window)
    ends_W = jnp.asarray(np.cumsum(weights_W) / weights_W.sum(), jnp.float32)
    distances_B = 1 + jnp.searchsorted(ends_W[:-1], jax.random.uniform(distance_key, (batch_size,)), side="right")
    sides_B = jnp.where(jax.random.bernoulli(side_key, shape=(batch_size,)), 1, -1)
    contexts_B, valid_B = _look(thin, centres_B + sides_B * distances_B, centres_B)
    return thin.ids_N[centres_B], contexts_B, valid_B.astype(jnp.float32)


def draw_cbow(key: Array, thin: ThinCorpus, batch_size: int, window: int) -> tuple[Array, Array, Array]:
    """Draws centres with the words around them.

    Args:
        key, thin, batch_size, window: as `draw_skip_gram`.
    Returns:
        (contexts (B, 2 window), keep (B, 2 window) booleans, centres (B,)).
    """
    place_key, width_key = jax.random.split(key)
    centres_B = _draw_centres(place_key, thin, batch_size)
    widths_B = jax.random.randint(width_key, (batch_size,), 1, window + 1)
    offsets_W = jnp.asarray([offset for offset in range(-window, window + 1) if offset], jnp.int32)
    places_BW = centres_B[:, None] + offsets_W[None]
    contexts_BW, valid_BW = _look(thin, places_BW, centres_B[:, None])
    return contexts_BW, valid_BW & (jnp.abs(offsets_W)[None] <= widths_B[:, None]), thin.ids_N[centres_B]


def draw_negatives(key: Array, cumulative_V: Array, shape: tuple[int, ...]) -> Array:
    """Random words, p(w) proportional to count^0.75: the inverse of `negative_cumulative` at uniform numbers.

    Args:
        key: typed key.
        cumulative_V: (V,) rising to 1.
        shape: of the result.
    Returns:
        int32 ids.
    """
    return jnp.searchsorted(cumulative_V, jax.random.uniform(key, shape), side="right").astype(jnp.int32)
