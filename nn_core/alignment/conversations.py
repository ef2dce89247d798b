"""Conversations as tokens: special tokens say who speaks, and a mask marks the answers (F168, F169).

    [SOS] what is the capital of italy ? [SEP] it is rome . [EOS]
      0    0   0   0    0    0    0    0   0    1  1   1  1   1

Text never becomes a special token: a user who types "[EOS]" ends nothing.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from nn_core.text.interface import Tokenizer

USER, ASSISTANT = "user", "assistant"
ROLES = (USER, ASSISTANT)
BEGIN, ANSWER, END, PAD = "[SOS]", "[SEP]", "[EOS]", "[PAD]"


class Template(NamedTuple):
    """Ids of the tokens around the turns: before a question, between it and its answer, behind the answer; padding."""

    begin_id: int
    answer_id: int
    end_id: int
    pad_id: int


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


def make_template(tokenizer: Tokenizer) -> Template:
    """The template of a tokenizer.

    Raises:
        ValueError: its vocabulary lacks one of the four special tokens.
    """
    ids = tokenizer.special_ids
    missing = [token for token in (BEGIN, ANSWER, END, PAD) if token not in ids]
    if missing:
        raise ValueError(
            f"the tokenizer has no {' and no '.join(missing)}, which tell who speaks; use one with the standard special "
            "tokens, such as data.tokenizer='word'"
        )
    return Template(ids[BEGIN], ids[ANSWER], ids[END], ids[PAD])


def encode_turns(
    tokenizer: Tokenizer, template: Template, turns: Iterable[tuple[str, str]]
) -> tuple[list[int], list[int]]:
    """A conversation as ids and mask.

    Args:
        tokenizer: of the texts.
        template: the tokens around them.
        turns: (role, text) in order, "user" or "assistant". A conversation that ends with the user is a prompt: it ends
            with the token behind which the answer is written.
    Returns:
        ids, and as many 0 and 1.
    Raises:
        ValueError: an unknown role.
    """
    ids: list[int] = []
    mask: list[int] = []
    for role, text in turns:
        if role not in ROLES:
            raise ValueError(f"role {role!r} is unknown; use one of {', '.join(ROLES)}")
        inner = tokenizer.encode(text).tolist()
        whole = [template.begin_id, *inner, template.answer_id] if role == USER else [*inner, template.end_id]
        ids += whole
        mask += [int(role == ASSISTANT)] * len(whole)
    return ids, mask


def encode_joined(tokenizer: Tokenizer, prompt: str, answer: str, end_id: int | None) -> tuple[list[int], list[int]]:
    """A prompt and its answer as one text, for models without special tokens between them.

    They are tokenized together, as the model will see them: "12+" and "5" apart may give other tokens than "12+5". A
    token that holds characters of both belongs to the answer.

    Args:
        tokenizer: any.
        prompt, answer: texts.
        end_id: of the token behind the answer; None: there is none.
    Returns:
        ids, and as many 0 and 1.
    """
    encoding = tokenizer.encode_with_offsets(prompt + answer)
    mask = [int(end > len(prompt)) for _, end in encoding.offsets_N2.tolist()]
    ids = encoding.ids_N.tolist()
    return (ids, mask) if end_id is None else ([*ids, end_id], [*mask, 1])


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
