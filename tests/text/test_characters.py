import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_core.text.characters import CharacterTokenizer, characters_from_json, load_characters, train_characters
from nn_core.text.interface import SPECIAL_TOKENS, clean_text

EXAMPLES = ["", "a", "The cat\nsat\r\n", "日本語と中文", "e\u0301 \u202e\u200d\ufeff\x00", "👩‍👩‍👧\U0010ffff"]


@pytest.mark.parametrize("text", EXAMPLES)
def test_round_trip_and_offsets(text):
    tokenizer = train_characters(["xyz", text])
    encoding = tokenizer.encode_with_offsets(text)
    assert tokenizer.decode(encoding.ids_N) == text
    assert encoding.ids_N.dtype == np.int32 and encoding.ids_N.shape == (len(text),)
    assert [text[a:b] for a, b in encoding.offsets_N2] == tokenizer.tokens(encoding.ids_N) == list(text)


@settings(deadline=None, max_examples=60)
@given(st.text(st.characters(), max_size=40))
def test_decode_of_encode_is_the_cleaned_text(text):
    tokenizer = train_characters([text, "a"], special_tokens=SPECIAL_TOKENS)
    ids_N = tokenizer.encode(text)
    assert tokenizer.decode(ids_N) == clean_text(text)
    assert np.all((ids_N >= len(SPECIAL_TOKENS)) & (ids_N < tokenizer.vocabulary_size))


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=40))
def test_bytes_are_read_as_utf8_with_replacement(data):
    tokenizer = train_characters([data, b"a"])
    assert tokenizer.decode(tokenizer.encode(data)) == data.decode("utf-8", "replace")


def test_surrogates_are_joined_or_replaced():
    assert clean_text("a\ud83d\ude00b\ud800") == "a😀b\ufffd"
    assert clean_text("\ufeffa\udc00") == "\ufeffa\ufffd"


def test_ids_are_sorted_characters_after_the_special_tokens():
    tokenizer = train_characters(["cab"], special_tokens=("[PAD]", "[UNK]"), unknown="unk")
    assert tokenizer.vocabulary_size == 5 and tokenizer.special_ids == {"[PAD]": 0, "[UNK]": 1}
    assert tokenizer.encode("abcz").tolist() == [2, 3, 4, 1]
    assert tokenizer.decode([2, 1, 0, 4]) == "ac" and tokenizer.decode([2, 1], skip_special=False) == "a[UNK]"


def test_text_cannot_inject_a_special_token():
    tokenizer = train_characters(["[MASK] it"], special_tokens=SPECIAL_TOKENS)
    assert not np.isin(tokenizer.encode("it [MASK]"), list(tokenizer.special_ids.values())).any()
    encoding = tokenizer.encode_with_offsets("it [MASK]i", allow_special=True)
    assert encoding.ids_N[3] == tokenizer.special_ids["[MASK]"]
    assert encoding.offsets_N2[3:].tolist() == [[3, 9], [9, 10]]


def test_special_tokens_that_share_a_beginning_are_read_longest_first():
    tokenizer = CharacterTokenizer("ab", ("<a", "<ab"))
    assert tokenizer.encode("<ab<a", allow_special=True).tolist() == [1, 0]


def test_unknown_policies():
    with pytest.raises(ValueError, match="character 'q' at position 2 .* vocabulary of 3"):
        train_characters(["abc"]).encode("abq")
    dropped = train_characters(["abc"], unknown="drop").encode_with_offsets("aqc")
    assert dropped.ids_N.tolist() == [0, 2] and dropped.offsets_N2.tolist() == [[0, 1], [2, 3]]
    assert CharacterTokenizer("", ("[UNK]",), "unk").encode("ab").tolist() == [0, 0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("", ()), "vocabulary is empty"),
        (("aa",), "repeat 'a'"),
        (("\ud800",), "lone surrogate"),
        (("a", (), "ignore"), "error, unk, drop"),
        (("a", (), "unk"), "needs '\\[UNK\\]'"),
        (("a", ("x", "x")), "repeated name"),
        (("a", ("",)), "non-empty"),
    ],
)
def test_wrong_tokenizers_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        CharacterTokenizer(*arguments)


@pytest.mark.parametrize("ids", [[-1], [0, 3], [1.0], [[0]]])
def test_decode_refuses_ids_that_are_not_in_the_vocabulary(ids):
    with pytest.raises(ValueError, match="ids? "):
        train_characters(["abc"]).decode(ids)
    assert train_characters(["abc"]).decode([]) == ""


def test_encode_refuses_what_is_not_text():
    with pytest.raises(ValueError, match="NoneType"):
        train_characters(["abc"]).encode(None)


def test_save_and_load_give_an_equal_tokenizer(tmp_path):
    tokenizer = train_characters(["a\u2028\x85😀\x00"], special_tokens=SPECIAL_TOKENS, unknown="unk")
    tokenizer.save(tmp_path / "tokenizer.json")
    assert load_characters(tmp_path / "tokenizer.json") == tokenizer
    assert (tmp_path / "tokenizer.json").read_bytes().isascii() and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff\xfe", b"{}", b'{"format": "nn_core.characters.1", "characters": 3}']
)
def test_load_names_the_file_that_is_not_a_tokenizer(tmp_path, content):
    path = tmp_path / "tokenizer.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="tokenizer.json"):
        load_characters(path)
    with pytest.raises(ValueError, match="format"):
        characters_from_json({})


def test_hundred_thousand_repeated_characters_take_less_than_a_second():
    tokenizer = train_characters(["ab"])
    start = time.process_time()
    assert tokenizer.decode(tokenizer.encode("a" * 100_000)) == "a" * 100_000
    assert time.process_time() - start < 1
