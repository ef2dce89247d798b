import numpy as np
import pytest

from nn_core.text.vocabulary import (
    Corpus,
    build_vocabulary,
    check_window,
    encode_corpus,
    keep_probabilities,
    negative_cumulative,
    split_sentences,
)

SENTENCES = [["b", "a", "b", "c"], [], ["b", "d", "a"]]


def test_sentences_are_lines_of_words():
    assert split_sentences("The cat, the hat.\n\n...\nDon't!") == [["the", "cat", "the", "hat"], ["don't"]]
    assert split_sentences("The", lowercase=False) == [["The"]]


def test_ids_are_by_falling_frequency_then_alphabetical():
    vocabulary = build_vocabulary(SENTENCES, min_count=1)
    assert vocabulary.words == ("b", "a", "c", "d") and vocabulary.counts_V.tolist() == [3, 2, 1, 1]
    assert build_vocabulary(SENTENCES, min_count=2).words == ("b", "a")
    assert build_vocabulary(SENTENCES, min_count=1, max_size=3).words == ("b", "a", "c")


def test_unknown_words_are_left_out_of_the_corpus():
    corpus = encode_corpus(SENTENCES, build_vocabulary(SENTENCES, min_count=2))
    assert corpus.ids_N.tolist() == [0, 1, 0, 0, 1] and corpus.sentences_N.tolist() == [0, 0, 0, 2, 2]
    assert corpus.ids_N.dtype == corpus.sentences_N.dtype == np.int32


def test_frequent_words_are_kept_less_often():
    counts_V = np.array([900, 90, 9, 1])
    keep_V = keep_probabilities(counts_V, 1e-2)
    share_V = counts_V / 1000
    np.testing.assert_allclose(keep_V, np.minimum(1, np.sqrt(0.01 / share_V) + 0.01 / share_V), rtol=1e-6)
    assert keep_V[0] < keep_V[1] < keep_V[2] == keep_V[3] == 1
    np.testing.assert_array_equal(keep_probabilities(counts_V, None), np.ones(4))


def test_negatives_follow_the_power_of_the_count():
    cumulative_V = negative_cumulative(np.array([16, 1]), 0.75)
    np.testing.assert_allclose(cumulative_V, [8 / 9, 1.0], rtol=1e-6)


def test_bad_corpora_are_refused():
    with pytest.raises(ValueError, match="min_count=5 times \\(4 different words\\)"):
        build_vocabulary(SENTENCES)
    with pytest.raises(ValueError, match="min_count=0"):
        build_vocabulary(SENTENCES, min_count=0)
    with pytest.raises(ValueError, match="no word of the corpus"):
        encode_corpus([["x"]], build_vocabulary(SENTENCES, min_count=1))
    with pytest.raises(ValueError, match="threshold=0"):
        keep_probabilities(np.array([1]), 0.0)
    with pytest.raises(ValueError, match="no sentence of two"):
        check_window(Corpus(np.array([0, 1], np.int32), np.array([0, 1], np.int32)), 5)
    with pytest.raises(ValueError, match="window=0"):
        check_window(Corpus(np.array([0, 1], np.int32), np.array([0, 0], np.int32)), 0)
