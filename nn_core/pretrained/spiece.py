"""SentencePiece's model files, read as protocol buffers of pieces and made into a tokenizer (F082, F181).

Only the few fields that decide the ids are read; no library is needed for it.
"""

import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import tokenizers as hf
from tokenizers import decoders, models, normalizers, pre_tokenizers

from nn_core.pretrained.tensor_files import PretrainedError

SPACE = "\u2581"
NORMAL, CONTROL, USER = 1, 3, 4  # kinds of piece
UNIGRAM, BPE = 1, 2  # kinds of model
T5_EXTRA_IDS = 100
OWN, OF_T5, OF_LLAMA = "own", "t5", "llama"  # ways to read a text


class Pieces(NamedTuple):
    """What a model file says.

    Attributes:
        pieces: (text, score, kind) in the order of the ids.
        kind: UNIGRAM or BPE.
        unknown_id: of the unknown piece.
        byte_fallback: unknown characters become their bytes.
        charsmap: the compiled normalization, or nothing.
        prefix: a space stands before each text.
        squeeze: spaces at the ends are left out, and several between words are one.
    """

    pieces: tuple[tuple[str, float, int], ...]
    kind: int
    unknown_id: int
    byte_fallback: bool
    charsmap: bytes
    prefix: bool = True
    squeeze: bool = True


def read_pieces(path: Path) -> Pieces:
    """Reads a model file.

    Raises:
        PretrainedError: it is none, or of a kind other than Unigram and BPE.
    """

    pieces, trainer, said = [], {}, dict[int, bytes | int]()
    try:
        for number, value in _fields(path.read_bytes()):
            if number == 1:
                entry = dict(_fields(_bytes(value)))
                score = struct.unpack("<f", _bytes(entry[2]))[0] if 2 in entry else 0.0
                pieces.append((_bytes(entry[1]).decode("utf-8"), score, _number(entry.get(3, NORMAL))))
            elif number == 2:
                trainer = {key: field for key, field in _fields(_bytes(value)) if isinstance(field, int)}
            elif number == 3:
                said = dict(_fields(_bytes(value)))
        charsmap, prefix, squeeze = _bytes(said.get(2, b"")), *(bool(_number(said.get(key, 1))) for key in (3, 4))
    except (OSError, ValueError, KeyError, IndexError, struct.error) as error:
        raise PretrainedError(f"{path} is not a SentencePiece model ({error}); download it again") from None
    kind = trainer.get(3, UNIGRAM)
    if not pieces or kind not in (UNIGRAM, BPE):
        raise PretrainedError(
            f"{path} has {len(pieces)} pieces of model type {kind}; only Unigram (1) and BPE (2) are read"
        )
    return Pieces(tuple(pieces), kind, trainer.get(40, 0), bool(trainer.get(35, 0)), charsmap, prefix, squeeze)


def tokenizer_of(path: Path, model_type: str, settings: Mapping[str, Any]) -> hf.Tokenizer:
    """The tokenizer of a model file, as transformers chooses: T5's and Llama's own ways, else what the file says, as for
    Mistral.

    Raises:
        PretrainedError: Llama's way and a Unigram file, of which transformers 4 and 5 make different ids.
    """
    found, way = read_pieces(path), OWN
    if model_type in ("t5", "mt5") and found.kind == UNIGRAM:
        way = OF_T5
    named = str(settings.get("tokenizer_class", "")).removesuffix("Fast")
    if named == "LlamaTokenizer" and model_type != "mistral":
        if found.kind == UNIGRAM:
            raise PretrainedError(
                f"{path} is a Unigram model and tokenizer_config.json says LlamaTokenizer, of which transformers 4 and 5 "
                "make different ids; save it as tokenizer.json, which is read first: AutoTokenizer.from_pretrained(folder)"
                ".save_pretrained(folder) in the version that the model was trained with"
            )
        way = OF_LLAMA
    legacy = settings.get("legacy")
    return make_tokenizer(found, way, way != OF_LLAMA if legacy is None else bool(legacy))


