"""Looks names up in tables; the error lists the choices and the nearest spelling."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any


def nearest(name: str, choices: Iterable[str]) -> str:
    """`; did you mean …?` for a misspelt name, or the empty string if nothing is near.

    A dotted path is also compared by its last part, so `model.dmi` finds `model.dim` and `lr` finds nothing unrelated.
    """
    choices = list(choices)
    close = difflib.get_close_matches(name, choices, n=3, cutoff=0.6)
    last = name.rsplit(".", 1)[-1]
    close += [c for c in choices if c not in close and c.rsplit(".", 1)[-1] == last]
    close += [
        c for c in choices if c not in close and difflib.SequenceMatcher(None, last, c.rsplit(".", 1)[-1]).ratio() > 0.8
    ]
    return f"; did you mean {' or '.join(close[:3])}?" if close else ""


def choose(name: str, table: Mapping[str, Any], key: str) -> Any:
    """`table[name]`, or an error that lists the choices.

    Args:
        name: what the config says.
        table: the choices.
        key: its config key, for the message.
    Raises:
        ValueError: an unknown name.
    """
    if name not in table:
        raise ValueError(
            f"config.{key}={name!r} is unknown{nearest(str(name), table) or ';'} there are: {', '.join(table)}"
        )
    return table[name]
