"""What a run directory holds besides its checkpoints: config.json, status.json and metrics.jsonl.

A config has sections, numbers, strings, None and tuples, but no lists. So JSON's lists stand for tuples without loss.
"""

import importlib.metadata
import json
import math
import os
import platform
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax

from experiments.command_line.config_paths import flatten
from experiments.run_directory.earlier import completed
from experiments.run_directory.places import PLACES, absolute, moved, relative
from nn_core.files import move, whole_file

ROOT = Path(__file__).resolve().parents[2]
CONFIG, STATUS = "config.json", "status.json"
HELD = "held"  # of config.json: digests of the trained models that the runs hold as data
STARTED_IN = "started_in"  # of config.json: the folder in which the relative paths of its config begin
CELLS = "cells"  # folder of the finished parts of a study
# Every name that a run writes into its directory, or into a population's; nothing else there is ever touched. Writers
# get their paths from `entry`, so no file of a run can be forgotten when the run is put aside.
ENTRIES = (
    "groups",
    CELLS,
    "steps",
    "metrics.jsonl",
    "results.csv",
    "results.md",
    "tensorboard",
    "wandb",
    "results.npz",
    "arrays.npz",
    "images.npz",
    "table.npz",
    "data.txt",
    "samples",
    "frames",
    "jobs",
    "models",
    "figures",
    "tokenizer.json",
    "tokenizer_config.json",
    "vectors.txt",
    "ngrams.npz",
    "output.txt",
    STATUS,
    CONFIG,
)
SUPERSEDED = "superseded-"  # folders of what --config.checkpoint.resume=fresh put aside
FORMAT = 1
PACKAGES = ("nn_core", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy", "ml-collections")
# Keys that name, show, store or place, and change no number of the run (a mesh but for the order of sums).
COSMETIC = ("name", "label", "table", "figures", "checkpoint", "log", "mesh")
VALUES = ("hparams", "seed")
NUM_SEEDS = "num_seeds"  # of a training: how many members its sweep has, which are compared on their own
DIGEST = re.compile("[0-9a-f]{64}")
ABSENT = object()  # stands for the value of a key that only one of two configs has


class Changes(NamedTuple):
    """How a config differs from the one that a directory holds: {"dotted.path": (old, new)}.

    Attributes:
        structure: differences that lead to another program.
        values: differences in hparams and seed, with the same program but other numbers.
    """

    structure: dict[str, tuple[Any, Any]]
    values: dict[str, tuple[Any, Any]]


def entry(folder: Path, name: str) -> Path:
    """The path at which a run writes a file or folder of this name.

    Args:
        folder: the run directory, or the folder of a population.
        name: one of ENTRIES.
    """
    if name not in ENTRIES:
        raise KeyError(f"{name} is not among ENTRIES of {__name__}: resume=fresh would leave it to the next run")
    return folder / name


def encode(value: Any, path: str = "config") -> Any:
    """A config's value in JSON's types: sections become objects, tuples become lists.

    Raises:
        ValueError: a list, a number that is not finite, or anything else that would not read back equal.
    """
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise ValueError(f"{path} has the key {key!r}; keys must be strings")
        return {key: encode(inner, f"{path}.{key}") for key, inner in value.items()}
    if isinstance(value, tuple):
        return [encode(inner, f"{path}[{index}]") for index, inner in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{path}={value} is not a finite number")
    # Exactly these types: a subclass (such as NumPy's float64) would read back as another type.
    if value is None or type(value) in (bool, int, float, str):
        return value
    kind = type(value).__name__
    raise ValueError(f"{path} is of type {kind}; a config holds numbers, strings, None, tuples and sections")


def decode(value: Any) -> Any:
    """The inverse of `encode`."""
    if isinstance(value, dict):
        return {key: decode(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return tuple(decode(inner) for inner in value)
    return value


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Writes a file so that, even after a power cut, it is either the old or the new one."""
    with whole_file(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        json.dump(content, file, indent=1, allow_nan=False)
        file.write("\n")


def write_config(directory: Path, config: Mapping[str, Any], **about: Any) -> None:
    """Writes config.json. Paths of the runs beside a stage of a chain are kept relative, so that the chain may be moved.

    Args:
        directory: of the run.
        config: the resolved config as nested dicts.
        about: further plain config values, such as overrides and the sweep's members.
    """
    content = {"format": FORMAT, "config": encode(config), **{key: encode(value, key) for key, value in about.items()}}
    outer = outer_run(directory)
    if outer is not None:
        content = relative(content, outer)
    write_json(entry(directory, CONFIG), content | {"environment": environment()})


def read_config(directory: Path) -> dict[str, Any] | None:
    """The content of config.json ("config", "environment" and the rest), or None if there is none.

    The config of a run of an earlier version has the keys of this one.

    Raises:
        ValueError: the file cannot be read.
    """
    path = directory / CONFIG
    try:
        content = decode(json.loads(path.read_bytes()))
        if content["format"] != FORMAT or not isinstance(content["config"], dict):
            raise ValueError
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise ValueError(f"{path} is damaged or of another version; restore it or choose another --workdir") from None
    content |= {"config": completed(content["config"])}
    outer = outer_run(directory)
    return content if outer is None else absolute(content, outer)


def outer_run(directory: Path) -> Path | None:
    """The run directory that a run directory lies in, or None."""
    outer = directory.absolute().parent
    return outer if (outer / CONFIG).is_file() else None


def environment() -> dict[str, Any]:
    """The environment of the numbers: versions, commit, devices."""
    devices = jax.local_devices()
    return {
        "python": platform.python_version(),
        "versions": {name: version for name in PACKAGES if (version := installed(name)) is not None},
        "commit": commit(ROOT),
        "devices": {"platform": devices[0].platform, "kind": devices[0].device_kind, "count": len(devices)},
        "matmul_precision": jax.config.jax_default_matmul_precision,  # type: ignore[attr-defined]
    }


def installed(package: str) -> str | None:
    """The version of a package, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def commit(root: Path) -> str | None:
    """The commit of a checkout, with `-dirty` if files differ from it; None outside a checkout."""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def write_status(directory: Path, status: str, **details: Any) -> None:
    """Writes status.json: `running`, `finished`, `interrupted`, `diverged` or `failed`, with its details."""
    write_json(entry(directory, STATUS), {"status": status} | details)


def read_status(directory: Path) -> dict[str, Any]:
    """The content of status.json; {"status": "unknown"} if it is missing or unreadable (the checkpoints decide, not this)."""
    try:
        content = json.loads((directory / STATUS).read_bytes())
    except (OSError, ValueError, RecursionError):
        content = None
    return content if isinstance(content, dict) and isinstance(content.get("status"), str) else {"status": "unknown"}


def set_aside(directory: Path) -> Path | None:
    """Moves the files of a run, and nothing else, to `superseded-N` inside its directory. Returns None if there is no run."""
    held = [directory / name for name in ENTRIES if (directory / name).exists()]
    if not held:
        return None
    taken = {entry.name for entry in directory.iterdir()}
    name = next(name for n in range(1, len(taken) + 2) if (name := f"{SUPERSEDED}{n}") not in taken)
    (directory / name).mkdir()
    for entry in held:
        move(entry, directory / name / entry.name)
    return directory / name


def cut_metrics(path: Path, size: int) -> str | None:
    """Cuts the log back to its size when the checkpoint was saved, so that it equals the log of an uninterrupted run.

    Args:
        path: metrics.jsonl, which is created if it is missing.
        size: its bytes at that time; 0 for a run that starts.
    Returns:
        None, or a line for the user if rows from before the checkpoint are missing.
    """
    with path.open("ab") as file:
        have = file.seek(0, os.SEEK_END)
        file.truncate(min(size, have))
    if have < size:
        return f"{path} has lost {size - have} bytes from before the checkpoint; its curves have a gap"
    return None


def append_rows(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Appends rows to the log, one line of JSON each; NaN and infinity must already be null."""
    text = "".join(json.dumps(row, allow_nan=False) + "\n" for row in rows)
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(text)


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> Changes:
    """How a config differs from the directory's, apart from keys that change no number.

    An hparam that only one of them sets is a structural difference: it is missing from the other program.
    """
    before, after = flatten(completed(old)), flatten(completed(new))
    changes, elsewhere = Changes({}, {}), moved(before, after)
    for path in dict.fromkeys([*before, *after]):
        pair = (before.get(path, ABSENT), after.get(path, ABSENT))
        section = path.split(".")[0]
        if section in COSMETIC or same(*pair) or path == NUM_SEEDS and "train" in new or path in elsewhere:
            continue
        is_value = section in VALUES and None not in pair and ABSENT not in pair
        (changes.values if is_value else changes.structure)[path] = pair
    return changes


def same(one: Any, other: Any) -> bool:
    """Whether two values agree in value and type: 1, 1.0 and True make different programs."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return type(one) is type(other) and one == other


def refusal(directory: Path, changed: Mapping[str, tuple[Any, Any]]) -> str:
    """The line that refuses to continue a run under another config and says what to do instead."""
    listed = "; ".join(f"{path} {show(old)} -> {show(new)}" for path, (old, new) in changed.items())
    what = "other data" if PLACES.keys() & changed.keys() else "another config"
    return (
        f"{directory} holds a run with {what} ({listed}); choose another --workdir, "
        "or begin again with --config.checkpoint.resume=fresh"
    )


def show(value: Any) -> str:
    """A value for a message; a digest by its beginning."""
    if isinstance(value, str) and DIGEST.fullmatch(value):
        return f"{value[:12]}…"
    return "absent" if value is ABSENT else "unset" if value is None else repr(value)
