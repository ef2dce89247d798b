"""Questions, answers and preferences from JSONL files, one JSON object a line; errors name the line.

{"prompt": "...", "response": "..."}                       an answer
{"messages": [{"role": "user", "content": "..."}, …]}      a conversation, its last turn the assistant's; a message of
                                                           "system" may stand first
{"prompt": "...", "chosen": "...", "rejected": "..."}      a preference
{"prompt": "..."}                                          a question
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from nn_core.data.preferences import Pair
from nn_core.data.text import read_text

T = TypeVar("T")
Turns = tuple[tuple[str, str], ...]
SYSTEM, ROLES = "system", ("user", "assistant")


def read_lines(path: str | Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a JSONL file with their line numbers, which start at 1; blank lines are skipped.

    Raises:
        ValueError: no such file, a line that is not a JSON object, or a file that has none.
    """
    found = False
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            raise ValueError(f"{path}, line {number}: no JSON ({error}); write one object a line") from None
        if not isinstance(value, dict):
            raise ValueError(f"{path}, line {number}: {type(value).__name__} instead of an object; write {{…}}")
        found = True
        yield number, value
    if not found:
        raise ValueError(f"{path} has no line with an object; write one a line")


def text_of(record: dict[str, Any], field: str) -> str:
    """A field's text.

    Raises:
        ValueError: it is missing, not text, or blank.
    """
    if field not in record:
        raise ValueError(f"the field {field!r} is missing; there are {', '.join(map(repr, record)) or 'none'}")
    value = record[field]
    if not isinstance(value, str):
        raise ValueError(f"the field {field!r} is {type(value).__name__}, not text; put it in quotes")
    if not value.strip():
        raise ValueError(f"the field {field!r} is empty; leave the line out")
    return value


def conversation_of(record: dict[str, Any]) -> Turns:
    """The turns of a conversation that ends with an answer.

    Raises:
        ValueError: neither prompt and response nor messages; turns that do not alternate, or do not end with an answer.
    """
    if "messages" not in record:
        return (("user", text_of(record, "prompt")), ("assistant", text_of(record, "response")))
    messages = record["messages"]
    if not isinstance(messages, list) or not messages or not all(isinstance(one, dict) for one in messages):
        raise ValueError('the field \'messages\' must be a list of {"role", "content"}, at least two')
    turns = tuple((text_of(one, "role"), text_of(one, "content")) for one in messages)
    first = int(turns[0][0] == SYSTEM)
    for place, (role, _) in enumerate(turns[first:]):
        if role != ROLES[place % 2]:
            raise ValueError(
                f"message {first + place + 1} is of {role!r} where {ROLES[place % 2]!r} speaks; they take turns"
            )
    if len(turns) == first:
        raise ValueError("the system's message is the only one; a question and its answer must follow")
    if len(turns[first:]) % 2:
        raise ValueError("the last message is the user's; the assistant must answer it")
    return turns


def preference_of(record: dict[str, Any]) -> Pair:
    """A pair of answers.

    Raises:
        ValueError: a missing or empty field, two equal answers.
    """
    pair = Pair(text_of(record, "prompt"), text_of(record, "chosen"), text_of(record, "rejected"))
    if pair.chosen == pair.rejected:
        raise ValueError(f"'chosen' and 'rejected' are the same answer, {pair.chosen[:40]!r}; leave the line out")
    return pair


def prompt_of(record: dict[str, Any]) -> Turns:
    """A question: the field "prompt", or the first of the messages, behind the system's if there is one."""
    if "messages" in record:
        turns = conversation_of(record)
        return turns[: 2 if turns[0][0] == SYSTEM else 1]
    return (("user", text_of(record, "prompt")),)


def read_records(path: str | Path, make: Callable[[dict[str, Any]], T]) -> tuple[T, ...]:
    """Every line of a file as a record.

    Args:
        path: of a JSONL file.
        make: `conversation_of`, `preference_of` or `prompt_of`.
    Raises:
        ValueError: what is wrong, with the file and the line.
    """
    records = []
    for number, record in read_lines(path):
        try:
            records.append(make(record))
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: {error}") from None
    return tuple(records)
