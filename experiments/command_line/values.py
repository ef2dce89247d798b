"""Reads the values of the command line as a given type; errors say what to write instead."""

import ast
from collections.abc import Callable, Collection, Sequence
from typing import Any

TRUE, FALSE = ("true", "1", "yes", "t", "y"), ("false", "0", "no", "f", "n")
UNSET = ("none", "null")  # leave an optional number unset
HELP = ("-h", "--help")


def join_values(argv: Sequence[str], is_switch: Callable[[str], bool]) -> list[str]:
    """Joins `--name value` to `--name=value`; a switch stands alone, and so does a word after a complete option.

    >>> join_values(["--seed", "3", "--greedy", "a.png"], lambda name: name == "greedy")
    ['--seed=3', '--greedy', 'a.png']
    """
    words: list[str] = []
    for word in argv:
        before = words[-1] if words else ""
        takes = not is_switch(before[2:]) or word.lower() in ("true", "false")
        if takes and before.startswith("--") and "=" not in before and not word.startswith("--") and word not in HELP:
            words[-1] = f"{before}={word}"
        else:
            words.append(word)
    return words


def wants_help(argv: Collection[str]) -> bool:
    """Whether -h or --help is among the words."""
    return any(word in HELP for word in argv)


def read_value(name: str, text: str, kind: type, optional: bool = False) -> Any:
    """The value of one `--name=text`.

    Args:
        name: its name with dashes, for the message.
        text: what follows the equals sign.
        kind: bool, int, float, tuple or str.
        optional: None (also none and null, for a number) means unset.
    Raises:
        ValueError: the text is not such a value.
    """
    if optional and (text == "None" or kind is not str and text.lower() in UNSET):
        return None
    if kind is bool:
        return read_bool(name, text)
    try:
        return READERS.get(kind, str)(text)
    except (ValueError, SyntaxError):
        article = "an" if kind is int else "a"
        raise ValueError(f"{name}={text} is not {article} {kind.__name__}{hint(text, kind, optional)}") from None


def read_bool(name: str, text: str) -> bool:
    """True or False."""
    if text.lower() in (*TRUE, *FALSE):
        return text.lower() in TRUE
    raise ValueError(f"{name}={text} is not a bool; use true or false")


def hint(text: str, kind: type, optional: bool) -> str:
    """What to write instead."""
    if kind is tuple:
        return "; write values with commas between them, such as 64,32; brackets need quotes in a shell"
    number = as_number(text.replace(",", ".") if text.count(",") == 1 else text)
    unset = ", or None to leave it unset" if optional else ""
    if text.lower() in UNSET:
        return "; it cannot be left unset"
    if number is None:
        return f"; write a number{unset}"
    if kind is float:
        return f"; write {number:g}"
    return f"; write {number:.0f}" if number.is_integer() else f"; write a whole number{unset}"


def as_number(text: str) -> float | None:
    """A finite number, or None."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None


def read_tuple(text: str) -> tuple:
    """`(64,32)`, `64,32`, `64`, `paths,comparison` or `()`; names need no quotes.

    >>> read_tuple("64"), read_tuple("(paths, 'curves')"), read_tuple("()"), read_tuple("[1, 2]")
    ((64,), ('paths', 'curves'), (), (1, 2))
    """
    try:
        value = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError):
        inner = text.strip().removeprefix("(").removesuffix(")")
        parts = [part.strip() for part in inner.split(",")]
        value = tuple(read_part(part) for number, part in enumerate(parts) if part or number < len(parts) - 1)
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


READERS: dict[type, Callable[[str], Any]] = {int: int, float: float, tuple: read_tuple}


def read_part(text: str) -> Any:
    """One value of a tuple: a literal, or a name.

    Raises:
        ValueError: neither.
    """
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        if not text or any(sign in text for sign in "()[]{} '\""):
            raise ValueError(text) from None
        return text
