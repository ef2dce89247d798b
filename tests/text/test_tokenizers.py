import itertools
import json
import re
import time
import unicodedata
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nn_core.text.interface import SPECIAL_TOKENS, clean_text, continuation
from nn_core.text.sentencepiece import train_bpe
from nn_core.text.tokenizers import TOKENIZERS, load_tokenizer, make_tokenizer
from nn_core.text.trained import TrainedTokenizer
from nn_core.text.trainers import train_words

TRAINED = tuple(name for name in TOKENIZERS if name != "characters")
ANY_TEXT = ("byte_bpe", "sentencepiece", "sentencepiece_bpe")
CORPUS = ["the cat sat on the mat. \n", "low lower newest widest, the lowest\n", "[MASK] and [UNK] <0x41>  twice\n"] * 4
LANGUAGES = {
    "English": "Don't stop, state-of-the-art cats!",
    "Chinese": "自然语言处理没有空格",
    "Japanese": "日本語にも空白はありません。",
    "German": "Donaudampfschifffahrtsgesellschaftskapitän",
    "Arabic": "مُعَالَجَةُ اللُّغَاتِ الطَّبِيعِيَّةِ",
    "Hindi": "प्राकृतिक भाषा ﬁ ２",
}


def make(name, texts=CORPUS, size=340, **options):
    return make_tokenizer(name, texts, **({} if name == "characters" else {"vocabulary_size": size}), **options)


@pytest.fixture(scope="module")
def trained():
    return {name: make(name) for name in TRAINED}


def expected_text(name, text):
    text = clean_text(text)
    if name == "byte_bpe":
        return text
    return (unicodedata.normalize("NFKC", text) if name.startswith("sentence") else text).replace("\u2581", " ")


@pytest.mark.parametrize("name", TRAINED)
def test_training_twice_gives_the_same_file_and_saving_an_equal_tokenizer(name, trained, tmp_path):
    tokenizer = trained[name]
    assert make(name) == tokenizer
    tokenizer.save(tmp_path / "tokenizer.json")
    again = load_tokenizer(tmp_path / "tokenizer.json")
    assert again == tokenizer
    text = "the lowest cat [MASK] é\n"
    for allow in (False, True):
        np.testing.assert_array_equal(
            again.encode(text, allow_special=allow), tokenizer.encode(text, allow_special=allow)
        )


def test_character_tokenizers_are_loaded_by_the_same_function(tmp_path):
    tokenizer = make("characters")
    tokenizer.save(tmp_path / "tokenizer.json")
    assert load_tokenizer(tmp_path / "tokenizer.json") == tokenizer


@pytest.mark.parametrize("name", TRAINED)
def test_special_tokens_have_fixed_ids_that_text_cannot_produce(name, trained):
    tokenizer = trained[name]
    assert tokenizer.special_ids == {token: index for index, token in enumerate(SPECIAL_TOKENS)}
    forbidden = [index for token, index in tokenizer.special_ids.items() if token != "[UNK]"]
    for text in [*SPECIAL_TOKENS, "a[MASK]b", " [PAD] [SEP]", "[[MASK]]", *CORPUS]:
        assert not np.isin(tokenizer.encode(text), forbidden).any()
    encoding = tokenizer.encode_with_offsets("the[MASK]", allow_special=True)
    assert encoding.ids_N[-1] == tokenizer.special_ids["[MASK]"] and encoding.offsets_N2[-1].tolist() == [3, 9]
    assert "[MASK]" in tokenizer.decode(encoding.ids_N, skip_special=False)
    assert tokenizer.decode(encoding.ids_N) == "the"


