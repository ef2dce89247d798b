"""A registry that imports an entry on first use, so a command loads only what its config names."""

from collections import UserDict
from importlib import import_module
from typing import Any


class Lazy(UserDict):
    """Maps names to attributes given as "module:attribute"; the names are known without an import.

    >>> Lazy({"root": "math:sqrt"})["root"](9.0)
    3.0
    """

    def __getitem__(self, name: str) -> Any:
        module, attribute = self.data[name].split(":")
        return getattr(import_module(module), attribute)
