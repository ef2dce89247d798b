"""Questions, answers and preferences from JSONL files, one JSON object a line; errors name the line.

{"prompt": "...", "response": "..."}                       an answer; "completion" is read as "response"
{"messages": [{"role": "user", "content": "..."}, …]}      a conversation, its last turn the assistant's; a message of
                                                           "system" may stand first
{"prompt": "...", "chosen": "...", "rejected": "..."}      a preference
{"prompt": "..."}                                          a question

Of "messages" every answer is learned, of a prompt with its answer that answer alone. A prompt may be a list of messages that
ends with the user's, an answer a list with one message of the assistant; chosen and rejected may also be whole
conversations that differ in their last message only, without a prompt.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from nn_core.data.text import read_text

T = TypeVar("T")
Turns = tuple[tuple[str, str], ...]
SYSTEM, ROLES = "system", ("user", "assistant")
# Fields of other formats (Alpaca, ShareGPT) -> ours.
RENAMED = {
    "instruction": "prompt",
    "question": "prompt",
    "output": "response",
    "answer": "response",
    "conversations": "messages",
    "from": "role",
    "value": "content",
}
JSON_TYPES = {
    type(None): "null",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "{…}",
}


class Conversation(NamedTuple):
    """Turns that end with an answer.

    Attributes:
        turns: all of them.
        whole: every answer is learned; False: the last one, because the others belong to its prompt.
    """

    turns: Turns
    whole: bool = False


class Preference(NamedTuple):
    """Two answers to a question, or behind a conversation that ends with one; somebody preferred the first."""

    asked: Turns
    chosen: str
    rejected: str


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
        renamed = ", ".join(f"{name!r} to {RENAMED[name]!r}" for name in record if name in RENAMED)
        there = ", ".join(map(repr, record)) or "none"
        raise ValueError(f"the field {field!r} is missing; there are {there}{renamed and '; rename ' + renamed}")
    value = record[field]
    if not isinstance(value, str):
        fix = "leave the line out" if value is None else "put it in quotes"
        raise ValueError(f"the field {field!r} is {JSON_TYPES[type(value)]}, not text; {fix}")
    if not value.strip():
        raise ValueError(f"the field {field!r} is empty; leave the line out")
    return value


def turns_of(messages: Any, field: str) -> Turns:
    """The turns of a list of messages.

    Raises:
        ValueError: no such list, or turns that do not alternate.
    """
    if not isinstance(messages, list) or not messages or not all(isinstance(one, dict) for one in messages):
        raise ValueError(f'the field {field!r} must be a list of {{"role", "content"}}, at least one')
    turns = tuple((text_of(one, "role"), text_of(one, "content")) for one in messages)
    first = int(turns[0][0] == SYSTEM)
    for place, (role, _) in enumerate(turns[first:]):
        if role != ROLES[place % 2]:
            hint = "they take turns" if role in (SYSTEM, *ROLES) else f"the roles are {', '.join((SYSTEM, *ROLES))}"
            raise ValueError(f"message {first + place + 1} is of {role!r} where {ROLES[place % 2]!r} speaks; {hint}")
    if len(turns) == first:
        raise ValueError("the system's message is the only one; a question and its answer must follow")
    return turns


def is_answered(turns: Turns) -> bool:
    """Whether the assistant has the last word."""
    return turns[-1][0] == ROLES[1]


def asked_of(record: dict[str, Any]) -> Turns:
    """The field "prompt": a text, or messages that end with the user's.

    Raises:
        ValueError: it is missing, or neither.
    """
    if not isinstance(record.get("prompt"), list):
        return ((ROLES[0], text_of(record, "prompt")),)
    turns = turns_of(record["prompt"], "prompt")
    if is_answered(turns):
        raise ValueError("the last message of 'prompt' is the assistant's; the user's must be the last")
    return turns


def answer_of(record: dict[str, Any], field: str) -> str:
    """A field's answer: a text, or a list with one message of the assistant.

    Raises:
        ValueError: it is missing, or neither.
    """
    value = record.get(field)
    if not isinstance(value, list):
        return text_of(record, field)
    if len(value) != 1 or not isinstance(value[0], dict) or value[0].get("role") != ROLES[1]:
        raise ValueError(f"the field {field!r} must be a text or one message of the assistant beside a 'prompt'")
    return text_of(value[0], "content")


def conversation_of(record: dict[str, Any]) -> Conversation:
    """A conversation that ends with an answer.

    Raises:
        ValueError: neither prompt and response nor messages; turns that do not alternate, or do not end with an answer.
    """
    if "messages" not in record:
        answer = "completion" if "completion" in record and "response" not in record else "response"
        return Conversation((*asked_of(record), (ROLES[1], answer_of(record, answer))))
    turns = turns_of(record["messages"], "messages")
    if not is_answered(turns):
        raise ValueError("the last message is the user's; the assistant must answer it")
    return Conversation(turns, whole=True)


def preference_of(record: dict[str, Any]) -> Preference:
    """A pair of answers.

    Raises:
        ValueError: a missing or empty field, two equal answers, two conversations that differ before their ends.
    """
    if "prompt" not in record and all(isinstance(record.get(side), list) for side in ("chosen", "rejected")):
        asked, chosen, rejected = both_of(record)
    else:
        asked, chosen, rejected = asked_of(record), answer_of(record, "chosen"), answer_of(record, "rejected")
    if chosen == rejected:
        raise ValueError(f"'chosen' and 'rejected' are the same answer, {chosen[:40]!r}; leave the line out")
    return Preference(asked, chosen, rejected)


def both_of(record: dict[str, Any]) -> tuple[Turns, str, str]:
    """The question of two conversations, and their two answers.

    Raises:
        ValueError: one that does not end with an answer, or another question.
    """
    chosen, rejected = (turns_of(record[side], side) for side in ("chosen", "rejected"))
    if not is_answered(chosen) or not is_answered(rejected):
        raise ValueError("the last message of 'chosen' and of 'rejected' must be the assistant's")
    if chosen[:-1] != rejected[:-1]:
        raise ValueError("'chosen' and 'rejected' differ before their last message; both answer one question")
    return chosen[:-1], chosen[-1][1], rejected[-1][1]


def prompt_of(record: dict[str, Any]) -> Turns:
    """A question: the prompt, or the first of the messages, behind the system's if there is one, or that of a preference."""
    if "messages" in record:
        turns = turns_of(record["messages"], "messages")
        return turns[: 2 if turns[0][0] == SYSTEM else 1]
    if "prompt" not in record and isinstance(record.get("chosen"), list):
        return preference_of(record).asked
    return asked_of(record)


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
