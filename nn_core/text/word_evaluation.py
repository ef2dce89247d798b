"""How good word vectors are: similarity judgements, analogies, topics and bias (F101, F103, F104)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from nn_core.text.vectors import WordVectors
from nn_core.text.words import check_words


class PairScore(NamedTuple):
    """Agreement with judged pairs.

    Attributes:
        spearman: rank correlation in [-1, 1].
        used: pairs of known words.
        unknown: pairs that were left out.
    """

    spearman: float
    used: int
    unknown: int


def word_pair_score(vectors: WordVectors, pairs: Sequence[tuple[str, str, float]]) -> PairScore:
    """Spearman's rank correlation of cosines and judgements.

    Args:
        vectors: the words.
        pairs: (word, word, judged similarity); pairs with an unknown word are left out and counted.
    Returns:
        The score.
    Raises:
        ValueError: if fewer than 3 pairs are known, or all judgements of them are equal.
    """
    known = [pair for pair in pairs if pair[0] in vectors.index and pair[1] in vectors.index]
    judged = [pair[2] for pair in known]
    if len(known) < 3 or len(set(judged)) < 2:
        raise ValueError(
            f"{len(known)} of {len(pairs)} pairs are known, with {len(set(judged))} different judgements; a rank "
            "correlation needs 3 pairs and 2 judgements"
        )
    cosines = [vectors.similarity(first, second) for first, second, _ in known]
    if len(set(cosines)) < 2:
        return PairScore(0.0, len(known), len(pairs) - len(known))
    from scipy import stats  # slow to import

    return PairScore(float(stats.spearmanr(cosines, judged).statistic), len(known), len(pairs) - len(known))


def analogy_accuracy(vectors: WordVectors, questions: Sequence[tuple[str, str, str, str]]) -> tuple[float, int]:
    """Share of questions "a is to b as c is to d" in which d is nearest to b - a + c, apart from a, b and c.

    Returns:
        (accuracy, number of questions whose words are all known); accuracy is nan for none.
    """
    known = [question for question in questions if all(word in vectors.index for word in question)]
    right = [vectors.analogy(a, b, c)[0][0] == d for a, b, c, d in known]
    return (float(np.mean(right)) if right else float("nan")), len(known)


def topic_similarities(vectors: WordVectors, topics: Mapping[str, Sequence[str]]) -> tuple[float, float]:
    """Mean cosine of pairs within a topic, and of pairs from two topics.

    Args:
        vectors: the words.
        topics: at least two topics of at least two words; unknown words are left out.
    Returns:
        (within, between).
    Raises:
        ValueError: if fewer than two topics have two known words.
    """
    groups = {
        name: [vectors.index[word] for word in check_words(f"topic {name}", words) if word in vectors.index]
        for name, words in topics.items()
    }
    groups = {name: rows for name, rows in groups.items() if len(rows) >= 2}
    if len(groups) < 2:
        raise ValueError(f"topics with two known words: {list(groups)}; give at least two topics")
    rows_N = np.array([row for rows in groups.values() for row in rows])
    topic_N = np.repeat(np.arange(len(groups)), [len(rows) for rows in groups.values()])
    cosines_NN = vectors.unit_VE[rows_N] @ vectors.unit_VE[rows_N].T
    same_NN = topic_N[:, None] == topic_N[None]
    other_NN = ~np.eye(len(rows_N), dtype=bool)
    return float(cosines_NN[same_NN & other_NN].mean()), float(cosines_NN[~same_NN].mean())


def association_bias(
    vectors: WordVectors, first: Sequence[str], second: Sequence[str], good: Sequence[str], bad: Sequence[str]
) -> float:
    """WEAT's effect size: are the first words nearer to `good` than the second ones are? (Caliskan et al. 2017)

        s(w) = mean cos(w, good) - mean cos(w, bad);   (mean s(first) - mean s(second)) / std s(first and second)

    Args:
        vectors: the words; all given ones must be known.
        first, second: two groups of target words, at least 1 in each and 3 in all.
        good, bad: two groups of attribute words, at least 1 each.
    Returns:
        The effect size in [-2, 2]; 0 is no bias.
    """
    for name, words, least in (("first", first, 1), ("second", second, 1), ("good", good, 1), ("bad", bad, 1)):
        if len(check_words(name, words)) < least:
            raise ValueError(f"{name}={list(words)} has too few words; give at least {least}")

    def rows(words: Sequence[str]) -> np.ndarray:
        return vectors.unit_VE[[vectors.row(word) for word in words]]

    def scores(words: Sequence[str]) -> np.ndarray:
        return (rows(words) @ rows(good).T).mean(axis=1) - (rows(words) @ rows(bad).T).mean(axis=1)

    first_N, second_N = scores(first), scores(second)
    both_N = np.concatenate([first_N, second_N])
    if np.ptp(both_N) <= 1e-6:  # cosines in float32 that are equal up to rounding
        return 0.0
    return float(first_N.mean() - second_N.mean()) / float(np.std(both_N, ddof=1))


def centroid_accuracy(
    train_NE: np.ndarray, train_labels_N: np.ndarray, test_ME: np.ndarray, test_labels_M: np.ndarray
) -> float:
    """Extrinsic evaluation: the share of texts that are nearest, by the cosine, to the mean of their own class (F103).

    Args:
        train_NE, train_labels_N: labelled texts as vectors, (N, E) and (N,).
        test_ME, test_labels_M: the test texts.
    Returns:
        The accuracy in [0, 1].
    """
    classes = np.unique(train_labels_N)
    means_CE = np.stack([train_NE[train_labels_N == kind].mean(axis=0) for kind in classes])
    means_CE = means_CE / np.maximum(np.linalg.norm(means_CE, axis=1, keepdims=True), 1e-12)
    return float((classes[np.argmax(test_ME @ means_CE.T, axis=1)] == test_labels_M).mean())


def mean_vectors(vectors: WordVectors, texts: Sequence[Sequence[str]]) -> np.ndarray:
    """The mean of the unit vectors of each text's known words, (N, E); zero where none is known (F096)."""
    means_NE = np.zeros((len(texts), vectors.vectors_VE.shape[1]), np.float32)
    for place, words in enumerate(check_words("texts", texts)):
        rows = [vectors.index[word] for word in check_words("text", words) if word in vectors.index]
        if rows:
            means_NE[place] = vectors.unit_VE[rows].mean(axis=0)
    return means_NE
