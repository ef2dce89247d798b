"""Where things lie that a run needs, and what may move: a run directory with the stages in it, and data of one's own."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

OUTER = "{outer}/"  # begins a path that is kept relative
# Digest of data of one's own -> where they lie. (The target of a table is a column.)
PLACES = {"data.digest": ("data.path",), "task.digest": ("task.path",)}
PAIRS = ("data.source", "data.target")  # instead, where the data are two files of texts


def held_places(flat: Mapping[str, Any]) -> dict[str, str]:
    """Dotted key of each place of data of one's own -> key of the digest that a flat config holds of them."""
    known = PLACES | ({"data.digest": PAIRS} if PAIRS[0] in flat else {})
    return {place: digest for digest, places in known.items() if flat.get(digest) is not None for place in places}


def moved(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    """The dotted keys of two flat configs that say nothing of the run, since the digest beside them tells what is read.

    These are the places of data with one digest, and a digest itself where an earlier version kept none.
    """
    same = {place for place, digest in held_places(before).items() if before[digest] == after.get(digest)}
    return same | {digest for digest in PLACES if before.get(digest) is None}


def relative(value: Any, outer: Path) -> Any:
    """A config's value as it is kept: absolute paths into `outer` without it."""

    def kept(text: str) -> str:
        path = Path(text)
        inside = path.is_absolute() and path.is_relative_to(outer)
        return OUTER + path.relative_to(outer).as_posix() if inside else text

    return _change(value, kept)


def absolute(value: Any, outer: Path) -> Any:
    """The inverse of `relative`, where `outer` is now."""
    return _change(value, lambda text: str(outer / text.removeprefix(OUTER)) if text.startswith(OUTER) else text)


def _change(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _change(inner, change) for key, inner in value.items()}
    if isinstance(value, (tuple, list)):
        return type(value)(_change(inner, change) for inner in value)
    return change(value) if isinstance(value, str) else value
