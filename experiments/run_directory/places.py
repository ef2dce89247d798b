"""Paths in config.json that hold wherever the folder is: those into the run directory that a run lies in, as a stage in a chain's."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

OUTER = "{outer}/"  # begins a path that is kept relative


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
