"""Dotted paths into a config: listing them, checking a misspelt one, and setting values."""

import copy
from collections.abc import Mapping
from typing import Any

from ml_collections import ConfigDict, FieldReference

from experiments.command_line.choices import nearest


def flatten(config: ConfigDict | Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """{"dotted.path": value} of every value (sections themselves are not listed).

    Args:
        config: nested sections.
        prefix: path of `config` itself.
    Returns:
        The values in the order of the config.
    """
    flat: dict[str, Any] = {}
    for key in config:
        path = f"{prefix}.{key}" if prefix else str(key)
        value = config[key]
        if isinstance(value, (ConfigDict, Mapping)):
            flat |= flatten(value, path)
        else:
            flat[path] = value
    return flat


def check_path(config: ConfigDict, path: str) -> None:
    """Raises ValueError if the config has no value at this path."""
    flat = flatten(config)
    if path in flat:
        return
    if any(known.startswith(path + ".") for known in flat):
        keys = ", ".join(known for known in flat if known.startswith(path + "."))
        raise ValueError(f"config.{path} is a section, not a value; its keys are {keys}")
    raise ValueError(f"unknown config key config.{path}{nearest(path, flat)}")


def section_of(config: ConfigDict, path: str) -> tuple[ConfigDict, str]:
    """The section that holds a value, and the value's own name."""
    *sections, key = path.split(".")
    for name in sections:
        config = config[name]
    return config, key


def type_of(config: ConfigDict, path: str) -> type:
    """The type of a value, even if it is unset."""
    section, key = section_of(config, path)
    return section.get_type(key)


def is_optional(config: ConfigDict, path: str) -> bool:
    """Whether a value may be None: it was declared by `placeholder`."""
    section, key = section_of(config, path)
    return isinstance(dict(section.items(preserve_field_references=True))[key], FieldReference)


def apply(config: ConfigDict, overrides: Mapping[str, Any]) -> ConfigDict:
    """A copy of the config with some values replaced.

    Args:
        config: what to start from; it is not changed.
        overrides: {"dotted.path": value}; None unsets an optional value.
    Returns:
        The new config.
    Raises:
        ValueError: an unknown path, or a value of another type.
    """
    changed = copy.deepcopy(config)
    known = flatten(config)
    for path, value in overrides.items():
        if path not in known:
            check_path(config, path)
        section, key = section_of(changed, path)
        if isinstance(value, int) and not isinstance(value, bool) and section.get_type(key) is float:
            value = float(value)
        try:
            section[key] = value
        except TypeError as error:
            kind = section.get_type(key).__name__
            raise ValueError(f"config.{path}={value!r} is not of type {kind}") from error
    return changed
