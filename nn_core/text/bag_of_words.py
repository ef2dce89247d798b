"""Binary bag of words: which words of a vocabulary occur in a text, regardless of order and number (F088).

"The dog bites the man" and "the man bites the dog" get the same vector, which is the limit of the model.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse

from nn_core.text.interface import clean_text, read_json, write_json
from nn_core.text.words import check_words, split_long_words

FORMAT = "nn_core.bag_of_words.1"

# Words that say almost nothing about the subject of a text. Negations stay, because they change the meaning.
STOP_WORDS: tuple[str, ...] = tuple(
    (
        "a about after all also am an and any are as at be been before being but by can could did do does for from "
        "had has have he her here him his how i if in into is it its just me more most my of on only or other our "
        "out over own same she should so some such than that the their them then there these they this those "
        "through to too under until up us very was we were what when where which while who whom why will with "
        "would you your"
    ).split()
)


def words_of(text: str | bytes) -> list[str]:
    """The lower-case words of at least two characters, in order and with repeats."""
    return split_long_words(clean_text(text).lower())


@dataclass(frozen=True)
class BagOfWords:
    """A vocabulary whose words are the columns of the vectors.

    Attributes:
        words: V different lower-case words; the word of id 345 sets column 345 to one.
    """

    words: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.words or len(set(self.words)) != len(self.words):
            raise ValueError(
                f"the vocabulary has {len(self.words)} words, {len(set(self.words))} different; none may repeat"
            )

    @property
    def vocabulary_size(self) -> int:
        return len(self.words)

    @cached_property
    def index(self) -> dict[str, int]:
        """Each word's column."""
        return {word: column for column, word in enumerate(self.words)}

    def ids(self, text: str | bytes) -> np.ndarray:
        """The columns of a text's known words, sorted and without repeats: int32 (K,)."""
        columns = {self.index[word] for word in words_of(text) if word in self.index}
        return np.array(sorted(columns), np.int32)

    def sparse(self, texts: Iterable[str | bytes]) -> scipy.sparse.csr_array:
        """The vectors as a sparse (N, V) float32 array of ones; its memory does not grow with V."""
        rows = [self.ids(text) for text in ([texts] if isinstance(texts, (str, bytes)) else texts)]
        ends_N1 = np.concatenate([[0], np.cumsum([len(row) for row in rows], dtype=np.int64)])
        columns_K = np.concatenate([*rows, np.zeros(0, np.int32)])
        values_K = np.ones(len(columns_K), np.float32)
        return scipy.sparse.csr_array((values_K, columns_K, ends_N1), shape=(len(rows), self.vocabulary_size))

    def vectors(self, texts: Iterable[str | bytes]) -> np.ndarray:
        """The vectors (N, V) of zeros and ones, float32.

        Unknown words are dropped, so a text without a known word, or an empty one, is the zero vector.

        Args:
            texts: N texts; one str counts as one text.
        """
        return self.sparse(texts).toarray()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the vocabulary as one JSON file."""
        write_json(path, json.dumps({"format": FORMAT, "words": list(self.words)}, indent=1))


def fit_bag_of_words(
    texts: Iterable[str | bytes],
    *,
    stop_words: Sequence[str] = STOP_WORDS,
    max_features: int | None = None,
    min_texts: int = 1,
) -> BagOfWords:
    """Learns the vocabulary from training texts.

    Args:
        texts: N texts.
        stop_words: words to leave out, in lower case.
        max_features: keep only the words that occur in the most texts, ties alphabetically; None: all.
        min_texts: leave out words that occur in fewer texts.
    Returns:
        The vocabulary in alphabetical order.
    Raises:
        ValueError: if no word is left, or a bound is below 1.
    """
    if min_texts < 1 or (max_features is not None and max_features < 1):
        raise ValueError(f"min_texts={min_texts} and max_features={max_features} must be at least 1")
    counts: Counter[str] = Counter()
    for text in [texts] if isinstance(texts, (str, bytes)) else texts:
        counts.update(set(words_of(text)))
    stopped = set(check_words("stop_words", stop_words))
    found = sorted((-n, word) for word, n in counts.items() if n >= min_texts and word not in stopped)[:max_features]
    if not found:
        raise ValueError(
            f"no word is left of {len(counts)}; give texts with words of two letters that are not stop words, or lower "
            f"min_texts={min_texts}"
        )
    return BagOfWords(tuple(sorted(word for _, word in found)))


def load_bag_of_words(path: str | os.PathLike[str]) -> BagOfWords:
    """Reads what `save` wrote. Raises ValueError with the path for anything else."""
    content = read_json(path)
    words = content.get("words")
    if content.get("format") != FORMAT or not isinstance(words, list) or not all(isinstance(w, str) for w in words):
        raise ValueError(f"{os.fspath(path)} is not a bag of words: it needs format={FORMAT!r} and a list of words")
    try:
        return BagOfWords(tuple(words))
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from None
