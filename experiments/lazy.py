"""A registry that imports an entry when it is asked for: a command loads what its config names and nothing else."""

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any


class Lazy(Mapping[str, Any]):
    """{name: "module:attribute"} as {name: the attribute}; names are known without an import.

    >>> Lazy({"root": "math:sqrt"})["root"](9.0)
    3.0
    """

    def __init__(self, places: Mapping[str, str]):
        self._places = dict(places)

    def __getitem__(self, name: str) -> Any:
        module, attribute = self._places[name].split(":")
        return getattr(import_module(module), attribute)

    def __contains__(self, name: object) -> bool:
        return name in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
