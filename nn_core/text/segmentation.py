"""The segmentations that a Unigram tokenizer weighs: the n most probable, and draws for subword regularization (F082).

A segmentation x = (x_1 .. x_m) of a text has log p(x) = sum of the scores of its pieces. The tokenizer takes the most
probable one. `best_segmentations` lists the n best; `sample_segmentation` draws with probability p(x)^alpha / Z over
all of them (Kudo 2018), by summing forwards over the lattice and drawing backwards.
"""

import heapq
import json
import math
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import tokenizers as hf

from nn_core.text.interface import clean_text
from nn_core.text.trained import TrainedTokenizer

UNKNOWN_PENALTY = 10.0  # an unknown character scores this much less than the rarest piece, as in SentencePiece


class Segmentation(NamedTuple):
    """One way to cut a text.

    Attributes:
        tokens: the pieces in the vocabulary's spelling.
        log_prob: the sum of their scores.
    """

    tokens: tuple[str, ...]
    log_prob: float


class Pieces(NamedTuple):
    """What a Unigram model knows.

    Attributes:
        scores: piece -> log-probability.
        longest: characters of the longest piece.
        unknown: the token for a character that no piece holds; None where it is spelt in bytes.
        unknown_score: what such a character scores.
    """

    scores: Mapping[str, float]
    longest: int
    unknown: str | None
    unknown_score: float


@lru_cache(maxsize=8)
def pieces_of(tokenizer: TrainedTokenizer) -> Pieces:
    """The pieces of a tokenizer.

    Raises:
        ValueError: it is not a Unigram model; only those have more than one segmentation of a text.
    """
    content = json.loads(tokenizer.json_text)
    model = content["model"]
    if model["type"] != "Unigram":
        raise ValueError(f"a {model['type']} tokenizer has one segmentation of a text; use unigram or sentencepiece")
    special = {token["content"] for token in content["added_tokens"]}
    scores = {
        piece: score
        for piece, score in model["vocab"]
        if piece not in special and not (model.get("byte_fallback") and is_byte(piece))
    }
    unknown = None if model.get("byte_fallback") else model["vocab"][model["unk_id"]][0]
    return Pieces(scores, max(map(len, scores)), unknown, min(scores.values()) - UNKNOWN_PENALTY)


def is_byte(piece: str) -> bool:
    """Whether a piece stands for a byte: <0x41>."""
    return len(piece) == 6 and piece.startswith("<0x") and piece.endswith(">")


def is_unigram(tokenizer: object) -> bool:
    """Whether a tokenizer is a Unigram model."""
    return isinstance(tokenizer, TrainedTokenizer) and json.loads(tokenizer.json_text)["model"]["type"] == "Unigram"


@lru_cache(maxsize=8)
def pipeline_of(tokenizer: TrainedTokenizer) -> hf.Tokenizer:
    """The tokenizer with its normalizer and its splitter."""
    return hf.Tokenizer.from_str(tokenizer.json_text)


def words_of(tokenizer: TrainedTokenizer, text: str) -> list[str]:
    """The parts of a text, normalized and split by the tokenizer, that are segmented separately."""
    whole = pipeline_of(tokenizer)
    normalized = whole.normalizer.normalize_str(clean_text(text)) if whole.normalizer else clean_text(text)
    return [word for word, _ in whole.pre_tokenizer.pre_tokenize_str(normalized)]


def edges_to(pieces: Pieces, word: str, end: int) -> list[tuple[int, tuple[str, ...], float]]:
    """(start, tokens, score) of every piece of a word that ends at a given place."""
    edges: list[tuple[int, tuple[str, ...], float]] = [
        (start, (word[start:end],), pieces.scores[word[start:end]])
        for start in range(max(0, end - pieces.longest), end)
        if word[start:end] in pieces.scores
    ]
    if word[end - 1] not in pieces.scores:
        known = pieces.unknown
        spelt = tuple(f"<0x{byte:02X}>" for byte in word[end - 1].encode()) if known is None else (known,)
        edges.append((end - 1, spelt, pieces.unknown_score))
    return edges


def best_segmentations(tokenizer: TrainedTokenizer, text: str, number: int) -> list[Segmentation]:
    """The most probable segmentations of a text, best first.

    Args:
        tokenizer: unigram or sentencepiece.
        text: any text.
        number: how many, >= 1; fewer are returned if there are fewer.
    Raises:
        ValueError: another tokenizer, or a number below 1.
    """
    if number < 1:
        raise ValueError(f"number={number} must be at least 1")
    pieces = pieces_of(tokenizer)
    best = [Segmentation((), 0.0)]
    for word in words_of(tokenizer, text):
        ends: list[list[Segmentation]] = [[Segmentation((), 0.0)]]
        for end in range(1, len(word) + 1):
            longer = [
                Segmentation(before.tokens + tokens, before.log_prob + score)
                for start, tokens, score in edges_to(pieces, word, end)
                for before in ends[start]
            ]
            ends.append(heapq.nlargest(number, longer, key=lambda one: one.log_prob))
        both = [Segmentation(a.tokens + b.tokens, a.log_prob + b.log_prob) for a in best for b in ends[-1]]
        best = heapq.nlargest(number, both, key=lambda one: one.log_prob)
    return best


def sample_segmentation(
    tokenizer: TrainedTokenizer, text: str, alpha: float, generator: np.random.Generator
) -> Segmentation:
    """A segmentation drawn with probability p(x)^alpha / Z.

    Args:
        tokenizer: unigram or sentencepiece.
        text: any text.
        alpha: >= 0. With 0 all are equally likely; a large value picks the best.
        generator: of the random numbers.
    Raises:
        ValueError: another tokenizer, or an alpha that is negative or not finite.
    """
    if not 0 <= alpha < math.inf:
        raise ValueError(f"alpha={alpha} must be 0 or more, and finite; 0.1 is usual")
    pieces = pieces_of(tokenizer)
    tokens: tuple[str, ...] = ()
    total = 0.0
    for word in words_of(tokenizer, text):
        edges = [edges_to(pieces, word, end) for end in range(1, len(word) + 1)]
        sums = [0.0]  # log of the summed p^alpha of all ways to a place
        for ending in edges:
            sums.append(float(np.logaddexp.reduce([sums[start] + alpha * score for start, _, score in ending])))
        drawn: tuple[str, ...] = ()
        end = len(word)
        while end:
            ways = edges[end - 1]
            logs_E = np.array([sums[start] + alpha * score for start, _, score in ways]) - sums[end]
            shares_E = np.exp(logs_E)
            start, part, score = ways[generator.choice(len(ways), p=shares_E / shares_E.sum())]
            drawn, total, end = part + drawn, total + score, start
        tokens += drawn
    return Segmentation(tokens, total)
