"""The one interface of every tokenizer, and the text policy that all of them share.

A tokenizer is a frozen record: training makes a new one, `encode` and `decode` are pure, and `save` writes one JSON
file from which `nn_core.text.tokenizers.load_tokenizer` makes an equal one. F078-F087.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from nn_core.files import whole_file

# The place in this tuple is the id, in every tokenizer that uses the standard special tokens.
SPECIAL_TOKENS = ("[PAD]", "[UNK]", "[SOS]", "[EOS]", "[MASK]", "[CLS]", "[SEP]")
UNKNOWN_TOKEN = "[UNK]"
REPLACEMENT = "\ufffd"


class Encoding(NamedTuple):
    """Token ids, and the place of each token in the cleaned text.

    `ids_N` is int32 of shape (N,). `offsets_N2` is int32 of shape (N, 2): token n is `clean_text(text)[start:end]`.
    Byte-level tokens that share one character share its offsets.
    """

    ids_N: np.ndarray
    offsets_N2: np.ndarray


class Tokenizer(Protocol):
    """What every tokenizer can do. Ids are 0 <= id < vocabulary_size; special tokens come first, in the given order."""

    @property
    def vocabulary_size(self) -> int: ...

    @property
    def special_ids(self) -> Mapping[str, int]: ...

    def encode(self, text: str | bytes, *, allow_special: bool = False) -> np.ndarray:
        """Text to int32 ids of shape (N,). Special tokens in the text are plain text unless `allow_special`."""

    def encode_with_offsets(self, text: str | bytes, *, allow_special: bool = False) -> Encoding: ...

    def decode(self, ids: Sequence[int] | np.ndarray, *, skip_special: bool = True) -> str: ...

    def tokens(self, ids: Sequence[int] | np.ndarray) -> list[str]:
        """The vocabulary's own spelling of each id, for tables and figures."""

    def save(self, path: str | os.PathLike[str]) -> None: ...


def clean_text(text: str | bytes) -> str:
    """Returns valid Unicode text, the same for every tokenizer.

    Bytes are read as UTF-8, every invalid sequence becoming U+FFFD. In a str, a surrogate pair is joined to the
    character that it stands for and a lone surrogate, which no UTF-8 file can hold, becomes U+FFFD. Nothing else is
    changed.

    Args:
        text: any str or bytes.
    Returns:
        Text whose characters can all be encoded in UTF-8.
    Raises:
        ValueError: if `text` is neither str nor bytes.
    """
    if isinstance(text, bytes):
        return text.decode("utf-8", errors="replace")
    if not isinstance(text, str):
        raise ValueError(f"text is {type(text).__name__}; a tokenizer reads str or bytes, so decode or join it first")
    try:
        text.encode("utf-8")
        return text
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def continuation(tokenizer: Tokenizer, prompt_ids: Sequence[int], new_ids: Sequence[int] | np.ndarray) -> str:
    """What new tokens add to the text of a prompt.

    They are decoded together with it. Alone, they would lose the first blank if the tokenizer marks the beginnings of
    words, and could begin inside a character if it works on bytes.

    Args:
        tokenizer: of both.
        prompt_ids: the tokens before.
        new_ids: the tokens to spell.
    """
    before = tokenizer.decode(list(prompt_ids))
    both = tokenizer.decode([*prompt_ids, *np.asarray(new_ids).tolist()])
    return both[len(before) :] if both.startswith(before) else tokenizer.decode(new_ids)


def check_ids(ids: Sequence[int] | np.ndarray, vocabulary_size: int) -> np.ndarray:
    """Returns `ids` as int64 of shape (N,), all of them in range.

    Raises:
        ValueError: if an id is not an integer, is negative (JAX would wrap it silently) or is >= vocabulary_size.
    """
    ids_N = np.asarray(ids)
    if ids_N.size == 0:
        return np.zeros((0,), np.int64)
    if ids_N.ndim != 1 or not np.issubdtype(ids_N.dtype, np.integer):
        raise ValueError(f"ids have shape {ids_N.shape} and dtype {ids_N.dtype}; pass a 1-D sequence of integers")
    bad = (ids_N < 0) | (ids_N >= vocabulary_size)
    if bad.any():
        place = int(np.argmax(bad))
        raise ValueError(
            f"id {int(ids_N[place])} at position {place} is outside 0..{vocabulary_size - 1}; "
            "decode with the tokenizer that made it"
        )
    return ids_N.astype(np.int64)


def check_special_tokens(special_tokens: Sequence[str]) -> tuple[str, ...]:
    """Returns the special tokens as a tuple. Raises ValueError for an empty, repeated or non-string one."""
    if isinstance(special_tokens, str):
        raise ValueError(f"special_tokens={special_tokens!r} is one string; give a list, such as ({special_tokens!r},)")
    tokens = tuple(special_tokens)
    for token in tokens:
        if not isinstance(token, str) or not token:
            raise ValueError(f"special token {token!r} is not a non-empty str; use names such as '[PAD]'")
    if len(set(tokens)) != len(tokens):
        raise ValueError(f"special tokens {tokens} contain a repeated name; each needs its own id")
    return tokens


def write_json(path: str | os.PathLike[str], text: str) -> None:
    """Writes JSON text so that a reader finds either the old file or the complete new one."""
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def read_json(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Reads a JSON object. Raises ValueError with the path and, for bad JSON, the line."""
    try:
        content = json.loads(Path(path).read_bytes().decode("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{os.fspath(path)} is not a tokenizer file: {error}; save the tokenizer again") from None
    if not isinstance(content, dict):
        raise ValueError(f"{os.fspath(path)} is not a tokenizer file: it holds {type(content).__name__}, not an object")
    return content
