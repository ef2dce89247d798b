"""Word vocabularies, corpora as ids, and the tables that word2vec's sampling needs (F091-F094).

A corpus is two arrays: the ids of all words, and the sentence number of each word. Windows never cross the end of a
sentence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from nn_core.text.words import check_words, split_words


class WordVocabulary(NamedTuple):
    """V words by decreasing frequency (ties alphabetically); a word's place is its id.

    Attributes:
        words: V different words.
        counts_V: int64 (V,) occurrences, >= 1.
    """

    words: tuple[str, ...]
    counts_V: np.ndarray


class Corpus(NamedTuple):
    """N words as ids.

    Attributes:
        ids_N: int32 (N,).
        sentences_N: int32 (N,), never decreasing.
    """

    ids_N: np.ndarray
    sentences_N: np.ndarray


def split_sentences(text: str, *, lowercase: bool = True) -> list[list[str]]:
    """The words of each line that has any; `split_words` says what a word is."""
    lines = (split_words(line.lower() if lowercase else line) for line in text.splitlines())
    return [words for words in lines if words]


def build_vocabulary(
    sentences: Iterable[Sequence[str]], *, min_count: int = 5, max_size: int | None = None
) -> WordVocabulary:
    """Counts the words.

    Args:
        sentences: lists of words.
        min_count: words that occur less often are left out, >= 1.
        max_size: keep at most this many of the most frequent words; None: all.
    Returns:
        The vocabulary.
    Raises:
        ValueError: if no word is left, a sentence is a string and no list, or an argument is below 1.
    """
    if min_count < 1 or (max_size is not None and max_size < 1):
        raise ValueError(f"min_count={min_count} and max_size={max_size} must be at least 1")
    counts = Counter(word for sentence in sentences for word in check_words("sentence", sentence))
    kept = sorted(((-count, word) for word, count in counts.items() if count >= min_count))[:max_size]
    if not kept:
        raise ValueError(
            f"no word of the corpus occurs min_count={min_count} times ({len(counts)} different words); "
            "lower min_count or give more text"
        )
    return WordVocabulary(tuple(word for _, word in kept), np.array([-count for count, _ in kept], np.int64))


def encode_corpus(sentences: Iterable[Sequence[str]], vocabulary: WordVocabulary) -> Corpus:
    """Converts words to ids; unknown words are left out as if they had not been written.

    Raises:
        ValueError: if no word is known.
    """
    index = {word: place for place, word in enumerate(vocabulary.words)}
    ids: list[int] = []
    lengths: list[int] = []
    for sentence in sentences:
        known = [index[word] for word in check_words("sentence", sentence) if word in index]
        ids.extend(known)
        lengths.append(len(known))
    if not ids:
        raise ValueError(f"no word of the corpus is among the {len(index)} words of the vocabulary; use its own text")
    return Corpus(np.array(ids, np.int32), np.repeat(np.arange(len(lengths), dtype=np.int32), lengths))


def check_window(corpus: Corpus, window: int) -> None:
    """Raises ValueError for a window below 1, or a corpus in which no two words are neighbours."""
    if window < 1:
        raise ValueError(f"window={window} is below 1; use the number of words on each side")
    if not (corpus.sentences_N[1:] == corpus.sentences_N[:-1]).any():
        raise ValueError(
            f"the corpus of {len(corpus.ids_N)} known words has no sentence of two; give more text or lower min_count"
        )


def keep_probabilities(counts_V: np.ndarray, threshold: float | None = 1e-3) -> np.ndarray:
    """The probability that an occurrence is kept: min(1, sqrt(t / f) + t / f) with f the word's share of the corpus.

    The code of word2vec and gensim computes this; the paper drops with 1 - sqrt(t / f) instead.

    Args:
        counts_V: (V,) occurrences.
        threshold: t > 0; None keeps everything.
    Returns:
        float32 (V,) in (0, 1].
    """
    if threshold is None:
        return np.ones(len(counts_V), np.float32)
    if not threshold > 0:
        raise ValueError(f"threshold={threshold} must be above 0; None keeps every word")
    ratio_V = threshold * counts_V.sum() / counts_V
    return np.minimum(1.0, np.sqrt(ratio_V) + ratio_V).astype(np.float32)


def negative_cumulative(counts_V: np.ndarray, power: float = 0.75) -> np.ndarray:
    """Cumulative probabilities of negative samples, p(w) proportional to count(w)^power (Mikolov et al. 2013).

    Args:
        counts_V: (V,) occurrences.
        power: 1 is the frequency itself, 0 uniform.
    Returns:
        float32 (V,), rising to 1.
    """
    weights_V = counts_V.astype(np.float64) ** power
    cumulative_V = np.cumsum(weights_V) / weights_V.sum()
    cumulative_V[-1] = 1.0
    return cumulative_V.astype(np.float32)
