"""What a family of pre-trained models is: one record, one file, one table of names."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import flax.linen as nn

from nn_core.pretrained.rows import Row
from nn_core.pretrained.settings import Settings

Shapes = Mapping[str, tuple[int, ...]]  # of parameters, by path


class Structure(NamedTuple):
    """A config.json as code.

    Attributes:
        module: the Linen module.
        rows: what fills its parameters, each exactly once.
        example: shape and dtype of an input.
        ignored: patterns of their tensors that nothing needs: buffers, and copies of tied weights.
        labels: names of the classes, where there are any.
        copies: (their copy of a tied tensor, their tensor): where both are stored they must be equal.
    """

    module: nn.Module
    rows: tuple[Row, ...]
    example: tuple[tuple[int, ...], Any]
    ignored: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    copies: tuple[tuple[str, str], ...] = ()


class Family(NamedTuple):
    """A family.

    Attributes:
        model_types: what config.json calls it.
        architectures: their class -> what its head does, one of nn_core.pretrained.families.KINDS.
        prefix: of the names in a model with a head; a folder may leave it out.
        read: (config.json, what the head does, names of the tensors) -> its structure.
        write: (module, shapes of its parameters) -> config.json; ValueError says why a module has no counterpart in
            this family, TypeError that it is of another kind.
        aliases: (part of a name as saved today, as saved formerly).
    """

    model_types: tuple[str, ...]
    architectures: Mapping[str, str]
    prefix: str
    read: Callable[[Settings, str, frozenset[str]], Structure]
    write: Callable[[Any, Shapes], dict[str, Any]]
    aliases: tuple[tuple[str, str], ...] = ()


def check_fields(family: str, **fields: tuple[Any, ...]) -> None:
    """Raises ValueError where a module's fields differ from what a family computes.

    Args:
        family: for the message.
        fields: name = (what the module has, what the family computes, …).
    """
    for name, (found, *choices) in fields.items():
        if found not in choices:
            raise ValueError(
                f"{family} has no counterpart of {name}={found!r} (only of {', '.join(map(repr, choices))})"
            )
