"""How a conversation is written as one text: with the project's four tokens, or by a folder's own template (F168, F169).

    [SOS]what is the capital of italy ?[SEP]it is rome .[EOS]
    <|im_start|>user\nwhat is the capital of italy ?<|im_end|>\n<|im_start|>assistant\nit is rome .<|im_end|>\n

A folder's Jinja template is rendered on marks in place of the messages, once for each order of roles, and cut at them: so it
is known where each message stands, whatever the template puts around it (a default system prompt, headers, a thinking block
before the last answer only). The text itself is then compared with the template's own, which counts.
"""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, NamedTuple

from nn_core.pretrained.chat import DAY, render
from nn_core.pretrained.folder_tokenizer import FolderTokenizer
from nn_core.text.interface import Tokenizer, clean_text

SYSTEM, USER, ASSISTANT = "system", "user", "assistant"
ROLES = (SYSTEM, USER, ASSISTANT)
BEGIN, ANSWER, END, PAD = "[SOS]", "[SEP]", "[EOS]", "[PAD]"
# The least that a folder needs.
EXAMPLE = (
    "{% for m in messages %}{{ m.role }}: {{ m.content }}{% if m.role == 'assistant' %}{{ eos_token }}{% endif %}"
    "{{ '\\n' }}{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"
)
# A mark has a blank at both sides that no template writes: where one is missing, the template trims.
_BLANK, _OPEN, _CLOSE = "\u2003", "\ue000", "\ue001"
_MARK = re.compile(f"({_BLANK}?){_OPEN}(\\d+){_CLOSE}({_BLANK}?)")

Turns = Sequence[tuple[str, str]]
Span = tuple[int, int]
Say = Callable[[Turns, bool], str]  # (messages, whether an answer is asked for) -> the folder's text


class Written(NamedTuple):
    """A conversation as text.

    Attributes:
        text: all of it.
        said: (start, end) of each message in it. Nothing there becomes a special token.
        learned: (start, end) of each answer, from where the model begins to write to its end token.
    """

    text: str
    said: tuple[Span, ...]
    learned: tuple[Span, ...]


class Slot(NamedTuple):
    """The place of a message between the texts of a template.

    Attributes:
        number: of the message.
        left, right: whether the template keeps the blanks at its ends.
        written: characters before it that the model writes itself: they stand behind what it is asked with.
    """

    number: int
    left: bool = True
    right: bool = True
    written: int = 0

    def trimmed(self, text: str) -> str:
        """The message as the template writes it."""
        text = text if self.left else text.lstrip()
        return text if self.right else text.rstrip()


class Template(NamedTuple):
    """How conversations become text.

    Attributes:
        write: (role, text) in order -> the text. One that ends with the user is a prompt: it ends with the text behind
            which the answer is written. Raises ValueError for a conversation that has no place in it.
        end_id, pad_id: of the token behind an answer, and of padding, which may be the same: what is padding is known
            from lengths, never from ids.
        end: the end token's text.
        special: finds special tokens in a text.
    """

    write: Callable[[Turns], Written]
    end_id: int
    pad_id: int
    end: str
    special: re.Pattern[str]


def make_template(tokenizer: Tokenizer, now: datetime = DAY) -> Template:
    """The template of a tokenizer: that of its folder, else the four tokens of the project.

    Args:
        tokenizer: of the texts.
        now: what a template is told that asks for the time; of what is learned it is always DAY.
    Raises:
        ValueError: it has neither, or the folder's template fails or has no end.
    """
    if isinstance(tokenizer, FolderTokenizer) and tokenizer.chat_template is not None:
        return _of_folder(tokenizer, now)
    ids = tokenizer.special_ids
    missing = [token for token in (BEGIN, ANSWER, END, PAD) if token not in ids]
    if missing:
        hint = "use one with the standard special tokens, such as data.tokenizer='word'"
        if isinstance(tokenizer, FolderTokenizer):
            hint = (
                'and its folder no chat template; add "chat_template" to its tokenizer_config.json, or a file '
                f"chat_template.jinja, for instance {EXAMPLE}"
            )
        raise ValueError(f"the tokenizer has no {' and no '.join(missing)}, which tell who speaks; {hint}")
    return Template(_write_with_tokens, ids[END], ids[PAD], END, _finder(tokenizer))


def _finder(tokenizer: Tokenizer) -> re.Pattern[str]:
    """The longest special token first, as tokenizers find them."""
    return re.compile("|".join(map(re.escape, sorted(tokenizer.special_ids, key=len, reverse=True))) or r"(?!)")


def check_roles(turns: Turns) -> tuple[str, ...]:
    """The roles; raises ValueError for an unknown one, or none at all."""
    roles = tuple(role for role, _ in turns)
    if not roles:
        raise ValueError("a conversation has no message; give at least a question")
    for role in roles:
        if role not in ROLES:
            raise ValueError(f"role {role!r} is unknown; use one of {', '.join(ROLES)}")
    return roles


def _write_with_tokens(turns: Turns) -> Written:
    parts: list[str | Slot] = []
    for number, role in enumerate(check_roles(turns)):
        if role == SYSTEM:
            raise ValueError(
                f"a conversation of {BEGIN}, {ANSWER} and {END} has no place for a system message; leave it out, or "
                "start from a folder whose chat template has one"
            )
        parts += [BEGIN, Slot(number), ANSWER] if role == USER else [Slot(number), END]
    return _assemble(parts, turns, END)


