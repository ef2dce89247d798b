"""Messages with labels and sentence pairs, real and generated."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from nn_core.data.corpora import CORPORA, generated_spam, multi30k, parse_sms, sms_spam


def test_lines_are_parsed() -> None:
    data = "ham\tHi \u20ac\x85there\tagain\r\n\nspam\tWIN\n".encode()
    corpus = parse_sms(data)
    assert corpus.texts == ("Hi \u20ac\x85there\tagain", "WIN")
    assert corpus.labels.tolist() == [0, 1] and corpus.labels.dtype == np.int32
    assert corpus.label_names == ("ham", "spam")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"ham\tok\nham no tab\n", "line 2 starts with 'ham no tab'; expected ham or spam, a tab"),
        (b"ham\tok\n\neggs\tno\n", "line 3 starts with"),
        (b"", "no message"),
        (b"\n\n", "no message"),
    ],
)
def test_malformed_files(data: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        parse_sms(data)
    assert "\n" not in str(caught.value)


def test_real_messages(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NN_CORE_DATA_DIR", str(shared_data))
    corpus = sms_spam()
    assert len(corpus.texts) == len(corpus.labels) in (5549, 5574)
    assert corpus.labels.mean() == pytest.approx(0.13, abs=0.005)
    assert corpus.texts[1] == "Ok lar... Joking wif u oni..." and corpus.labels[:3].tolist() == [0, 0, 1]


def test_generated_messages() -> None:
    corpus = generated_spam(num_examples=1001, noise=0.0, seed=1, spam=0.25)
    assert len(corpus.texts) == 1001 and corpus.labels.sum() == 250
    assert corpus.texts == generated_spam(num_examples=1001, noise=0.0, seed=1, spam=0.25).texts
    assert corpus.texts != generated_spam(num_examples=1001, noise=0.0, seed=2, spam=0.25).texts
    assert not any("{" in text or "\n" in text for text in corpus.texts)
    assert len(set(corpus.texts)) > 600


def test_generated_messages_can_be_told_apart_up_to_the_noise() -> None:
    corpus = generated_spam(num_examples=2000, noise=0.1, seed=0)
    counts = CountVectorizer().fit_transform(corpus.texts)
    model = LogisticRegression(max_iter=300).fit(counts[:1500], corpus.labels[:1500])
    assert model.score(counts[1500:], corpus.labels[1500:]) == pytest.approx(0.9, abs=0.05)


@pytest.mark.parametrize("option", [{"num_examples": 1}, {"noise": 0.6}, {"spam": 1.1}, {"seed": -1}])
def test_options_are_checked(option: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="out of range"):
        CORPORA["generated_spam"](**option)


def test_sentence_pairs(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NN_CORE_DATA_DIR", str(shared_data))
    english, french = multi30k("val")
    assert len(english) == len(french) == 1014
    assert english[0] == "A group of men are loading cotton onto a truck"
    assert french[0] == "Un groupe d'hommes chargent du coton dans un camion"
    assert all(english) and all(french)
    assert len(multi30k()[0]) == len(multi30k()[1]) == 29_000
    with pytest.raises(ValueError, match="unknown part of multi30k 'test'; choose from train, val"):
        multi30k("test")
