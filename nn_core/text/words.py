"""What counts as a word, where text is split without a trained tokenizer (F078)."""

from __future__ import annotations

import re

# A run of letters and digits with inner apostrophes, so that "don't" is one word. Linear in the text.
_WORD = re.compile(r"\w+(?:['\u2019]\w+)*")


def split_words(text: str) -> list[str]:
    """The words of a text, without punctuation, in their order."""
    return _WORD.findall(text)
