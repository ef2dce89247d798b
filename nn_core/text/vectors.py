"""Word vectors and questions to them: neighbours, odd ones out, analogies; word2vec's text format.

F099-F101, F103, F104.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from nn_core.files import whole_file
from nn_core.text.ngrams import Ngrams
from nn_core.text.words import check_words

MEASURES = ("cosine", "dot")


@dataclass(frozen=True, eq=False)
class WordVectors:
    """V words and their vectors.

    Similar words have a high cosine. A dot product also grows with the vectors' lengths, and a negative one does not
    mean the opposite: antonyms stand in the same contexts, so they are usually similar (S33).

    Attributes:
        words: V different words.
        vectors_VE: finite float32 (V, E).
        ngrams: of FastText, which give every other word a vector too; None: other words are unknown.
    """

    words: tuple[str, ...]
    vectors_VE: np.ndarray
    ngrams: Ngrams | None = None

    def __post_init__(self) -> None:
        vectors_VE = np.asarray(self.vectors_VE, np.float32)
        if vectors_VE.ndim != 2 or len(vectors_VE) != len(self.words) or not vectors_VE.size:
            raise ValueError(
                f"{len(self.words)} words and vectors of shape {vectors_VE.shape}; give one row for each word"
            )
        if len(self.index) != len(self.words):
            raise ValueError(f"{len(self.words) - len(self.index)} of the words are repeated; give each word once")
        if not np.isfinite(vectors_VE).all():
            place = int(np.argmin(np.isfinite(vectors_VE).all(axis=1)))
            raise ValueError(
                f"the vector of {self.words[place]!r} is not finite; training has diverged or the file is bad"
            )
        if self.ngrams is not None and self.ngrams.buckets_BE.shape[1] != vectors_VE.shape[1]:
            raise ValueError(
                f"vectors of {vectors_VE.shape[1]} numbers and n-grams of {self.ngrams.buckets_BE.shape[1]} are of two "
                "runs; give those of one"
            )
        object.__setattr__(self, "vectors_VE", vectors_VE)

    @cached_property
    def index(self) -> dict[str, int]:
        """Each word's row."""
        return {word: place for place, word in enumerate(self.words)}

    @cached_property
    def unit_VE(self) -> np.ndarray:
        """The vectors divided by their lengths; a zero vector stays zero."""
        lengths_V1 = np.linalg.norm(self.vectors_VE, axis=1, keepdims=True)
        return self.vectors_VE / np.where(lengths_V1 > 0, lengths_V1, 1)

    def row(self, word: str) -> int:
        """The row of a word. Raises ValueError for an unknown one, with the nearest known spellings."""
        if word not in self.index:
            near = difflib.get_close_matches(word, self.words, n=3, cutoff=0.5)
            hint = f"nearest known: {', '.join(near)}" if near else "no known word is spelt like it"
            raise ValueError(f"word {word!r} is not among the {len(self.words)} known words; {hint}")
        return self.index[word]

    def vector(self, word: str) -> np.ndarray:
        """The vector (E,) of a word; from its n-grams, if there are any, for an unknown one. Else raises ValueError."""
        if word not in self.index and self.ngrams is not None:
            return self.ngrams.vector(word)
        return self.vectors_VE[self.row(word)]

    def _rows(self, measure: str) -> np.ndarray:
        if measure not in MEASURES:
            raise ValueError(f"measure {measure!r} is unknown; use one of {', '.join(MEASURES)}")
        return self.unit_VE if measure == "cosine" else self.vectors_VE

    def _asked(self, words: Sequence[str], measure: str) -> np.ndarray:
        """The vectors (N, E) of some words, of length 1 for the cosine."""
        table_VE = self._rows(measure)
        rows = [table_VE[self.index[word]] if word in self.index else self._unit(word, measure) for word in words]
        return np.array(rows, np.float32).reshape(len(words), table_VE.shape[1])

    def _unit(self, word: str, measure: str) -> np.ndarray:
        vector_E = self.vector(word)
        return vector_E / max(float(np.linalg.norm(vector_E)), 1e-12) if measure == "cosine" else vector_E

    def similarity(self, first: str, second: str, *, measure: str = "cosine") -> float:
        """Cosine in [-1, 1], or dot product, of two words."""
        one_E, other_E = self._asked([first, second], measure)
        return float(one_E @ other_E)

    def most_similar(
        self,
        positive: str | Sequence[str],
        negative: str | Sequence[str] = (),
        *,
        count: int = 10,
        measure: str = "cosine",
    ) -> list[tuple[str, float]]:
        """The words nearest to the sum of the positive words minus the negative ones, without these words themselves.

        With the cosine, all given words count the same, whatever the lengths of their vectors (3CosAdd; Levy and Goldberg
        2014).

        Args:
            positive: one or more words.
            negative: words to subtract. Here and above, a single word may be given as a string.
            count: how many to return, >= 1.
            measure: "cosine" or "dot".
        Returns:
            Up to `count` pairs (word, similarity), nearest first; ties in the order of the table.
        Raises:
            ValueError: an unknown word or measure, no positive word, or count below 1.
        """
        positive, negative = ([words] if isinstance(words, str) else list(words) for words in (positive, negative))
        if not positive or count < 1:
            raise ValueError(f"positive={positive} and count={count}; give at least one word and ask for at least one")
        table_VE = self._rows(measure)
        query_E = self._asked(positive, measure).sum(axis=0) - self._asked(negative, measure).sum(axis=0)
        known = {self.index[word] for word in (*positive, *negative) if word in self.index}
        if measure == "cosine":
            query_E = query_E / max(float(np.linalg.norm(query_E)), 1e-12)
        scores_V = table_VE @ query_E
        scores_V[list(known)] = -np.inf
        order = np.argsort(-scores_V, kind="stable")[: min(count, len(self.words) - len(known))]
        return [(self.words[place], float(scores_V[place])) for place in order]

    def analogy(self, a: str, b: str, c: str, *, count: int = 1) -> list[tuple[str, float]]:
        """What is to c as b is to a: b - a + c, without a, b and c ("man", "king", "woman" gives "queen"; F101).

        The notes' second example has its sign wrong: Rome - Paris is near *Italy - France* (S35).
        """
        return self.most_similar([b, c], [a], count=count)

    def doesnt_match(self, words: Sequence[str]) -> str:
        """The word farthest, by the cosine, from the mean of all given words (at least 2)."""
        if len(check_words("words", words)) < 2:
            raise ValueError(f"words={list(words)} are too few; give at least two")
        rows_NE = self._asked(words, "cosine")
        return words[int(np.argmin(rows_NE @ rows_NE.mean(axis=0)))]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes word2vec's text format: a line "V E", then a line for each word with its numbers.

        Each number is the shortest decimal that reads back as the same float32.

        Raises:
            ValueError: a word that is empty or holds white space, which the format cannot tell from a separator.
        """
        for word in self.words:
            if not word or len(word.split()) != 1 or word != word.strip():
                raise ValueError(f"word {word!r} cannot be written: the format separates by white space; rename it")
        with whole_file(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
            file.write(f"{len(self.words)} {self.vectors_VE.shape[1]}\n")
            for word, vector_E in zip(self.words, self.vectors_VE, strict=True):
                file.write(f"{word} {' '.join(map(str, vector_E))}\n")


def _lines(path: str | os.PathLike[str]) -> Iterator[tuple[int, list[str]]]:
    with open(path, encoding="utf-8-sig", errors="replace", newline="\n") as file:
        for number, line in enumerate(file, start=1):
            # Only plain spaces and tabs separate: words may hold other Unicode spaces.
            fields = [field for field in line.rstrip("\r\n").replace("\t", " ").split(" ") if field]
            yield number, fields


def load_word_vectors(path: str | os.PathLike[str], *, max_words: int | None = None) -> WordVectors:
    """Reads word2vec's text format, or GloVe's, which has no first line with the sizes.

    Args:
        path: the file.
        max_words: read only the first words of the file, which are the most frequent ones; None: all.
    Returns:
        The vectors.
    Raises:
        ValueError: with the file and line number, for a line that does not fit, a number that is none or not finite, a
            repeated word, or fewer words than the first line promises.
    """
    name = os.fspath(path)
    index: dict[str, int] = {}
    rows: list[list[float]] = []
    promised = width = None
    number = 0
    for number, fields in _lines(path):
        if number == 1 and len(fields) == 2 and all(field.isdecimal() for field in fields):
            promised, width = int(fields[0]), int(fields[1])
            continue
        if not fields:
            raise ValueError(f"{name} line {number} is empty; each line is a word and its numbers")
        word, values = fields[0], _numbers(name, number, fields[1:])
        width = len(values) if width is None else width
        if not values:
            raise ValueError(f"{name} line {number} holds no numbers; each line is a word and its numbers")
        if len(values) != width:
            raise ValueError(f"{name} line {number} has {len(values)} numbers instead of {width}; repair or remove it")
        if word in index:
            raise ValueError(
                f"{name} line {number} repeats the word {word!r} of line {index[word]}; remove one of them"
            )
        index[word] = number
        rows.append(values)
        if max_words is not None and len(rows) == max_words:
            break
    if promised is not None and len(rows) != (promised if max_words is None else min(promised, max_words)):
        raise ValueError(f"{name} line {number} is the last and word {len(rows)}, but line 1 promises {promised} words")
    if not rows:
        raise ValueError(f"{name} holds no word vectors; each line is a word and its numbers")
    return WordVectors(tuple(index), np.array(rows, np.float32))


def _numbers(name: str, number: int, fields: Sequence[str]) -> list[float]:
    try:
        values = [float(field) for field in fields]
    except ValueError as error:
        raise ValueError(f"{name} line {number}: {error}; each line is a word and its numbers") from None
    with np.errstate(over="ignore"):
        finite = np.isfinite(np.array(values, np.float32))
    if not finite.all():
        value = values[int(np.argmin(finite))]
        raise ValueError(f"{name} line {number} holds {value}, which is not a finite float32; repair or remove it")
    return values
