"""The tokenizer of a folder: what the model is fed, special tokens included, and where each token stands (F181)."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import tokenizers as hf

from nn_core.text.interface import Encoding, check_ids, clean_text, write_json


class Fed(NamedTuple):
    """A text, or a pair, as a model is fed it.

    Attributes:
        ids: tokens, special ones included.
        segments: 0, or 1 for the second text.
        offsets: (start, end) in the text that a token comes from; (0, 0) for special ones.
        texts: 0 or 1: which text a token comes from; None for special ones.
        words: the number of a token's word in its text; None for special ones.
    """

    ids: list[int]
    segments: list[int]
    offsets: list[tuple[int, int]]
    texts: list[int | None]
    words: list[int | None]


def part(fed: Fed, places: Sequence[int]) -> Fed:
    """Some of the tokens, in this order."""
    return Fed(
        [fed.ids[i] for i in places],
        [fed.segments[i] for i in places],
        [fed.offsets[i] for i in places],
        [fed.texts[i] for i in places],
        [fed.words[i] for i in places],
    )


@dataclass(frozen=True, eq=False)
class FolderTokenizer:
    """A tokenizer as `nn_core.text.interface.Tokenizer`, and what pipelines need beside it.

    Two are equal if their tokenizer.json, special tokens, template and length are.

    Attributes:
        backend: the library's tokenizer.
        special: "bos_token", "eos_token", "mask_token" and the like -> its text.
        chat_template: Jinja text, or None.
        longest: most tokens that the model was made for, or None.
    """

    backend: hf.Tokenizer = field(repr=False)
    special: Mapping[str, str]
    chat_template: str | None = None
    longest: int | None = None

    def _told(self) -> tuple[Any, ...]:
        return self.backend.to_str(), dict(self.special), self.chat_template, self.longest

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, FolderTokenizer) and self._told() == other._told())

    def __hash__(self) -> int:
        return hash((self.chat_template, self.longest, *sorted(self.special.items())))

    @property
    def vocabulary_size(self) -> int:
        return max(self.backend.get_vocab().values()) + 1

    @property
    def special_ids(self) -> Mapping[str, int]:
        added = self.backend.get_added_tokens_decoder()
        return {token.content: index for index, token in sorted(added.items()) if token.special}

    def special_id(self, name: str) -> int | None:
        """The id of "eos_token" and the like, or None."""
        return self.backend.token_to_id(self.special[name]) if name in self.special else None

    @cached_property
    def characters(self) -> str | None:
        """The only characters that texts may have besides special tokens, where all others are left out without a word;
        None: any. Such are vocabularies of characters that have no token for what is unknown."""
        model, special = self.backend.model, set(self.special_ids)
        if not isinstance(model, hf.models.BPE) or model.unk_token is not None or model.byte_fallback:
            return None
        if isinstance(self.backend.pre_tokenizer, hf.pre_tokenizers.ByteLevel):
            return None
        spellings = [text for text in self.backend.get_vocab() if text not in special]
        return None if any(len(text) > 1 for text in spellings) else "".join(sorted(spellings))

    def feed(self, text: str, pair: str | None = None, *, add_special: bool = True) -> Fed:
        """What the model reads: special tokens in the text are special, and those that the model wants are added."""
        second = None if pair is None else clean_text(pair)
        found = self.backend.encode(clean_text(text), second, add_special_tokens=add_special)
        marks = zip(found.sequence_ids, found.special_tokens_mask, strict=True)
        sources = [None if special and add_special else source for source, special in marks]
        return Fed(found.ids, found.type_ids, found.offsets, sources, found.word_ids)

    def _encode(self, text: str | bytes, allow_special: bool) -> hf.Encoding:
        self.backend.encode_special_tokens = not allow_special
        try:
            return self.backend.encode(clean_text(text), add_special_tokens=False)
        finally:
            self.backend.encode_special_tokens = False

    def encode(self, text: str | bytes, *, allow_special: bool = False) -> np.ndarray:
        """Text to int32 ids (N,), nothing added."""
        return np.array(self._encode(text, allow_special).ids, np.int32).reshape(-1)

    def encode_with_offsets(self, text: str | bytes, *, allow_special: bool = False) -> Encoding:
        """The ids and, for each, its (start, end)."""
        found = self._encode(text, allow_special)
        return Encoding(np.array(found.ids, np.int32).reshape(-1), np.array(found.offsets, np.int32).reshape(-1, 2))

    def decode(self, ids: Sequence[int] | np.ndarray, *, skip_special: bool = True) -> str:
        """The text of the ids; ids beyond the tokenizer's vocabulary, which a model may have, give no text."""
        ids_N = check_ids(ids, 2**31)
        ids_N = ids_N[ids_N < self.vocabulary_size]
        return self.backend.decode(ids_N.tolist(), skip_special_tokens=skip_special)

    def tokens(self, ids: Sequence[int] | np.ndarray) -> list[str]:
        """The vocabulary's spelling of each id."""
        return [str(self.backend.id_to_token(index)) for index in check_ids(ids, self.vocabulary_size).tolist()]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a tokenizer.json."""
        write_json(path, self.backend.to_str())


def texts_of(special: Mapping[str, Any]) -> dict[str, str]:
    """Special tokens as text: they are kept as strings, or as objects with their content."""
    found = {}
    for name, value in special.items():
        text = value.get("content") if isinstance(value, Mapping) else value
        if name.endswith("_token") and isinstance(text, str):
            found[name] = text
    return found
