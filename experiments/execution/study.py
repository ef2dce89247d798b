"""Runs a study. Its cells are kept in the run directory: the same command computes only those that are not there yet."""

import zipfile
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from ml_collections import ConfigDict

from experiments.command_line.output import say
from experiments.run_directory.files import CELLS, entry
from experiments.studies.base import Cell, Outcome, Study
from nn_core.files import whole_file

NAME = "name of the cell"  # beside a cell's arrays, so that a file is never read as another cell


def run_study(study: Study, config: ConfigDict, folder: Path) -> Outcome:
    """The outcome of a study.

    Args:
        study: what runs.
        config: its config.
        folder: the run directory.
    """
    running = study.run(config)
    if isinstance(running, Outcome):
        return running
    found, place = None, 0
    while True:
        try:
            cell = running.send(found)
        except StopIteration as end:
            return end.value
        found = kept(entry(folder, CELLS) / f"{place:03d}.npz", cell)
        place += 1


def kept(path: Path, cell: Cell) -> dict[str, Any]:
    """The arrays of a cell, from its file if that is whole, else computed and written."""
    arrays = read(path, cell.name)
    if arrays is not None:
        say(f"{cell.name}: read from {path}")
        return arrays
    arrays = jax.device_get(cell.compute())
    flat: dict[str, Any] = flatten_dict(arrays, sep="/")
    path.parent.mkdir(exist_ok=True)
    with whole_file(path) as part, part.open("wb") as file:
        np.savez(file, allow_pickle=False, **{NAME: np.array(cell.name)}, **flat)
    return arrays


def read(path: Path, name: str) -> dict[str, Any] | None:
    """The arrays of a cell's file; None where there is none, where it is damaged, or where it is of another cell."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            flat = {key: file[key] for key in file.files}
    except (OSError, EOFError, ValueError, zipfile.BadZipFile):
        return None
    return unflatten_dict(flat, sep="/") if str(flat.pop(NAME, "")) == name else None
