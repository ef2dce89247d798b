"""Learns a WordPiece vocabulary by likelihood (F081; Schuster and Nakajima 2012).

Hugging Face's own WordPiece trainer merges by frequency, as BPE does. The merge that raises the likelihood of a unigram
model of the text the most is the pair with the greatest

    score(a, b) = frequency(ab) / (frequency(a) · frequency(b)),

so two pieces are joined if they occur together more often than their own frequencies explain.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np

CONTINUATION = "##"


class _Merger:
    """Words as lists of piece ids; the frequencies of all pairs and pieces are kept up to date."""

    def __init__(self, word_counts: Mapping[str, int]) -> None:
        self.pieces: list[str] = []
        self.piece_ids: dict[str, int] = {}
        self.counts = list(word_counts.values())
        self.words = [
            [self.piece_id(letter if place == 0 else CONTINUATION + letter) for place, letter in enumerate(word)]
            for word in word_counts
        ]
        self.pair_ids: dict[tuple[int, int], int] = {}
        self.words_of_pair: dict[int, set[int]] = defaultdict(set)
        self.piece_frequency = np.zeros(max(1, len(self.pieces)))
        self.pair_frequency = np.zeros(1)
        self.pair_members = np.zeros((1, 2), np.int64)
        for index in range(len(self.words)):
            self.count_word(index, 1)

    def piece_id(self, piece: str) -> int:
        if piece not in self.piece_ids:
            self.piece_ids[piece] = len(self.pieces)
            self.pieces.append(piece)
        return self.piece_ids[piece]

    def pair_id(self, pair: tuple[int, int]) -> int:
        if pair not in self.pair_ids:
            self.pair_ids[pair] = len(self.pair_ids)
            if len(self.pair_ids) > len(self.pair_frequency):
                self.pair_frequency = np.concatenate([self.pair_frequency, np.zeros_like(self.pair_frequency)])
                self.pair_members = np.concatenate([self.pair_members, np.zeros_like(self.pair_members)])
            self.pair_members[self.pair_ids[pair]] = pair
        return self.pair_ids[pair]

    def count_word(self, index: int, sign: int) -> None:
        """Adds (sign=1) or removes (sign=-1) the pieces and pairs of one word."""
        word, count = self.words[index], sign * self.counts[index]
        for piece in word:
            self.piece_frequency[piece] += count
        for pair in zip(word, word[1:], strict=False):
            pair_id = self.pair_id(pair)
            self.pair_frequency[pair_id] += count
            self.words_of_pair[pair_id].add(index)

    def best_pair(self, min_frequency: int) -> int | None:
        """The pair with the greatest score, the first of equal ones. None if no pair is frequent enough."""
        size = len(self.pair_ids)
        frequency, members = self.pair_frequency[:size], self.pair_members[:size]
        if not np.any(frequency >= min_frequency):
            return None
        # A pair that no longer occurs may have a member of frequency 0; its score is ignored.
        product = np.maximum(self.piece_frequency[members[:, 0]] * self.piece_frequency[members[:, 1]], 1.0)
        return int(np.argmax(np.where(frequency >= min_frequency, frequency / product, -1.0)))

    def merge(self, pair_id: int) -> None:
        left, right = (int(member) for member in self.pair_members[pair_id])
        joined = self.piece_id(self.pieces[left] + self.pieces[right].removeprefix(CONTINUATION))
        if len(self.pieces) > len(self.piece_frequency):
            self.piece_frequency = np.concatenate([self.piece_frequency, np.zeros_like(self.piece_frequency)])
        for index in sorted(self.words_of_pair.pop(pair_id)):
            self.count_word(index, -1)
            old, new, place = self.words[index], [], 0
            while place < len(old):
                is_pair = old[place : place + 2] == [left, right]
                new.append(joined if is_pair else old[place])
                place += 2 if is_pair else 1
            self.words[index] = new
            self.count_word(index, 1)


def train_wordpiece_vocabulary(word_counts: Mapping[str, int], num_pieces: int, *, min_frequency: int = 2) -> list[str]:
    """Learns the pieces of a WordPiece vocabulary by the likelihood score.

    Args:
        word_counts: how often each word occurs; its order breaks ties between equal scores.
        num_pieces: at most this many pieces, the single characters included.
        min_frequency: a pair that occurs less often is never merged. The score alone prefers the rarest pairs (two
            characters seen once, together, score 1), so a real text needs about 0.01 % of its words here.
    Returns:
        The pieces: the characters sorted, then the merges in their order. Pieces inside a word begin with "##".
    Raises:
        ValueError: if the characters alone are more than num_pieces.
    """
    merger = _Merger({word: count for word, count in word_counts.items() if word})
    alphabet = sorted(merger.pieces)
    if len(alphabet) > num_pieces:
        raise ValueError(f"num_pieces={num_pieces} is less than the {len(alphabet)} single characters; raise it")
    pieces = dict.fromkeys(alphabet)
    while len(pieces) < num_pieces:
        pair_id = merger.best_pair(max(1, min_frequency))
        if pair_id is None:
            break
        merger.merge(pair_id)
        pieces.update(dict.fromkeys(merger.pieces[-1:]))
    return list(pieces)
