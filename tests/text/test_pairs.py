from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nn_core.text.pairs import (
    cooccurrences,
    draw_cbow,
    draw_negatives,
    draw_skip_gram,
    skip_gram_pairs,
    thin_corpus,
    thin_on_device,
)
from nn_core.text.vocabulary import Corpus, negative_cumulative

V = 7
RNG = np.random.default_rng(0)
CORPUS = Corpus(RNG.integers(0, V, 41).astype(np.int32), np.repeat(np.arange(5), [11, 1, 13, 9, 7]).astype(np.int32))
ALL = np.ones(V, np.float32)
WINDOW = 3


def neighbours(corpus, window):
    """(centre place, context place, distance) by two loops."""
    for i in range(len(corpus.ids_N)):
        for j in range(max(0, i - window), min(len(corpus.ids_N), i + window + 1)):
            if i != j and corpus.sentences_N[i] == corpus.sentences_N[j]:
                yield i, j, abs(i - j)


def test_pairs_of_window_one_are_all_neighbours():
    centres, contexts = skip_gram_pairs(np.random.default_rng(1), CORPUS, ALL, 1)
    expected = Counter((CORPUS.ids_N[i], CORPUS.ids_N[j]) for i, j, _ in neighbours(CORPUS, 1))
    assert Counter(zip(centres, contexts, strict=True)) == expected


def test_an_epoch_draws_a_window_for_each_centre():
    counts = Counter()
    ordered = Corpus(np.arange(41, dtype=np.int32), CORPUS.sentences_N)
    epochs = 400
    for seed in range(epochs):
        centres, contexts = skip_gram_pairs(np.random.default_rng(seed), ordered, np.ones(41, np.float32), WINDOW)
        pairs = list(zip(centres.tolist(), contexts.tolist(), strict=True))
        assert len(set(pairs)) == len(pairs)
        counts.update(pairs)
    for i, j, distance in neighbours(ordered, WINDOW):
        assert abs(counts.pop((i, j)) / epochs - (1 - (distance - 1) / WINDOW)) < 0.12
    assert not counts


def test_thinning_drops_words_before_windows_reach_over_them():
    keep_V = ALL.copy()
    keep_V[2] = 0
    thin = thin_corpus(np.random.default_rng(0), CORPUS, keep_V)
    np.testing.assert_array_equal(thin.ids_N, CORPUS.ids_N[CORPUS.ids_N != 2])
    np.testing.assert_array_equal(thin.sentences_N, CORPUS.sentences_N[CORPUS.ids_N != 2])
    on_device = jax.jit(thin_on_device)(jax.random.key(0), *map(jnp.asarray, (*CORPUS, keep_V)))
    count = int(on_device.num_kept)
    np.testing.assert_array_equal(on_device.ids_N[:count], thin.ids_N)
    np.testing.assert_array_equal(on_device.sentences_N[:count], thin.sentences_N)
    assert count == len(thin.ids_N) and (on_device.sentences_N[count:] == -1).all()


def test_thinning_on_device_keeps_the_right_share():
    ids_N = jnp.zeros(20_000, jnp.int32)
    thin = jax.jit(thin_on_device)(jax.random.key(0), ids_N, ids_N, jnp.array([0.3]))
    assert abs(int(thin.num_kept) / 20_000 - 0.3) < 0.015


def test_drawn_pairs_have_the_distribution_of_an_epoch():
    size = len(CORPUS.ids_N)
    thin = jax.jit(thin_on_device)(jax.random.key(0), jnp.arange(size), jnp.asarray(CORPUS.sentences_N), jnp.ones(size))
    draw = jax.jit(draw_skip_gram, static_argnums=(2, 3))
    draws = 60_000
    centres, contexts, weights = draw(jax.random.key(1), thin, draws, WINDOW)
    counts = Counter(zip(*(np.asarray(a)[np.asarray(weights) > 0].tolist() for a in (centres, contexts)), strict=True))
    # 2 sides, and sum over distances of (1 - (d - 1) / window) = 2: each centre has weight 1 / size.
    for i, j, distance in neighbours(CORPUS, WINDOW):
        expected = (1 - (distance - 1) / WINDOW) / (2 * (WINDOW + 1) / 2) / size
        assert abs(counts.pop((i, j)) / draws - expected) < 5 * np.sqrt(expected / draws)
    assert not counts
    again = draw(jax.random.key(1), thin, draws, WINDOW)
    np.testing.assert_array_equal(again[1], contexts)


def test_cbow_windows_are_the_words_around():
    size = len(CORPUS.ids_N)
    thin = jax.jit(thin_on_device)(jax.random.key(0), jnp.arange(size), jnp.asarray(CORPUS.sentences_N), jnp.ones(size))
    contexts_BW, keep_BW, centres_B = jax.jit(draw_cbow, static_argnums=(2, 3))(jax.random.key(1), thin, 500, WINDOW)
    reach = {}
    for i, j, distance in neighbours(CORPUS, WINDOW):
        reach.setdefault((i, distance), set()).add(j)
    widths = Counter()
    for contexts, keep, centre in zip(*map(np.asarray, (contexts_BW, keep_BW, centres_B)), strict=True):
        got = set(contexts[keep].tolist())
        options = [set().union(*(reach.get((centre, d), set()) for d in range(1, w + 1))) for w in range(1, WINDOW + 1)]
        assert got in options
        widths[len(got)] += 1
    assert widths[2 * WINDOW] > 50 and widths[2] > 50


def test_negatives_are_drawn_with_the_power_law():
    counts_V = np.array([81, 16, 1, 256])
    drawn = draw_negatives(jax.random.key(0), jnp.asarray(negative_cumulative(counts_V)), (40_000,))
    assert drawn.dtype == jnp.int32
    np.testing.assert_allclose(np.bincount(drawn, minlength=4) / 40_000, np.array([27, 8, 1, 64]) / 100, atol=0.012)


def test_cooccurrences_equal_two_loops():
    expected = np.zeros((V, V))
    for i, j, distance in neighbours(CORPUS, WINDOW):
        expected[CORPUS.ids_N[i], CORPUS.ids_N[j]] += 1 / distance
    counts = cooccurrences(CORPUS, V, WINDOW)
    np.testing.assert_allclose(counts.toarray(), expected, rtol=1e-12)
    np.testing.assert_allclose(expected, expected.T)
    assert counts.nnz == len(set(zip(counts.row.tolist(), counts.col.tolist(), strict=True)))


def test_a_corpus_smaller_than_its_window_still_gives_its_pairs():
    tiny = Corpus(np.array([3, 5], np.int32), np.zeros(2, np.int32))
    centres, contexts = skip_gram_pairs(np.random.default_rng(0), tiny, ALL, 50)
    assert sorted(zip(centres.tolist(), contexts.tolist(), strict=True)) == [(3, 5), (5, 3)]
    assert cooccurrences(tiny, V, 50).toarray()[3, 5] == 1
    thin = jax.jit(thin_on_device)(jax.random.key(0), *map(jnp.asarray, (*tiny, ALL)))
    centres, contexts, weights = jax.jit(draw_skip_gram, static_argnums=(2, 3))(jax.random.key(0), thin, 64, 50)
    assert {*np.asarray(contexts)[np.asarray(weights) > 0].tolist()} <= {3, 5}
    with pytest.raises(ValueError, match="no sentence of two"):
        skip_gram_pairs(np.random.default_rng(0), Corpus(tiny.ids_N, np.arange(2, dtype=np.int32)), ALL, 5)