@pytest.mark.parametrize("name", ["bpe", "unigram", "sentencepiece", "sentencepiece_bpe", "byte_bpe"])
@pytest.mark.parametrize("text", ["the [MASK] cat", "[CLS] the cat[SEP] sat", "the[MASK][MASK]  cat ", "[PAD]", " a"])
def test_special_tokens_in_a_text_cost_no_blank(name, text, trained):
    ids_N = trained[name].encode(text, allow_special=True)
    assert trained[name].decode(ids_N, skip_special=False) == text
    assert trained[name].decode(ids_N) == re.sub(r"\[[A-Z]+\]", "", text)


@pytest.mark.parametrize("name", [*ANY_TEXT, "word", "wordpiece", "bpe", "unigram"])
def test_a_continuation_keeps_its_first_blank(name, trained):
    prompt, whole = trained[name].encode("the cat"), trained[name].encode("the cat sat")
    assert continuation(trained[name], prompt.tolist(), whole[len(prompt) :]) == " sat"


@pytest.mark.parametrize("name", ANY_TEXT)
@settings(deadline=None, max_examples=60)
@given(st.text(st.characters(exclude_categories=["Cn"]), max_size=30))
def test_any_text_round_trips(trained, name, text):
    tokenizer = trained[name]
    encoding = tokenizer.encode_with_offsets(text)
    assert tokenizer.decode(encoding.ids_N) == expected_text(name, text)
    assert np.all((encoding.ids_N >= len(SPECIAL_TOKENS)) & (encoding.ids_N < tokenizer.vocabulary_size))
    assert np.all((encoding.offsets_N2 >= 0) & (encoding.offsets_N2 <= len(clean_text(text))))


@pytest.mark.parametrize("name", ("bpe", "unigram", *ANY_TEXT))
@settings(deadline=None, max_examples=60)
@given(st.text("the catow \n.[", max_size=30))
def test_text_of_known_characters_round_trips(trained, name, text):
    assert trained[name].decode(trained[name].encode(text)) == text


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=30))
def test_bytes_round_trip_with_invalid_utf8_replaced(trained, data):
    tokenizer = trained["byte_bpe"]
    assert tokenizer.decode(tokenizer.encode(data)) == data.decode("utf-8", "replace")


@pytest.mark.parametrize("name", TRAINED)
def test_offsets_cover_every_character_that_is_not_a_space(name, trained):
    text = "the cat sat, on\n\nlow mats"
    encoding = trained[name].encode_with_offsets(text)
    assert encoding.offsets_N2.shape == (len(encoding.ids_N), 2) and encoding.offsets_N2.dtype == np.int32
    covered = {place for start, end in encoding.offsets_N2 for place in range(start, end)}
    assert {text[place] for place in set(range(len(text))) - covered} <= {" ", "\n"}


@pytest.mark.parametrize("name", TRAINED)
def test_empty_text_is_no_tokens(name, trained):
    encoding = trained[name].encode_with_offsets("")
    assert encoding.ids_N.shape == (0,) and encoding.ids_N.dtype == np.int32 and encoding.offsets_N2.shape == (0, 2)
    assert trained[name].decode(encoding.ids_N) == ""


