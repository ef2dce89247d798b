"""Sequences by name, and their targets: a class, a number, a tag for each token, or another sequence."""

import re
import zlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from nn_core.data.checks import check_int
from nn_core.data.corpora import LabelledTexts, generated_spam, sms_spam
from nn_core.data.dataset import Dataset
from nn_core.data.sequences import (
    ADDITION_TOKENIZER,
    PAD_ID,
    TAG_WORDS,
    TAGS,
    TaggedSentences,
    TokenClasses,
    Translations,
    addition,
    copy_first_token,
    forecasting_windows,
    noisy_sine,
    tagged_sentences,
    word_order,
)
from nn_core.data.sources import call_loader
from nn_core.text.words import check_words, split_words_and_signs

NO_TAG = -1  # a token without a tag
CLASS, NUMBER, TAG, SEQUENCE = "class", "number", "tag", "sequence"


class Sequences(NamedTuple):
    """N sequences.

    Attributes:
        answer: kind of its target: CLASS, NUMBER, TAG (one for every token) or SEQUENCE (another sequence).
        inputs: int32 ids (N, T) or float32 vectors (N, T, D); for SEQUENCE a pair: the source's ids (N, S), and the ids
            (N, U) that are read while the target is written; the first of them is the start token.
        targets: int32 classes (N,), float32 numbers (N,), int32 tags (N, T) or ids (N, U) with NO_TAG at padding.
        vocabulary_sizes: V of each array of ids; () for vectors.
        num_classes: C, for SEQUENCE the target's V, 0 for numbers.
        pad_id: of padding at the end of the (source's) ids; None: there is none.
    """

    answer: str
    inputs: Any
    targets: np.ndarray
    vocabulary_sizes: tuple[int, ...] = ()
    num_classes: int = 0
    pad_id: int | None = None


def check_ids(ids: np.ndarray, size: int, what: str, *, lowest: int = 0) -> np.ndarray:
    """Returns the ids as int32.

    They are checked here, on the host: on the device an id below 0 wraps around and one that is too large gives NaN.

    Raises:
        ValueError: no ids, or one outside lowest .. size - 1; names the first.
    """
    array = np.asarray(ids)
    if array.size == 0 or array.dtype.kind not in "iu":
        raise ValueError(f"{what} have shape {array.shape} and dtype {array.dtype}; give at least one whole number")
    wrong = np.argwhere((array < lowest) | (array >= size))
    if len(wrong):
        place = [int(i) for i in wrong[0]]
        raise ValueError(f"{what}{place}={array[tuple(place)]} is out of range; {size} of them have ids 0..{size - 1}")
    return np.ascontiguousarray(array, np.int32)


def make_sequences(
    answer: str,
    inputs: Any,
    targets: np.ndarray,
    *,
    vocabulary_sizes: tuple[int, ...] = (),
    num_classes: int = 0,
    pad_id: int | None = None,
) -> Sequences:
    """Checks every id and returns the record; arguments as in `Sequences`.

    Raises:
        ValueError: an id out of range, or another number of targets than of sequences.
    """
    arrays = inputs if isinstance(inputs, tuple) else (inputs,)
    if any(len(array) != len(targets) for array in arrays):
        raise ValueError(f"{[len(array) for array in arrays]} inputs for {len(targets)} targets; give one for each")
    if vocabulary_sizes:
        checked = tuple(check_ids(ids, size, "inputs") for ids, size in zip(arrays, vocabulary_sizes, strict=True))
        inputs = checked if isinstance(inputs, tuple) else checked[0]
    if num_classes:
        targets = check_ids(targets, num_classes, "targets", lowest=NO_TAG if targets.ndim == 2 else 0)
    return Sequences(answer, inputs, targets, vocabulary_sizes, num_classes, pad_id)


def from_classes(found: TokenClasses) -> Sequences:
    """A class for each sequence of ids."""
    sizes = (found.vocabulary_size,)
    return make_sequences(CLASS, found.ids_NT, found.targets_N, vocabulary_sizes=sizes, num_classes=found.num_classes)


