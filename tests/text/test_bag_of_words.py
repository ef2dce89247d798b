import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from nn_core.text.bag_of_words import STOP_WORDS, BagOfWords, fit_bag_of_words, load_bag_of_words, words_of

TEXTS = [
    "The dog bites the man, the man bites back!",
    "WIN a free prize now: call 08001234567, FREE prize",
    "don't call me; the prize-winning dog is naïve",
    "",
    "free dog, free man",
]


@pytest.mark.parametrize("max_features", [None, 4])
@pytest.mark.parametrize("stop_words", [(), STOP_WORDS])
def test_equals_scikit_learn(stop_words, max_features):
    theirs = CountVectorizer(binary=True, stop_words=list(stop_words) or None, max_features=max_features)
    expected = theirs.fit_transform(TEXTS).toarray()
    ours = fit_bag_of_words(TEXTS, stop_words=stop_words, max_features=max_features)
    assert ours.words == tuple(theirs.get_feature_names_out())
    np.testing.assert_array_equal(ours.vectors(TEXTS), expected)
    new = ["man of prizes", "zzz", "FREE call"]
    np.testing.assert_array_equal(ours.vectors(new), theirs.transform(new).toarray())


def test_stop_words_are_dropped_and_repeats_count_once():
    bag = fit_bag_of_words(TEXTS)
    assert not {"the", "is", "me"} & set(bag.words) and "now" in bag.words
    vector_V = bag.vectors("free free free dog")[0]
    assert vector_V.sum() == 2 and vector_V[bag.index["free"]] == 1 and vector_V.dtype == np.float32


def test_the_limits_word_order_and_unknown_words():
    bag = fit_bag_of_words(TEXTS)
    np.testing.assert_array_equal(*bag.vectors(["dog bites man", "man bites dog"]))
    assert not bag.vectors(["quite unknown", "", "🙂 !"]).any()


def test_word_345_of_65000_sets_element_345():
    """F088: the sizes of the notes."""
    words = tuple(f"word{number:05d}" for number in range(65_000))
    vector_V = BagOfWords(words).vectors("Word00345, word00345!")[0]
    assert vector_V.shape == (65_000,) and np.flatnonzero(vector_V).tolist() == [345] and vector_V[345] == 1


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(max_size=20), max_size=4))
def test_sparse_equals_dense_for_any_text(texts):
    bag = fit_bag_of_words(TEXTS)
    dense_NV = bag.vectors(texts)
    assert dense_NV.shape == (len(texts), bag.vocabulary_size)
    np.testing.assert_array_equal(bag.sparse(texts).toarray(), dense_NV)
    for text, row_V in zip(texts, dense_NV, strict=True):
        assert {bag.words[i] for i in np.flatnonzero(row_V)} == set(words_of(text)) & set(bag.words)
        np.testing.assert_array_equal(bag.ids(text), np.flatnonzero(row_V))


def test_min_texts_counts_texts_not_occurrences():
    assert fit_bag_of_words(["aa aa aa bb", "bb cc"], min_texts=2).words == ("bb",)


def test_save_and_load(tmp_path):
    bag = fit_bag_of_words(TEXTS)
    bag.save(tmp_path / "bag.json")
    assert load_bag_of_words(tmp_path / "bag.json") == bag
    (tmp_path / "bag.json").write_text('{"format": "nn_core.bag_of_words.1", "words": ["a", "a"]}')
    with pytest.raises(ValueError, match="bag.json: the vocabulary has 2 words, 1 different"):
        load_bag_of_words(tmp_path / "bag.json")
    (tmp_path / "bag.json").write_text("{}")
    with pytest.raises(ValueError, match="bag.json is not a bag of words"):
        load_bag_of_words(tmp_path / "bag.json")


@pytest.mark.parametrize("texts", [[], [""], ["a I"], ["the of"]])
def test_texts_without_a_word_are_refused(texts):
    with pytest.raises(ValueError, match="no word is left"):
        fit_bag_of_words(texts)
    with pytest.raises(ValueError, match="max_features=0"):
        fit_bag_of_words(TEXTS, max_features=0)
    with pytest.raises(ValueError, match="0 words"):
        BagOfWords(())
