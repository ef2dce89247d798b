"""Options of the commands: typed and checked by name, with one-line errors, and the text of --help."""

import re
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from experiments.command_line.choices import nearest
from experiments.command_line.values import join_values, read_value, wants_help

HELP_LINE = "this text (also -h)"


class Option(NamedTuple):
    """One `--name=value`.

    Attributes:
        kind: str, int, float or bool (a bool may stand alone: `--greedy`).
        help: what it does, one line.
        default: its value if it is not given; None: not given.
        repeated: it may be given several times; its value is a tuple.
        may_be_empty: `--name=` is a value.
        may_be_list: in Python, a list of texts is a value too.
    """

    kind: type
    help: str
    default: Any = None
    repeated: bool = False
    may_be_empty: bool = False
    may_be_list: bool = False


def parse_options(
    argv: Sequence[str],
    options: Mapping[str, Option],
    positional: Sequence[str] | bool = False,
    lone: str | None = None,
) -> dict[str, Any]:
    """Reads `--name=value` and `--name value` words.

    Args:
        argv: the arguments without the program's name.
        options: the known ones. `--help` is known too; if it is there, nothing else is read.
        positional: words that may stand alone, returned under the name "positional"; True: any word may.
        lone: the option that a single word most likely means, for the message.
    Returns:
        {name: value} of every option, and "help".
    Raises:
        ValueError: a misspelt name, a value that does not convert, or an option given twice.
    """
    known = {**options, "help": Option(bool, HELP_LINE, False)}
    values: dict[str, Any] = {"help": True} if wants_help(argv) else {}
    words: list[str] = []
    for word in () if values else join_values(argv, lambda name: is_switch(name, known)):
        if not word.startswith("--"):
            words.append(check_positional(word, positional, lone))
            continue
        name, value = read_word(word, known)
        if known[name].repeated:
            values[name] = (*values.get(name, ()), value)
        elif name in values:
            raise ValueError(f"--{name} is given twice; give it once")
        else:
            values[name] = value
    given = {name: values.get(name, option.default) for name, option in known.items()}
    return given if positional is False else given | {"positional": tuple(words)}


def is_switch(name: str, options: Mapping[str, Option]) -> bool:
    """Whether `--name` or `--noname` is a bool, which stands alone."""
    option = options.get(name) or options.get(name.removeprefix("no"))
    return option is None or option.kind is bool


def check_positional(word: str, allowed: Sequence[str] | bool, lone: str | None = None) -> str:
    """A word without dashes; raises ValueError if it means nothing."""
    if word.startswith("-") and word[1:2].isalpha():
        raise ValueError(f"unexpected argument {word!r}; write -{word}")
    if allowed is True or allowed and word in allowed:
        return word
    if "=" in word:
        raise ValueError(f"unexpected argument {word!r}; write --{word}")
    if lone is not None:
        raise ValueError(f"unexpected argument {word!r}; write --{lone}={word}")
    if not allowed:
        raise ValueError(f"unexpected argument {word!r}; every argument looks like --name=value")
    raise ValueError(f"{word!r} is unknown{nearest(word, allowed) or ';'} there are: {', '.join(allowed)}")


def read_word(word: str, options: Mapping[str, Option]) -> tuple[str, Any]:
    """Name and value of one `--name=value`."""
    name, equals, text = word[2:].partition("=")
    negated = not equals and name.startswith("no") and name not in options
    if negated and name[2:] in options and options[name[2:]].kind is bool:
        return name[2:], False
    if name not in options:
        listed = ", ".join(f"--{option}" for option in options)
        raise ValueError(f"unknown option --{name}{nearest(name, options) or ';'} there are {listed}")
    kind = options[name].kind
    if not equals:
        if kind is bool:
            return name, True
        raise ValueError(f"--{name} has no value; write --{name}=VALUE")
    if not text and not options[name].may_be_empty:
        raise ValueError(f"--{name}= is empty; write --{name}=VALUE, or leave it out")
    return name, read_value(f"--{name}", text, kind)


def as_typed(error: Exception, options: Mapping[str, Option]) -> ValueError:
    """A library's error with argument names as the user types them: `top_k=0` becomes `--top_k=0`."""
    if not options:
        return ValueError(str(error))
    names = "|".join(map(re.escape, options))
    typed = re.sub(rf"(?<![\w.\-'\"])({names})=", r"--\1=", str(error))
    switches = "|".join(re.escape(name) for name, option in options.items() if option.kind is bool)
    return ValueError(re.sub(rf"--({switches})=True\b", r"--\1", typed) if switches else typed)


def usage(command: str, about: str, options: Mapping[str, Option], examples: Sequence[str] = ()) -> str:
    """The text of --help: what the command does, its options with their defaults, examples."""
    shown = {**options, "help": Option(bool, HELP_LINE, False)}
    entries = {f"--{name}{placeholder_of(option)}": help_of(option) for name, option in shown.items()}
    parts = [f"usage: {command}", "", about.strip(), "", "options:", *listing(entries)]
    if examples:
        parts += ["", "examples:", *(f"  {example}" for example in examples)]
    return "\n".join(parts)


def placeholder_of(option: Option) -> str:
    """The placeholder after a name in --help."""
    return {bool: "", int: "=N", float: "=X"}.get(option.kind, "=TEXT")


def help_of(option: Option) -> str:
    """What an option does, and its default if it has one."""
    told = option.default not in (None, (), False, "") and "default" not in option.help
    default = str(option.default).lower() if option.kind is bool else option.default
    return f"{option.help} (default: {default})" if told else option.help


def listing(entries: Mapping[str, str]) -> list[str]:
    """Names and explanations, in two columns that fit the terminal."""
    width = min(max(map(len, entries), default=0), 34)
    room = max(shutil.get_terminal_size((120, 24)).columns - width - 4, 40)
    lines = []
    for name, text in entries.items():
        first, *rest = textwrap.wrap(text, room) or [""]
        if len(name) > width:
            lines.append(f"  {name}")
            lines.append(f"  {' ' * width}  {first}".rstrip())
        else:
            lines.append(f"  {name.ljust(width)}  {first}".rstrip())
        lines += [f"  {' ' * width}  {line}" for line in rest]
    return lines