def from_pairs(pairs: Translations) -> Sequences:
    """A target sequence for each source, "17" for "12+5"."""
    size = ADDITION_TOKENIZER.vocabulary_size
    answers_NU = np.where(pairs.target_NT[:, 1:] == PAD_ID, NO_TAG, pairs.target_NT[:, 1:])
    inputs = (pairs.source_NS, pairs.target_NT[:, :-1])
    sizes = (size, size)
    return make_sequences(SEQUENCE, inputs, answers_NU, vocabulary_sizes=sizes, num_classes=size, pad_id=PAD_ID)


def from_tags(found: TaggedSentences) -> Sequences:
    """A part of speech for every word."""
    sizes = (len(TAG_WORDS),)
    return make_sequences(
        TAG, found.ids_NT, found.tags_NT, vocabulary_sizes=sizes, num_classes=len(TAGS), pad_id=PAD_ID
    )


def sine_windows(
    *, window: int = 50, num_steps: int = 2_000, period: float = 25.0, noise: float = 0.1, seed: int = 0
) -> Dataset:
    """`noisy_sine` cut into windows, each with the value that follows it, in the order of time."""
    series_T = noisy_sine(num_steps=num_steps, period=period, noise=noise, seed=seed)
    return forecasting_windows(series_T, window)


def from_windows(windows: Dataset) -> Sequences:
    """A number for each window of vectors."""
    return make_sequences(NUMBER, windows.inputs, windows.targets)


def hash_words(texts: Sequence[str], *, buckets: int, max_words: int) -> np.ndarray:
    """Words and signs as hashed ids, (N, T) int32: no vocabulary is learned, least of all from the texts used for testing.

    All digits count as one sign, so a telephone number is its length. No word is unknown, but two may share an id.

    Args:
        texts: N texts; one without a word is a row of padding.
        buckets: ids 1 .. buckets; PAD_ID is 0.
        max_words: T; further words of a text are left out.
    Raises:
        ValueError: no text has a word, or a size below 1.
    """
    check_int("buckets", buckets, 1)
    check_int("max_words", max_words, 1)
    ids_NT = np.full((len(texts), max_words), PAD_ID, np.int32)
    for row, text in zip(ids_NT, check_words("texts", texts), strict=True):
        words = split_words_and_signs(re.sub(r"\d", "0", text.lower()))[:max_words]
        row[: len(words)] = [zlib.crc32(word.encode("utf-8", "replace")) % buckets + 1 for word in words]
    if not ids_NT.any():
        raise ValueError(f"none of the {len(texts)} texts has a word; give texts with words in them")
    return ids_NT


def hashed(corpus: LabelledTexts, buckets: int, max_words: int) -> TokenClasses:
    """Labelled texts as sequences of hashed words."""
    ids_NT = hash_words(corpus.texts, buckets=buckets, max_words=max_words)
    return TokenClasses(ids_NT, corpus.labels, buckets + 1, len(corpus.label_names))


def generated_messages(
    *, buckets: int = 2_000, max_words: int = 40, num_examples: int = 2_000, noise: float = 0.0, seed: int = 0
) -> TokenClasses:
    """`generated_spam` word by word."""
    return hashed(generated_spam(num_examples=num_examples, noise=noise, seed=seed), buckets, max_words)


def sms_messages(*, buckets: int = 2_000, max_words: int = 40) -> TokenClasses:
    """The SMS Spam Collection word by word."""
    return hashed(sms_spam(), buckets, max_words)


def from_messages(found: TokenClasses) -> Sequences:
    """A class for each text, whose end is padding."""
    return from_classes(found)._replace(pad_id=PAD_ID)


# name -> (loader, what turns its result into `Sequences`).
SEQUENCES: dict[str, tuple[Callable[..., Any], Callable[[Any], Sequences]]] = {
    "copy_first_token": (copy_first_token, from_classes),
    "word_order": (word_order, from_classes),
    "generated_spam": (generated_messages, from_messages),
    "sms_spam": (sms_messages, from_messages),
    "tagged_sentences": (tagged_sentences, from_tags),
    "addition": (addition, from_pairs),
    "noisy_sine": (sine_windows, from_windows),
}


def load_sequences(name: str, **options: object) -> Sequences:
    """Loads an entry of SEQUENCES; see `call_loader` for options and errors."""
    loaded = call_loader("sequences", {known: loader for known, (loader, _) in SEQUENCES.items()}, name, options)
    return SEQUENCES[name][1](loaded)
