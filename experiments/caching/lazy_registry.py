"""A registry that imports an entry when it is asked for: a command loads what its config names and nothing else."""

from collections import UserDict
from importlib import import_module
from typing import Any


class Lazy(UserDict):
    """{name: "module:attribute"} as {name: the attribute}; names are known without an import.

    >>> Lazy({"root": "math:sqrt"})["root"](9.0)
    3.0
    """

    def __getitem__(self, name: str) -> Any:
        module, attribute = self.data[name].split(":")
        return getattr(import_module(module), attribute)
