"""A tokenizer made of a Hugging Face tokenizer.json, behind the project's interface."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import tokenizers as hf

from nn_core.text.interface import UNKNOWN_TOKEN, Encoding, check_ids, clean_text, write_json

# First match wins. The part before an "@" has a length limit, so that no text takes quadratic time.
WORD_PATTERN = (
    r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]"
    r"|[\w.+-]{1,64}@\w[\w-]*(?:\.\w[\w-]*)+"
    r"|\d+(?:[.,:/-]\d+)*"
    r"|\w+(?:['\u2019-]\w+)*"
    r"|[^\w\s]"
)

# What a tokenizer file may hold. Not allowed: patterns of its own (a regular expression can take exponential time) and
# binary character maps.
_COMPONENTS = {
    "normalizer": (
        "Sequence",
        "Lowercase",
        "NFC",
        "NFD",
        "NFKC",
        "NFKD",
        "Replace",
        "Prepend",
        "BertNormalizer",
        "Nmt",
    ),
    "pre_tokenizer": (
        *("Sequence", "Split", "ByteLevel", "Metaspace", "BertPreTokenizer", "Whitespace", "WhitespaceSplit"),
        *("Punctuation", "Digits"),
    ),
    "decoder": (
        "Sequence",
        "ByteLevel",
        "WordPiece",
        "Metaspace",
        "BPEDecoder",
        "Replace",
        "ByteFallback",
        "Fuse",
        "Strip",
    ),
    "model": ("WordLevel", "BPE", "WordPiece", "Unigram"),
}
_LISTS = ("normalizers", "pretokenizers", "decoders")


def _components(part: Any) -> Iterator[Mapping[str, Any]]:
    """The component and, if it is a sequence, all of its parts."""
    if not isinstance(part, dict):
        raise ValueError(f"a component is {type(part).__name__}, not an object; save the tokenizer again")
    yield part
    for name in _LISTS:
        for inner in part.get(name, ()):
            yield from _components(inner)


def _check_content(content: Mapping[str, Any]) -> None:
    """Raises ValueError for a file with anything but the known components."""
    for name, allowed in _COMPONENTS.items():
        if content.get(name) is None and name != "model":
            continue
        for part in _components(content.get(name)):
            if part.get("type") not in allowed:
                raise ValueError(f"{name} {part.get('type')!r} is not allowed; use one of {', '.join(allowed)}")
            pattern = part.get("pattern", {"String": ""})
            if not isinstance(pattern, dict) or not (
                isinstance(pattern.get("String"), str) or pattern.get("Regex") == WORD_PATTERN
            ):
                raise ValueError(f"{name} has the pattern {pattern!r}; only plain strings are read from a file")


@dataclass(frozen=True)
class TrainedTokenizer:
    """A trained tokenizer; its whole state is the text of its tokenizer.json, so equal texts mean equal tokenizers.

    Attributes:
        json_text: the content of a tokenizer.json.
    Raises:
        ValueError: if the text is not a tokenizer, or holds a component that is not allowed (`_COMPONENTS`).
    """

    json_text: str = field(repr=False)

    def __post_init__(self) -> None:
        try:
            content = json.loads(self.json_text)
        except (json.JSONDecodeError, RecursionError) as error:
            raise ValueError(f"not a tokenizer: {error}; save the tokenizer again") from None
        if not isinstance(content, dict):
            raise ValueError(
                f"not a tokenizer: {type(content).__name__} instead of an object; save the tokenizer again"
            )
        _check_content(content)
        object.__setattr__(self, "json_text", json.dumps(content, ensure_ascii=False))  # one spelling for equal content
        size = self._plain.get_vocab_size()
        if size == 0 or sorted(self._plain.get_vocab().values()) != list(range(size)):
            raise ValueError(f"the ids of the {size} tokens are not 0..{size - 1}; save the tokenizer again")

    def _make(self, split_special_tokens: bool) -> hf.Tokenizer:
        try:
            tokenizer = hf.Tokenizer.from_str(self.json_text)
        except Exception as error:  # the library raises bare Exception
            raise ValueError(f"not a tokenizer: {str(error).splitlines()[0]}; save the tokenizer again") from None
        tokenizer.no_truncation()
        tokenizer.no_padding()
        tokenizer.encode_special_tokens = split_special_tokens
        return tokenizer

    @cached_property
    def _plain(self) -> hf.Tokenizer:
        return self._make(split_special_tokens=True)

    @cached_property
    def _special(self) -> hf.Tokenizer:
        return self._make(split_special_tokens=False)

    @cached_property
    def vocabulary_size(self) -> int:
        return self._plain.get_vocab_size()

    @cached_property
    def special_ids(self) -> Mapping[str, int]:
        added = self._plain.get_added_tokens_decoder()
        return {token.content: index for index, token in sorted(added.items()) if token.special}

    def _encode(self, text: str | bytes, allow_special: bool) -> hf.Encoding:
        text = clean_text(text)
        try:
            return (self._special if allow_special else self._plain).encode(text, add_special_tokens=False)
        except Exception as error:  # a file without an unknown token is found out here
            raise ValueError(
                f"text {text[:20]!r} cannot be encoded: {error}; train a tokenizer on text like it"
            ) from None

    def encode_with_offsets(self, text: str | bytes, *, allow_special: bool = False) -> Encoding:
        """Returns the ids and, for each, its (start, end) in `clean_text(text)`."""
        encoding = self._encode(text, allow_special)
        ids_N = np.array(encoding.ids, np.int32).reshape(-1)
        return Encoding(ids_N, np.array(encoding.offsets, np.int32).reshape(-1, 2))

    def encode(self, text: str | bytes, *, allow_special: bool = False) -> np.ndarray:
        """Returns int32 ids of shape (N,); see the interface. Unknown pieces get the id of "[UNK]"."""
        return np.array(self._encode(text, allow_special).ids, np.int32).reshape(-1)

    @cached_property
    def _blank_is_prepended(self) -> bool:
        """Whether encoding puts a blank before the text, and before what follows a special token."""
        normalizer = json.loads(self.json_text).get("normalizer")
        return normalizer is not None and any(part.get("type") == "Prepend" for part in _components(normalizer))

    def decode(self, ids: Sequence[int] | np.ndarray, *, skip_special: bool = True) -> str:
        """Returns the text of the ids; special tokens of a text that was encoded with allow_special change no blank.

        If encoding prepends a blank, it also does so after each special token (but not after "[UNK]", which stands for a
        piece of the text). So each part is decoded separately.

        Raises:
            ValueError: an id out of range.
        """
        ids_N = check_ids(ids, self.vocabulary_size)
        if not self._blank_is_prepended:
            return self._plain.decode(ids_N.tolist(), skip_special_tokens=skip_special)
        cuts = [number for token, number in self.special_ids.items() if token != UNKNOWN_TOKEN]
        text, part = "", list[int]()
        for number in [*ids_N.tolist(), None]:
            if number is not None and number not in cuts:
                part.append(number)
                continue
            text += self._plain.decode(part, skip_special_tokens=skip_special)
            text += "" if number is None or skip_special else str(self._plain.id_to_token(number))
            part = []
        return text

    def tokens(self, ids: Sequence[int] | np.ndarray) -> list[str]:
        """Returns the vocabulary's spelling of each id. Raises ValueError for an id out of range."""
        return [str(self._plain.id_to_token(index)) for index in check_ids(ids, self.vocabulary_size).tolist()]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the tokenizer.json, which Hugging Face's `tokenizers` reads as well."""
        write_json(path, self.json_text)
