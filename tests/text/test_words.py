"""What a word is, in any script, and strings that are mistaken for lists of words."""

import unicodedata

import numpy as np
import pytest

from nn_core.data.sequence_sources import hash_words
from nn_core.text.bag_of_words import fit_bag_of_words, words_of
from nn_core.text.interface import check_special_tokens
from nn_core.text.ngrams import piece_table
from nn_core.text.vectors import WordVectors
from nn_core.text.vocabulary import build_vocabulary, encode_corpus
from nn_core.text.word_evaluation import association_bias, mean_vectors, topic_similarities
from nn_core.text.words import split_words, split_words_and_signs

HINDI = "आधुनिक मानक हिन्दी"


@pytest.mark.parametrize("text", [HINDI, "สวัสดี ครับ", "العَرَبِيَّة لغة", "ktâb būk", "می\u200cخواهم کتاب"])
def test_words_are_not_cut_at_combining_marks(text):
    for form in ("NFC", "NFD"):
        encoded = unicodedata.normalize(form, text)
        expected = unicodedata.normalize("NFC", text).split()
        assert split_words(encoded) == words_of(encoded) == split_words_and_signs(encoded) == expected


def test_one_word_has_one_spelling_however_it_is_encoded():
    assert words_of("Cafe\u0301 Caf\u00e9") == ["caf\u00e9"] * 2
    assert split_words("I don't. Cafe\u0301!") == ["I", "don't", "Caf\u00e9"]
    assert split_words_and_signs("don't!") == ["don", "'", "t", "!"]
    ids_NT = hash_words(["Cafe\u0301", "caf\u00e9"], buckets=97, max_words=2)
    np.testing.assert_array_equal(ids_NT[0], ids_NT[1])


VECTORS = WordVectors(("a", "b"), np.eye(2, dtype=np.float32))
VOCABULARY = build_vocabulary([["the", "cat"]], min_count=1)


@pytest.mark.parametrize(
    "call",
    [
        lambda: build_vocabulary(["the cat sat"], min_count=1),
        lambda: encode_corpus(["the cat sat"], VOCABULARY),
        lambda: mean_vectors(VECTORS, ["a b"]),
        lambda: mean_vectors(VECTORS, "a b"),
        lambda: topic_similarities(VECTORS, {"letters": "ab", "others": "ba"}),
        lambda: association_bias(VECTORS, "ab", ["a"], ["a"], ["b"]),
        lambda: piece_table("ab", 7),
        lambda: hash_words("the cat", buckets=7, max_words=2),
        lambda: fit_bag_of_words(["the cat"], stop_words="the"),
        lambda: check_special_tokens("[UNK]"),
    ],
)
def test_a_string_is_not_a_list_of_words(call):
    with pytest.raises(ValueError, match="is one string"):
        call()
