"""Options of the small commands (sample, figures, tokens): typed, checked by name, every mistake told in one line."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from experiments.command_line.arguments import converts
from experiments.command_line.choices import nearest


class Option(NamedTuple):
    """One `--name=value`.

    Attributes:
        kind: str, int, float or bool (a bool may stand alone: `--greedy`).
        help: what it does, one line.
        default: its value where it is not given; None: not given.
        repeated: it may be given several times; its value is a tuple.
    """

    kind: type
    help: str
    default: Any = None
    repeated: bool = False


def parse_options(
    argv: Sequence[str], options: Mapping[str, Option], positional: Sequence[str] | None = None
) -> dict[str, Any]:
    """Reads `--name=value` words.

    Args:
        argv: the arguments without the program's name.
        options: what there is; `--help` is understood besides.
        positional: words that may stand alone; they come back under the name "positional". None: there are none.
    Returns:
        {name: value} of every option, and "help".
    Raises:
        ValueError: a misspelt name, a value that does not convert, an option that is given twice.
    """
    known = {**options, "help": Option(bool, "this text", False)}
    values: dict[str, Any] = {}
    words: list[str] = []
    for word in argv:
        if not word.startswith("--"):
            words.append(check_positional(word, positional))
            continue
        name, value = read_word(word, known)
        if known[name].repeated:
            values[name] = (*values.get(name, ()), value)
        elif name in values:
            raise ValueError(f"--{name} is given twice; give it once")
        else:
            values[name] = value
    given = {name: values.get(name, option.default) for name, option in known.items()}
    return given if positional is None else given | {"positional": tuple(words)}


def check_positional(word: str, allowed: Sequence[str] | None) -> str:
    """A word without dashes, or a ValueError where it means nothing."""
    if allowed is not None and word in allowed:
        return word
    if "=" in word:
        raise ValueError(f"unexpected argument {word!r}; write --{word}")
    if allowed is None:
        raise ValueError(f"unexpected argument {word!r}; every argument looks like --name=value")
    raise ValueError(f"{word!r} is unknown{nearest(word, allowed)}; there are: {', '.join(allowed)}")


def read_word(word: str, options: Mapping[str, Option]) -> tuple[str, Any]:
    """Name and value of one `--name=value`."""
    name, equals, text = word[2:].partition("=")
    negated = not equals and name.startswith("no") and name not in options
    if negated and name[2:] in options and options[name[2:]].kind is bool:
        return name[2:], False
    if name not in options:
        listed = ", ".join(f"--{option}" for option in options)
        raise ValueError(f"unknown option --{name}{nearest(name, options)}; there are {listed}")
    kind = options[name].kind
    if not equals:
        if kind is bool:
            return name, True
        raise ValueError(f"--{name} has no value; write --{name}=VALUE")
    if not converts(text, kind):
        raise ValueError(f"--{name}={text} is not {'an' if kind is int else 'a'} {kind.__name__}")
    return name, text.lower() in ("true", "1", "yes", "t", "y") if kind is bool else kind(text)


def usage(command: str, about: str, options: Mapping[str, Option]) -> str:
    """The text of --help."""
    width = max(map(len, options))
    lines = [f"  --{name.ljust(width)}  {option.help}" for name, option in options.items()]
    return "\n".join([f"usage: {command}", "", about, "", *lines])
