"""What a tokenizer does with a text, and a loss per token as bits per character (F087)."""

import math

import pytest

from configs import base as configs_base
from experiments.building.corpus import bits_per_character, learned_from, token_figures
from nn_core.text.tokenizers import make_tokenizer

SENTENCES = "the cat sat on the mat. the dog sat on the cat. "
TEXT = SENTENCES * 5 + "a bird sings!"
RATIO = (len(SENTENCES) * 4 + 0.5) / len(TEXT)  # the validation text begins with the fifth of them
JUDGED = SENTENCES + "a bird sings!"


def figures(name, **options):
    tokenizer = make_tokenizer(name, [TEXT], **options)
    return token_figures(tokenizer, TEXT, RATIO)


def test_characters_are_one_each_and_all_known():
    found = figures("characters")
    assert found["vocabulary_size"] == len(set(TEXT)) and found["unknown_rate"] == 0
    assert found["characters_per_token"] == 1
    assert found["tokens_per_word"] == pytest.approx(len(JUDGED) / len(JUDGED.split()))


def test_words_are_about_one_each_and_rare_ones_unknown():
    found = figures("word", vocabulary_size=7 + 4)
    tokens = 14 + 4  # 12 words and 2 points, then 3 words and a sign
    assert found["tokens_per_word"] == pytest.approx(tokens / (12 + 3))
    kept = 4 + 2 + 2 + 2  # the, and three of cat, sat, on and the point, two times each
    assert found["unknown_rate"] == pytest.approx(1 - kept / tokens)
    assert figures("byte_bpe", vocabulary_size=300)["unknown_rate"] == 0


def test_a_tokenizer_is_trained_on_the_training_text_alone():
    """It had seen the validation text, so that words which stand there only were known, and the unknown rate too low."""
    section = configs_base.text("file", context_size=4, batch_size=1)
    section.tokenizer, section.split_ratio = "word", RATIO
    assert learned_from(section, TEXT) == SENTENCES * 4
    for name, tokenizer in (("file", "characters"), ("assistant_world", "word")):  # whose tokens are given
        section.name, section.tokenizer = name, tokenizer
        assert learned_from(section, TEXT) == TEXT


def test_a_tokenizer_that_gives_the_text_back_loses_nothing():
    assert figures("characters")["lossless"] == figures("byte_bpe", vocabulary_size=300)["lossless"] == 1
    assert figures("word", vocabulary_size=7 + 4)["lossless"] == 0


def test_bits_are_nats_over_the_characters_of_a_token():
    assert bits_per_character(2 * math.log(2), {"characters_per_token": 4.0}) == pytest.approx(0.5)
