"""Character tokenizer: one id per Unicode character, spaces and line ends included (F079)."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from nn_core.text.interface import (
    UNKNOWN_TOKEN,
    Encoding,
    check_ids,
    check_special_tokens,
    clean_text,
    read_json,
    write_json,
)

FORMAT = "nn_core.characters.1"
UNKNOWN_POLICIES = ("error", "unk", "drop")


def _code_points(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le"), dtype="<u4").astype(np.int64)


@dataclass(frozen=True)
class CharacterTokenizer:
    """Ids are the special tokens in their given order, then the characters in theirs.

    Attributes:
        characters: the vocabulary, each character once; the place in this string plus len(special_tokens) is the id.
        special_tokens: names with ids that no text can produce, unless encode(..., allow_special=True).
        unknown: what encode does with a character outside the vocabulary: "error" raises, "unk" gives the id of "[UNK]"
            (which must be a special token), "drop" leaves the character out.
    """

    characters: str
    special_tokens: tuple[str, ...] = ()
    unknown: str = "error"

    def __post_init__(self) -> None:
        check_special_tokens(self.special_tokens)
        if not isinstance(self.characters, str) or clean_text(self.characters) != self.characters:
            raise ValueError("characters hold a lone surrogate, which no text file can hold; train on cleaned text")
        if len(set(self.characters)) != len(self.characters):
            twice = next(one for one in self.characters if self.characters.count(one) > 1)
            raise ValueError(f"characters repeat {twice!r}; each needs its own id")
        if self.unknown not in UNKNOWN_POLICIES:
            raise ValueError(f"unknown={self.unknown!r} is not a policy; use one of {', '.join(UNKNOWN_POLICIES)}")
        if self.unknown == "unk" and UNKNOWN_TOKEN not in self.special_tokens:
            raise ValueError(f"unknown='unk' needs {UNKNOWN_TOKEN!r} in special_tokens={self.special_tokens}; add it")
        if self.vocabulary_size == 0:
            raise ValueError("the vocabulary is empty; train on text with at least one character")

    @property
    def vocabulary_size(self) -> int:
        return len(self.special_tokens) + len(self.characters)

    @property
    def special_ids(self) -> Mapping[str, int]:
        return {token: index for index, token in enumerate(self.special_tokens)}

    @cached_property
    def _lookup(self) -> tuple[np.ndarray, np.ndarray]:
        points_V = _code_points(self.characters)
        order_V = np.argsort(points_V)
        return points_V[order_V], (order_V + len(self.special_tokens)).astype(np.int32)

    @cached_property
    def _spellings(self) -> np.ndarray:
        return np.array([*self.special_tokens, *self.characters], dtype=object)

    def _encode_plain(self, text: str, start: int) -> Encoding:
        """Encodes text without special tokens; `start` is its place in the whole text."""
        points_N = _code_points(text)
        starts_N = np.arange(start, start + len(points_N), dtype=np.int32)
        sorted_V, ids_V = self._lookup
        if len(sorted_V):
            place_N = np.minimum(np.searchsorted(sorted_V, points_N), len(sorted_V) - 1)
            known_N = sorted_V[place_N] == points_N
            ids_N = ids_V[place_N]
        else:
            known_N, ids_N = np.zeros(len(points_N), bool), np.zeros(len(points_N), np.int32)
        if not known_N.all():
            if self.unknown == "error":
                place = int(np.argmin(known_N))
                raise ValueError(
                    f"character {text[place]!r} at position {start + place} is not in the vocabulary of "
                    f"{len(self.characters)} characters; train on text that holds it, or choose unknown='unk' or 'drop'"
                )
            if self.unknown == "unk":
                ids_N = np.where(known_N, ids_N, np.int32(self.special_ids[UNKNOWN_TOKEN]))
            else:
                ids_N, starts_N = ids_N[known_N], starts_N[known_N]
        return Encoding(ids_N, np.stack([starts_N, starts_N + 1], axis=-1))

    def encode_with_offsets(self, text: str | bytes, *, allow_special: bool = False) -> Encoding:
        """Returns the ids and, for each, its (start, end) in `clean_text(text)`. Raises as `encode` does."""
        text = clean_text(text)
        if not allow_special or not self.special_tokens:
            return self._encode_plain(text, 0)
        longest_first = sorted(self.special_tokens, key=len, reverse=True)
        parts, position = [], 0
        for match in re.finditer("|".join(re.escape(token) for token in longest_first), text):
            parts.append(self._encode_plain(text[position : match.start()], position))
            ids_1 = np.array([self.special_ids[match.group()]], np.int32)
            parts.append(Encoding(ids_1, np.array([match.span()], np.int32)))
            position = match.end()
        parts.append(self._encode_plain(text[position:], position))
        return Encoding(np.concatenate([p.ids_N for p in parts]), np.concatenate([p.offsets_N2 for p in parts]))

    def encode(self, text: str | bytes, *, allow_special: bool = False) -> np.ndarray:
        """Returns the text's ids.

        Args:
            text: str or UTF-8 bytes; see `clean_text` for what is invalid Unicode.
            allow_special: read "[MASK]" and its like in the text as special tokens, not as plain characters.
        Returns:
            int32 ids of shape (N,), one for each character unless it is dropped or part of a special token.
        Raises:
            ValueError: for a character outside the vocabulary when unknown="error".
        """
        return self.encode_with_offsets(text, allow_special=allow_special).ids_N

    def decode(self, ids: Sequence[int] | np.ndarray, *, skip_special: bool = True) -> str:
        """Returns the ids' text; decode(encode(x)) == clean_text(x) if every character is known.

        Args:
            ids: integers of shape (N,), each 0 <= id < vocabulary_size.
            skip_special: leave out special tokens, "[UNK]" included; otherwise they are spelled.
        Raises:
            ValueError: for an id out of range.
        """
        ids_N = check_ids(ids, self.vocabulary_size)
        if skip_special:
            ids_N = ids_N[ids_N >= len(self.special_tokens)]
        return "".join(self._spellings[ids_N])

    def tokens(self, ids: Sequence[int] | np.ndarray) -> list[str]:
        """Returns the spelling of each id, special tokens included. Raises ValueError for an id out of range."""
        return list(self._spellings[check_ids(ids, self.vocabulary_size)])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the tokenizer as one JSON file, ASCII only, so that no editor or file system changes a character."""
        content = {
            "format": FORMAT,
            "characters": self.characters,
            "special_tokens": list(self.special_tokens),
            "unknown": self.unknown,
        }
        write_json(path, json.dumps(content, indent=1))