def make_tokenizer(found: Pieces, way: str = OWN, legacy: bool = True) -> hf.Tokenizer:
    """The pieces as a tokenizer, with the same ids as transformers gives.

    Args:
        found: from `read_pieces`.
        way: OWN: as the model file says itself; OF_T5: 100 extra ids stand behind the pieces, all white space is squeezed;
            OF_LLAMA: every space is kept.
        legacy: a space stands before each text between two added tokens, not before the first one only.
    """
    user = sorted((text for text, _, kind in found.pieces if kind == USER), key=len, reverse=True)
    tokenizer = hf.Tokenizer(_model(found, way, bool(user) and way == OWN))
    metaspace = pre_tokenizers.Metaspace(SPACE, "always" if legacy else "first", split=False)
    if way == OF_T5:
        metaspace = pre_tokenizers.Metaspace(SPACE, "always", split=True)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), metaspace])
        tokenizer.decoder = decoders.Metaspace(SPACE, "always", split=True)
        if found.charsmap:
            tokenizer.normalizer = normalizers.Precompiled(found.charsmap)
    elif way == OF_LLAMA:
        tokenizer.pre_tokenizer, tokenizer.decoder = metaspace, _decoder(True, True)
    else:
        tokenizer.normalizer = normalizers.Sequence(_normalizers(found, legacy))
        parts: list[Any] = [metaspace] if found.prefix else []
        if user:  # such pieces are never merged with others
            parts.append(pre_tokenizers.Split(hf.Regex("|".join(map(re.escape, user))), "isolated"))
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(parts)
        tokenizer.decoder = _decoder(found.byte_fallback, found.prefix)
    for text, _, kind in found.pieces:
        if kind == CONTROL:
            tokenizer.add_special_tokens([hf.AddedToken(text, normalized=False, special=True)])
        elif kind == USER and way != OWN:
            tokenizer.add_tokens([hf.AddedToken(text, normalized=False)])
    if way == OF_T5:
        tokenizer.add_special_tokens([f"<extra_id_{i}>" for i in range(T5_EXTRA_IDS)])
    return tokenizer


def _model(found: Pieces, way: str, whole: bool) -> Any:
    """What cuts a text into pieces; `whole`: a text that is a piece stays one."""
    vocabulary = [(text, score) for text, score, _ in found.pieces]
    if found.kind == BPE:
        ids, unknown = {text: i for i, (text, _) in enumerate(vocabulary)}, vocabulary[found.unknown_id][0]
        options = {"unk_token": unknown, "fuse_unk": True, "byte_fallback": found.byte_fallback}
        return models.BPE(ids, _merges(found), ignore_merges=whole, **options)
    if way == OF_T5:
        vocabulary += [(f"<extra_id_{i}>", 0.0) for i in range(T5_EXTRA_IDS - 1, -1, -1)]
    return models.Unigram(vocabulary, unk_id=found.unknown_id, byte_fallback=found.byte_fallback)


def _normalizers(found: Pieces, legacy: bool) -> list[Any]:
    """In SentencePiece's order. Only blanks are squeezed, not line ends."""
    parts: list[Any] = [normalizers.Precompiled(found.charsmap)] if found.charsmap else []
    if found.squeeze:
        parts += [normalizers.Replace(hf.Regex(r"\A +| +\z"), ""), normalizers.Replace(hf.Regex(" {2,}"), " ")]
    parts.append(normalizers.Replace(" ", SPACE))
    if found.prefix and legacy:  # Metaspace puts none before a text that begins with one
        parts.append(normalizers.Replace(hf.Regex(rf"\A{SPACE}"), 2 * SPACE))
    return parts


def _decoder(byte_fallback: bool, prefix: bool) -> Any:
    parts: list[Any] = [decoders.Replace(SPACE, " ")]
    parts += [decoders.ByteFallback()] if byte_fallback else []
    parts += [decoders.Fuse()] if byte_fallback or prefix else []
    parts += [decoders.Strip(" ", 1, 0)] if prefix else []
    return decoders.Sequence(parts)


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
