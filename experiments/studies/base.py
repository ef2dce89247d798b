"""What a study is, and what all studies share: seeds, checked settings, rows of plain numbers."""

from collections.abc import Callable, Generator, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from ml_collections import ConfigDict

from experiments.run_directory.results import Row
from nn_core.optimizers import make_optimizer
from nn_core.tasks.base import Hparams
from nn_core.training.population import COMPILER_OPTIONS, root_keys


class Outcome(NamedTuple):
    """What a study found.

    Attributes:
        rows: the lines of results.csv and of the table; "label" names a line.
        arrays: named arrays for the figures, kept in arrays.npz.
        files: name of a file in the run directory -> what writes it.
    """

    rows: list[Row]
    arrays: dict[str, np.ndarray]
    files: Mapping[str, Callable[[Path], None]] = {}


class Cell(NamedTuple):
    """A part of a study that takes long. It is computed once and then read from the run directory.

    Attributes:
        name: says which part.
        compute: () -> arrays by name, in nested dicts.
    """

    name: str
    compute: Callable[[], dict[str, Any]]


# What a study of cells returns: it yields each cell, and is sent the arrays of that cell.
Cells = Generator[Cell, Any, Outcome]


class StudyError(Exception):
    """A study cannot finish; the message is one line that says what to change."""


class Study(NamedTuple):
    """An algorithm with its own loop.

    Attributes:
        run: does the work; one that takes long yields cells, which a run that was stopped need not compute again.
        settings: the keys of config.task that it reads, besides the name, each with its range (see `configs.base.Key`).
        columns: numbers that its rows hold, for config.table.
        figures: figures that draw its arrays.
        check: raises ValueError for settings that do not fit together, after the ranges have been checked.
    """

    run: Callable[[ConfigDict], Outcome | Cells]
    settings: Mapping[str, str]
    columns: tuple[str, ...]
    figures: tuple[str, ...]
    check: Callable[[ConfigDict], None] = lambda config: None


def compiled(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    """`jax.jit` for a small program that runs once and mostly compiles; these options halve its time on a CPU."""
    return jax.jit(function, compiler_options=COMPILER_OPTIONS.get(jax.default_backend()), **options)


def seeds_of(config: ConfigDict) -> range:
    """The seeds of a study: config.num_seeds of them, from config.seed on."""
    return range(config.seed, config.seed + config.num_seeds)


def keys_of(config: ConfigDict) -> Array:
    """A key for every seed."""
    return root_keys(seeds_of(config))


def make_rows(label: str, seeds: Iterable[int] | None = None, **columns: Any) -> list[Row]:
    """Rows of plain numbers, one per entry of the columns, which are arrays (S,) or a single number for all.

    Args:
        label: name of the setting in the table.
        seeds: (S,) seeds of the rows, None where there are none.
        columns: numbers.
    """
    values = {name: np.asarray(jax.device_get(column)) for name, column in columns.items()}
    shared = {} if seeds is None else {"seed": np.asarray(seeds)}
    length = max([value.size for value in (shared | values).values()], default=1)
    spread = {name: np.broadcast_to(value, length).tolist() for name, value in (shared | values).items()}
    return [{"label": label} | {name: spread[name][i] for name in spread} for i in range(length)]


def adam(hparams: Hparams) -> Any:
    """Adam at a constant rate."""
    return make_optimizer("adam", hparams, lambda step: jnp.ones(()))


def check_some(config: ConfigDict, *settings: str) -> None:
    """Raises ValueError if a tuple of config.task is empty."""
    for name in settings:
        if not config.task[name]:
            raise ValueError(f"config.task.{name}=() is empty; name at least one")


def check_whole(config: ConfigDict, *settings: str) -> None:
    """Raises ValueError if a tuple of config.task holds a number that is not whole."""
    for name in settings:
        if any(not isinstance(value, int) for value in config.task[name]):
            raise ValueError(f"config.task.{name}={config.task[name]} must hold whole numbers")
