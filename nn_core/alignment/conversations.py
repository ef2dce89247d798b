"""Conversations as tokens, and a mask that marks the answers (F168, F169).

    [SOS] what is the capital of italy ? [SEP] it is rome . [EOS]
      0    0   0   0    0    0    0    0   0    1  1   1  1   1

Text never becomes a special token: a user who types "[EOS]" ends nothing.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from nn_core.alignment.templates import USER, Template, Turns, Written
from nn_core.text.interface import Tokenizer


class Encoded(NamedTuple):
    """Rows of tokens, padded at the end.

    Attributes:
        ids_NT: int32.
        answer_NT: int8, 1 at the tokens of answers, their end tokens included.
        lengths_N: int32, real tokens of each row.
    """

    ids_NT: np.ndarray
    answer_NT: np.ndarray
    lengths_N: np.ndarray


def encode_turns(tokenizer: Tokenizer, template: Template, turns: Turns) -> tuple[list[int], list[int]]:
    """A conversation as ids and mask.

    Prompt and answer are one text when they are tokenized, as the model will see them: "12+" and "5" apart may give other
    tokens than "12+5". A token that holds characters of both belongs to the answer. For a folder's template the ids are
    those of transformers' apply_chat_template, but for three cases: special tokens that a message spells stay text; a
    template that asks for the time is told that of `make_template`; where it writes no end behind the last answer, the
    folder's end token stands there.

    Args:
        tokenizer: of the texts.
        template: what stands around them.
        turns: (role, text) in order: "user" and "assistant", a "system" message first where the template has a place for
            it. A conversation that ends with the user is a prompt.
    Returns:
        ids, and as many 0 and 1.
    Raises:
        ValueError: an unknown role, a message that the template has no place for.
    """
    written = template.write(turns)
    ids: list[int] = []
    mask: list[int] = []
    for start, stop, allow_special in _runs(template, written):
        found = tokenizer.encode_with_offsets(written.text[start:stop], allow_special=allow_special)
        ids += found.ids_N.tolist()
        for first, last in (found.offsets_N2 + start).tolist():
            mask.append(int(any(first < end and last > begin for begin, end in written.learned)))
    return ids, mask


def _runs(template: Template, written: Written) -> Iterator[tuple[int, int, bool]]:
    """(start, end, whether special tokens are special): the whole text, but for what a message spells like one."""
    start = 0
    for found in template.special.finditer(written.text):
        if any(found.start() < end and found.end() > begin for begin, end in written.said):
            yield start, found.start(), True
            yield *found.span(), False
            start = found.end()
    yield start, len(written.text), True


def last_span(mask: Sequence[int]) -> slice:
    """Where a conversation's last answer stands, its end token included."""
    stop = max((place + 1 for place, marked in enumerate(mask) if marked), default=0)
    start = max((place + 1 for place, marked in enumerate(mask[:stop]) if not marked), default=0)
    return slice(start, stop)


def last_answer(ids: Sequence[int], mask: Sequence[int]) -> list[int]:
    """The tokens of a conversation's last answer."""
    return list(ids[last_span(mask)])


def only_last(mask: Sequence[int]) -> list[int]:
    """The mask of a conversation's last answer alone: what was answered before is part of the question."""
    span = last_span(mask)
    return [int(span.start <= place < span.stop) for place in range(len(mask))]


def pad_rows(rows: Sequence[tuple[list[int], list[int]]], width: int, pad_id: int) -> Encoded:
    """Rows of ids and masks as arrays.

    Args:
        rows: (ids, mask) of each, at most `width` long.
        width: T.
        pad_id: behind the ends.
    Raises:
        ValueError: a row that is too long; it is not cut, because an answer without its end teaches the model never to
            stop.
    """
    ids_NT = np.full((len(rows), width), pad_id, np.int32)
    answer_NT = np.zeros((len(rows), width), np.int8)
    for number, (ids, mask) in enumerate(rows):
        if len(ids) > width:
            raise ValueError(
                f"conversation {number + 1} has {len(ids)} tokens, more than the context of {width}; shorten it, or "
                "raise data.context_size"
            )
        ids_NT[number, : len(ids)] = ids
        answer_NT[number, : len(mask)] = mask
    return Encoded(ids_NT, answer_NT, np.array([len(ids) for ids, _ in rows], np.int32))


def plain(tokenizer: Tokenizer, ids: Any) -> str:
    """The text of an answer's tokens, without special ones."""
    return tokenizer.decode(np.asarray(ids)).strip()


def spoken(tokenizer: Tokenizer, template: Template, ids: Any) -> tuple[str, str]:
    """A question and its answer as text, from one row of tokens: to be shown."""
    question = "?"
    shown = template.write([(USER, question)])
    before, behind = shown.text[: shown.said[0][0]].strip(), shown.text[shown.said[0][1] :].strip()
    text = tokenizer.decode(np.asarray(ids), skip_special=False)
    asked, _, said = text.partition(behind) if behind else (text, "", "")
    said = template.special.sub("", said.partition(template.end)[0])  # one that was cut has padding behind it
    return asked.strip().removeprefix(before).strip(), said.strip()
