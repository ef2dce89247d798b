"""FastText's sub-words: character n-grams, hashed to rows of a table (F094; Bojanowski et al. 2017)."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nn_core.files import whole_file
from nn_core.text.words import check_words


def fnv1a(data: bytes) -> int:
    """The 32-bit FNV-1a hash, the same on every machine; bytes are sign-extended as in fastText's code."""
    value = 2166136261
    for byte in data:
        value = ((value ^ (byte if byte < 128 else byte | 0xFFFFFF00)) * 16777619) & 0xFFFFFFFF
    return value


def word_ngrams(word: str, shortest: int = 3, longest: int = 6) -> list[str]:
    """The n-grams of "<word>"; the marks distinguish its beginning and end from its middle.

    Args:
        word: not empty.
        shortest, longest: lengths in characters, 1 <= shortest <= longest.
    Returns:
        The n-grams, repeats included; a mark alone is none.
    """
    if not 1 <= shortest <= longest:
        raise ValueError(f"shortest={shortest} and longest={longest} must fulfil 1 <= shortest <= longest")
    marked = f"<{word}>"
    grams = [marked[i : i + n] for n in range(shortest, longest + 1) for i in range(len(marked) - n + 1)]
    return [gram for gram in grams if gram not in ("<", ">")]


def ngram_rows(word: str, num_words: int, num_buckets: int, shortest: int = 3, longest: int = 6) -> list[int]:
    """Rows num_words .. num_words + num_buckets - 1 of a word's n-grams."""
    return [num_words + fnv1a(gram.encode()) % num_buckets for gram in word_ngrams(word, shortest, longest)]


def piece_table(
    words: Sequence[str], num_buckets: int, *, shortest: int = 3, longest: int = 6
) -> tuple[np.ndarray, np.ndarray]:
    """The rows that make up each word's vector: its own, then its n-grams'.

    Args:
        words: V words; row v is word v's own.
        num_buckets: rows that n-grams share by their hash, >= 1.
        shortest, longest: lengths of n-grams.
    Returns:
        int32 rows (V, G) and booleans (V, G), False for padding.
    """
    if num_buckets < 1:
        raise ValueError(
            f"num_buckets={num_buckets} is below 1; 2,000,000 is fastText's choice, 20,000 does for small text"
        )
    words = check_words("words", words)
    rows = [[v, *ngram_rows(word, len(words), num_buckets, shortest, longest)] for v, word in enumerate(words)]
    width = max((len(row) for row in rows), default=1)
    table_VG = np.zeros((len(rows), width), np.int32)
    keep_VG = np.zeros((len(rows), width), bool)
    for v, row in enumerate(rows):
        table_VG[v, : len(row)] = row
        keep_VG[v, : len(row)] = True
    return table_VG, keep_VG


def unseen_vector(word: str, table: np.ndarray, num_words: int, *, shortest: int = 3, longest: int = 6) -> np.ndarray:
    """The vector of a word that did not occur in training: the mean over its n-grams.

    Args:
        word: any word.
        table: (num_words + num_buckets, E) the trained input table.
        num_words: V.
        shortest, longest: as in training.
    Returns:
        (E,).
    Raises:
        ValueError: the word is empty, or too short for an n-gram.
    """
    rows = ngram_rows(word, num_words, len(table) - num_words, shortest, longest) if word else []
    if not rows:
        raise ValueError(f"word {word!r} has no n-gram of {shortest} characters; give a longer one")
    return table[rows].mean(axis=0)


class Ngrams(NamedTuple):
    """What words that occurred in no text are made of: the vectors of n-grams.

    Attributes:
        buckets_BE: (B, E) float32, the rows that n-grams share by their hash.
        shortest, longest: lengths of n-grams in characters.
    """

    buckets_BE: np.ndarray
    shortest: int
    longest: int

    def vector(self, word: str) -> np.ndarray:
        """The vector (E,) of any word. Raises ValueError for one that is too short for an n-gram."""
        return unseen_vector(word, self.buckets_BE, 0, shortest=self.shortest, longest=self.longest)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes one NPZ file."""
        with whole_file(path) as part, part.open("wb") as file:
            np.savez(file, buckets=self.buckets_BE, lengths=np.array([self.shortest, self.longest]))


def load_ngrams(path: str | os.PathLike[str]) -> Ngrams:
    """Reads what `Ngrams.save` wrote. Raises ValueError with the path for anything else."""
    try:
        with open(path, "rb") as opened, np.load(opened, allow_pickle=False) as file:
            buckets_BE, (shortest, longest) = file["buckets"], file["lengths"].tolist()
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{os.fspath(path)} holds no n-grams of a FastText run ({error}); train it again") from None
    if buckets_BE.ndim != 2 or not np.isfinite(buckets_BE).all() or not 1 <= shortest <= longest:
        raise ValueError(f"{os.fspath(path)} holds damaged n-grams; train the run again")
    return Ngrams(np.asarray(buckets_BE, np.float32), shortest, longest)
