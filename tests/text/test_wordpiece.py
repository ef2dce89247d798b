from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

from nn_core.text.wordpiece import train_wordpiece_vocabulary

HUGS = {"hug": 10, "pug": 5, "pun": 12, "bun": 4, "hugs": 5}


def naive(word_counts, num_pieces, min_frequency):
    """Counts everything anew for every merge; exact fractions; the first of equal scores wins."""
    words = [([c if i == 0 else "##" + c for i, c in enumerate(word)], n) for word, n in word_counts.items()]
    pieces = sorted({piece for word, _ in words for piece in word})
    met = {}
    while len(pieces) < num_pieces:
        single, pair = Counter(), Counter()
        for word, n in words:
            for piece in word:
                single[piece] += n
            for two in zip(word, word[1:], strict=False):
                pair[two] += n
                met.setdefault(two, len(met))
        good = [two for two in pair if pair[two] >= min_frequency]
        if not good:
            break
        best = max(good, key=lambda two: (Fraction(pair[two], single[two[0]] * single[two[1]]), -met[two]))
        joined = best[0] + best[1].removeprefix("##")
        for word, _ in words:
            place = 0
            while place < len(word) - 1:
                if (word[place], word[place + 1]) == best:
                    word[place : place + 2] = [joined]
                place += 1
        pieces += [] if joined in pieces else [joined]
    return pieces


def test_first_merges_of_the_reference_example_follow_the_score():
    # (##g, ##s) has 5 / (20 · 5) = 1/20, every pair with ##u 1/36; then all are 1/36 and the first met wins; then
    # (hu, ##gs) has 5 / (15 · 5) = 1/15.
    pieces = train_wordpiece_vocabulary(HUGS, 10, min_frequency=1)
    assert pieces == ["##g", "##n", "##s", "##u", "b", "h", "p", "##gs", "hu", "hugs"]


@pytest.mark.parametrize("min_frequency", [1, 2, 5])
def test_equals_counting_everything_anew(min_frequency):
    generator = np.random.default_rng(3)
    words = ["".join(generator.choice(list("abca"), size=generator.integers(1, 9))) for _ in range(60)]
    counts = {word: int(n) for word, n in zip(words, generator.integers(1, 9, 60), strict=True)}
    expected = naive(counts, 80, min_frequency)
    assert len(expected) > 30
    assert train_wordpiece_vocabulary(counts, 80, min_frequency=min_frequency) == expected


def test_training_stops_when_no_pair_is_left():
    assert train_wordpiece_vocabulary({"ab": 1, "": 3}, 100, min_frequency=1) == ["##b", "a", "ab"]
    assert train_wordpiece_vocabulary({}, 5) == []


def test_more_characters_than_pieces_are_refused():
    with pytest.raises(ValueError, match="num_pieces=2 is less than the 3 single characters"):
        train_wordpiece_vocabulary({"abc": 1}, 2)
