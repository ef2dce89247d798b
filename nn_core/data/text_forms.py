"""One pair of texts as each family of transformers reads it: source and target apart, in one row, or with gaps (F172).

| family | reads | writes |
|---|---|---|
| encoder-decoder | source [END] / [START] target | the next word at every place of the target |
| decoder-only | source [END] [START] target | the same, in one row |
| encoder-only | source [END] and a gap for every word | all gaps at once |

Every family answers the same words of the same pairs.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from nn_core.data.checks import check_int
from nn_core.data.opinions import opinions
from nn_core.data.packing import NO_TARGET, Marks, pack_pairs
from nn_core.data.toy_translation import MOST_SENTENCES, toy_translation

SPECIAL = ("[PAD]", "[SOS]", "[EOS]", "[MASK]")
PAD, START, END, MASK = range(4)
_WORD = re.compile(r"\w+'|\w+|[^\w\s]")
Pairs = list[tuple[str, str]]


def sentences(count: int, seed: int) -> Pairs:
    """The beginning of an English sentence, one word or more, and its rest."""
    rng = np.random.default_rng((seed, 1))
    pairs = []
    for text in toy_translation(num_examples=count, seed=seed)[0]:
        words = text.split()
        cut = int(rng.integers(1, len(words)))
        pairs.append((" ".join(words[:cut]), " ".join(words[cut:])))
    return pairs


def verdicts(count: int, seed: int) -> Pairs:
    """A different opinion each, and whether it praises; the order of its words decides."""
    texts, praise_N = opinions(num_examples=8 * count, seed=seed)
    found = {text: ("blame", "praise")[praise] for text, praise in zip(texts, praise_N, strict=True)}
    return list(found.items())[:count]


def translations(count: int, seed: int) -> Pairs:
    """English and French."""
    return list(zip(*toy_translation(num_examples=count, seed=seed), strict=True))


# Most different texts of each task; there are 5,940 opinions, of which random draws find the last ones late.
MOST = {"generation": MOST_SENTENCES, "classification": 5_000, "translation": MOST_SENTENCES}
TASKS: dict[str, Callable[[int, int], Pairs]] = {
    "generation": sentences,
    "classification": verdicts,
    "translation": translations,
}


class Forms(NamedTuple):
    """N pairs, int32; answers are NO_TARGET where nothing is to be written.

    Attributes:
        source_NS, target_NT, answer_NT: for an encoder-decoder.
        row_NW: source and target in one row, for a decoder.
        gaps_NW: the source and T gaps, for an encoder.
        row_answer_NW: the answers of both.
        vocabulary: word -> id.
    """

    source_NS: np.ndarray
    target_NT: np.ndarray
    answer_NT: np.ndarray
    row_NW: np.ndarray
    gaps_NW: np.ndarray
    row_answer_NW: np.ndarray
    vocabulary: dict[str, int]


def words_of(text: str) -> list[str]:
    """Words and punctuation; a word that lost its vowel keeps its sign.

    >>> words_of("j'aime l'école.")
    ["j'", 'aime', "l'", 'école', '.']
    """
    return _WORD.findall(text)


def text_forms(task: str, *, num_examples: int, seed: int = 0) -> Forms:
    """The pairs of a task in all forms.

    Args:
        task: of TASKS.
        num_examples: N, 1 .. MOST[task].
        seed: which texts.
    Returns:
        Rows as wide as the longest texts need: W = S + T.
    """
    check_int("num_examples", num_examples, 1, MOST[task])
    pairs = [tuple(words_of(text) for text in pair) for pair in TASKS[task](num_examples, seed)]
    known = sorted({word for pair in pairs for side in pair for word in side})
    vocabulary = {word: index for index, word in enumerate((*SPECIAL, *known))}
    sources, targets = ([np.array([vocabulary[word] for word in pair[side]]) for pair in pairs] for side in (0, 1))
    widths = (max(map(len, sources)) + 1, max(map(len, targets)) + 1)
    rows = pack_pairs(sources, targets, widths, Marks(PAD, START, END), packed=False)
    joined = _joined(rows.source_RS, rows.target_RT, rows.answer_RT)
    return Forms(rows.source_RS, rows.target_RT, rows.answer_RT, *joined, vocabulary)


def _joined(
    source_NS: np.ndarray, target_NT: np.ndarray, answer_NT: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, gaps and answers (N, S + T): the target begins right behind the end of the source."""
    num_rows, width = len(source_NS), source_NS.shape[1] + target_NT.shape[1]
    row_NW = np.full((num_rows, width), PAD, np.int32)
    row_NW[:, : source_NS.shape[1]] = source_NS
    gaps_NW, answer_NW = row_NW.copy(), np.full_like(row_NW, NO_TARGET)
    places_NT = (source_NS != PAD).sum(axis=1, keepdims=True) + np.arange(target_NT.shape[1])
    np.put_along_axis(row_NW, places_NT, target_NT, axis=1)
    np.put_along_axis(gaps_NW, places_NT, MASK, axis=1)
    np.put_along_axis(answer_NW, places_NT, answer_NT, axis=1)
    return row_NW, gaps_NW, answer_NW
