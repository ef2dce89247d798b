"""What counts as a word, where text is split without a trained tokenizer (F078)."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")  # words, or lists of words
_LAST_MARK = 0x1FFFF  # combining marks stand below; the variation selectors above are added by hand
_SELECTORS = "\U000e0100-\U000e01ef"
_JOINERS = "\u200c\u200d"  # they join or part letters inside a word of Persian or Hindi


@functools.cache
def _letters() -> str:
    """The inside of a character class: what Python's \\w holds, and the marks that belong to a letter, which it lacks."""
    marks = [point for point in range(_LAST_MARK) if unicodedata.category(chr(point)) in ("Mn", "Mc", "Me")]
    starts = [point for before, point in zip([-2, *marks], marks, strict=False) if point != before + 1]
    ends = [point for point, after in zip(marks, [*marks[1:], -2], strict=True) if after != point + 1]
    spans = "".join(f"{chr(start)}-{chr(end)}" for start, end in zip(starts, ends, strict=True))
    return rf"\w{_JOINERS}{spans}{_SELECTORS}"


@functools.cache
def _patterns() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    letters = _letters()
    # A run of letters and digits with inner apostrophes, so that "don't" is one word. Linear in the text.
    whole = re.compile(rf"\w[{letters}]*(?:['\u2019]\w[{letters}]*)*")
    # Two characters or more, as scikit-learn's CountVectorizer, but not cut at combining marks.
    longer = re.compile(rf"\w[{letters}]+")
    return whole, longer, re.compile(rf"\w[{letters}]*|[^{letters}\s]")


def split_words(text: str) -> list[str]:
    """The words of a text, in order and without punctuation.

    A letter and the marks on it are one: words are put into Unicode's composed form (NFC), so that "Café" is the same
    word however it is encoded, and words of Hindi, Thai or Arabic are not cut at their vowel signs.
    """
    return _patterns()[0].findall(unicodedata.normalize("NFC", text))


def split_long_words(text: str) -> list[str]:
    """As `split_words`, but only words of at least two characters, and cut at apostrophes."""
    return _patterns()[1].findall(unicodedata.normalize("NFC", text))


def split_words_and_signs(text: str) -> list[str]:
    """As `split_words`, but cut at apostrophes, and every other sign that is not white space is one of the list."""
    return _patterns()[2].findall(unicodedata.normalize("NFC", text))


def check_words(name: str, words: Sequence[Item]) -> Sequence[Item]:
    """The list itself.

    Raises:
        ValueError: it is one string, whose letters would all be taken for words.
    """
    if isinstance(words, (str, bytes)):
        raise ValueError(f"{name}={words[:30]!r} is one string, not a list of words; split it, or put it into a list")
    return words
