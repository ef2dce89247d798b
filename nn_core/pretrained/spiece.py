"""SentencePiece's model files, read as protocol buffers of pieces and made into a tokenizer (F082, F181).

Only the few fields that decide the ids are read; no library is needed for it.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import tokenizers as hf
from tokenizers import decoders, models, normalizers, pre_tokenizers

from nn_core.pretrained.tensor_files import PretrainedError

SPACE = "\u2581"
NORMAL, CONTROL, USER = 1, 3, 4  # kinds of piece
UNIGRAM, BPE = 1, 2  # kinds of model
T5_EXTRA_IDS = 100


class Pieces(NamedTuple):
    """What a model file says.

    Attributes:
        pieces: (text, score, kind) in the order of the ids.
        kind: UNIGRAM or BPE.
        unknown_id: of the unknown piece.
        byte_fallback: unknown characters become their bytes.
        charsmap: the compiled normalization, or nothing.
    """

    pieces: tuple[tuple[str, float, int], ...]
    kind: int
    unknown_id: int
    byte_fallback: bool
    charsmap: bytes


def read_pieces(path: Path) -> Pieces:
    """Reads a model file.

    Raises:
        PretrainedError: it is none, or of a kind other than Unigram and BPE.
    """

    pieces, trainer, charsmap = [], {}, b""
    try:
        for number, value in _fields(path.read_bytes()):
            if number == 1:
                entry = dict(_fields(_bytes(value)))
                score = struct.unpack("<f", _bytes(entry[2]))[0] if 2 in entry else 0.0
                pieces.append((_bytes(entry[1]).decode("utf-8"), score, _number(entry.get(3, NORMAL))))
            elif number == 2:
                trainer = {key: field for key, field in _fields(_bytes(value)) if isinstance(field, int)}
            elif number == 3:
                charsmap = _bytes(dict(_fields(_bytes(value))).get(2, b""))
    except (OSError, ValueError, KeyError, IndexError, struct.error) as error:
        raise PretrainedError(f"{path} is not a SentencePiece model ({error}); download it again") from None
    kind = trainer.get(3, UNIGRAM)
    if not pieces or kind not in (UNIGRAM, BPE):
        raise PretrainedError(
            f"{path} has {len(pieces)} pieces of model type {kind}; only Unigram (1) and BPE (2) are read"
        )
    return Pieces(tuple(pieces), kind, trainer.get(40, 0), bool(trainer.get(35, 0)), charsmap)


def make_tokenizer(found: Pieces, t5: bool) -> hf.Tokenizer:
    """The pieces as a tokenizer, with the same ids as transformers gives.

    Args:
        found: from `read_pieces`.
        t5: 100 extra ids stand behind the pieces, spaces are squeezed.
    """
    normalizer = normalizers.Precompiled(found.charsmap) if found.charsmap else None
    vocabulary = [(text, score) for text, score, _ in found.pieces]
    if found.kind == UNIGRAM:
        if t5:
            vocabulary += [(f"<extra_id_{i}>", 0.0) for i in range(T5_EXTRA_IDS - 1, -1, -1)]
        tokenizer = hf.Tokenizer(models.Unigram(vocabulary, unk_id=found.unknown_id, byte_fallback=found.byte_fallback))
        metaspace = pre_tokenizers.Metaspace(SPACE, "always", split=True)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), metaspace])
        tokenizer.decoder = decoders.Metaspace(SPACE, "always", split=True)
    else:
        ids = {text: i for i, (text, _) in enumerate(vocabulary)}
        unknown = vocabulary[found.unknown_id][0]
        model = models.BPE(ids, _merges(found), unk_token=unknown, fuse_unk=True, byte_fallback=found.byte_fallback)
        tokenizer = hf.Tokenizer(model)
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(SPACE, "first", split=False)
        parts = [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
        tokenizer.decoder = decoders.Sequence(parts)
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    for text, _, kind in found.pieces:
        if kind in (CONTROL, USER):
            added = hf.AddedToken(text, normalized=False, special=kind == CONTROL)
            (tokenizer.add_special_tokens if kind == CONTROL else tokenizer.add_tokens)([added])
    if t5 and found.kind == UNIGRAM:
        tokenizer.add_special_tokens([f"<extra_id_{i}>" for i in range(T5_EXTRA_IDS)])
    return tokenizer


def _merges(found: Pieces) -> list[tuple[str, str]]:
    """A piece is made of two others; better pieces are made first."""
    normal = {text: (-score, i) for i, (text, score, kind) in enumerate(found.pieces) if kind == NORMAL}
    ranked = [
        (*rank, text[:cut], text[cut:])
        for text, rank in normal.items()
        for cut in range(1, len(text))
        if text[:cut] in normal and text[cut:] in normal
    ]
    return [(left, right) for _, _, left, right in sorted(ranked)]


def _fields(data: bytes) -> Iterator[tuple[int, bytes | int]]:
    """The fields of a message: (number, whole number, or bytes of what is longer)."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        wire = key & 7
        value: bytes | int
        if wire == 0:
            value, place = _varint(data, place)
        else:
            size = {1: 8, 5: 4}.get(wire)
            if wire == 2:
                size, place = _varint(data, place)
            if size is None or place + size > len(data):
                raise ValueError("a field that does not end")
            value, place = data[place : place + size], place + size
        yield key >> 3, value


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
    raise ValueError("a number that does not end")


def _bytes(value: bytes | int) -> bytes:
    if isinstance(value, int):
        raise ValueError("a number where bytes should be")
    return value


def _number(value: bytes | int) -> int:
    if not isinstance(value, int):
        raise ValueError("bytes where a number should be")
    return value
