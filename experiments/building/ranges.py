"""Checks a config's values before anything is built; one message names all that are out of range."""

import contextlib
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ml_collections import ConfigDict

from configs import base
from experiments.building.records import Registry
from experiments.command_line.config_paths import flatten
from experiments.run_directory.earlier import data_keys

NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,126}[A-Za-z0-9_-])?")
LEAST, MOST = 1.5e-45, 3.4e38  # sizes of float32, which numbers of the compiled program are
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # no names of folders on Windows


def check_name(name: str) -> None:
    """Raises ValueError if a run's name cannot be a folder's name, or would lead out of its folder."""
    if not NAME.fullmatch(name):
        raise ValueError(
            f"config.name={name!r} must be 1 to 128 letters, digits, '.', '_' or '-', a letter or digit first, no '.' last"
        )
    if DEVICES.fullmatch(name):
        raise ValueError(f"config.name={name!r} is the name of a device on Windows; choose another")


def keys_of(config: ConfigDict, registry: Registry) -> dict[str, base.Key]:
    """Dotted path -> key, of every key that a config may have.

    Args:
        config: of a training run; if the registry does not know its model or task, these have no keys.
        registry: models and tasks by name.
    """
    sections = dict(base.SECTIONS)
    if config.task.name in registry.tasks:
        sections["task"] = registry.tasks[config.task.name].keys
    if "model" in config and config.model.name in registry.models:
        # A section may also hold keys of other models, to which the members of a sweep switch.
        others = {name: key for model in registry.models.values() for name, key in model.keys.items()}
        own = registry.models[config.model.name].keys
        sections["model"] = {name: others[name] for name in config.model if name in others} | dict(own)
    if "data" in config:
        sections["data"] = data_keys(config.data)
    return {
        f"{section}.{name}" if section else name: key
        for section, keys in sections.items()
        for name, key in keys.items()
    }


def ranges_of(config: ConfigDict, registry: Registry) -> dict[str, str]:
    """Dotted path -> range, of every key that has one; arguments as in `keys_of`."""
    ranges = {path: key.range for path, key in keys_of(config, registry).items() if key.range}
    kind = registry.tasks.get(config.task.name)
    return ranges | dict(kind.ranges(config)) if kind is not None else ranges


def check_keys(config: ConfigDict, section: str, keys: Mapping[str, base.Key]) -> None:
    """Raises ValueError if a section lacks a key, which happens when only its name is changed."""
    missing = [name for name in keys if name not in config[section]]
    if missing:
        raise ValueError(
            f"config.{section}.name={config[section].name!r} does not go with this config, whose {section} lacks "
            f"{', '.join(missing)}; start from a config that has them"
        )


def check_ranges(config: ConfigDict, ranges: Mapping[str, str]) -> None:
    """Raises ValueError naming every value that is out of its range or not finite.

    Args:
        config: the config.
        ranges: dotted path -> range; paths that the config lacks are not checked.
    """
    problems = []
    for path, value in flatten(config).items():
        interval = ranges.get(path, "")
        if is_number(value):
            if interval and not inside(value, interval):
                problems.append(f"config.{path}={value} is outside {interval}")
            elif not math.isfinite(value):
                problems.append(f"config.{path}={value} is not a finite number")
            elif path.startswith("hparams.") and value != 0 and not LEAST <= abs(value) <= MOST:
                problems.append(f"config.{path}={value} becomes {'0' if abs(value) < 1 else 'infinite'} as a float32")
        elif interval and isinstance(value, tuple):
            problems += check_tuple(path, value, interval)
    if problems:
        raise ValueError("; ".join(problems))


@contextlib.contextmanager
def naming_options(section: ConfigDict) -> Iterator[None]:
    """Gives the options of config.data, which an error of the data tells by their names, their keys."""
    try:
        yield
    except ValueError as error:
        names = "|".join(map(re.escape, section.options)) or r"(?!)"
        raise ValueError(re.sub(rf"(?<![\w.])({names})=", r"config.data.options.\1=", str(error))) from None


def inside(value: float, interval: str) -> bool:
    """Whether a number lies in an interval such as "[0, 1)".

    >>> inside(0, "[0, 1)"), inside(1, "[0, 1)"), inside(float("nan"), "[0, inf)")
    (True, False, False)
    """
    low, high = (float(end) for end in interval[1:-1].split(","))
    above = value >= low if interval[0] == "[" else value > low
    below = value <= high if interval[-1] == "]" else value < high
    return above and below


def check_batch(size: int, count: int, what: str, key: str = "data.batch_size") -> None:
    """Raises ValueError where a batch is larger than what there is to train on.

    Args:
        size: of a batch.
        count: what there is.
        what: of what, for the message.
        key: of the config that says the size.
    """
    if size > count:
        fix = f"give --config.{key}={count} or less" if count else "give more to train on"
        raise ValueError(f"config.{key}={size} is more than the {count} {what} of the training part; {fix}")


def is_number(value: Any) -> bool:
    """Whether a value is an int or a float; True and False are neither."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def check_tuple(path: str, value: tuple, interval: str) -> list[str]:
    """Problems of a tuple of numbers."""
    if interval == base.SIZES:
        right = all(isinstance(size, int) and not isinstance(size, bool) and size >= 1 for size in value)
        return [] if right else [f"config.{path}={value} must hold {base.SIZES}"]
    if value and all(is_number(number) and inside(number, interval) for number in value):
        return []
    return [f"config.{path}={value} must hold numbers in {interval}, at least one"]
