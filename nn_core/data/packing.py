"""Sentence pairs as rows of one width: one to a row, or as many as fit, told apart by segment numbers.

Sentences of different lengths, one to a row, are half padding. Packed, a row of each side holds several; tokens see their
own segment only, so that a pair is learned from as if it stood alone, and one program serves all lengths.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

NO_TARGET = -1


class PairRows(NamedTuple):
    """R rows; int32.

    Attributes:
        source_RS: source ids, the padding behind them.
        target_RT: the ids that are read while the target is written: the start token, then the target.
        answer_RT: what is to be written after each of them: the target, then the end token; NO_TARGET at padding.
        source_segments_RS, target_segments_RT: 1, 2, … the pair that a token belongs to; 0 at padding.
    """

    source_RS: np.ndarray
    target_RT: np.ndarray
    answer_RT: np.ndarray
    source_segments_RS: np.ndarray
    target_segments_RT: np.ndarray

    @property
    def padding(self) -> float:
        """Share of the places that hold no token, both sides together."""
        places = self.source_RS.size + self.target_RT.size
        return 1.0 - float((self.source_segments_RS > 0).sum() + (self.target_segments_RT > 0).sum()) / places


class Marks(NamedTuple):
    """Ids of the special tokens."""

    pad: int
    start: int
    end: int


def check_lengths(lengths_N2: np.ndarray, widths: tuple[int, int], what: str) -> None:
    """Raises ValueError where a pair does not fit into a row; names the first and the longest."""
    for side, name, width in zip((0, 1), ("source", "target"), widths, strict=True):
        wrong = np.flatnonzero(lengths_N2[:, side] > width)
        if len(wrong):
            raise ValueError(
                f"{name} {wrong[0] + 1} of {what} has {lengths_N2[wrong[0], side]} tokens, more than "
                f"config.data.{name}_size={width}; the longest has {lengths_N2[:, side].max()}, so raise it or shorten"
            )


def pack_pairs(
    sources: Sequence[np.ndarray], targets: Sequence[np.ndarray], widths: tuple[int, int], marks: Marks, *, packed: bool
) -> PairRows:
    """Rows of pairs, each in the order of its first pair.

    Args:
        sources, targets: ids of each pair, without special tokens; an end token is put behind each source.
        widths: S and T, places of a row.
        marks: ids of the special tokens.
        packed: as many pairs to a row as fit (the first row that has room takes the next pair); False: one.
    Returns:
        The rows.
    Raises:
        ValueError: a pair that does not fit into a row.
    """
    lengths_N2 = np.array([(len(source) + 1, len(target) + 1) for source, target in zip(sources, targets, strict=True)])
    check_lengths(lengths_N2, widths, "the pairs")
    rows = _first_fit(lengths_N2, widths) if packed else [[index] for index in range(len(sources))]
    source_RS, target_RT = (np.full((len(rows), width), marks.pad, np.int32) for width in widths)
    answer_RT = np.full_like(target_RT, NO_TARGET)
    source_segments_RS, target_segments_RT = np.zeros_like(source_RS), np.zeros_like(target_RT)
    for row, members in enumerate(rows):
        at = np.zeros(2, int)
        for segment, index in enumerate(members, 1):
            low, high = at, at + lengths_N2[index]
            source_RS[row, low[0] : high[0]] = [*sources[index], marks.end]
            target_RT[row, low[1] : high[1]] = [marks.start, *targets[index]]
            answer_RT[row, low[1] : high[1]] = [*targets[index], marks.end]
            source_segments_RS[row, low[0] : high[0]] = segment
            target_segments_RT[row, low[1] : high[1]] = segment
            at = high
    return PairRows(source_RS, target_RT, answer_RT, source_segments_RS, target_segments_RT)


def _first_fit(lengths_N2: np.ndarray, widths: tuple[int, int], open_rows: int = 64) -> list[list[int]]:
    """Indices of each row; the pair goes into the first of the newest rows that has room for both of its sides."""
    rows: list[list[int]] = []
    room: list[np.ndarray] = []
    for index, lengths in enumerate(lengths_N2):
        first = max(len(rows) - open_rows, 0)
        fits = (place for place in range(first, len(rows)) if (lengths <= room[place]).all())
        place = next(fits, len(rows))
        if place == len(rows):
            rows.append([])
            room.append(np.array(widths))
        rows[place].append(index)
        room[place] = room[place] - lengths
    return rows
