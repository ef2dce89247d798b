"""Rules by parameter path: an ordered list of (pattern, value) that must cover every parameter; the first match wins.

A pattern is a path as `dense_0/kernel`, with `*` for anything, further levels included. Two lists describe a transfer:

    load    (("dense_2/*", "new"), ("*", "load"))   what comes from the checkpoint, what is drawn anew
    train   (("dense_2/*", 1.0), ("*", 0.0))        factor of the learning rate; 0 is frozen

Source: F073-F076 (which weights are randomized, frozen, trained).
"""

import difflib
import math
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any

import jax

LOAD, NEW = "load", "new"
Rule = tuple[str, Any]
_SHOWN = 4  # paths that a message lists


def paths(params: Any) -> list[str]:
    """The path of every parameter, such as `dense_0/kernel`, in the tree's order."""
    found = jax.tree_util.tree_leaves_with_path(params)
    return [jax.tree_util.keystr(path, simple=True, separator="/") for path, _ in found]


def assign(names: Iterable[str], rules: Sequence[Rule], key: str) -> dict[str, Any]:
    """The value of every parameter.

    Args:
        names: paths of the parameters.
        rules: (pattern, value) in order.
        key: what the list is called, for messages: "transfer.train".
    Returns:
        {path: value} in the order of the names.
    Raises:
        ValueError: a parameter that no pattern covers, a pattern that matches nothing or only what an earlier one takes.
    """
    names = list(names)
    assigned: dict[str, Any] = {}
    for place, (pattern, value) in enumerate(rules):
        matching = [name for name in names if fnmatchcase(name, pattern)]
        if not matching:
            raise ValueError(f"{key}: pattern {pattern!r} matches no parameter; {_near(pattern, names)}")
        left = [name for name in matching if name not in assigned]
        if not left:
            raise ValueError(
                f"{key}: pattern {pattern!r} comes too late, {rules[place - 1][0]!r} or one before it takes all of "
                f"{_list(matching)}; put the narrower pattern first"
            )
        assigned |= dict.fromkeys(left, value)
    missing = [name for name in names if name not in assigned]
    if missing:
        near = difflib.get_close_matches(missing[0], [pattern for pattern, _ in rules], n=1, cutoff=0.4)
        hint = f" (the nearest is {near[0]!r})" if near else ""
        raise ValueError(f"{key}: no pattern covers {_list(missing)}{hint}; add one, or end the list with '*'")
    return {name: assigned[name] for name in names}


def check_load(rules: Sequence[Any], key: str = "transfer.load") -> None:
    """Raises ValueError if a list of loading rules holds anything but (pattern, "load" or "new")."""
    _check_pairs(rules, key)
    for pattern, value in rules:
        if value not in (LOAD, NEW):
            raise ValueError(f"{key}: {pattern!r} says {value!r}; use {LOAD!r} or {NEW!r}")


def check_train(rules: Sequence[Any], key: str = "transfer.train", *, all_frozen: bool = False) -> None:
    """Raises ValueError if a list of training rules holds anything but (pattern, factor >= 0), or only 0 unless that is
    allowed: beside adapters."""
    _check_pairs(rules, key)
    for pattern, value in rules:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not number or not math.isfinite(value) or value < 0:
            raise ValueError(f"{key}: {pattern!r} says {value!r}; use a factor of the learning rate >= 0 (0: frozen)")
    if not all_frozen and not any(value for _, value in rules):
        raise ValueError(f"{key} freezes everything; give a pattern a factor above 0")


def _check_pairs(rules: Sequence[Any], key: str) -> None:
    for rule in rules:
        if not isinstance(rule, tuple) or len(rule) != 2 or not isinstance(rule[0], str):
            raise ValueError(f"{key} holds {rule!r}; use pairs (pattern, value), such as ('dense_0/*', VALUE)")
    if not rules:
        raise ValueError(f"{key} is empty; it must cover every parameter, end it with a pattern '*'")


def _near(pattern: str, names: Sequence[str]) -> str:
    close = difflib.get_close_matches(pattern, names, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(close)}?" if close else f"there are {_list(names)}"


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
