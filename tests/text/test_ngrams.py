import numpy as np
import pytest

from nn_core.text.ngrams import fnv1a, ngram_rows, piece_table, unseen_vector, word_ngrams


def test_ngrams_carry_the_marks_of_beginning_and_end():
    assert word_ngrams("cat", 3, 4) == ["<ca", "cat", "at>", "<cat", "cat>"]
    assert word_ngrams("a", 1, 2) == ["a", "<a", "a>"]
    assert word_ngrams("é", 3, 3) == ["<é>"]


def test_the_hash_is_fnv1a_with_signed_bytes():
    assert fnv1a(b"") == 2166136261 and fnv1a(b"a") == 0xE40C292C and fnv1a(b"foobar") == 0xBF9CF968
    try:
        from gensim.models.fasttext_inner import compute_ngrams_bytes, ft_hash_bytes
    except ImportError:
        return
    for word in ("night", "Straße", "日本"):
        grams = [gram.encode() for gram in word_ngrams(word)]
        assert sorted(map(fnv1a, grams)) == sorted(ft_hash_bytes(gram) for gram in compute_ngrams_bytes(word, 3, 6))


def test_a_word_is_its_own_row_and_those_of_its_ngrams():
    table_VG, keep_VG = piece_table(["cat", "a", "cats"], 50)
    assert table_VG[:, 0].tolist() == [0, 1, 2]
    for v, word in enumerate(["cat", "a", "cats"]):
        assert table_VG[v][keep_VG[v]].tolist() == [v, *ngram_rows(word, 3, 50)]
    assert table_VG.max() < 53 and keep_VG.sum(axis=1).tolist() == [7, 2, 11]


def test_unseen_words_are_the_mean_of_their_ngrams():
    table = np.random.default_rng(0).normal(size=(3 + 50, 4)).astype(np.float32)
    np.testing.assert_allclose(unseen_vector("dog", table, 3), table[ngram_rows("dog", 3, 50)].mean(axis=0))
    with pytest.raises(ValueError, match="has no n-gram of 5 characters"):
        unseen_vector("ab", table, 3, shortest=5)
    for word in ("", "a"):
        with pytest.raises(ValueError, match="no n-gram"):
            unseen_vector(word, table, 3, shortest=4)
    with pytest.raises(ValueError, match="shortest=4 and longest=3"):
        word_ngrams("abc", 4, 3)
    with pytest.raises(ValueError, match="num_buckets=0"):
        piece_table(["a"], 0)
