"""The table of all tokenizers by name, and the two functions that make one: by training or from its file.

The result of decode(encode(text)), if `text` is as `clean_text` leaves it and every character is known:

| name | decode(encode(text)) |
|---|---|
| characters, byte_bpe | text (byte_bpe: any text, nothing is unknown) |
| bpe, unigram | text with U+2581 read as a space |
| sentencepiece, sentencepiece_bpe | the NFKC form of that (any text: unknown characters become UTF-8 bytes) |
| word, wordpiece | the words, one space between them |

With lowercase=True it is the same for the lower-cased text. F078-F087.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from typing import Any

from nn_core.text.characters import FORMAT, characters_from_json, train_characters
from nn_core.text.interface import Tokenizer, read_json
from nn_core.text.sentencepiece import train_bpe, train_sentencepiece, train_sentencepiece_bpe, train_unigram
from nn_core.text.trained import TrainedTokenizer
from nn_core.text.trainers import train_byte_bpe, train_wordpiece, train_words

CHARACTERS = "characters"
TOKENIZERS: dict[str, Callable[..., Tokenizer]] = {
    CHARACTERS: train_characters,
    "word": train_words,
    "bpe": train_bpe,
    "byte_bpe": train_byte_bpe,
    "wordpiece": train_wordpiece,
    "unigram": train_unigram,
    "sentencepiece": train_sentencepiece,
    "sentencepiece_bpe": train_sentencepiece_bpe,
}


def make_tokenizer(name: str, texts: Iterable[str | bytes], **options: Any) -> Tokenizer:
    """Trains the tokenizer of this name.

    Args:
        name: a key of TOKENIZERS.
        texts: the training texts.
        options: those of its trainer; all but "characters" need vocabulary_size.
    Raises:
        ValueError: for an unknown name, or a vocabulary_size that is missing or has no effect; also whatever the trainer raises.
    """
    if name not in TOKENIZERS:
        raise ValueError(f"tokenizer {name!r} is unknown; use one of {', '.join(TOKENIZERS)}")
    size = options.get("vocabulary_size")
    if name == CHARACTERS and size is not None:
        raise ValueError(f"tokenizer {name!r} takes no vocabulary_size={size}: its tokens are the text's; leave it out")
    if name != CHARACTERS and size is None:
        raise ValueError(f"tokenizer {name!r} needs a vocabulary_size; give the number of tokens, 1000 for instance")
    return TOKENIZERS[name](texts, **options)


def load_tokenizer(path: str | os.PathLike[str]) -> Tokenizer:
    """Reads any saved tokenizer. Raises ValueError with the path for a file that holds none."""
    content = read_json(path)
    try:
        if content.get("format") == FORMAT:
            return characters_from_json(content)
        return TrainedTokenizer(json.dumps(content))
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from None
