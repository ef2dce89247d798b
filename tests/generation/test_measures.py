"""Diversity, repetition and likelihood on texts that can be counted by hand."""

import math

import numpy as np
import pytest

from nn_core.generation.measures import distinct_n, mean_log_probability, ngrams, repetition_rate, self_bleu


def test_ngrams_are_the_runs_of_a_text() -> None:
    assert ngrams("abab", 2) == [("a", "b"), ("b", "a"), ("a", "b")]
    assert ngrams([1, 2], 3) == []
    with pytest.raises(ValueError, match="order=0"):
        ngrams("ab", 0)


def test_distinct_n_counts_over_all_texts() -> None:
    # abab: ab ba ab; abc: ab bc. Five bigrams, of which ab, ba, bc are different; seven letters, three different.
    assert distinct_n(["abab", "abc"], 2) == 3 / 5
    assert distinct_n(["abab", "abc"], 1) == 3 / 7
    assert math.isnan(distinct_n(["a"], 2))


def test_repetition_is_within_a_text_and_averaged_over_texts() -> None:
    # abcab: ab bc ca ab, one of four said before; aaaa: three times aa, two of three said before; a has no bigram.
    assert repetition_rate(["abcab"], 2) == 1 / 4
    np.testing.assert_allclose(repetition_rate(["abcab", "aaaa", "a"], 2), (1 / 4 + 2 / 3) / 2)
    assert repetition_rate(["abcd", "abcd"], 2) == 0
    assert math.isnan(repetition_rate(["abc"]))


def test_self_bleu_by_hand() -> None:
    # abcd against abce: 3 of 4 letters, (2 + 1) of (3 + 1) pairs, (1 + 1) of (2 + 1) triples, (0 + 1) of (1 + 1) fours.
    expected = (3 / 4 * 3 / 4 * 2 / 3 * 1 / 2) ** (1 / 4)
    np.testing.assert_allclose(self_bleu(["abcd", "abce"]), expected, rtol=1e-12)
    np.testing.assert_allclose(self_bleu(["abcd", "abce", "abcd"]), (1 + expected + 1) / 3, rtol=1e-12)


def test_self_bleu_clips_counts_and_punishes_brevity() -> None:
    # aaa against ab: one a of three counts; no brevity, as 3 > 2. ab against aaa: 1 of 2, times exp(1 - 3/2).
    np.testing.assert_allclose(self_bleu(["aaa", "ab"], 1), (1 / 3 + math.exp(-0.5) / 2) / 2, rtol=1e-12)
    # aa against ab and ac: each of them has one a, so one of the two counts; the others share one letter of two.
    np.testing.assert_allclose(self_bleu(["aa", "ab", "ac"], 1), 1 / 2, rtol=1e-12)
    assert self_bleu(["aa", "bb"]) == 0
    assert self_bleu(["", "bb"]) == 0
    np.testing.assert_allclose(self_bleu(["abcdef"] * 3), 1.0)
    with pytest.raises(ValueError, match="got 1"):
        self_bleu(["ab"])


def test_self_bleu_grows_as_texts_grow_alike() -> None:
    texts = ["the cat sat on the mat".split(), "a dog ran in my park".split(), "one bird flew over our house".split()]
    alike = [texts[0], "the cat sat on the rug".split(), "the cat sat on my mat".split()]
    assert self_bleu(texts) < 0.3 * self_bleu(alike)


def test_mean_log_probability_ignores_padding() -> None:
    log_probs = np.array([[-1.0, -2.0, -99.0], [-4.0, 0.0, 0.0]])
    np.testing.assert_allclose(mean_log_probability(log_probs, np.array([2, 1])), -7 / 3)
    assert math.isnan(mean_log_probability(log_probs, np.array([0, 0])))
