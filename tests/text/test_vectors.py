import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nn_core.text.vectors import WordVectors, load_word_vectors

ROYAL = WordVectors(
    ("man", "woman", "king", "queen", "apple"),
    np.array([[1, 0, 0.1], [1, 1, 0.1], [1, 0, 3], [1, 1, 3], [-1, 0.4, 0]]),
)


def test_cosine_and_dot():
    assert abs(ROYAL.similarity("man", "woman") - 1.01 / np.sqrt(1.01 * 2.01)) < 1e-6
    assert abs(ROYAL.similarity("king", "queen", measure="dot") - 10.0) < 1e-6
    with pytest.raises(ValueError, match="'euclid' is unknown; use one of cosine, dot"):
        ROYAL.similarity("man", "woman", measure="euclid")


def test_neighbours_leave_the_query_out_and_come_in_order():
    found = ROYAL.most_similar("king", count=99)
    assert [word for word, _ in found] == ["queen", "man", "woman", "apple"]
    scores = [score for _, score in found]
    assert scores == sorted(scores, reverse=True)
    np.testing.assert_allclose(scores, [ROYAL.similarity("king", word) for word, _ in found], rtol=1e-6)
    assert ROYAL.most_similar("man", count=1, measure="dot")[0][0] == "king"


def test_analogies_leave_the_query_words_out():
    assert ROYAL.analogy("man", "king", "woman")[0][0] == "queen"
    # The nearest of all words would be a query word.
    query_E = ROYAL.unit_VE[[2, 1]].sum(axis=0) - ROYAL.unit_VE[0]
    assert ROYAL.words[int(np.argmax(ROYAL.vectors_VE[:3] @ query_E))] == "king"
    duke = WordVectors((*ROYAL.words, "duke"), np.concatenate([ROYAL.vectors_VE, [[0.9, -0.3, 2.9]]]))
    assert duke.analogy("man", "king", "woman")[0][0] == "queen"
    assert not {"man", "king", "woman"} & {word for word, _ in ROYAL.analogy("man", "king", "woman", count=9)}


def test_the_odd_one_out():
    assert ROYAL.doesnt_match(["man", "apple", "woman", "king"]) == "apple"
    with pytest.raises(ValueError, match="at least two"):
        ROYAL.doesnt_match(["man"])


def test_unknown_words_name_the_nearest_known_ones():
    with pytest.raises(ValueError, match="'quean' is not among the 5 known words; nearest known: queen"):
        ROYAL.vector("quean")
    with pytest.raises(ValueError, match="no known word is spelt like it"):
        ROYAL.most_similar("zzz")
    with pytest.raises(ValueError, match="at least one word"):
        ROYAL.most_similar([])


def test_wrong_tables_are_refused():
    for words, vectors, message in [
        (("a",), np.ones((2, 3)), "1 words and vectors of shape"),
        (("a", "a"), np.ones((2, 3)), "repeated"),
        (("a", "b"), np.array([[1.0], [np.nan]]), "vector of 'b' is not finite"),
        ((), np.ones((0, 3)), "0 words"),
    ]:
        with pytest.raises(ValueError, match=message):
            WordVectors(words, vectors)


FLOATS = hnp.arrays(np.float32, (3, 2), elements=st.floats(width=32, allow_nan=False, allow_infinity=False))
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda w: w.split() == [w])


@settings(deadline=None, max_examples=60)
@given(FLOATS, st.lists(WORDS, min_size=3, max_size=3, unique=True))
def test_text_files_round_trip_to_the_last_bit(tmp_path_factory, vectors_VE, words):
    path = tmp_path_factory.mktemp("vectors") / "v.txt"
    WordVectors(tuple(words), vectors_VE).save(path)
    again = load_word_vectors(path)
    assert again.words == tuple(words)
    np.testing.assert_array_equal(again.vectors_VE, vectors_VE)


def test_files_without_a_first_line_and_with_a_limit(tmp_path):
    path = tmp_path / "glove.txt"
    path.write_text("the 0.5 1e-3\ncat\t-1 2 \n")
    assert load_word_vectors(path).words == ("the", "cat")
    np.testing.assert_array_equal(load_word_vectors(path, max_words=1).vectors_VE, np.float32([[0.5, 1e-3]]))
    path.write_text("3 2\na 1 2\nb 3 4\nc 5 6\n")
    assert load_word_vectors(path, max_words=2).words == ("a", "b")
    assert load_word_vectors(path, max_words=9).words == ("a", "b", "c")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "holds no word vectors"),
        ("2 2\na 1 2\nb 1\n", "line 3 has 1 numbers instead of 2"),
        ("2 2\na 1 2\n", "line 2 is the last and word 1, but line 1 promises 2"),
        ("1 2\na 1 2\nb 1 2\n", "line 3 is the last and word 2, but line 1 promises 1"),
        ("a 1 2\n\nb 1 2\n", "line 2 is empty"),
        ("a 1 2\nb 1 x\n", "line 2: could not convert string to float: 'x'"),
        ("a 1 2\nb 1 nan\n", "line 2 holds nan"),
        ("a 1 2\nb 1 1e39\n", "line 2 holds 1e\\+39"),
        ("a 1 2\nb 1 2\na 3 4\n", "line 3 repeats the word 'a' of line 1"),
        ("word\n", "line 1 holds no numbers"),
    ],
)
def test_malformed_files_name_the_line(tmp_path, content, message):
    path = tmp_path / "vectors.txt"
    path.write_text(content)
    with pytest.raises(ValueError, match=f"vectors.txt.*{message}") as raised:
        load_word_vectors(path)
    assert "\n" not in str(raised.value)


def test_words_that_the_format_cannot_hold_are_refused(tmp_path):
    for word in ("", "New York", "a\n"):
        with pytest.raises(ValueError, match="cannot be written"):
            WordVectors((word,), np.ones((1, 2))).save(tmp_path / "v.txt")


def test_a_byte_order_mark_is_no_part_of_the_first_word(tmp_path):
    (tmp_path / "vectors.txt").write_bytes(b"\xef\xbb\xbfking 1 2\nqueen 2 1\n")
    assert load_word_vectors(tmp_path / "vectors.txt").words == ("king", "queen")
    (tmp_path / "vectors.txt").write_bytes(b"\xef\xbb\xbf2 2\nking 1 2\nqueen 2 1\n")
    assert load_word_vectors(tmp_path / "vectors.txt").words == ("king", "queen")


def test_one_word_is_not_taken_for_a_list_of_letters():
    vectors = WordVectors(("king", "man", "m", "a", "n"), np.eye(5, dtype=np.float32))
    assert vectors.most_similar("king", "man") == vectors.most_similar(["king"], ["man"])
    with pytest.raises(ValueError, match="words='man' is one string, not a list of words"):
        vectors.doesnt_match("man")
