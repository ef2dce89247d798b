"""Several conversations in one row, so that little of a batch is padding; none of them sees another."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Packed(NamedTuple):
    """Rows that hold whole conversations one after the other.

    Attributes:
        ids_NT: int32.
        answer_NT: int8, 1 at the tokens of answers.
        segments_NT: int32, 1, 2, ... for the conversations of a row, 0 at padding. Attention stays inside a segment and
            positions start anew in each: see `nn_core.models.transformer.gpt.GPT.hidden`.
    """

    ids_NT: np.ndarray
    answer_NT: np.ndarray
    segments_NT: np.ndarray


def pack(rows: Sequence[tuple[list[int], list[int]]], width: int, pad_id: int) -> Packed:
    """First fit, longest first: each conversation goes into the first row that has room for all of it.

    Args:
        rows: (ids, mask) of each conversation.
        width: T of a row.
        pad_id: behind the last conversation of a row.
    Raises:
        ValueError: a conversation that is longer than a row.
    """
    free: list[int] = []
    places: list[tuple[int, int, int]] = []  # row, start, segment of each conversation, in the order of `order`
    counts: list[int] = []
    order = sorted(range(len(rows)), key=lambda number: -len(rows[number][0]))
    for number in order:
        length = len(rows[number][0])
        if length > width:
            raise ValueError(
                f"conversation {number + 1} has {length} tokens, more than the context of {width}; shorten it, or raise "
                "data.context_size"
            )
        row = next((place for place, room in enumerate(free) if room >= length), len(free))
        if row == len(free):
            free.append(width)
            counts.append(0)
        counts[row] += 1
        places.append((row, width - free[row], counts[row]))
        free[row] -= length
    ids_NT = np.full((len(free), width), pad_id, np.int32)
    answer_NT = np.zeros((len(free), width), np.int8)
    segments_NT = np.zeros((len(free), width), np.int32)
    for number, (row, start, segment) in zip(order, places, strict=True):
        ids, mask = rows[number]
        ids_NT[row, start : start + len(ids)] = ids
        answer_NT[row, start : start + len(ids)] = mask
        segments_NT[row, start : start + len(ids)] = segment
    return Packed(ids_NT, answer_NT, segments_NT)