@pytest.mark.parametrize("name", TRAINED)
def test_hundred_thousand_repeated_characters_take_less_than_a_second(name, trained):
    for text in ("t", "\n", "日", "'s"):
        start = time.process_time()
        trained[name].decode(trained[name].encode(text * (100_000 // len(text))))
        assert time.process_time() - start < 1, repr(text)


@pytest.mark.parametrize("name", TRAINED)
def test_decoding_refuses_ids_out_of_range(name, trained):
    for ids in ([-1], [trained[name].vocabulary_size]):
        with pytest.raises(ValueError, match="outside 0.."):
            trained[name].decode(ids)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", TRAINED)
def test_languages_with_and_without_spaces(name, language):
    text = LANGUAGES[language]
    tokenizer = make(name, [text], size=420)
    ids_N = tokenizer.encode(text)
    assert len(ids_N) >= 1 and tokenizer.special_ids["[UNK]"] not in ids_N
    if name in ("word", "wordpiece"):
        assert tokenizer.decode(ids_N).replace(" ", "") == text.replace(" ", "")
    else:
        assert tokenizer.decode(ids_N) == expected_text(name, text)


def test_tokens_of_languages_are_counted():
    """F085: a text without blanks is one word, whatever its length; marks are characters; bytes are the most."""
    counts = {"English": (34, 6), "Chinese": (10, 1), "Japanese": (14, 2), "German": (42, 1), "Arabic": (38, 3)}
    for language, (characters, words) in counts.items():
        text = LANGUAGES[language]
        sizes = {"characters": None, "word": 420, "byte_bpe": 263}  # 256 bytes and 7 special tokens: no merge
        found = [len(make(name, [text], size).encode(text)) for name, size in sizes.items()]
        assert found == [characters, words, len(text.encode())], language


def test_word_rules():
    table = {
        "The cat sat on the mat": ["The", "cat", "sat", "on", "the", "mat"],
        "don't won’t 'quoted'": ["don't", "won’t", "'", "quoted", "'"],
        "state-of-the-art": ["state-of-the-art"],
        "3.14 2024-01-31 $5 1,000.": ["3.14", "2024-01-31", "$", "5", "1,000", "."],
        "see http://a.b/c?d=1, or (https://x.org)": ["see", "http://a.b/c?d=1", ",", "or", "(", "https://x.org", ")"],
        "me@x-y.co.uk!": ["me@x-y.co.uk", "!"],
        "[MASK]": ["[", "MASK", "]"],
    }
    tokenizer = train_words(["a"], vocabulary_size=9)
    for text, words in table.items():
        assert [text[start:end] for start, end in tokenizer.encode_with_offsets(text).offsets_N2] == words


def test_word_ids_are_by_frequency_and_the_rest_is_unknown():
    tokenizer = train_words(["b a b c"], vocabulary_size=9)
    assert tokenizer.tokens(range(7, 9)) == ["b", "a"]
    assert tokenizer.encode("a b c").tolist() == [8, 7, tokenizer.special_ids["[UNK]"]]
    assert train_words(["B a b"], vocabulary_size=99, lowercase=True).encode("B b").tolist() == [7, 7]


def naive_bpe(words, num_merges):
    """Merges the most frequent adjacent pair, counted anew each time; among equals the pair of the smallest ids."""
    words = [(list(word), count) for word, count in Counter(words).items()]
    ids = {letter: index for index, letter in enumerate(sorted({letter for word, _ in words for letter in word}))}
    merges = []
    for _ in range(num_merges):
        pairs = Counter()
        for word, count in words:
            for pair in zip(word, word[1:], strict=False):
                pairs[pair] += count
        best = max(pairs, key=lambda pair: (pairs[pair], -ids[pair[0]], -ids[pair[1]]))
        merges.append(best)
        ids.setdefault("".join(best), len(ids))
        for word, _ in words:
            place = 0
            while place < len(word) - 1:
                if (word[place], word[place + 1]) == best:
                    word[place : place + 2] = ["".join(best)]
                place += 1
    return merges


def test_bpe_merges_the_most_frequent_pair():
    words = ["low"] * 5 + ["lower"] * 2 + ["newest"] * 6 + ["widest"] * 3
    tokenizer = train_bpe(words, vocabulary_size=7 + 11 + 9)
    merges = [tuple(merge) for merge in json.loads(tokenizer.json_text)["model"]["merges"]]
    assert merges == naive_bpe(["\u2581" + word for word in words], 9)
    assert merges[:3] == [("e", "s"), ("es", "t"), ("l", "o")]
    assert tokenizer.tokens(tokenizer.encode("nest")) == ["\u2581", "n", "est"]


def test_unigram_takes_the_most_probable_segmentation():
    tokenizer = make("unigram", ["banana bandana ananas and an ban " * 9], size=40)
    scores = dict(json.loads(tokenizer.json_text)["model"]["vocab"])
    for word in ("banana", "ananas", "nandan", "bandanas"):
        text = "\u2581" + word
        cuts = itertools.product((False, True), repeat=len(text) - 1)
        best = max(
            sum(scores.get(piece, -np.inf) for piece in pieces)
            for cut in cuts
            for pieces in ["".join(c + "\0" * s for c, s in zip(text, (*cut, False), strict=True)).split("\0")]
        )
        tokens = tokenizer.tokens(tokenizer.encode(word))
        assert "".join(tokens) == text and abs(sum(scores[token] for token in tokens) - best) < 1e-9


def test_wordpiece_takes_the_longest_piece_first_and_refuses_words_that_do_not_fit():
    tokenizer = make("wordpiece", ["hug " * 10 + "pug " * 5 + "pun " * 12 + "bun " * 4 + "hugs " * 5], size=17)
    assert tokenizer.tokens(tokenizer.encode("hugs hug bunz")) == ["hugs", "hu", "##g", "[UNK]"]
    assert tokenizer.decode(tokenizer.encode("hugs hug")) == "hugs hug"


def test_lower_casing_is_saved_with_the_tokenizer(tmp_path):
    for name in TRAINED:
        make(name, lowercase=True).save(tmp_path / "t.json")
        tokenizer = load_tokenizer(tmp_path / "t.json")
        assert tokenizer.decode(tokenizer.encode("THE Cat")) == "the cat"


@pytest.mark.parametrize(
    ("name", "texts", "options", "message"),
    [
        ("sentence", ["a"], {"vocabulary_size": 9}, "'sentence' is unknown; use one of characters, word"),
        ("characters", [""], {}, "vocabulary is empty"),
        *[
            (name, texts, {"vocabulary_size": 400}, "no token")
            for name in TRAINED
            if name != "byte_bpe"
            for texts in ([], [""])
        ],
        ("bpe", ["abc"], {"vocabulary_size": 8}, "vocabulary_size=8 is less than the 11"),
        ("byte_bpe", ["abc"], {"vocabulary_size": 99}, "vocabulary_size=99 is less than the 263"),
        ("word", ["abc"], {"vocabulary_size": 9, "special_tokens": ("[PAD]",)}, "lack '\\[UNK\\]'"),
        ("word", ["abc"], {"vocabulary_size": 9, "special_tokens": ("[UNK]", "pad")}, "could be a word"),
        ("word", ["abc", 3], {"vocabulary_size": 9}, "text is int"),
    ],
)
def test_wrong_training_is_refused(name, texts, options, message):
    with pytest.raises(ValueError, match=message):
        make_tokenizer(name, texts, **options)


def test_files_with_patterns_of_their_own_are_refused(trained):
    content = json.loads(trained["word"].json_text)
    content["pre_tokenizer"] = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Removed", "invert": False}
    with pytest.raises(ValueError, match="only plain strings"):
        TrainedTokenizer(json.dumps(content))
    content["pre_tokenizer"] = {"type": "Custom"}
    with pytest.raises(ValueError, match="'Custom' is not allowed"):
        TrainedTokenizer(json.dumps(content))


def test_damaged_files_are_refused_with_their_path(trained, tmp_path):
    generator = np.random.default_rng(0)
    path = tmp_path / "tokenizer.json"
    refused = 0
    for name in TRAINED:
        raw = trained[name].json_text.encode()
        for _ in range(30):
            data = bytearray(raw)
            data[generator.integers(len(data))] = int(generator.integers(256))
            start = generator.integers(len(data))
            del data[start : start + generator.integers(0, 9)]
            path.write_bytes(data)
            try:
                tokenizer = load_tokenizer(path)
            except ValueError as error:
                refused += 1
                assert "tokenizer.json" in str(error) and "\n" not in str(error)
                continue
            try:
                tokenizer.decode(tokenizer.encode("the cat [MASK] 日本"))
            except ValueError as error:
                assert "cannot be encoded" in str(error)
    assert refused > 100
