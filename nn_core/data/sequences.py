"""Generated sequences that show whether a network remembers, adds, tags and forecasts (F113-F117).

Every generator is a pure function of its arguments; randomness is NumPy's PCG64 from the seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nn_core.data.checks import check_float, check_int
from nn_core.data.dataset import Dataset, make_dataset
from nn_core.text.characters import CharacterTokenizer

PAD_ID, START_ID, END_ID = 0, 1, 2
ADDITION_TOKENIZER = CharacterTokenizer("+0123456789", ("[PAD]", "[SOS]", "[EOS]"))


class TokenClasses(NamedTuple):
    """Sequences of tokens, each with a class.

    Attributes:
        ids_NT: int32 (N, T), 0 <= id < vocabulary_size.
        targets_N: int32 (N,) classes, 0 <= class < num_classes.
        vocabulary_size: number of different ids.
        num_classes: C.
    """

    ids_NT: np.ndarray
    targets_N: np.ndarray
    vocabulary_size: int
    num_classes: int


def copy_first_token(
    *, num_examples: int = 10_000, length: int = 100, num_classes: int = 4, num_distractors: int = 8, seed: int = 0
) -> TokenClasses:
    """The first token is the class; the others are random distractors, which a network should ignore (F114).

    Args:
        num_examples: N >= 1.
        length: T >= 1 tokens, so the class must be kept for T - 1 steps.
        num_classes: C >= 2; ids 0 .. C - 1.
        num_distractors: ids C .. C + num_distractors - 1, at least 1.
        seed: of everything.
    Returns:
        The sequences.
    """
    check_int("num_examples", num_examples, 1)
    check_int("length", length, 1)
    check_int("num_classes", num_classes, 2)
    check_int("num_distractors", num_distractors, 1)
    rng = np.random.default_rng(check_int("seed", seed, 0))
    targets_N = rng.integers(num_classes, size=num_examples).astype(np.int32)
    ids_NT = rng.integers(num_classes, num_classes + num_distractors, (num_examples, length)).astype(np.int32)
    ids_NT[:, 0] = targets_N
    return TokenClasses(ids_NT, targets_N, num_classes + num_distractors, num_classes)


ORDER_WORDS = ("bites", "dog", "man", "cat", "mouse", "wolf", "sheep", "snake", "bird")


def word_order(*, num_examples: int = 2_000, seed: int = 0) -> TokenClasses:
    """Sentences such as "dog bites man" or "man bites dog" (F089).

    The class says which of the two bites: the one that comes first in ORDER_WORDS, or the other. Both sentences have
    the same bag of words, so a bag cannot tell.

    Args:
        num_examples: N >= 1.
        seed: of everything.
    Returns:
        Sentences of three words, ids are places in ORDER_WORDS.
    """
    check_int("num_examples", num_examples, 1)
    rng = np.random.default_rng(check_int("seed", seed, 0))
    animals = len(ORDER_WORDS) - 1
    first_N = rng.integers(animals, size=num_examples)
    second_N = (first_N + rng.integers(1, animals, num_examples)) % animals
    ids_NT = np.stack([first_N + 1, np.zeros_like(first_N), second_N + 1], axis=1).astype(np.int32)
    return TokenClasses(ids_NT, (first_N > second_N).astype(np.int32), len(ORDER_WORDS), 2)


class Translations(NamedTuple):
    """Pairs of sequences.

    Attributes:
        sources: N source texts.
        targets: N target texts.
        source_NS: int32 (N, S), padded with PAD_ID at the end.
        target_NT: int32 (N, T): START_ID, the target, END_ID, padding.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    source_NS: np.ndarray
    target_NT: np.ndarray


def addition(*, num_examples: int = 50_000, max_digits: int = 3, seed: int = 0) -> Translations:
    """Different sums as text, "12+5" and "17" (F117); no question occurs twice, so a held-out one is new.

    Args:
        num_examples: N from 1 to 10^(2 max_digits), the number of different questions.
        max_digits: of each summand, 1 .. 6; all numbers below 10^max_digits are equally likely.
        seed: of the choice of questions and their order.
    Returns:
        The pairs; ids are those of ADDITION_TOKENIZER.
    """
    base = 10 ** check_int("max_digits", max_digits, 1, 6)
    check_int("num_examples", num_examples, 1, base * base)
    rng = np.random.default_rng(check_int("seed", seed, 0))
    codes_N = rng.choice(base * base, num_examples, replace=False, shuffle=True)
    first_N, second_N = codes_N // base, codes_N % base
    sources = tuple(f"{a}+{b}" for a, b in zip(first_N.tolist(), second_N.tolist(), strict=True))
    targets = tuple(map(str, (first_N + second_N).tolist()))
    source_NS = _pack(sources, 2 * max_digits + 1)
    target_NT = np.full((num_examples, max_digits + 3), PAD_ID, np.int32)
    target_NT[:, 0], target_NT[:, 1:-1] = START_ID, _pack(targets, max_digits + 1)
    target_NT[np.arange(num_examples), [len(text) + 1 for text in targets]] = END_ID
    return Translations(sources, targets, source_NS, target_NT)