def train_characters(
    texts: Iterable[str | bytes], *, special_tokens: Sequence[str] = (), unknown: str = "error"
) -> CharacterTokenizer:
    """Makes the tokenizer of all characters in `texts`, sorted by code point.

    Args:
        texts: the training texts; one str counts as one text.
        special_tokens: names that get the ids 0, 1, ... in this order.
        unknown: "error", "unk" or "drop"; see CharacterTokenizer.
    Raises:
        ValueError: if there are neither characters nor special tokens, or for an unknown policy.
    """
    found: set[str] = set()
    for text in [texts] if isinstance(texts, (str, bytes)) else texts:
        found.update(clean_text(text))
    return CharacterTokenizer("".join(sorted(found)), tuple(special_tokens), unknown)


def characters_from_json(content: Mapping[str, Any]) -> CharacterTokenizer:
    """Makes a tokenizer from the content of its file. Raises ValueError if an entry is missing or wrong."""
    if content.get("format") != FORMAT:
        raise ValueError(f"format={content.get('format')!r} is not {FORMAT!r}; save the tokenizer again")
    characters, special_tokens, unknown = (content.get(key) for key in ("characters", "special_tokens", "unknown"))
    if not isinstance(characters, str) or not isinstance(special_tokens, list) or not isinstance(unknown, str):
        raise ValueError("the file needs 'characters' (str), 'special_tokens' (list) and 'unknown' (str)")
    return CharacterTokenizer(characters, tuple(special_tokens), unknown)


def load_characters(path: str | os.PathLike[str]) -> CharacterTokenizer:
    """Reads what `save` wrote. Raises ValueError with the path for anything else."""
    content = read_json(path)
    try:
        return characters_from_json(content)
    except ValueError as error:
        raise ValueError(f"{os.fspath(path)}: {error}") from None
