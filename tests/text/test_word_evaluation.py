import math

import numpy as np
import pytest

from nn_core.data.topics import SHAKESPEARE_PAIRS
from nn_core.text.vectors import WordVectors
from nn_core.text.word_evaluation import analogy_accuracy, association_bias, topic_similarities, word_pair_score

ANGLES = {"a": 0.0, "b": 0.2, "c": 0.5, "d": 1.0, "e": 2.0}
CIRCLE = WordVectors(tuple(ANGLES), np.array([[math.cos(x), math.sin(x)] for x in ANGLES.values()]))


def test_spearman_of_pairs_in_the_same_reverse_and_mixed_order():
    pairs = [("a", "b", 9.0), ("a", "c", 7.0), ("a", "d", 3.0), ("a", "e", 1.0), ("a", "zzz", 5.0)]
    assert word_pair_score(CIRCLE, pairs) == (1.0, 4, 1)
    assert word_pair_score(CIRCLE, [(x, y, -s) for x, y, s in pairs]).spearman == -1.0
    swapped = [("a", "b", 7.0), ("a", "c", 9.0), *pairs[2:]]
    assert abs(word_pair_score(CIRCLE, swapped).spearman - 0.8) < 1e-9
    with pytest.raises(ValueError, match="2 of 3 pairs are known"):
        word_pair_score(CIRCLE, pairs[3:] + [("a", "b", 2.0)])


def test_equal_vectors_have_no_rank_correlation():
    same = WordVectors(("a", "b", "c"), np.ones((3, 2)))
    assert word_pair_score(same, [("a", "b", 1), ("a", "c", 2), ("b", "c", 3)]).spearman == 0.0


def test_analogies_of_a_table_with_constant_offsets():
    rng = np.random.default_rng(0)
    stems, offset = rng.normal(size=(9, 30)), 3 * rng.normal(size=30)
    words = tuple(f"{kind}{n}" for kind in ("s", "p") for n in range(9))
    vectors = WordVectors(words, np.concatenate([stems, stems + offset]))
    questions = [(f"s{i}", f"p{i}", f"s{j}", f"p{j}") for i in range(9) for j in range(9) if i != j]
    assert analogy_accuracy(vectors, questions) == (1.0, 72)
    assert analogy_accuracy(vectors, [("s1", "p1", "s2", "p3"), ("s1", "p1", "s2", "none")]) == (0.0, 1)
    assert math.isnan(analogy_accuracy(vectors, [])[0])


def test_topics_are_compared_within_and_between():
    within, between = topic_similarities(CIRCLE, {"x": ["a", "b", "unknown"], "y": ["d", "e"], "z": ["c"]})
    assert abs(within - (math.cos(0.2) + math.cos(1.0)) / 2) < 1e-6
    assert abs(between - np.mean([math.cos(x) for x in (1.0, 2.0, 0.8, 1.8)])) < 1e-6
    with pytest.raises(ValueError, match="two topics"):
        topic_similarities(CIRCLE, {"x": ["a", "b"]})


def test_bias_changes_its_sign_with_the_groups_and_is_zero_for_equal_ones():
    effect = association_bias(CIRCLE, ["b", "c"], ["d"], ["a"], ["e"])
    scores = {w: math.cos(ANGLES[w]) - math.cos(2.0 - ANGLES[w]) for w in "bcd"}
    expected = ((scores["b"] + scores["c"]) / 2 - scores["d"]) / np.std(list(scores.values()), ddof=1)
    assert abs(effect - expected) < 1e-5 and effect > 1
    assert abs(association_bias(CIRCLE, ["d"], ["b", "c"], ["a"], ["e"]) + effect) < 1e-6
    assert association_bias(CIRCLE, ["b"], ["b"], ["a"], ["e"]) == 0
    with pytest.raises(ValueError, match="nearest known"):
        association_bias(WordVectors(("queen",), np.ones((1, 2))), ["quene"], ["queen"], ["queen"], ["queen"])


def test_the_judged_pairs_are_different_and_in_range():
    assert len({frozenset(pair[:2]) for pair in SHAKESPEARE_PAIRS}) == len(SHAKESPEARE_PAIRS) >= 70
    assert all(0 <= score <= 10 and first != second for first, second, score in SHAKESPEARE_PAIRS)
