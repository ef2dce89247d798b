"""Trains BPE and Unigram tokenizers over raw text, plain or with SentencePiece's normalisation and byte fallback.

SentencePiece is a framework and a file format, not an algorithm beside BPE and Unigram (S31): raw Unicode in, spaces as
the visible U+2581, NFKC, and bytes for unknown characters, over either algorithm. F080, F082, F083.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import tokenizers as hf
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from nn_core.text.interface import SPECIAL_TOKENS, UNKNOWN_TOKEN
from nn_core.text.trained import TrainedTokenizer
from nn_core.text.trainers import (
    SPACE,
    check_trained_special_tokens,
    checked_texts,
    finish,
    isolate,
    make_pipeline,
)

BYTE_PIECES = tuple(f"<0x{byte:02X}>" for byte in range(256))


def _canonical_unigram(vocabulary: Sequence[Sequence[Any]], num_special: int) -> list[tuple[str, float]]:
    """The trained pieces, in an order that depends only on the text.

    The trainer gives pruned characters the scores m, m + 0.0001, m + 0.0002, ... in an order that differs from run to
    run; here that order follows their code points. Its sums differ in the last bits, so scores are rounded.
    """
    pieces = [(piece, score) for piece, score in vocabulary[num_special:]]
    lowest = min(score for _, score in pieces)
    ladder = [
        (piece, score)
        for piece, score in pieces
        if len(piece) == 1 and abs((steps := (score - lowest) / 1e-4) - round(steps)) < 1e-6
    ]
    scores = dict(zip(sorted(piece for piece, _ in ladder), sorted(score for _, score in ladder), strict=True))
    canonical = [(piece, round(scores.get(piece, score), 9)) for piece, score in pieces]
    return sorted(canonical, key=lambda item: (-item[1], item[0]))


def _with_unigram_model(tokenizer: hf.Tokenizer, special_tokens: Sequence[str], byte_fallback: bool) -> hf.Tokenizer:
    """The same tokenizer with a reproducible vocabulary, whose bytes stand only for unknown characters."""
    num_special = len(special_tokens) + (len(BYTE_PIECES) if byte_fallback else 0)
    trained = json.loads(tokenizer.to_str())["model"]["vocab"]
    pieces = _canonical_unigram(trained, num_special)
    lowest = pieces[-1][1]
    fixed = [(token, lowest - 20.0) for token in (*special_tokens, *(BYTE_PIECES if byte_fallback else ()))]
    unknown_id = special_tokens.index(UNKNOWN_TOKEN)
    tokenizer.model = models.Unigram([*fixed, *pieces], unk_id=unknown_id, byte_fallback=byte_fallback)
    return tokenizer


def _train_with_spaces(
    texts: Iterable[str | bytes],
    *,
    vocabulary_size: int,
    special_tokens: Sequence[str] = SPECIAL_TOKENS,
    lowercase: bool = False,
    min_frequency: int = 1,
    unigram: bool,
    sentencepiece: bool,
) -> TrainedTokenizer:
    """BPE or Unigram over raw text in which spaces are characters, with or without NFKC and byte fallback."""
    special_tokens = check_trained_special_tokens(special_tokens)
    fixed = [*special_tokens, *(BYTE_PIECES if sentencepiece else ())]
    steps = [
        *([normalizers.NFKC()] if sentencepiece else []),
        normalizers.Prepend(SPACE),
        normalizers.Replace(" ", SPACE),
    ]
    # A line end is a token of its own; a piece may begin with a space but not hold one.
    cuts = [*isolate([*(token[0] for token in fixed), "\n"]), pre_tokenizers.Split(SPACE, "merged_with_next")]
    decoder = decoders.Sequence(
        [
            decoders.Replace(SPACE, " "),
            *([decoders.ByteFallback()] if sentencepiece else []),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    bpe = models.BPE(unk_token=UNKNOWN_TOKEN, byte_fallback=sentencepiece)
    tokenizer = make_pipeline(models.Unigram() if unigram else bpe, steps, cuts, decoder, lowercase)
    options: dict[str, Any] = {"vocab_size": vocabulary_size, "special_tokens": fixed, "show_progress": False}
    if unigram:
        tokenizer.train_from_iterator(checked_texts(texts), trainers.UnigramTrainer(unk_token=UNKNOWN_TOKEN, **options))
        tokenizer = _with_unigram_model(tokenizer, special_tokens, sentencepiece)
    else:
        tokenizer.train_from_iterator(checked_texts(texts), trainers.BpeTrainer(min_frequency=min_frequency, **options))
    content = json.loads(tokenizer.to_str())
    content["added_tokens"] = [token for token in content["added_tokens"] if token["content"] in special_tokens]
    return finish(hf.Tokenizer.from_str(json.dumps(content)), special_tokens, vocabulary_size)


def train_bpe(texts: Iterable[str | bytes], **options: Any) -> TrainedTokenizer:
    """Byte-pair encoding over characters: repeatedly merges the most frequent adjacent pair (S31b).

    Arguments as for `train_words`; min_frequency is that of a pair.
    """
    return _train_with_spaces(texts, unigram=False, sentencepiece=False, **options)


def train_unigram(texts: Iterable[str | bytes], **options: Any) -> TrainedTokenizer:
    """Unigram language model: EM over piece probabilities, the most probable segmentation (Kudo 2018).

    Arguments as for `train_words`, except that min_frequency has no effect.
    """
    return _train_with_spaces(texts, unigram=True, sentencepiece=False, **options)


def train_sentencepiece(texts: Iterable[str | bytes], **options: Any) -> TrainedTokenizer:
    """SentencePiece's behaviour over Unigram (S31: a framework, not an algorithm). Arguments as for `train_unigram`."""
    return _train_with_spaces(texts, unigram=True, sentencepiece=True, **options)


def train_sentencepiece_bpe(texts: Iterable[str | bytes], **options: Any) -> TrainedTokenizer:
    """SentencePiece's behaviour over BPE. Arguments as for `train_bpe`."""
    return _train_with_spaces(texts, unigram=False, sentencepiece=True, **options)