def spell(ids: np.ndarray | list[int]) -> str:
    """Ids of ADDITION_TOKENIZER as text, without start, end and padding, which may also be an id below 0."""
    return ADDITION_TOKENIZER.decode(np.maximum(ids, PAD_ID))


def _pack(texts: Sequence[str], width: int) -> np.ndarray:
    """Texts as rows of ids, padded at the end; all are encoded in one call."""
    packed_NT = np.full((len(texts), width), PAD_ID, np.int32)
    lengths_N = np.array([len(text) for text in texts])
    packed_NT[np.arange(width)[None] < lengths_N[:, None]] = ADDITION_TOKENIZER.encode("".join(texts))
    return packed_NT


TAGS = ("determiner", "adjective", "noun", "pronoun", "verb", "adverb")
_LEXICON: dict[str, tuple[str, ...]] = {
    "determiner": ("the", "a", "every", "no"),
    "adjective": ("old", "light", "fast", "green", "clean"),
    "noun": ("child", "teacher", "river", "light", "watch", "walk", "play", "love"),
    "pronoun": ("they", "we", "you"),
    "verb": ("see", "find", "watch", "walk", "play", "love", "light", "clean"),
    "adverb": ("often", "never", "fast"),
}
_PATTERNS = (
    "pronoun verb determiner noun",
    "pronoun adverb verb determiner adjective noun",
    "determiner noun verb",
    "determiner adjective noun verb determiner noun adverb",
    "determiner adjective adjective noun verb adverb",
    "pronoun verb adverb",
)
TAG_WORDS = ("[PAD]", *sorted({word for words in _LEXICON.values() for word in words}))


class TaggedSentences(NamedTuple):
    """Sentences with a tag for each word.

    Attributes:
        ids_NT: int32 (N, T) places in TAG_WORDS, padded with PAD_ID.
        tags_NT: int32 (N, T) places in TAGS, -1 at padding.
        keep_NT: booleans (N, T), False at padding.
    """

    ids_NT: np.ndarray
    tags_NT: np.ndarray
    keep_NT: np.ndarray


def tagged_sentences(*, num_examples: int = 2_000, seed: int = 0) -> TaggedSentences:
    """Sentences of a small grammar in which "watch", "light" or "clean" are tagged by their place, not by their spelling.

    Args:
        num_examples: N >= 1.
        seed: of everything.
    Returns:
        The sentences. A table of each word's most frequent tag errs on some of them; a model that reads the neighbours need not.
    """
    check_int("num_examples", num_examples, 1)
    rng = np.random.default_rng(check_int("seed", seed, 0))
    word_ids = {word: place for place, word in enumerate(TAG_WORDS)}
    width = max(len(pattern.split()) for pattern in _PATTERNS)
    ids_NT = np.full((num_examples, width), PAD_ID, np.int32)
    tags_NT = np.full((num_examples, width), -1, np.int32)
    for n in range(num_examples):
        for t, tag in enumerate(_PATTERNS[rng.integers(len(_PATTERNS))].split()):
            ids_NT[n, t] = word_ids[_LEXICON[tag][rng.integers(len(_LEXICON[tag]))]]
            tags_NT[n, t] = TAGS.index(tag)
    return TaggedSentences(ids_NT, tags_NT, tags_NT >= 0)


def noisy_sine(*, num_steps: int = 2_000, period: float = 25.0, noise: float = 0.1, seed: int = 0) -> np.ndarray:
    """A time series sin(2 pi t / period) + noise, float32 (num_steps,) (F116).

    Args:
        num_steps: >= 2.
        period: steps of one oscillation, > 1.
        noise: standard deviation of the Gaussian noise, >= 0.
        seed: of the noise and of the phase at the start.
    """
    check_int("num_steps", num_steps, 2)
    check_float("period", period, 1.0)
    check_float("noise", noise, 0.0)
    rng = np.random.default_rng(check_int("seed", seed, 0))
    phase = rng.uniform(0.0, 2.0 * np.pi)
    steps_T = np.arange(num_steps)
    return (np.sin(2.0 * np.pi * steps_T / period + phase) + noise * rng.normal(size=num_steps)).astype(np.float32)


def forecasting_windows(series_T: np.ndarray, window: int) -> Dataset:
    """Every run of `window` values, with the value that follows it, in the order of time.

    Args:
        series_T: (T,) finite numbers.
        window: 1 <= window < T.
    Returns:
        inputs (T - window, window, 1), targets (T - window,). Split it in this order: neighbours share values.
    """
    check_int("window", window, 1, len(series_T) - 1)
    inputs_NT = np.lib.stride_tricks.sliding_window_view(np.asarray(series_T), window)[:-1]
    return make_dataset(inputs_NT[:, :, None], series_T[window:])
