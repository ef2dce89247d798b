"""config.json read with care: what a family needs must be there, and what it does not know must not matter."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nn_core.activations import gelu, gelu_tanh, relu, swish
from nn_core.pretrained.tensor_files import PretrainedError

# Their names of activations; "gelu" is the exact one.
ACTIVATIONS = {
    "gelu": gelu,
    "gelu_new": gelu_tanh,
    "gelu_pytorch_tanh": gelu_tanh,
    "gelu_fast": gelu_tanh,
    "relu": relu,
    "silu": swish,
    "swish": swish,
}
# Keys of every config.json that would change what is computed, wherever they hold anything.
NOWHERE = ("quantization_config", "auto_map", "adapters", "pruned_heads")


@dataclass(frozen=True)
class Settings:
    """The content of a config.json, asked key by key.

    Attributes:
        values: as read.
        where: the file, for messages.
    """

    values: Mapping[str, Any]
    where: str

    def __post_init__(self) -> None:
        for name in NOWHERE:
            if self.values.get(name):
                raise PretrainedError(
                    f"{self.where} has {name}={str(self.values[name])[:60]!r}, which is not supported; "
                    "use a plain checkpoint"
                )

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) is not None

    def count(self, *names: str, default: int | None = None) -> int:
        """A whole number >= 1, under the first of several names that is there."""
        name, value = self._find(names, default)
        if type(value) is not int or not 1 <= value < 2**31:
            raise self._wrong(name, value, "a whole number >= 1")
        return value

    def number(self, *names: str, default: float | None = None) -> float:
        """A finite number > 0."""
        name, value = self._find(names, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
            raise self._wrong(name, value, "a number > 0")
        return float(value)

    def flag(self, name: str, default: bool) -> bool:
        """True or false."""
        value = self.values.get(name, default)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self._wrong(name, value, "true or false")
        return value

    def activation(self, name: str, default: str | None = None) -> Any:
        """A function of ACTIVATIONS."""
        name, value = self._find((name,), default)
        if not isinstance(value, str) or value not in ACTIVATIONS:
            raise self._wrong(name, value, f"one of {', '.join(ACTIVATIONS)}")
        return ACTIVATIONS[value]

    def section(self, name: str) -> Mapping[str, Any]:
        """An object; {} where there is none."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, Mapping):
            raise self._wrong(name, value, "an object")
        return value or {}

    def only(self, **allowed: Any) -> None:
        """Raises PretrainedError where a key holds a value that is not computed here.

        Args:
            allowed: name = the value; a missing key or null means it too.
        """
        for name, value in allowed.items():
            found = self.values.get(name)
            if found is not None and found != value:
                raise PretrainedError(
                    f"{self.where} has {name}={found!r}, which is not supported; only {value!r} is computed"
                )

    def labels(self) -> tuple[str, ...]:
        """Names of the classes, in order."""
        named = self.section("id2label")
        count = self.count("num_labels", default=len(named) or 2)
        if not named:
            return tuple(f"LABEL_{i}" for i in range(count))
        if set(named) != {str(i) for i in range(len(named))}:
            raise self._wrong("id2label", dict(list(named.items())[:3]), "a name for each of 0, 1, 2, …")
        return tuple(str(named[str(i)]) for i in range(len(named)))

    def _find(self, names: tuple[str, ...], default: Any) -> tuple[str, Any]:
        for name in names:
            if self.values.get(name) is not None:
                return name, self.values[name]
        if default is None:
            raise PretrainedError(f"{self.where} lacks {names[0]!r}; add it, or download the file again")
        return names[0], default

    def _wrong(self, name: str, value: Any, what: str) -> PretrainedError:
        return PretrainedError(f"{self.where} has {name}={repr(value)[:60]}; it must be {what}")


def activation_name(function: Any) -> str | None:
    """Their name of an activation of ours, or None."""
    return next((name for name, known in ACTIVATIONS.items() if known is function), None)