def _assemble(parts: Sequence[str | Slot], turns: Turns, end: str) -> Written:
    """The text of texts and messages."""
    text, said, learned = "", list[Span](), list[Span]()
    for place, part in enumerate(parts):
        if isinstance(part, str):
            text += part
            continue
        role, message = turns[part.number]
        start, text = len(text), text + part.trimmed(clean_text(message))
        said.append((start, len(text)))
        if role == ASSISTANT:
            found = str(parts[place + 1]).find(end)
            learned.append((start - part.written, len(text) + (0 if found < 0 else found + len(end))))
    return Written(text, tuple(said), tuple(learned))


def _of_folder(tokenizer: FolderTokenizer, now: datetime) -> Template:
    say = partial(_rendered, tokenizer, now)
    layouts = lru_cache(maxsize=None)(partial(_layout, say))
    behind = layouts((USER, ASSISTANT))[-1]
    last, unknown = (tokenizer.special.get(name) for name in ("eos_token", "unk_token"))
    names = {index: text for text, index in tokenizer.special_ids.items() if text != unknown or text == last}
    ends = [index for index in tokenizer.encode(str(behind), allow_special=True).tolist() if index in names]
    if ends:
        end_id, end, last = ends[0], names[ends[0]], None
    elif last is not None:
        end_id, end = tokenizer.backend.token_to_id(last), last
    else:
        raise ValueError(
            "the folder's chat template writes no special token behind an answer, so that no answer would ever end; let it "
            'write {{ eos_token }} there, and name "eos_token" in tokenizer_config.json'
        )
    pad_id = tokenizer.special_id("pad_token")
    special = _finder(tokenizer)
    write = partial(_write_by_folder, say, layouts, special, end, last)
    return Template(write, end_id, end_id if pad_id is None else pad_id, end, special)


def _layout(say: Say, roles: tuple[str, ...]) -> tuple[str | Slot, ...]:
    """Texts and slots by turns, for messages of these roles; the first and the last are texts.

    Raises:
        ValueError: the template leaves a message out, or refuses these roles.
    """
    marked = [(role, f"{_BLANK}{_OPEN}{number}{_CLOSE}{_BLANK}") for number, role in enumerate(roles)]
    text = say(marked, roles[-1] != ASSISTANT)
    parts: list[str | Slot] = []
    start = 0
    for found in _MARK.finditer(text):
        number, written = int(found[2]), 0
        if roles[number] == ASSISTANT:
            asked = say(marked[:number], True)
            written = found.start() - len(asked) if text[: found.start()].startswith(asked) else 0
        parts += [text[start : found.start()], Slot(number, bool(found[1]), bool(found[3]), written)]
        start = found.end()
    there = {part.number for part in parts if isinstance(part, Slot)}
    for number, role in enumerate(roles):
        if number not in there:
            raise ValueError(
                f"the folder's chat template has no place for a {role} message ({number + 1}); leave it out"
            )
    return (*parts, text[start:])


def _rendered(tokenizer: FolderTokenizer, now: datetime, turns: Turns, asks: bool) -> str:
    messages: list[dict[str, Any]] = [{"role": role, "content": clean_text(text)} for role, text in turns]
    return render(tokenizer, messages, add_generation_prompt=asks, now=now)


def _write_by_folder(
    say: Say,
    layouts: Callable[[tuple[str, ...]], tuple[str | Slot, ...]],
    special: re.Pattern[str],
    end: str,
    last: str | None,
    turns: Turns,
) -> Written:
    """The text of a conversation; `last` is put behind an answer at its end, where the template writes no end."""
    roles = check_roles(turns)
    written, text = _assemble(layouts(roles), turns, end), say(turns, roles[-1] != ASSISTANT)
    if written.text != text:
        written = _rewritten(say, special, end, turns, text)
    if last is None or roles[-1] != ASSISTANT:
        return written
    return Written(text + last, written.said, (*written.learned[:-1], (written.learned[-1][0], len(text + last))))


def _rewritten(say: Say, special: re.Pattern[str], end: str, turns: Turns, text: str) -> Written:
    """What a template writes that changes messages by what they say, such as thoughts that it takes out of answers.

    It is not known where a message stands there, so none may spell a special token; then the next end token behind the
    place where the model is asked is that of its answer.
    """
    learned = list[Span]()
    spelt = any(special.search(clean_text(message)) for _, message in turns)
    for number, (role, _) in enumerate(turns):
        if role == ASSISTANT and not spelt:
            asked = say(turns[:number], True)
            stop = text.find(end, len(asked)) if text.startswith(asked) else -1
            learned += [] if stop < 0 else [(len(asked), stop + len(end))]
    if spelt or len(learned) < sum(role == ASSISTANT for role, _ in turns):
        raise ValueError(
            "the folder's chat template rewrites these messages by what they say, as some do with <think> in an answer, "
            "and it is not certain what is to be learned; take special tokens and thoughts out of them"
        )
    return Written(text, (), tuple(learned))
